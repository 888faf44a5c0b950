# SPDX-License-Identifier: Apache-2.0
# A start that fails: nothing is attached, nothing is pinned that was not there before, and the last
# line of the log says what to do.

load lib

setup()
{
	lab_setup
	manifests=$BATS_TEST_TMPDIR/manifests
	log=$BATS_TEST_TMPDIR/agent.log
	{ service gateway 10.96.0.1; slice gateway 10.1.0.1 10.1.0.2; } >"$manifests/a.yaml"
}

teardown()
{
	lab_teardown
}

lab()
{
	run --separate-stderr lab_gwbpf "$@"
}

# agent_fails WORD OPTION...: it exits with 1, and the last line of its log holds WORD.
agent_fails()
{
	local word=$1
	shift
	start "$root/build/gwbpf" agent --node-name n1 "$@" 2>"$log"
	wait "$started" && return 1
	contains "$(tail -n 1 "$log")" "$word"
}

nothing_is_there()
{
	inside test ! -e "$GWBPF_PIN_DIR" || {
		inside find "$GWBPF_PIN_DIR" >&2
		return 1
	}
	[ "$(attached)" -eq 0 ]
}

# How many programs there are on the cgroup.
attached()
{
	inside bpftool -j cgroup show "$cgroup" | jq -s 'flatten | length'
}

@test "a kubeconfig that is not there, or is none, leaves nothing behind" {
	agent_fails "name another kubeconfig with --kubeconfig" --cgroup "$cgroup" \
		--kubeconfig "$BATS_TEST_TMPDIR/nothing"
	contains "$(tail -n 1 "$log")" "$BATS_TEST_TMPDIR/nothing"
	nothing_is_there
	echo 'kind: [' >"$BATS_TEST_TMPDIR/kubeconfig"
	agent_fails "name another kubeconfig" --cgroup "$cgroup" --kubeconfig "$BATS_TEST_TMPDIR/kubeconfig"
	nothing_is_there
}

@test "a port that somebody else has leaves nothing behind" {
	listen 10.1.0.1:9452
	agent_fails "cannot listen on 10.1.0.1:9452: Address already in use: another program answers there: end it, or name another address with --metrics-listen" \
		--cgroup "$cgroup" --manifests "$manifests" --metrics-listen 10.1.0.1:9452
	nothing_is_there
}

@test "a cgroup that is none leaves nothing behind" {
	agent_fails "cannot use cgroup '$cgroup/nothing'" --cgroup "$cgroup/nothing" \
		--manifests "$manifests"
	nothing_is_there
}

@test "hooks that cannot be attached leave nothing behind" {
	stranger cgroup/connect6 hermit
	attach "$cgroup" connect6
	agent_fails "detach it, or have it attached with BPF_F_ALLOW_MULTI" --cgroup "$cgroup" \
		--manifests "$manifests"
	inside test ! -e "$GWBPF_PIN_DIR"
	[ "$(attached)" -eq 1 ]
}

@test "what an earlier agent put in force stays as it was" {
	listen 10.1.0.{1,2}:7051 10.1.0.1:9452
	start_agent
	stop "$agent"
	before=$(inside find "$GWBPF_PIN_DIR" | sort)
	agent_fails "--metrics-listen" --cgroup "$cgroup" --manifests "$manifests" \
		--metrics-listen 10.1.0.1:9452
	[ "$(inside find "$GWBPF_PIN_DIR" | sort)" = "$before" ]
	[ "$(attached)" -eq 6 ]
	dial 10.96.0.1:7051 2
	lab services -o json
	json '.items[0].attemptsTotal == 2'
}

# A cgroup namespace that begins in the lab's cgroup, which is all that is seen of the hierarchy.
start_in_private()
{
	bash -c 'echo $$ >"$0"/cgroup.procs && exec "$@"' "$cgroup" \
		setpriv --pdeathsig KILL nsenter -t "$holder" --mount --net -- \
		unshare --cgroup --mount bash -c '
			while read -r _ where type _; do
				[ "$type" != cgroup2 ] || umount "$where" || exit
			done </proc/self/mounts
			mkdir -p "$0" && mount -t cgroup2 none "$0" && exec "$@"' \
		"$BATS_TEST_TMPDIR/cgroup2" "$@" 3>&- &
	started=$!
	lab_pids+=("$started")
}

@test "in a private cgroup namespace pods are not covered: alone the agent does not start" {
	start_in_private "$root/build/gwbpf" agent --node-name n1 --manifests "$manifests" 2>"$log"
	wait "$started" && return 1
	contains "$(tail -n 1 "$log")" "pods are not covered"
	contains "$(tail -n 1 "$log")" "mount the node's /sys/fs/cgroup into the pod"
	nothing_is_there
}

@test "in a private cgroup namespace pods are not covered: with others there it says so" {
	bash -c 'echo $$ >"$0"/cgroup.procs && exec sleep infinity' "$cgroup" 3>&- &
	lab_pids+=("$!")
	becomes grep -q . "$cgroup/cgroup.procs"
	start_in_private "$root/build/gwbpf" check -o json >"$BATS_TEST_TMPDIR/check"
	wait "$started" || true
	output=$(<"$BATS_TEST_TMPDIR/check")
	json '.requirements | any(.name == "pods" and .outcome == "degraded" and
		(.detail | test("pods are not covered")) and (.remedy | test("mount the node.s /sys/fs/cgroup")))'
	start_in_private "$root/build/gwbpf" agent --node-name n1 --manifests "$manifests" 2>"$log"
	agent=$started
	becomes grep -q "pods are not covered.*private.*mount the node's /sys/fs/cgroup" "$log"
	becomes agent_is_ready
	lab status -o json
	[ "$status" -eq 0 ]
	json '.cgroup.coversPods == false and (.warnings | any(test("pods are not covered")))'
}

@test "KUBECONFIG may name several files; without it, or an option, the agent says what to give" {
	cat >"$BATS_TEST_TMPDIR/clusters" <<-END
	{clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}],
	 contexts: [{name: first, context: {cluster: c}}]}
	END
	echo '{current-context: first, clusters: [{name: c, cluster: {server: "no-server/"}}]}' \
		>"$BATS_TEST_TMPDIR/current"
	export KUBECONFIG=$BATS_TEST_TMPDIR/absent:$BATS_TEST_TMPDIR/clusters:$BATS_TEST_TMPDIR/current
	start "$root/build/gwbpf" agent --cgroup "$cgroup" --node-name n1 --control "$control" \
		2>"$BATS_TEST_TMPDIR/agent.log"
	becomes grep -q "127.0.0.1:1\|cannot list services" "$BATS_TEST_TMPDIR/agent.log"
	stop "$started"
	KUBECONFIG=$BATS_TEST_TMPDIR/current agent_fails "it has no context 'first'" --cgroup "$cgroup"
	unset KUBECONFIG
	run --separate-stderr gwbpf agent
	[ "$status" -eq 2 ]
	contains "$stderr" "or set KUBECONFIG"
}
