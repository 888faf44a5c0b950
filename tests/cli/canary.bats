# SPDX-License-Identifier: Apache-2.0
# The agent sees whether connections pass its hooks, says who is in the way, and attaches again what
# was taken away; and hooks whose agent is gone step aside.

load lib

setup()
{
	lab_setup
	manifests=$BATS_TEST_TMPDIR/manifests
	{ service gateway 10.96.0.1; slice gateway 10.1.0.1 10.1.0.2; } >"$manifests/a.yaml"
	log=$BATS_TEST_TMPDIR/agent.log
}

teardown()
{
	lab_teardown
}

lab()
{
	run --separate-stderr lab_gwbpf "$@"
}

status_is()
{
	lab status -o json
	json "$1"
}

services_are()
{
	lab services -o json
	json "$1"
}

start_agent_anyhow()
{
	start "$root/build/gwbpf" agent --cgroup "$cgroup" --node-name n1 --manifests "$manifests" \
		"$@" 2>"$log"
	agent=$started
	becomes grep -q "hooks are attached, ready" "$log"
}

# How often each way out of the hooks was taken.
reason()
{
	lab_gwbpf status -o json | jq ".reasons[\"$1\"]"
}

@test "a link that is detached, and one whose pin is removed, are attached again" {
	listen 10.1.0.{1,2}:7051
	start_agent
	dial 10.96.0.1:7051 4
	# It must not look between the two, nor before their absence is seen.
	kill -STOP "$agent"
	inside bpftool link detach pinned "$GWBPF_PIN_DIR/links/gw_sockops"
	inside rm "$GWBPF_PIN_DIR/links/gw_connect4"
	status_is '[.hooks[] | select(.attached | not) | .name] == ["sockops", "connect4"]'
	[ "$status" -eq 1 ]
	json '.problems | any(test("not attached: sockops, connect4: the agent attaches them within"))'
	# Nobody sees these end.
	stop "$dialer"
	kill -CONT "$agent"
	becomes grep -q "the hooks are attached again" "$log"
	becomes agent_is_ready
	contains "$(<"$log")" "taken away by somebody else: sockops, connect4: attaching them again"
	dial 10.96.0.1:7051 2
	lab services -o json
	json '.items[0].attemptsTotal == 6'
}

@test "whether connections pass the hooks is not known until a canary has come back" {
	# It enters the cgroup, and waits there.
	echo 1 >"$cgroup/cgroup.freeze"
	setpriv --pdeathsig KILL nsenter -t "$holder" --mount --net -- "$root/build/gwbpf" agent \
		--cgroup "$cgroup" --node-name n1 --manifests "$manifests" 2>"$log" 3>&- &
	agent=$!
	lab_pids+=("$agent")
	becomes grep -q "hooks are attached, ready" "$log"
	status_is '.healthy and (.hooks | length == 6 and all(.attached and .live == null))'
	[ "$status" -eq 0 ]
	echo 0 >"$cgroup/cgroup.freeze"
	becomes agent_is_ready
}

@test "a program that runs first and rewrites everything is named" {
	stranger cgroup/connect4 thief "ctx->user_ip4 = __builtin_bswap32(0x0a010002);"
	attach "$cgroup" connect4 multi
	start_agent_anyhow
	becomes grep -q "no connection passes getpeername4, connect4, though they are attached" "$log"
	status_is '.healthy == false'
	[ "$status" -eq 1 ]
	json '.problems | length == 1 and (.[0] | test("no connection was seen to pass .*connect4.*") and
		test("program .thief. .id [0-9]+. of somebody else at connect4 is in the way"))'
	json '[.hooks[] | select(.live == false) | .name] == ["getpeername4", "connect4"]'
	contains "$(<"$log")" "hook connect4: program 'thief'"
	run inside "$root/build/gwbpf" status --color always
	contains "$output" $'\e[31mdead'
	detach_stranger "$cgroup" connect4
	becomes agent_is_ready
	becomes grep -q "every hook is live" "$log"
}

@test "a program that takes one Service's address is named, and the Service" {
	{ service other 10.96.0.2; slice other 10.1.0.1; } >"$manifests/b.yaml"
	stranger cgroup/connect4 taker "if (ctx->user_ip4 == __builtin_bswap32(0x0a600001))
		ctx->user_ip4 = __builtin_bswap32(0x0a010003);"
	attach "$cgroup" connect4 multi
	listen 10.1.0.{1,2,3}:7051
	start_agent --listen 127.0.0.1:9466
	becomes status_is '.problems | length == 1 and (.[0] | test(
		"connects to 10.96.0.1:7051 of service .fabric/gateway. do not come to gwbpf: program .taker. .id [0-9]+. of somebody else at connect4 is in the way: runs before"))'
	[ "$status" -eq 1 ]
	json '.hooks | all(.live)'
	run inside curl -s "http://127.0.0.1:9466/readyz?verbose"
	contains "$output" "connects to 10.96.0.1:7051 of service 'fabric/gateway' do not come"
	# Nothing of it has come to anybody, and nothing is counted.
	[ -z "$(inside ss -Htna "dst 10.1.0.3" "or" "src 10.1.0.3:7051" state established)" ]
	services_are '.items | all(.attemptsTotal == 0)'
	detach_stranger "$cgroup" connect4
	becomes status_is '.problems == []'
	becomes grep -q "connects to the address of every Service come to the hooks" "$log"
}

@test "a program that refuses connects is named, also one that runs after ours" {
	start_agent
	stranger cgroup/connect4 bouncer "return 0;"
	attach "$cgroup" connect4 multi
	# Somebody new is seen at once, though not yet what he does.
	becomes grep -q "hook connect4: program 'bouncer'" "$log"
	becomes grep -q "ended with 'Operation not permitted'" "$log"
	becomes status_is '.problems | any(test("bouncer.*at connect4 is in the way"))'
	json '.hooks[] | select(.name == "sockops") | .live == true'
	detach_stranger "$cgroup" connect4
	becomes agent_is_ready
}

@test "an agent that is stopped: hooks step aside after --stale-after, and come back" {
	# Who is at the Service's own address when nobody rewrites it: kube-proxy, so to speak.
	inside ip address add 10.96.0.1/32 dev lo
	listen 10.1.0.{1,2}:7051 10.96.0.1:7051
	start_agent --stale-after 5s
	dial 10.96.0.1:7051 2
	old_dialer=$dialer
	kill -STOP "$agent"
	becomes services_are '.items[0].state == "stepped-aside"'
	lab status -o json
	[ "$status" -eq 1 ]
	json '.problems | any(test("stale-after.*"))'
	dial 10.96.0.1:7051 3
	[ "$(reason stepped-aside)" -eq 3 ]
	services_are '.items[0].attemptsTotal == 2'
	# What is open goes on, shows the Service, and is counted to its end.
	lab connections -o json
	json '.items | length == 2 and all(.serviceAddress == "10.96.0.1")'
	kill -USR1 "$old_dialer"
	becomes test -s "$READY"
	stop "$old_dialer"
	becomes services_are '.items[0] | .active == 0 and .closedTotal == 2'
	rm "$READY"
	kill -CONT "$agent"
	becomes services_are '.items[0].state == "ready"'
	becomes agent_is_ready
	dial 10.96.0.1:7051 1
	services_are '.items[0].attemptsTotal == 3'
	[ "$(reason stepped-aside)" -eq 3 ]
}

@test "an agent that is killed: the same, until another one starts; without --stale-after never" {
	inside ip address add 10.96.0.1/32 dev lo
	listen 10.1.0.{1,2}:7051 10.96.0.1:7051
	start_agent --stale-after 2s
	kill_agent
	becomes services_are '.items[0].state == "stepped-aside"'
	dial 10.96.0.1:7051 1
	[ "$(reason stepped-aside)" -eq 1 ]
	start_agent
	kill_agent
	becomes status_is '.agent.running == false'
	services_are '.items[0].state == "ready"'
	dial 10.96.0.1:7051 2
	services_are '.items[0].attemptsTotal == 2'
	[ "$(reason stepped-aside)" -eq 1 ]
}

@test "an agent that was away too long leaves all to kube-proxy until it has read it again" {
	inside ip address add 10.96.0.1/32 dev lo
	listen 10.1.0.{1,2}:7051 10.96.0.1:7051
	start_agent --stale-after 2s
	kill_agent
	becomes services_are '.items[0].state == "stepped-aside"'
	start_agent_of_cluster # which cannot be reached
	services_are '.items[0].state == "stepped-aside"'
	status_is '.agent.running and .agent.synced == false and
		(.problems | any(test("until this one has read them")))'
	dial 10.96.0.1:7051 1
	[ "$(reason stepped-aside)" -eq 1 ]
	# Nor does the next one, that comes before its heartbeat is old.
	kill_agent
	start_agent_of_cluster
	services_are '.items[0].state == "stepped-aside"'
	kill_agent
	start_agent --stale-after 2s
	becomes services_are '.items[0].state == "ready"'
}

@test "suspend and resume need no agent: all Services, and one of them" {
	{ service other 10.96.0.2; slice other 10.1.0.1; } >"$manifests/b.yaml"
	inside ip address add 10.96.0.1/32 dev lo
	inside ip address add 10.96.0.2/32 dev lo
	listen 10.1.0.{1,2}:7051 10.96.0.1:7051 10.96.0.2:7051
	start_agent
	kill_agent
	lab suspend gateway
	[ "$status" -eq 0 ]
	services_are '[.items[] | .state] == ["suspended", "ready"]'
	dial 10.96.0.1:7051 1
	dial 10.96.0.2:7051 1
	services_are '[.items[] | .attemptsTotal] == [0, 1]'
	[ "$(reason suspended)" -eq 1 ]
	lab suspend
	services_are '[.items[] | .state] == ["suspended", "suspended"]'
	status_is '.warnings | any(test("all Services are left to kube-proxy.*gwbpf resume"))'
	dial 10.96.0.2:7051 1
	services_are '[.items[] | .attemptsTotal] == [0, 1]'
	# To resume one of them would change nothing.
	lab resume gateway
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	contains "$stderr" "cannot resume gateway: all Services are suspended: 'gwbpf resume' without a name"
	services_are '[.items[] | .state] == ["suspended", "suspended"]'
	lab resume
	services_are '[.items[] | .state] == ["ready", "ready"]'
	dial 10.96.0.1:7051 1
	dial 10.96.0.2:7051 1
	services_are '[.items[] | .attemptsTotal] == [1, 2]'
	[ "$(reason suspended)" -eq 2 ]
	# A new agent leaves alone what was suspended by hand.
	lab suspend gateway
	start_agent
	services_are '[.items[] | .state] == ["suspended", "ready"]'
}

# In a process namespace of its own, whose first process is in the lab's network namespace: so that
# is the node's.
on_the_node()
{
	run --separate-stderr inside unshare --pid --fork --mount-proc sh -c '"$@"; exit $?' sh \
		"$root/build/gwbpf" "$@"
}

@test "suspend says so where nobody else serves the Service" {
	start_agent
	on_the_node suspend gateway
	[ "$status" -eq 0 ]
	contains "$output" "kube-proxy has no rules for Services on this node"
	contains "$output" "its clients cannot connect: 'gwbpf resume'"
	on_the_node suspend -n fabric -o json
	json '.service == null and (.message | test("kube-proxy has no rules"))'
	# Where the rules of the node are out of sight, that is said.
	run --separate-stderr inside setpriv --bounding-set -sys_ptrace --inh-caps -sys_ptrace \
		"$root/build/gwbpf" suspend gateway
	contains "$output" "whether kube-proxy serves it cannot be seen from here"
	inside nft -f - <<-END
	table ip kube-proxy {
		chain service-ABC-fabric/gateway/tcp/grpc {
		}
	}
	END
	on_the_node suspend gateway -o json
	json '.message == null'
	on_the_node resume -n fabric -o json
	json '.message == null and .suspended == false'
	services_are '.items[0].state == "ready"'
}

@test "counts that are wrong when an agent starts are corrected, with the numbers in its log" {
	listen 10.1.0.{1,2}:7051
	start_agent
	dial 10.96.0.1:7051 4
	kill_agent
	for id in 0 1; do
		inside bpftool map update pinned "$GWBPF_PIN_DIR/maps/gw_loads" key "$id" 0 0 0 \
			value 0 0 0 0 0 0 0 0
	done
	services_are '.items[0].active == 0'
	start_agent
	becomes services_are '.items[0].active == 4'
	becomes grep -q "0 connections were counted that are no more, 4 were not counted" "$log"
}
