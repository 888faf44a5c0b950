# SPDX-License-Identifier: Apache-2.0
# A peer that hangs under real client libraries: its process is stopped, and its kernel goes on
# accepting. Without a check such clients wait for a minute, and new ones follow them.

load ../cli/lib
load clients

# A peer that has to wait for this machine's CPUs for as long, twice in a row, would be down, too.
FALL=2 INTER=5 TIMEOUT=5

setup()
{
	lab_setup
	# shellcheck disable=SC2034 # serve() writes there
	manifests=$BATS_TEST_TMPDIR/manifests
	clients=$("$root/tests/clients/build.sh" --find)
	certificate=$BATS_TEST_TMPDIR/peer
	"$clients/clients" certificate "$certificate" org1-peer-gateway-svc
	# Checks dial no address of this node: the peers are beyond a cable.
	start unshare --net sleep infinity
	pods=$started
	becomes is_apart
	inside ip link add node type veth peer name pod netns "$pods"
	inside ip address add 10.2.0.254/24 dev node
	inside ip link set node up
	in_pods ip link set pod up
	for i in 1 2 3; do
		in_pods ip address add 10.2.0.$i/24 dev pod
		start nsenter -t "$pods" --net -- "$clients/clients" peer "$certificate" 10.2.0.$i:7051 \
			2>"$BATS_TEST_TMPDIR/peer-$i.log"
		peer[i]=$started
		becomes listens 10.2.0.$i
	done
}

is_apart()
{
	[ "$(readlink "/proc/$pods/ns/net")" != "$(readlink "/proc/$holder/ns/net")" ] &&
		[ "$(cat "/proc/$pods/comm")" = sleep ]
}

in_pods()
{
	nsenter -t "$pods" --net -- "$@"
}

listens()
{
	in_pods ss -Hltn "src $1:7051" | grep -q .
}

# is_in STATE
is_in()
{
	lab_gwbpf backends -o json |
		jq -e --arg s "$1" '.items[] | select(.address == "10.2.0.2") | .state == $s'
}

attempts()
{
	lab_gwbpf backends -o json |
		jq '.items[] | select(.address == "10.2.0.2") | .attemptsTotal'
}

calls()
{
	jq -r '"\(input_filename) \(.calls - .failed)"' "$BATS_TEST_TMPDIR"/*-*.json | sort
}

# Each client has had an answer since this was its number.
all_work()
{
	! join <(echo "$before") <(calls) | awk '$3 <= $2 { print; bad = 1 } END { exit !bad }'
}

@test "a peer that is stopped gets no new client, and all of its clients work again" {
	serve "gwbpf.io/check: 'tls,inter=${INTER}s,fall=$FALL,timeout=${TIMEOUT}s', gwbpf.io/on-down: move" \
		10.2.0.{1,2,3}
	start_agent
	start_clients 3 500
	ends_in 20 spread_is 4 4 4
	ends_in 20 is_in usable
	before=$(calls)
	kill -STOP "${peer[2]}"
	start=$EPOCHREALTIME
	ends_in 60 is_in down
	down=$EPOCHREALTIME
	attempts=$(attempts)
	go_client late evaluate 500
	node_client late evaluate 500
	ends_in 60 is_empty 10.2.0.2
	empty=$EPOCHREALTIME
	before=$(calls)
	ends_in 60 all_work
	work=$EPOCHREALTIME
	[ "$(attempts)" -eq "$attempts" ]
	ends_in 20 spread_is 7 7 0
	printf 'down after %.1f s, empty after %.1f s, all had another answer after %.1f s\n' \
		"$(jq -n "$down - $start")" "$(jq -n "$empty - $start")" "$(jq -n "$work - $start")" >&3
	# No more calls fail than were under way, and no later one.
	failed=$(tally .failed)
	kill -CONT "${peer[2]}"
	ends_in 60 is_in usable
	[ "$(tally .failed)" -eq "$failed" ]
	# A handshake that is whole is no error for a server.
	[ ! -s "$BATS_TEST_TMPDIR/peer-1.log" ]
}
