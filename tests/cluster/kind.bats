#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The overlay for nodes that are containers, as kind's are: several share a kernel, and each has a
# cgroup root of its own and a bpffs, or none at first.

# What the machine itself has in its bpffs: nothing, unless somebody uses gwbpf here.
pins_of_machine() {
	find /sys/fs/bpf -name 'gw*' -printf '%p %i\n' | sort
}

setup_file() {
	. "$BATS_TEST_DIRNAME/agents.bash"
	pins_of_machine >"$BATS_FILE_TMPDIR/pins"
	nodes_up 2
	pods_org1
	for node in node1 node2; do
		node_exec "$node" umount /sys/fs/bpf
	done
	kubectl apply -k "$CLUSTER_TOP/deploy/overlays/kind"
}

setup() {
	. "$BATS_TEST_DIRNAME/agents.bash"
}

teardown() {
	agents_tell
}

teardown_file() {
	. "$BATS_TEST_DIRNAME/agents.bash"
	cluster_down
}

says_what_is_missing() {
	kubectl logs -n gwbpf-system "$(agent_pod "$1")" | grep "bpffs"
}

@test "without a bpffs on the node the agent says what to do" {
	for node in node1 node2; do
		cluster_wait 60 says_what_is_missing "$node"
	done
}

@test "with a bpffs, as the overlay says, the agents get ready" {
	command=$(sed -n 's/.*docker exec $node \(.*\); done$/\1/p' \
		"$CLUSTER_TOP/deploy/overlays/kind/kustomization.yaml")
	for node in node1 node2; do
		node_exec "$node" $command
	done
	agents_up overlays/kind
}

@test "each agent has the cgroup root and the bpffs of its own node" {
	root=$(cgroup_hierarchies cgroup2)
	for node in node1 node2; do
		run gwbpf_on "$node" status -o json
		is "$(jq -r .cgroup.path <<<"$output")" "$root"
		is "$(jq -r .cgroup.id <<<"$output")" "$(stat -c %i "$root/$(node_cgroup "$node")")"
		jq -e '.cgroup.coversPods and (.hooks | length == 6 and all(.attached))' <<<"$output"
		is "$(node_exec "$node" find /sys/fs/bpf/gwbpf -name gw_services | wc -l)" 1
	done
	[ "$(node_exec node1 stat -c %d /sys/fs/bpf)" != "$(node_exec node2 stat -c %d /sys/fs/bpf)" ]
	is "$(pins_of_machine)" "$(cat "$BATS_FILE_TMPDIR/pins")"
}

@test "each agent balances and counts its own node's clients, and no other's" {
	pods_client client1 node1 "$GATEWAY" 4
	pods_client client2 node2 "$GATEWAY" 8
	cluster_wait 60 holds_in_all client1 4
	cluster_wait 60 holds_in_all client2 8
	is_active_on node1 "2 2"
	is_active_on node2 "4 4"
}

@test "detached from one node, the other goes on" {
	gwbpf_on node1 detach --force || true
	[ "$(attached_hooks)" -ge 6 ]
	node_exec node2 test -e /sys/fs/bpf/gwbpf
	is_active_on node2 "4 4"
}
