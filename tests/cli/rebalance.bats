# SPDX-License-Identifier: Apache-2.0
# Connections that move: clients that call and check the answers, while backends come, leave and are
# drained.

load lib
load moving

setup()
{
	lab_setup
	# shellcheck disable=SC2034 # moving.bash writes there
	manifests=$BATS_TEST_TMPDIR/manifests
}

teardown()
{
	# What was seen, if the test fails.
	lab_gwbpf backends
	cat "$BATS_TEST_TMPDIR"/client-? "$BATS_TEST_TMPDIR/agent.log"
	lab_teardown
}

@test "a backend that comes gets its part of the connections, and no call fails" {
	serve 'gwbpf.io/rebalance: 1s' 10.1.0.1 10.1.0.2
	start_agent
	listen 10.1.0.{1,2,3}:7051
	# Both are longer than a machine that has much to do lets an answer wait.
	clients 12 2.5
	spread_is 6 6
	serve 'gwbpf.io/rebalance: 1s' 10.1.0.1 10.1.0.2 10.1.0.3
	becomes spread_is 4 4 4
	[ "$(failed_calls)" -eq 0 ]
	[ "$(moves)" -ge 4 ]
	[ "$(moves)" -le 6 ]
	# Nothing moves once they are even.
	before=$(moves)
	sleep 10
	[ "$(moves)" -eq "$before" ]
	spread_is 4 4 4
	[ "$(failed_calls)" -eq 0 ]
}

# children_in SECONDS: how many children of the agent have ended, by the page faults that they leave it.
children_in()
{
	local end=$((SECONDS + $1))
	while [ "$SECONDS" -lt "$end" ]; do
		cut -d ' ' -f 11 "/proc/$agent/stat"
		sleep 0.1
	done | uniq | sed 1d | wc -l
}

lacks_warning()
{
	! warning_is "$1"
}

all_are_at()
{
	lab_gwbpf backends -o json | jq -e --arg address "$1" \
		'[.items[] | select(.active > 0) | [.address, .active]] == [[$address, 10]]'
}

# The agent decides at multiples of a second. Ten clients that call every two seconds, 0.2 s after one
# another, are quiet at every point of that time, each again and again at the same one.
@test "applications that call at the agent's own interval do not stay for ever" {
	serve 'gwbpf.io/rebalance: 1s' 10.1.0.1
	start_agent
	listen 10.1.0.{1,2}:7051
	for i in {0..9}; do
		client "$i" 2 1
		sleep 0.1
	done
	serve 'gwbpf.io/rebalance: 1s' 10.1.0.2
	ends_in 150 all_are_at 10.1.0.2
}

@test "a connection that is never quiet is left where it is" {
	serve 'gwbpf.io/rebalance: 2s' 10.1.0.1
	start_agent
	listen 10.1.0.{1,2}:7051
	clients 4 0.3
	serve 'gwbpf.io/rebalance: 2s' 10.1.0.1 10.1.0.2
	[ "$(children_in 12)" -ge 4 ] # it is looked at, every two seconds
	spread_is 4 0
	[ "$(moves)" -eq 0 ]
	[ "$(failed_calls)" -eq 0 ]
	# Whoever asked for balance is told, once that has lasted for a minute.
	run warning_is "service 'fabric/gateway' stay uneven"
	[ "$status" -ne 0 ]
	ends_in 120 warning_is "service 'fabric/gateway' stay uneven"
	serve '' 10.1.0.1 10.1.0.2
	becomes lacks_warning "stay uneven"
}

@test "without the annotation nothing moves, and nothing is looked at" {
	serve '' 10.1.0.1
	start_agent
	listen 10.1.0.{1,2}:7051
	clients 4 0.5
	serve '' 10.1.0.1 10.1.0.2
	[ "$(children_in 6)" -le 2 ] # of the canary
	spread_is 4 0
}

# is_logged COUNT: of the moves.
is_logged()
{
	[ "$(grep -c 'of pod 0f3a9c1e-5b7d-4e2f-8a6b-1c2d3e4f5a6b from' "$BATS_TEST_TMPDIR/agent.log")" -eq "$1" ]
}

@test "a drain empties a backend, at its deadline also of what is not quiet" {
	local pod=$cgroup/kubepods-pod0f3a9c1e_5b7d_4e2f_8a6b_1c2d3e4f5a6b.slice
	mkdir "$pod"
	serve 'gwbpf.io/drain-deadline: 8s' 10.1.0.1 10.1.0.2
	start_agent
	listen 10.1.0.{1,2}:7051
	cgroup=$pod clients 6 0.05
	spread_is 3 3
	serve 'gwbpf.io/drain-deadline: 8s' 10.1.0.1
	sleep 4
	spread_is 3 3
	becomes spread_is 6 0
	becomes is_logged 3
	xargs kill <"$pod/cgroup.procs"
	becomes rmdir "$pod"
}
