# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# The stage that the demo is played on: network namespaces on one bridge, a scratch cgroup, a bpffs
# of its own, and the processes. Knows nothing of the scenes. All of it lies below $run and $cgroup,
# so that one function can take it down, also what a demo that was killed has left.

run=/run/gwbpf-demo
pins=$run/bpf/gwbpf
manifests=$run/manifests
cgroup=    # set by stage_up
agent_pid= # of the agent started last
ending=    # not empty: the stage is being taken down

fail() {
	echo "demo: $*" >&2
	if [ -s "$run/log/agent" ]; then
		echo "the last lines of the agent's log:" >&2
		tail -n 20 "$run/log/agent" >&2
	fi
	exit 1
}

# Wait until a command succeeds.
wait_for() { # WHAT COMMAND...
	local what=$1 deadline=$((SECONDS + ${patience:-60}))

	shift
	until "$@"; do
		[ $SECONDS -lt $deadline ] || fail "waited for $what in vain"
		sleep 0.05
	done
}

require() {
	local tool

	[ "$(id -u)" = 0 ] || fail "cannot make network namespaces: not root"
	for tool in ip nsenter jq column curl; do
		command -v $tool >/dev/null || fail "cannot find '$tool': run 'make deps'"
	done
	cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)/gwbpf-demo
	[ "$cgroup" != /gwbpf-demo ] || fail "cannot find a cgroup v2 mount in /proc/mounts"
	# All that would meet in the cgroup share this directory, also from another root of files; and it
	# is never removed, as a lock file would be under the next one's feet.
	exec 9<"${cgroup%/*}"
	flock -n 9 || fail "another demo is running on this machine"
}

stage_up() {
	require
	trap 'stage_down $?' EXIT
	trap 'stage_down 129' HUP
	trap 'stage_down 130' INT
	trap 'stage_down 141' PIPE
	trap 'stage_down 143' TERM
	clear_stage
	mkdir -m 0700 $run
	mkdir $run/bpf $run/net $run/log $run/summary $run/ended $manifests "$cgroup" "$cgroup/agent"
	mount -t bpf gwbpf-demo $run/bpf
	make_network_namespace node
	in_network node ip link add br0 type bridge
	in_network node ip link set br0 up
}

# A second signal finds that it is being done: an exit in a trap would end it half-way.
stage_down() { # STATUS
	local status=$1

	[ -z "$ending" ] || return 0
	ending=1
	clear_stage || status=1
	exit "$status"
}

# Whatever there is of a stage. Its processes are those in its cgroup.
clear_stage() {
	local mount

	if [ -d "$cgroup" ]; then
		wait_for "the demo's processes to end" end_processes
		rmdir "$cgroup"/*/ "$cgroup"
	fi
	for mount in "$run"/net/* "$run"/bpf; do
		! mountpoint -q "$mount" || umount "$mount"
	done
	rm -rf --one-file-system $run
}

# True when none is left.
end_processes() {
	local pids

	pids=$(cat "$cgroup"/cgroup.procs "$cgroup"/*/cgroup.procs)
	[ -n "$pids" ] || return 0
	disown -a # or the shell tells of every one that is killed
	# shellcheck disable=SC2086
	kill -KILL $pids 2>/dev/null
	return 1
}

make_network_namespace() { # NAME
	: >"$run/net/$1"
	unshare --net="$run/net/$1" true
	in_network "$1" ip link set lo up
}

# `ip netns exec` would mount another /sys, which hides cgroups and bpffs.
in_network() { # NAME COMMAND...
	nsenter --net="$run/net/$1" "${@:2}"
}

# A machine of its own, as far as the network goes.
add_host() { # NAME ADDRESS
	make_network_namespace "$1"
	in_network node ip link add "$1" type veth peer name eth0 netns "$run/net/$1"
	in_network node ip link set "$1" master br0 up
	in_network "$1" ip address add "$2/24" dev eth0
	in_network "$1" ip link set eth0 up
}

# The cable is pulled, or put back: nothing arrives, and nobody says so.
set_cable() { # NAME up|down
	in_network node ip link set "$1" "$2"
}

# Start a command on a host, in the cgroup whose connections are balanced; the pid is in $!. A
# socket belongs to the cgroup in which it was made: so first the cgroup, then the command.
start_on() { # HOST LOG COMMAND...
	(
		echo $BASHPID >"$cgroup/cgroup.procs"
		exec setsid nsenter --net="$run/net/$1" "${@:3}"
	) </dev/null >"$run/log/$2" 2>&1 9>&- &
}

start_agent() { # COMMAND...
	(
		echo $BASHPID >"$cgroup/agent/cgroup.procs"
		exec setsid "$@"
	) </dev/null >>$run/log/agent 2>&1 9>&- &
	agent_pid=$!
}

# Replace a manifest in one step, as an editor or a ConfigMap does.
put_manifest() { # NAME, from standard input
	cat >"$run/$1.new"
	mv "$run/$1.new" "$manifests/$1"
}
