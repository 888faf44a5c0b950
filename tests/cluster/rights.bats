#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The rights of the agent's pod on a real node: with those of deploy/base all works, and without any
# one of them something does not.

setup_file() {
	. "$BATS_TEST_DIRNAME/agents.bash"
	nodes_up 1
	pods_org1
	agents_up
	# A client that is not root, as most are not.
	pods_client client1 node1 "$GATEWAY" 0
	kubectl get pod -n fabric client1 -o json | jq '.metadata = {namespace: "fabric", name: "client2"} |
		.spec.containers[0] |= (.args[3] = "4" | .securityContext = {runAsUser: 65534}) |
		del(.status)' | kubectl apply -f -
	kubectl wait -n fabric --for=condition=Ready --timeout=180s pod/client2
	# A pod is changed when it is deleted, and not before.
	patch '[{"op": "replace", "path": "/spec/updateStrategy", "value": {"type": "OnDelete"}}]'
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

# patch PATCH: and wait until a pod that is made from then on is made so.
patch() {
	kubectl patch daemonset -n gwbpf-system gwbpf --type json -p "$1"
	cluster_wait 60 is_observed
}

is_observed() {
	kubectl get daemonset -n gwbpf-system gwbpf -o json |
		jq -e '.status.observedGeneration == .metadata.generation'
}

# changed PATCH: the agent's pod anew, changed so.
changed() {
	patch "$1"
	kubectl delete pod -n gwbpf-system --grace-period=1 "$(agent_pod node1)"
	cluster_wait 60 agent_pod_runs
}

agent_pod_runs() {
	kubectl get pod -n gwbpf-system "$(agent_pod node1)" -o json |
		jq -e '.status.containerStatuses[0] | .started or .restartCount > 0'
}

# with_capabilities NAME...: the agent with these alone.
with_capabilities() {
	changed "$(jq -cn '[{op: "replace", value: $ARGS.positional,
		path: "/spec/template/spec/containers/0/securityContext/capabilities/add"}]' --args "$@")"
}

# without_mount NAME
without_mount() {
	local index
	index=$(kubectl get daemonset -n gwbpf-system gwbpf -o json |
		jq --arg name "$1" '.spec.template.spec.containers[0].volumeMounts | map(.name) | index($name)')
	changed "[{\"op\": \"remove\", \"path\": \"/spec/template/spec/containers/0/volumeMounts/$index\"}]"
}

as_deployed() {
	kubectl apply --server-side --force-conflicts -k "$CLUSTER_TOP/deploy/base"
	patch '[{"op": "replace", "path": "/spec/updateStrategy", "value": {"type": "OnDelete"}}]'
	# The one that the roll-out ends by itself in between, too.
	kubectl delete pod -n gwbpf-system --grace-period=1 --all
	cluster_wait 60 gwbpf_on node1 status
}

log_says() {
	local pod
	pod=$(agent_pod node1)
	{ kubectl logs -n gwbpf-system "$pod"; kubectl logs -n gwbpf-system "$pod" -p; } 2>/dev/null |
		grep -q -- "$1"
}

states() {
	gwbpf_on node1 connections -o json | jq -c '[.items[].state] | unique'
}

# has_moves RESULT: whether there was one that ended so, since the agent started.
has_moves() {
	local address
	address=$(kubectl get pod -n gwbpf-system "$(agent_pod node1)" -o jsonpath='{.status.podIP}')
	node_exec node1 curl -fsS "http://$address:9452/metrics" |
		grep "^gwbpf_moves_total{result=\"$1\"} [1-9]"
}

answers() {
	node_exec node1 curl -sS --max-time 20 -o /dev/null -w '%{http_code}' "$@" || true
}

@test "as deployed: four capabilities, no host network, no privilege; and all works" {
	pid=$(gwbpf_on node1 status -o json | jq .agent.pid)
	is "$(awk '$1 ~ /^Cap(Prm|Eff|Bnd):/ { print $2 }' "/proc/$pid/status" | sort -u)" 0000000000281004
	is "$(awk '$1 == "Seccomp:" || $1 == "NoNewPrivs:" { print $2 }' "/proc/$pid/status" | xargs)" "1 2"
	[ "$(readlink "/proc/$pid/ns/net")" != "$(node_exec node1 readlink /proc/self/ns/net)" ]
	gwbpf_on node1 status -o json | jq -e '.healthy and .cgroup.coversPods and (.cgroup.path != null)'
	cluster_wait 60 eval 'is "$(states)" "[\"established\"]"'
}

@test "health and metrics are at the pod's address, the rest is not, nor at the node's" {
	address=$(kubectl get pod -n gwbpf-system "$(agent_pod node1)" -o jsonpath='{.status.podIP}')
	for path in /livez /readyz /metrics; do
		is "$(answers "http://$address:9452$path")" 200
	done
	is "$(answers "http://$address:9452/api/v1/connections")" 404
	is "$(answers "http://$address:9451/livez")" 000
	is "$(answers http://127.0.0.1:9451/livez)" 000
}

@test "the mount of /run/gwbpf: root on the node reaches the control socket" {
	is "$(answers --unix-socket /run/gwbpf/control.sock http://localhost/api/v1/connections)" 200
	without_mount run
	cluster_wait 60 gwbpf_on node1 status
	is "$(answers --unix-socket /run/gwbpf/control.sock http://localhost/api/v1/connections)" 000
	cluster_wait 60 log_says "control socket.*going on without"
	as_deployed
}

@test "connections of a client that is not root are moved off a backend that is drained" {
	kubectl annotate service -n fabric org1-gateway gwbpf.io/rebalance=1s gwbpf.io/drain=org1-peer1
	cluster_wait 60 has_moves moved
	! has_moves forbidden
}

@test "without CAP_SYS_PTRACE none is moved" {
	with_capabilities SYS_ADMIN NET_ADMIN DAC_READ_SEARCH
	cluster_wait 60 gwbpf_on node1 status
	kubectl annotate --overwrite service -n fabric org1-gateway gwbpf.io/drain=org1-peer2
	cluster_wait 60 has_moves forbidden
	! has_moves moved
}

@test "without CAP_DAC_READ_SEARCH the path of the cgroup is not known; connections are moved" {
	with_capabilities SYS_ADMIN NET_ADMIN SYS_PTRACE
	cluster_wait 60 gwbpf_on node1 status
	gwbpf_on node1 status -o json | jq -e '.cgroup.path == null or .cgroup.path == ""'
	cluster_wait 60 has_moves moved
	kubectl annotate service -n fabric org1-gateway gwbpf.io/rebalance- gwbpf.io/drain-
}

@test "without CAP_NET_ADMIN the agent is not ready" {
	with_capabilities SYS_ADMIN SYS_PTRACE DAC_READ_SEARCH
	cluster_wait 60 log_says "cannot test the hooks"
}

@test "without CAP_SYS_ADMIN the agent does not start" {
	with_capabilities NET_ADMIN SYS_PTRACE DAC_READ_SEARCH
	cluster_wait 60 log_says "level=error.*Operation not permitted"
}

@test "without the mount of the bpffs the agent does not start, and names it" {
	as_deployed
	without_mount bpffs
	cluster_wait 60 log_says "not below a bpffs mount of the host"
}

@test "without the mount of the node's cgroups the agent does not start, and names the remedy" {
	as_deployed
	without_mount cgroup
	cluster_wait 60 log_says "level=error.*cgroup"
}
