#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Run Kubernetes' own network tests on a cluster of nodes.bash, with an agent on every node and every
# Service labelled for it. E2E_NODES: how many nodes; E2E_PROXY_ONLY=1: without gwbpf, to see what is
# the cluster's own; E2E_KILL=SECONDS: so often an agent is killed, on one node after the other;
# E2E_FOCUS: other tests. Tests that skip themselves are listed. The exit status is that of the tests.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../agents.bash"
programs=$("$here/build.sh")
focus=${E2E_FOCUS:-'\[sig-network\] (Services|Networking Granular Checks: Services|\[Feature:IPv6DualStack\] Granular Checks|Traffic Distribution|Connectivity Pod Lifecycle|EndpointSlice|EndpointSliceMirroring)'}
skip='Slow|Disruptive|Serial|udp|UDP|SCTP|evicted pods'
log=$CLUSTER_TOP/build/cluster/e2e.log
NODES_IMAGES="$NODES_IMAGES cluster/e2e-image.tar"

# Two nodes in a zone; pods reach themselves through a Service; one image has all the names.
prepare_node() {
	local node=$1 name
	kubectl label node --overwrite "$node" \
		"topology.kubernetes.io/zone=zone$(((${node#node} + 1) / 2))" >/dev/null
	sed -i 's/"isDefaultGateway": true,/&\n      "hairpinMode": true,/' "$CLUSTER/$node/cni/10-bridge.conflist"
	for name in $("$programs/e2e.test" --list-images | grep -E '/(agnhost|busybox|pause|nginx):'); do
		node_ctr "$node" images tag --force localhost/e2e:test "$name" >/dev/null
	done
}

balanced_connects() {
	local number
	for ((number = 1; number <= NODES_COUNT; number++)); do
		# It fails where a test left a Service without endpoints.
		gwbpf_on "node$number" status -o json 2>/dev/null || true
	done | jq -s '[.[] | .. | .balanced? // empty | numbers] | add // 0'
}

kill_agents() {
	local number=0 killed=0
	while sleep "$E2E_KILL"; do
		number=$((number % NODES_COUNT + 1))
		kubectl delete pod -n gwbpf-system --force --grace-period=0 "$(agent_pod "node$number")" \
			>/dev/null 2>&1 && echo $((++killed)) >"$CLUSTER/killed"
	done
}

trap cluster_down EXIT
nodes_up "${E2E_NODES:-6}"
nodes_each prepare_node
kube_apply <"$here/objects.yaml"
kubectl rollout status -n kube-system --timeout=120s deployment/coredns
[ -n "${E2E_PROXY_ONLY:-}" ] || agents_up
if [ -n "${E2E_KILL:-}" ]; then
	kill_agents &
	killer=$!
fi
status=0
cluster_exec "$programs/ginkgo" --procs="${E2E_PROCS:-8}" --no-color -v --timeout=3h \
	--focus="$focus" --skip="$skip" "$programs/e2e.test" -- \
	--kubeconfig="$KUBECONFIG" --provider=skeleton --num-nodes="$NODES_COUNT" \
	--kubectl-path="$(type -P kubectl)" --disable-log-dump --dump-logs-on-failure=false >"$log" 2>&1 || status=$?
[ -z "${E2E_KILL:-}" ] || kill "$killer"
grep -E '^ *\[FAIL\]|^Ran |^(FAIL|SUCCESS)!' "$log" | sort -u
sed -n 's/^ *\[SKIPPED\] \([A-Z]\)/skipped: \1/p' "$log" | sort | uniq -c
[ -z "${E2E_KILL:-}" ] || echo "$(cat "$CLUSTER/killed") agents were killed meanwhile"
[ -n "${E2E_PROXY_ONLY:-}" ] || echo "$(balanced_connects) connects were balanced; all of it is in '$log'"
exit $status
