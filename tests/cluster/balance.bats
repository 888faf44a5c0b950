#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# gwbpf as it is deployed: an agent on each of two nodes, clients and peers on both, and what
# happens to peers, agents, nodes and the API server in a cluster's life. The tests build on each
# other, in this order.

setup_file() {
	. "$BATS_TEST_DIRNAME/agents.bash"
	# The last tests see a node die, within seconds.
	NODES_GRACE=12s
	nodes_up 2
	pods_org1 gwbpf.io/policy=lc gwbpf.io/dead-peer-timeout=3s
	kubectl apply -k "$CLUSTER_TOP/deploy/base"
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

@test "the agents are ready on both nodes" {
	agents_wait
}

@test "clients on both nodes are spread evenly, and the kernel says so too" {
	pods_client client1 node1 "$GATEWAY" 10
	pods_client client2 node2 "$GATEWAY" 10
	for client in client1 client2; do
		cluster_wait 60 holds_in_all "$client" 10
		is "$(pods_held_by "$client")" "$(printf '5 org1-peer1\n5 org1-peer2')"
		is "$(pods_failures "$client")" 0
	done
}

@test "each agent counts the connections of its own node" {
	for node in node1 node2; do
		is_active_on "$node" "5 5"
		is "$(gwbpf_on "$node" backends -o json | jq -r .observedBy)" "$node"
	done
}

@test "each agent lists the connections of its own node, with their clients" {
	run gwbpf_on node1 connections fabric/org1-gateway -o json
	is "$(jq '.items | length' <<<"$output")" 10
	pid=$(jq -r '[.items[].clientPid] | unique | join(" ")' <<<"$output")
	[ "$pid" = "$(node_ctr node1 task ls | awk -v id="$(pods_container client1)" '$1 == id { print $2 }')" ]
}

@test "over IPv6 the same peers are balanced" {
	pods_client client6 node1 "$(pods_gateway_address org1 6)" 8
	cluster_wait 60 eval 'is "$(kubectl logs -n fabric client6 | wc -l)" 8'
	is "$(kubectl logs -n fabric client6 | cut -d - -f 1-2 | sort | uniq -c | xargs)" \
		"4 org1-peer1 4 org1-peer2"
	kubectl delete pod -n fabric client6
}

@test "a new peer gets the next connections until it has as many as the others" {
	pods_peer org1-peer3 node1
	pods_wait org1-peer3
	cluster_wait 60 is_active_on node1 "0 5 5"
	pods_client client3 node1 "$GATEWAY" 5
	cluster_wait 60 holds_in_all client3 5
	is "$(pods_held_by client3)" "5 org1-peer3"
	is_active_on node1 "5 5 5"
}

@test "a peer that is scaled away gets no connection any more, and its clients find the others" {
	kubectl scale -n fabric deployment/org1-peer3 --replicas=0
	cluster_wait 60 is_active_on node1 "7 8"
	holds_in_all client3 5
	# Its clients may meet it once between its end and the news of it.
	[ "$(pods_failures client3)" -le 5 ]
	run pods_ask client1 "$GATEWAY" 10
	[ "$status" -eq 0 ]
	kubectl delete pod -n fabric client3
	kubectl delete deployment -n fabric org1-peer3
}

@test "a rolling restart of the peers loses no connection for good" {
	for peer in org1-peer1 org1-peer2; do
		kubectl rollout restart -n fabric "deployment/$peer"
		pods_wait "$peer"
	done
	for client in client1 client2; do
		cluster_wait 60 holds_in_all "$client" 10
	done
}

@test "connections live on and stay counted while the agents are replaced" {
	before=$(pods_held_by client1; pods_held_by client2)
	counts=$(active_on node1; active_on node2)
	failures=$(pods_failures client1; pods_failures client2)
	old=$(agent_pod node1)
	kubectl rollout restart -n gwbpf-system daemonset/gwbpf
	kubectl rollout status -n gwbpf-system --timeout=240s daemonset/gwbpf
	[ "$(agent_pod node1)" != "$old" ]
	is "$(pods_held_by client1; pods_held_by client2)" "$before"
	is "$(active_on node1; active_on node2)" "$counts"
	is "$(pods_failures client1; pods_failures client2)" "$failures"
}

@test "without the API server connections are balanced as before, and the agents stay ready" {
	container=$(pods_container client1)
	cluster_api_stop
	run node_ctr node1 task exec --exec-id ask "$container" peer ask "$GATEWAY" 7051 10
	ready=$(node_exec node1 curl -sS -o /dev/null -w '%{http_code}' --unix-socket /run/gwbpf/control.sock \
		http://localhost/readyz || true)
	cluster_api_start
	[ "$status" -eq 0 ]
	is "$(printf '%s\n' "${lines[@]}" | cut -d - -f 1-2 | sort -u | xargs)" "org1-peer1 org1-peer2"
	[ "$ready" = 200 ]
}

@test "what changes after the API server is back is seen" {
	pods_peer org1-peer3 node2
	pods_wait org1-peer3
	cluster_wait 60 has_backends node1 3
	kubectl delete deployment -n fabric org1-peer3
	cluster_wait 60 has_backends node1 2
}

@test "uninstalling leaves nothing in the kernel and breaks no connection" {
	before=$(pods_held_by client1; pods_held_by client2)
	is "$(attached_hooks)" 12
	kubectl apply -k "$CLUSTER_TOP/deploy/uninstall"
	kubectl rollout status -n gwbpf-system --timeout=240s daemonset/gwbpf
	kubectl delete -k "$CLUSTER_TOP/deploy/uninstall" --timeout=180s
	for node in node1 node2; do
		is "$(node_exec "$node" find /sys/fs/bpf -name 'gw*')" ""
	done
	is "$(attached_hooks)" 0
	is "$(pods_held_by client1; pods_held_by client2)" "$before"
	run pods_ask client1 "$GATEWAY" 10
	[ "$status" -eq 0 ]
}

@test "installed again it balances again" {
	kubectl apply -k "$CLUSTER_TOP/deploy/base"
	kubectl rollout status -n gwbpf-system --timeout=240s daemonset/gwbpf
	# What was connected meanwhile is not counted.
	kubectl delete pod -n fabric client1 client2
	pods_client client4 node1 "$GATEWAY" 6
	cluster_wait 60 holds_in_all client4 6
	is "$(pods_held_by client4)" "$(printf '3 org1-peer1\n3 org1-peer2')"
	is_active_on node1 "3 3"
}

@test "when a node dies, its peers' clients reach the others within seconds" {
	node_kill node2
	cluster_wait 20 eval 'is "$(pods_held_by client4 | grep org1-peer1)" "6 org1-peer1"'
	cluster_wait 30 eval 'is "$(pods_ready_endpoints org1)" 1'
	cluster_wait 10 is_active_on node1 6
	run pods_ask client4 "$GATEWAY" 10
	[ "$status" -eq 0 ]
}
