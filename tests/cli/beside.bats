# SPDX-License-Identifier: Apache-2.0
# Beside a socket balancer at the root of the cgroups, such as Cilium: the agent attaches at the
# pods' cgroup, whose programs run first. A cgroup namespace makes the lab's cgroup the root.

load lib

setup()
{
	lab_setup
	manifests=$BATS_TEST_TMPDIR/manifests
	log=$BATS_TEST_TMPDIR/agent.log
	{ service gateway 10.96.0.1; slice gateway 10.1.0.1 10.1.0.2; } >"$manifests/a.yaml"
	pods=$cgroup/kubepods.slice
	mkdir "$pods" "$pods/pod1" "$cgroup/host"
}

teardown()
{
	[ -n "${cgroup-}" ] || return 0
	kill -KILL "${lab_pids[@]}" 2>/dev/null
	wait "${lab_pids[@]}" 2>/dev/null || true
	becomes remove_canary
	becomes rmdir "$pods/pod1"
	becomes rmdir "$pods"
	becomes rmdir "$cgroup/host"
	lab_teardown
}

# The cgroup of a canary that was flying.
remove_canary()
{
	[ ! -e "$pods/gwbpf-canary" ] || rmdir "$pods/gwbpf-canary"
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

# What Cilium's program does: it sends the Service's address to a pod that it chooses.
balancer()
{
	stranger "cgroup/$1" "$2" "if (ctx->user_ip4 == __builtin_bswap32(0x0a600001))
		ctx->user_ip4 = __builtin_bswap32(0x0a010003);"
}

# hand_down SIGN: with + controllers reach the pods, as the kubelet has it, and so neither the root nor
# the pods' cgroup holds a process itself; - takes that back.
hand_down()
{
	local controller
	read -r controller <"$cgroup/cgroup.controllers" || return 0
	controller=${controller%% *}
	[ "$1" = - ] || echo "+$controller" >"$cgroup/cgroup.subtree_control"
	[ ! -e "$pods/cgroup.controllers" ] || grep -q . "$pods/cgroup.controllers" || return 0
	echo "$1$controller" >"$pods/cgroup.subtree_control"
	[ "$1" = + ] || echo "-$controller" >"$cgroup/cgroup.subtree_control"
}

# start_as_root COMMAND...: it sees no cgroup but the lab's and those below, and is in that of the host.
start_as_root()
{
	hand_down -
	bash -c 'echo $$ >"$0"/cgroup.procs && exec "$@"' "$cgroup" \
		setpriv --pdeathsig KILL nsenter -t "$holder" --mount --net -- \
		unshare --cgroup --mount bash -c '
			while read -r _ where type _; do
				[ "$type" != cgroup2 ] || umount "$where" || exit
			done </proc/self/mounts
			mkdir -p "$0" && mount -t cgroup2 none "$0" &&
			echo $$ >"$0"/host/cgroup.procs && exec "$@"' \
		"$BATS_TEST_TMPDIR/cgroup2" "$@" 3>&- &
	started=$!
	lab_pids+=("$started")
	becomes grep -qx "$started" "$cgroup/host/cgroup.procs"
	hand_down +
}

start_agent_as_root()
{
	start_as_root "$root/build/gwbpf" agent --node-name n1 --manifests "$manifests" \
		--control "$control" "$@" 2>>"$log"
	agent=$started
	becomes agent_is_ready || {
		cat "$log" >&2
		return 1
	}
}

hooks_are_at()
{
	[ "$(lab_gwbpf status -o json | jq -r .cgroup.id)" = "$(stat -c %i "$1")" ]
}

dial_from()
{
	cgroup=$1 dial 10.96.0.1:7051 "$2"
}

@test "nobody else is there: the hooks are at the root, though there is a pods' cgroup" {
	start_agent_as_root
	hooks_are_at "$cgroup"
	status_is '.warnings == []'
}

@test "Cilium at the root: the hooks are at the pods' cgroup, and what that costs is said" {
	balancer connect4 cil_sock4_connect
	attach "$cgroup" connect4 multi
	cgroup=$cgroup/host listen 10.1.0.{1,2,3}:7051
	start_agent_as_root
	hooks_are_at "$pods"
	lab status -o json
	[ "$status" -eq 0 ]
	json '.healthy and (.hooks | all(.live)) and (.warnings | any(test(
		"pods. cgroup .kubepods.slice., as program .cil_sock4_conne. .id [0-9]+. of Cilium at the root.*processes outside of pods are not balanced.*--cgroup")))'
	dial_from "$pods/pod1" 3
	lab services -o json
	json '.items[0].attemptsTotal == 3'
	# Cilium has the rest.
	dial_from "$cgroup/host" 2
	lab services -o json
	json '.items[0].attemptsTotal == 3'
	# The next agent finds them there.
	stop "$agent"
	start_agent_as_root
	hooks_are_at "$pods"
	dial_from "$pods/pod1" 1
	lab services -o json
	json '.items[0].attemptsTotal == 4'
}

@test "Cilium comes before ours at the root, and goes: the hooks move, and no connection is lost" {
	cgroup=$cgroup/host listen 10.1.0.{1,2,3}:7051
	start_agent_as_root
	hooks_are_at "$cgroup"
	dial_from "$pods/pod1" 2
	old=$dialer
	stop "$agent"
	# A node on which Cilium was first.
	lab detach
	balancer connect4 cil_sock4_connect
	attach "$cgroup" connect4 multi
	start_agent_as_root
	hooks_are_at "$pods"
	kill -USR1 "$old"
	becomes test -s "$READY"
	[ "$(<"$READY")" -eq 2 ]
	rm "$READY"
	dial_from "$pods/pod1" 2
	detach_stranger "$cgroup" connect4
	becomes hooks_are_at "$cgroup"
	becomes agent_is_ready
	has_logged "the hooks have moved back to the root cgroup"
	becomes status_is '.warnings == []'
	dial_from "$cgroup/host" 1
	lab services -o json
	json '.items[0] | .attemptsTotal == 3 and .active == 3'
}

@test "--cgroup overrides the choice" {
	balancer connect4 cil_sock4_connect
	attach "$cgroup" connect4 multi
	start_as_root "$root/build/gwbpf" agent --node-name n1 --manifests "$manifests" \
		--control "$control" --cgroup "$BATS_TEST_TMPDIR/cgroup2" 2>>"$log"
	becomes grep -q "hooks are attached, ready" "$log"
	hooks_are_at "$cgroup"
}

@test "two pods' cgroups: which one is not covered is said" {
	mkdir "$cgroup/kubelet.slice" "$cgroup/kubelet.slice/kubelet-kubepods.slice"
	for where in "$pods/pod1" "$cgroup/kubelet.slice/kubelet-kubepods.slice"; do
		bash -c 'echo $$ >"$0"/cgroup.procs && exec sleep infinity' "$where" 3>&- &
		lab_pids+=("$!")
		becomes grep -q . "$where/cgroup.procs"
	done
	balancer connect4 cil_sock4_connect
	attach "$cgroup" connect4 multi
	start_agent_as_root
	status_is '.warnings | any(test("nor are the pods of .(kubelet.slice/kubelet-)?kubepods.slice."))'
	kill -KILL "${lab_pids[@]}"
	becomes rmdir "$cgroup/kubelet.slice/kubelet-kubepods.slice"
	becomes rmdir "$cgroup/kubelet.slice"
}

@test "a stranger at the root that takes an address is found by what it does, and the hooks move" {
	balancer connect4 nobody_knows
	attach "$cgroup" connect4 multi
	start_agent_as_root
	becomes grep -q "connects to 10.96.0.1:7051 of service 'fabric/gateway' do not come to gwbpf" "$log"
	becomes hooks_are_at "$pods"
	becomes status_is '.problems == [] and (.warnings | any(test("program .nobody_knows.")))'
	cgroup=$cgroup/host listen 10.1.0.{1,2,3}:7051
	dial_from "$pods/pod1" 2
	lab services -o json
	json '.items[0].attemptsTotal == 2'
	# It stays there when the agent starts anew.
	stop "$agent"
	start_agent_as_root
	hooks_are_at "$pods"
}
