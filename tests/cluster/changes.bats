#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What people do to Services: the kernel follows, connections that exist live on, and they are
# counted until they end. One node; kube-proxy serves what gwbpf leaves alone.

setup_file() {
	. "$BATS_TEST_DIRNAME/agents.bash"
	nodes_up 1
	pods_org1
	agents_up
}

setup() {
	. "$BATS_TEST_DIRNAME/agents.bash"
	pods_gateway org1
	GATEWAY=$(pods_gateway_address org1)
	cluster_wait 60 is_balanced 2
	cluster_wait 60 node_proxies node1 "$GATEWAY"
	pods_client hold node1 "$GATEWAY" 6
	cluster_wait 60 holds_in_all hold 6
	cluster_wait 60 is_active_on node1 "3 3"
	cluster_wait 60 has_opened 6
}

# Whatever was done to the Service: when its connections end, their count does.
teardown() {
	agents_tell
	kubectl delete pod -n fabric hold
	cluster_wait 60 eval 'is "$(counted)" 0'
	kubectl delete service -n fabric org1-gateway --ignore-not-found
	cluster_wait 60 is_left_alone
}

teardown_file() {
	. "$BATS_TEST_DIRNAME/agents.bash"
	cluster_down
}

# FIELD of the gateway's Service port at an address; nothing if gwbpf does not have it.
field_of() {
	gwbpf_on node1 services -o json | jq -r --arg name "$1" --arg address "${2:-$GATEWAY}" '
		.items[] | select(.name == "org1-gateway" and .address == $address) | .[$name]'
}

is_balanced() {
	is "$(field_of usable "${2:-}")" "$1"
}

is_left_alone() {
	is "$(field_of state "${1:-}")" ""
}

# All connections that the node has counted and that live.
counted() {
	gwbpf_on node1 backends -o json | jq '[.items[].active] | add // 0'
}

attempts() {
	gwbpf_on node1 services -o json | jq '[.items[].attemptsTotal] | add // 0'
}

# So many connections the client has opened in all.
has_opened() {
	is "$(kubectl logs -n fabric hold | wc -l)" "$1"
}

# Nothing became of the client's connections, and they are still counted.
held_and_counted() {
	holds_in_all hold 6
	has_opened 6
	is "$(counted)" 6
}

@test "without its label a Service is kube-proxy's again, and with it gwbpf's" {
	kubectl label service -n fabric org1-gateway gwbpf.io/enabled-
	cluster_wait 60 is_left_alone
	before=$(attempts)
	run pods_ask hold "$GATEWAY" 10
	[ "$status" -eq 0 ]
	is "$(attempts)" "$before"
	held_and_counted
	kubectl label service -n fabric org1-gateway gwbpf.io/enabled=true
	cluster_wait 60 is_balanced 2
	before=$(attempts)
	run pods_ask hold "$GATEWAY" 10
	is "$(attempts)" $((before + 10))
	held_and_counted
}

@test "an annotation that is taken away leaves the default" {
	kubectl annotate service -n fabric org1-gateway gwbpf.io/policy=rr gwbpf.io/drain=org1-peer1
	cluster_wait 60 is_balanced 1
	is "$(field_of policy)" rr
	run pods_ask hold "$GATEWAY" 6
	is "$(printf '%s\n' "${lines[@]}" | cut -d - -f 1-2 | sort -u)" org1-peer2
	kubectl annotate service -n fabric org1-gateway gwbpf.io/policy- gwbpf.io/drain-
	cluster_wait 60 is_balanced 2
	is "$(field_of policy)" lc
	held_and_counted
}

@test "a Service that is deleted leaves its connections alone" {
	kubectl delete service -n fabric org1-gateway
	cluster_wait 60 is_left_alone
	held_and_counted
}

@test "a port with another name is balanced as before" {
	kubectl patch service -n fabric org1-gateway --type=json \
		-p '[{"op": "replace", "path": "/spec/ports/0/name", "value": "api"}]'
	cluster_wait 60 eval 'is "$(field_of portName)" api && is_balanced 2'
	run pods_ask hold "$GATEWAY" 10
	[ "$status" -eq 0 ]
	held_and_counted
}

@test "a port with another number is balanced, and the old one no longer" {
	kubectl patch service -n fabric org1-gateway --type=json \
		-p '[{"op": "replace", "path": "/spec/ports/0/port", "value": 7052},
		     {"op": "add", "path": "/spec/ports/0/targetPort", "value": 7051}]'
	cluster_wait 60 eval 'is "$(field_of port)" 7052 && is_balanced 2'
	before=$(attempts)
	kubectl exec -n fabric hold -- peer ask "$GATEWAY" 7052 10
	is "$(attempts)" $((before + 10))
	held_and_counted
}

# replace_service ADDRESS: delete the gateway's Service and make it anew there.
replace_service() {
	kubectl get service -n fabric org1-gateway -o json | jq --arg address "$1" '
		del(.metadata.uid, .metadata.resourceVersion, .metadata.managedFields, .spec.clusterIPs,
			.spec.ipFamilies) | .spec += {clusterIP: $address, ipFamilyPolicy: "SingleStack"}' \
		>"$BATS_TEST_TMPDIR/service.json"
	kubectl delete service -n fabric org1-gateway
	kubectl create -f "$BATS_TEST_TMPDIR/service.json"
}

@test "another cluster IP, by delete and create, is balanced, and the old one no longer" {
	replace_service 10.96.0.77
	cluster_wait 60 is_balanced 2 10.96.0.77
	cluster_wait 60 is_left_alone
	run pods_ask hold 10.96.0.77 10
	[ "$status" -eq 0 ]
	held_and_counted
}

@test "a Service that turns headless is left alone, and balanced when it turns normal" {
	replace_service None
	cluster_wait 60 is_left_alone
	held_and_counted
	replace_service 10.96.0.78
	cluster_wait 60 is_balanced 2 10.96.0.78
	run pods_ask hold 10.96.0.78 10
	[ "$status" -eq 0 ]
	held_and_counted
}

# Its EndpointSlices stay: their controller does not look at such a Service.
@test "a Service that turns into a name of elsewhere is left alone, and balanced when it turns back" {
	kubectl patch service -n fabric org1-gateway --type=merge -p '{"spec": {"type": "ExternalName",
		"externalName": "elsewhere.example", "clusterIP": "", "clusterIPs": null,
		"ipFamilies": null, "ipFamilyPolicy": null}}'
	cluster_wait 60 is_left_alone
	held_and_counted
	kubectl patch service -n fabric org1-gateway --type=merge -p '{"spec": {"type": "ClusterIP",
		"externalName": null, "clusterIP": "10.96.0.79"}}'
	cluster_wait 60 is_balanced 2 10.96.0.79
	run pods_ask hold 10.96.0.79 10
	[ "$status" -eq 0 ]
	held_and_counted
}

# kube-proxy serves it until its slices are read, and again without the label.
# LABELS=100: so often. It prints how many connects there were, and how many failed.
@test "a label that comes and goes refuses nobody" {
	# A hundred connects a second each.
	for i in 1 2 3 4 5 6; do
		pods_load "load$i" node1 "$GATEWAY"
	done
	all=0 failed=0 rate=0
	for _ in $(seq "${LABELS:-20}"); do
		kubectl label service -n fabric org1-gateway gwbpf.io/enabled-
		cluster_wait 60 is_left_alone
		kubectl label service -n fabric org1-gateway gwbpf.io/enabled=true
		cluster_wait 60 is_balanced 2
	done
	for i in 1 2 3 4 5 6; do
		asked=$(pods_load_end "load$i" node1)
		[ "$asked" -gt 200 ]
		all=$((all + asked)) rate=$((rate + $(pods_load_rate "load$i")))
		failed=$((failed + $(pods_failures "load$i")))
	done
	echo "# ${LABELS:-20} times, $rate connects a second: $failed of $all failed" >&3
	[ "$failed" -eq 0 ]
	for i in 1 2 3 4 5 6; do
		kubectl delete pod -n fabric "load$i"
	done
	held_and_counted
}

@test "a Service without a selector is balanced over slices that somebody made by hand" {
	peers=$(kubectl get pod -n fabric -l org=org1 -o json | jq -r '.items[:2][].status.podIP')
	kube_service fabric by-hand 10.96.0.80 7051
	kube_slice fabric by-hand 7051 $peers
	cluster_wait 60 eval 'gwbpf_on node1 services -o json |
		jq -e ".items[] | select(.name == \"by-hand\" and .usable == 2)"'
	run pods_ask hold 10.96.0.80 10
	[ "$status" -eq 0 ]
	kubectl delete service -n fabric by-hand
	held_and_counted
}

# left_by REASON: how often the hooks were left by it.
left_by() {
	gwbpf_on node1 status -o json | jq --arg name "$1" '.reasons[$name]'
}

# is_balanced_for CLIENT, is_excepted CLIENT: its next five connects, and nobody else's, are so.
is_balanced_for() {
	local before
	before=$(attempts)
	pods_ask "$1" "$GATEWAY" 5 && is "$(attempts)" $((before + 5))
}

is_excepted() {
	local before excepted
	before=$(attempts) excepted=$(left_by excepted)
	pods_ask "$1" "$GATEWAY" 5 && is "$(attempts)" "$before" &&
		is "$(left_by excepted)" $((excepted + 5))
}

warns_of() {
	gwbpf_on node1 status -o json | jq -e --arg words "$1" '.warnings | any(contains($words))'
}

# The agent asks for pods only now: the right comes while it runs.
@test "excepted pods reach a Service through kube-proxy, once the agent may list the node's pods" {
	pods_client mesh node1 "$GATEWAY" 0
	kubectl label pod -n fabric mesh mesh=yes
	kubectl annotate service -n fabric org1-gateway gwbpf.io/clients-except=mesh=yes
	cluster_wait 60 warns_of overlays/clients-except
	is_balanced_for mesh
	kubectl apply -k "$CLUSTER_TOP/deploy/overlays/clients-except"
	cluster_wait 60 is_excepted mesh
	cluster_wait 60 eval '! warns_of overlays/clients-except'
	is_balanced_for hold
	kubectl label pod -n fabric mesh mesh-
	cluster_wait 60 is_balanced_for mesh
	kubectl delete -f "$CLUSTER_TOP/deploy/overlays/clients-except/rbac.yaml"
	kubectl delete pod -n fabric mesh
	held_and_counted
}

own_connects() {
	gwbpf_on node1 status -o json | jq '[.. | .own? // empty] | add'
}

@test "the API server's own Service is balanced, and the agent's connections to it are not" {
	kubectl label service kubernetes gwbpf.io/enabled=true
	cluster_wait 60 eval 'gwbpf_on node1 services -o json |
		jq -e ".items[] | select(.name == \"kubernetes\" and .usable > 0)"'
	before=$(own_connects)
	kubectl delete pod -n gwbpf-system "$(agent_pod node1)"
	cluster_wait 60 gwbpf_on node1 status
	[ "$(own_connects)" -gt "$before" ]
	kubectl label service kubernetes gwbpf.io/enabled-
	cluster_wait 60 eval '! gwbpf_on node1 services -o json | grep -q kubernetes'
	held_and_counted
}
