#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The API server is away for a minute ($OUTAGE_SECONDS) while clients on both nodes open
# connections; meanwhile things change, through another API server that no agent knows.

setup_file() {
	. "$BATS_TEST_DIRNAME/agents.bash"
	export OUTAGE_SECONDS=${OUTAGE_SECONDS:-60}
	# The kubelets cannot say that they are well: not for that shall their peers be taken out.
	NODES_GRACE=$((OUTAGE_SECONDS + 60))s
	nodes_up 2
	pods_org1
	# Its slice is the test's: no controller changes it.
	kube_service fabric manual 10.96.7.7 7051
	pods_addresses >"$CLUSTER/addresses"
	kube_slice fabric manual 7051 $(cat "$CLUSTER/addresses")
	agents_up
	load_up 10.96.7.7
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

pods_addresses() {
	kubectl get pods -n fabric -l org=org1 -o json | jq -r '.items[].status.podIP'
}

held() {
	pods_held_by hold1
	pods_held_by hold2
}

# `kubectl exec` needs an API server; the program on the node reads the pins.
usable_on() {
	node_exec "$1" "$CLUSTER_TOP/build/gwbpf" backends -o json |
		jq '[.items[] | select(.service == "manual" and .state != "leaving")] | length'
}

ready_on() {
	node_exec "$1" curl -fsS --unix-socket /run/gwbpf/control.sock http://localhost/readyz
}

@test "while the API server is away the agents stay ready, and nothing changes" {
	held=$(held)
	echo "$held" >"$CLUSTER/held"
	cluster_api_stop KILL
	end=$((SECONDS + OUTAGE_SECONDS))
	cluster_api_start_other
	(
		KUBECONFIG=$CLUSTER/other.kubeconfig CLUSTER_SERVER=$CLUSTER_OTHER_SERVER
		cluster_certificate_kubeconfig "$KUBECONFIG" admin
		kube_slice fabric manual 7051 $(head -n 1 "$CLUSTER/addresses")
		kube_service fabric other 10.96.7.8 7051
		kube_slice fabric other 7051 $(cat "$CLUSTER/addresses")
	)
	cluster_stop other-apiserver KILL
	while [ $SECONDS -lt $end ]; do
		for node in node1 node2; do
			ready_on "$node"
			is "$(usable_on "$node")" 2
		done
		sleep 1
	done
}

other_is_balanced_on() {
	node_exec "$1" "$CLUSTER_TOP/build/gwbpf" services -o json | jq -e '.items[] | select(.name == "other") | .usable == 2'
}

# in_force COMMAND...: within seconds; else the agents say why not.
in_force() {
	cluster_wait 15 "$@" || {
		kubectl logs -n gwbpf-system -l app.kubernetes.io/name=gwbpf --prefix --tail=20
		return 1
	}
}

@test "what changed meanwhile is in force on every node within seconds of its return" {
	cluster_api_start
	start=$SECONDS
	for node in node1 node2; do
		in_force eval 'is "$(usable_on "$node")" 1'
		in_force other_is_balanced_on "$node"
	done
	echo "in force after $((SECONDS - start)) s" >&3
	run pods_ask hold1 10.96.7.8 10
	[ "$status" -eq 0 ]
}

@test "no client has noticed" {
	is "$(held)" "$(cat "$CLUSTER/held")"
	pods_have_no_failures hold1 hold2 load1 load2
	[ "$(pods_load_end load1 node1)" -gt $((OUTAGE_SECONDS * 10)) ]
	[ "$(pods_load_end load2 node2)" -gt $((OUTAGE_SECONDS * 10)) ]
}
