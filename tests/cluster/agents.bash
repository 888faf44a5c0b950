# SPDX-License-Identifier: Apache-2.0
# gwbpf as it is deployed on the nodes of nodes.bash: its pods, and what they say through
# `kubectl exec`. Source it instead of nodes.bash; $GATEWAY is the address of org1's gateway.

. "$(dirname "${BASH_SOURCE[0]}")/nodes.bash"

# agents_up: the agents of deploy/base on every node, ready and healthy.
agents_up() {
	kubectl apply -k "$CLUSTER_TOP/deploy/${1:-base}" >/dev/null
	agents_wait
}

# agents_wait: until they have been rolled out, and call their nodes healthy.
agents_wait() {
	local number
	kubectl rollout status -n gwbpf-system --timeout=240s daemonset/gwbpf >/dev/null
	for ((number = 1; number <= NODES_COUNT; number++)); do
		cluster_wait 60 gwbpf_on "node$number" status
	done
}

# agents_tell: for teardown(): after a test that failed, what can be seen of the cluster.
agents_tell() {
	local number
	[ -z "${BATS_TEST_COMPLETED:-}" ] || return 0
	kubectl get --request-timeout=10s nodes,pods,services,endpointslices -A -o wide || :
	for ((number = 1; number <= NODES_COUNT; number++)); do
		gwbpf_on "node$number" backends --wide health || :
	done
	kubectl logs --request-timeout=10s -n gwbpf-system -l app.kubernetes.io/name=gwbpf --prefix \
		--tail=20 || :
}

# The pod of a node's agent; not one that is about to end.
agent_pod() {
	kubectl get pod -n gwbpf-system -l app.kubernetes.io/name=gwbpf -o json |
		jq -r --arg node "$1" '.items[] | select(.spec.nodeName == $node and
			.metadata.deletionTimestamp == null) | .metadata.name'
}

# The images of the agents, each once.
agents_images() {
	kubectl get pod -n gwbpf-system -l app.kubernetes.io/name=gwbpf -o json | jq -r '[.items[] |
		select(.metadata.deletionTimestamp == null) | .spec.containers[0].image] | unique | join(" ")'
}

# gwbpf_on NODE COMMAND...
gwbpf_on() {
	local pod
	pod=$(agent_pod "$1")
	shift
	kubectl exec -n gwbpf-system "$pod" -c gwbpf -- gwbpf "$@"
}

# The node's active connections of each IPv4 backend, the larger number last: "5 5".
active_on() {
	gwbpf_on "$1" backends fabric/org1-gateway -o json |
		jq -r --arg gateway "$GATEWAY" '[.items[] | select(.serviceAddress == $gateway and
			.state != "leaving") | .active] | sort | join(" ")'
}

has_backends() {
	is "$(active_on "$1" | wc -w)" "$2"
}

is_active_on() {
	is "$(active_on "$1")" "$2"
}

holds_in_all() {
	is "$(pods_held_by "$1" | awk '{ sum += $1 } END { print sum + 0 }')" "$2"
}

# load_up ADDRESS: on each of two nodes a client that opens and closes connections to the gateway,
# and one that holds ten to ADDRESS.
load_up() {
	local number
	for number in 1 2; do
		pods_load "load$number" "node$number" "$GATEWAY"
		pods_client "hold$number" "node$number" "$1" 10
		cluster_wait 60 holds_in_all "hold$number" 10
	done
}

# How many programs of gwbpf the kernel has at work on the nodes, six on each. A pod's cgroup that goes
# away meanwhile ends bpftool's walk: it begins anew.
attached_hooks() {
	local tree
	cluster_wait 60 walk_hooks || return
	grep -c gw_ <<<"$tree" || true
}

walk_hooks() {
	tree=$(bpftool cgroup tree "$(cgroup_hierarchies cgroup2)/$(basename "$CLUSTER")")
}
