#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A gateway and its twin without the label, which kube-proxy serves: whatever their spec says,
# clients reach the same peers through both. The nodes are in zones of their own, zone1 and zone2.

setup_file() {
	. "$BATS_TEST_DIRNAME/agents.bash"
	nodes_up 2
	pods_org1
	pods_peer org1-peer3 node2
	pods_wait org1-peer3
	make_twin
	agents_up
	pods_client client1 node1 "$GATEWAY" 0
	pods_client client2 node2 "$GATEWAY" 0
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

make_twin() {
	kubectl get service -n fabric org1-gateway -o json | jq '{apiVersion, kind,
		metadata: {namespace: "fabric", name: "org1-twin-gateway"},
		spec: (.spec | del(.clusterIP, .clusterIPs))}' | kube_apply
}

# both PATCH: change the spec of both.
both() {
	kubectl patch service -n fabric org1-gateway org1-twin-gateway --type=merge -p "{\"spec\": $1}"
}

# The peers that a client reaches, or its errors: "org1-peer1 org1-peer2".
reached() {
	pods_ask "$1" "$2" 40 2>/dev/null | cut -d - -f 1-2 | sort -u | xargs
}

reaches() {
	is "$(reached "$1" "$2")" "$3"
}

# same CLIENT PEERS: over both families, through gwbpf and through kube-proxy.
same() {
	local family gateway
	for family in 4 6; do
		for gateway in org1 org1-twin; do
			cluster_wait 60 reaches "$1" "$(pods_gateway_address $gateway $family)" "$2" ||
				fail_reached "$gateway" "$1" "$(pods_gateway_address $gateway $family)"
		done
	done
}

fail_reached() {
	echo "through $1, $2 reaches: $(reached "$2" "$3")"
	kubectl get endpointslice -n fabric -l "kubernetes.io/service-name=$1-gateway" -o json |
		jq -c '.items[].endpoints[] | {addresses, conditions, zone, hints}'
	kubectl get nodes --show-labels
	tail -n 5 "$CLUSTER"/log/node*-proxy
	return 1
}

@test "every ready peer is reached from everywhere" {
	same client1 "org1-peer1 org1-peer2 org1-peer3"
	same client2 "org1-peer1 org1-peer2 org1-peer3"
}

@test "PreferSameZone: the peers of the client's zone" {
	both '{"trafficDistribution": "PreferSameZone"}'
	same client1 org1-peer1
	same client2 "org1-peer2 org1-peer3"
}

# The zones of the gateways' endpoints, as their slices say: "zone1 zone2 zone2" for each family.
zones() {
	kubectl get endpointslice -n fabric -l "kubernetes.io/service-name=$1" -o json | jq -r '
		[.items[] | [.endpoints[].zone] | sort | join(" ")] | unique | join(", ")'
}

# The slices' controller looks at a node's zone only when it has something else to do.
has_zones() {
	kubectl annotate --overwrite service -n fabric org1-gateway org1-twin-gateway "example.org/now=$RANDOM"
	is "$(zones org1-gateway), $(zones org1-twin-gateway)" "$1, $1"
}

# move_node NODE ZONE ZONES: the node is in another zone, and the slices say so.
move_node() {
	kubectl label --overwrite node "$1" "topology.kubernetes.io/zone=$2"
	cluster_wait 60 has_zones "$3"
}

@test "PreferSameZone: a node that moves to another zone" {
	move_node node1 zone2 "zone2 zone2 zone2"
	same client1 "org1-peer1 org1-peer2 org1-peer3"
	same client2 "org1-peer1 org1-peer2 org1-peer3"
	move_node node2 zone1 "zone1 zone1 zone2"
	same client1 org1-peer1
	same client2 "org1-peer2 org1-peer3"
	move_node node1 zone1 "zone1 zone1 zone1"
	move_node node2 zone2 "zone1 zone2 zone2"
	same client1 org1-peer1
	same client2 "org1-peer2 org1-peer3"
}

@test "PreferSameNode: the peers of the client's node" {
	both '{"trafficDistribution": "PreferSameNode"}'
	same client1 org1-peer1
	same client2 "org1-peer2 org1-peer3"
	both '{"trafficDistribution": null}'
	same client1 "org1-peer1 org1-peer2 org1-peer3"
}

@test "internalTrafficPolicy Local: the node's peers alone" {
	both '{"internalTrafficPolicy": "Local"}'
	same client1 org1-peer1
	same client2 "org1-peer2 org1-peer3"
}

@test "internalTrafficPolicy Local without a peer on the node: refused at once" {
	kubectl scale -n fabric deployment/org1-peer1 --replicas=0
	# kube-proxy drops silently here: its clients wait for a timeout.
	cluster_wait 60 reaches client1 "$GATEWAY" ECONNREFUSED
	kubectl scale -n fabric deployment/org1-peer1 --replicas=1
	pods_wait org1-peer1
	both '{"internalTrafficPolicy": "Cluster"}'
	same client1 "org1-peer1 org1-peer2 org1-peer3"
}

# One peer, whichever, again and again.
sticks() {
	is "$(reached "$1" "$2" | wc -w)" 1
}

@test "sessionAffinity ClientIP: one and the same peer" {
	both '{"sessionAffinity": "ClientIP"}'
	for gateway in org1 org1-twin; do
		address=$(pods_gateway_address $gateway)
		cluster_wait 60 sticks client1 "$address"
		peer=$(reached client1 "$address")
		for _ in 1 2 3; do
			reaches client1 "$address" "$peer"
		done
	done
	both '{"sessionAffinity": "None"}'
	same client1 "org1-peer1 org1-peer2 org1-peer3"
}

@test "publishNotReadyAddresses: peers that are not ready are reached too" {
	both '{"publishNotReadyAddresses": true}'
	kubectl patch deployment -n fabric org1-peer3 --type=json -p '[{"op": "replace",
		"path": "/spec/template/spec/containers/0/readinessProbe/tcpSocket/port", "value": 7}]'
	kubectl scale -n fabric deployment/org1-peer3 --replicas=0
	kubectl scale -n fabric deployment/org1-peer3 --replicas=1
	same client1 "org1-peer1 org1-peer2 org1-peer3"
	both '{"publishNotReadyAddresses": false}'
	same client1 "org1-peer1 org1-peer2"
	kubectl delete deployment -n fabric org1-peer3
}

@test "peers that all are about to end serve on" {
	for number in 1 2; do
		pods_peer "org1-peer$number" "node$number" 300
		pods_wait "org1-peer$number"
	done
	same client1 "org1-peer1 org1-peer2"
	kubectl delete deployment -n fabric org1-peer1 --wait=false
	cluster_wait 60 eval 'is "$(pods_ready_endpoints org1)" 1'
	cluster_wait 60 reaches client1 "$GATEWAY" org1-peer2
	kubectl delete deployment -n fabric org1-peer2 --wait=false
	cluster_wait 60 eval 'is "$(pods_ready_endpoints org1)" 0'
	for gateway in org1 org1-twin; do
		[[ $(reached client1 "$(pods_gateway_address $gateway)") = *org1-peer2 ]]
	done
}
