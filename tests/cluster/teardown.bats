#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A cluster leaves nothing behind: taken down, abandoned, or failed half-way.

setup() {
	. "$BATS_TEST_DIRNAME/lib.bash"
}

# No process names the directory any more, and it is gone.
is_gone() {
	[ ! -e "$1" ] && ! grep -qsaF "$1" /proc/[0-9]*/cmdline
}

@test "a cluster that is taken down leaves no process and no file" {
	cluster_up
	cluster_controllers_start
	cluster_down
	cluster_wait 60 is_gone "$CLUSTER"
	cluster_down
}

@test "a cluster whose shell is killed is taken down all the same" {
	coproc bash -c '. "$0"; cluster_up >&2; echo "$CLUSTER"; sleep 60' "$CLUSTER_HERE/lib.bash"
	shell=$COPROC_PID
	read -r directory <&"${COPROC[0]}"
	[ -d "$directory" ]
	kill -9 "$shell"
	cluster_wait 60 is_gone "$directory"
}

@test "a cluster that cannot start says why and leaves nothing" {
	cluster_api_start() {
		cluster_start apiserver kube-apiserver --etcd-servers "http://$CLUSTER" --no-such-flag
		cluster_wait_ready apiserver false
	}
	CLUSTER_BASE=$BATS_TEST_TMPDIR
	run cluster_up
	[ "$status" -ne 0 ]
	[[ $output = *no-such-flag* ]]
	[ -z "$(find "$CLUSTER_BASE" -name 'gwbpf-cluster.*')" ]
	cluster_wait 60 is_gone "$CLUSTER_BASE/gwbpf-cluster."
}

@test "where a cluster cannot even begin, nothing is ended and no cgroup removed" {
	cluster_missing() {
		echo "no such thing"
	}
	cgroup_destroy() {
		echo "destroy '$1'"
	}
	cluster_stop() {
		echo "stop '$1'"
	}
	unset CLUSTER
	run cluster_up
	[ "$status" -ne 0 ]
	[ "$output" = "cannot start a cluster: no such thing" ]
}
