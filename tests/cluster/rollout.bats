#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Updates of the agents and of the peers, and a node that is drained, while clients on both nodes
# open connections all the time: none fails, and each is counted once. Tests build on each other.

setup_file() {
	. "$BATS_TEST_DIRNAME/agents.bash"
	nodes_up 2
	pods_org1 gwbpf.io/policy=lc
	# The peers end gracefully: they serve on while the news of their end is on its way, which may
	# take seconds on a busy machine.
	pods_peer org1-peer1 node1 8
	pods_peer org1-peer2 node2 8
	pods_wait org1-peer1
	pods_wait org1-peer2
	agents_up
	load_up "$GATEWAY"
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

none_failed() {
	pods_have_no_failures load1 load2 hold1 hold2
}

# What is connected, as the peers' kernels see it, and as the agents count it.
held() {
	pods_held_by hold1
	pods_held_by hold2
}

attempts_on() {
	gwbpf_on "$1" services -o json |
		jq --arg gateway "$GATEWAY" '.items[] | select(.address == $gateway) | .attemptsTotal'
}

# The agents go on counting where those before them ended.
attempts_grow() {
	local node=$1 before=$2
	[ "$(attempts_on "$node")" -gt "$before" ]
}

update_to() {
	kubectl set image -n gwbpf-system daemonset/gwbpf "gwbpf=$1" >/dev/null
}

@test "an update of the agents fails no connect and keeps every count" {
	before=$(held)
	attempts1=$(attempts_on node1)
	attempts2=$(attempts_on node2)
	for node in node1 node2; do
		image=$(node_ctr "$node" images ls -q | grep '/gwbpf:')
		node_ctr "$node" images tag "$image" "${image%:*}:next"
	done
	update_to gwbpf:next
	agents_wait
	is "$(agents_images)" gwbpf:next
	is "$(held)" "$before"
	attempts_grow node1 "$attempts1"
	attempts_grow node2 "$attempts2"
	none_failed
}

has_broken_pod() {
	kubectl get pod -n gwbpf-system -o json |
		jq -e '[.items[].status.containerStatuses[]?.state.waiting.reason] | any(. == "ErrImagePull" or
			. == "ImagePullBackOff")'
}

@test "an update that cannot start stops at the first node, and is rolled back" {
	before=$(held)
	# Nobody listens there: no time passes until the kubelet knows that there is no image.
	update_to 127.0.0.1:1/gwbpf:none
	cluster_wait 60 has_broken_pod
	is "$(kubectl get pod -n gwbpf-system -o json |
		jq '[.items[] | select(.status.containerStatuses[0].ready)] | length')" 1
	is "$(attached_hooks)" 12
	kubectl rollout undo -n gwbpf-system daemonset/gwbpf
	agents_wait
	is "$(held)" "$before"
	none_failed
}

restarts_on() {
	kubectl get pod -n gwbpf-system "$(agent_pod "$1")" -o json |
		jq '.status.containerStatuses[0].restartCount'
}

has_restarts_on() {
	is "$(restarts_on "$1")" "$2"
}

@test "an agent that is killed is started again, and nobody notices" {
	before=$(held)
	restarts=$(restarts_on node1)
	container=$(kubectl get pod -n gwbpf-system "$(agent_pod node1)" -o json |
		jq -r '.status.containerStatuses[0].containerID | ltrimstr("containerd://")')
	node_ctr node1 task kill -s KILL "$container"
	cluster_wait 60 has_restarts_on node1 $((restarts + 1))
	agents_wait
	is "$(held)" "$before"
	none_failed
}

# Backends that take connections on a node, one a line. Those of short connections are suspect for
# the client that they served last.
usable_on() {
	gwbpf_on "$1" backends fabric/org1-gateway -o json |
		jq -r --arg gateway "$GATEWAY" '.items[] | select(.serviceAddress == $gateway and
			.state != "leaving") | .pod'
}

pod_is_usable_on() {
	is "$(usable_on "$1" | grep -c "$2")" "$3"
}

@test "a peer that is about to end takes no new connection, and keeps those that it has" {
	pods_peer org1-peer3 node2 120
	pods_wait org1-peer3
	cluster_wait 60 pod_is_usable_on node1 org1-peer3 1
	pods_client hold3 node1 "$GATEWAY" 10
	cluster_wait 60 holds_in_all hold3 10
	kept=$(pods_held_by hold3 | awk '$2 == "org1-peer3" { print $1 }')
	[ "$kept" -gt 0 ]
	kubectl delete deployment -n fabric org1-peer3 --wait=false
	cluster_wait 60 pod_is_usable_on node1 org1-peer3 0
	run pods_ask hold3 "$GATEWAY" 30
	[ "$status" -eq 0 ]
	[[ $output != *org1-peer3* ]]
	gwbpf_on node1 backends fabric/org1-gateway -o json |
		jq -e --arg gateway "$GATEWAY" --argjson kept "$kept" '.items[] |
			select(.serviceAddress == $gateway and (.pod // "" | startswith("org1-peer3"))) |
			.state == "leaving" and .active == $kept'
	# It did serve all the while.
	kubectl get pod -n fabric -l app=org1-peer3 -o json | jq -e '.items[0].metadata.deletionTimestamp'
	is "$(pods_held_by hold3 | awk '$2 == "org1-peer3" { print $1 }')" "$kept"
	kubectl delete pod -n fabric -l app=org1-peer3 --grace-period=1
	cluster_wait 60 holds_in_all hold3 10
}

@test "a rolling restart of graceful peers fails no connect" {
	for peer in org1-peer1 org1-peer2; do
		kubectl rollout restart -n fabric "deployment/$peer"
	done
	pods_wait org1-peer1
	pods_wait org1-peer2
	cluster_wait 60 eval 'is "$(usable_on node1 | wc -l)" 2'
	cluster_wait 60 holds_in_all hold1 10
	cluster_wait 60 holds_in_all hold2 10
	none_failed
}

@test "a node is drained: its peers move, and no connect fails" {
	pods_peer org1-peer4 - 8 4
	pods_wait org1-peer4
	cluster_wait 60 eval 'is "$(usable_on node1 | wc -l)" 6'
	kubectl cordon node2
	# Drained by hand: clients without a controller stay, and a peer that is bound to the node would
	# come back to it.
	kubectl scale -n fabric deployment/org1-peer2 --replicas=0
	kubectl drain node2 --ignore-daemonsets --timeout=180s --pod-selector app=org1-peer4
	pods_wait org1-peer4
	cluster_wait 60 eval 'is "$(usable_on node2 | wc -l)" 5'
	is "$(kubectl get pod -n fabric -l app=org1-peer4 -o json | jq -r '[.items[] |
		select(.metadata.deletionTimestamp == null) | .spec.nodeName] | unique | join(" ")')" node1
	kubectl uncordon node2
	cluster_wait 60 pods_have_ended org1-peer2
	none_failed
}

# all_are_counted NODE ASKED CLIENT...: the node has counted what its load asked for, and each line of
# the clients' logs.
all_are_counted() {
	local node=$1 all=$2 client
	for client in "${@:3}"; do
		all=$((all + $(kubectl logs -n fabric "$client" | wc -l)))
	done
	is "$(attempts_on "$node")" "$all"
}

@test "every connection of the clients has been counted once" {
	asked1=$(pods_load_end load1 node1)
	asked2=$(pods_load_end load2 node2)
	[ "$asked1" -gt 1000 ]
	# Nothing connects any more; but a line may come into the log a moment later.
	for client in hold1 hold2 hold3; do
		cluster_wait 60 holds_in_all "$client" 10
	done
	# hold3 also asked 30 times.
	cluster_wait 60 all_are_counted node1 $((asked1 + 30)) hold1 hold3
	cluster_wait 60 all_are_counted node2 "$asked2" hold2
	none_failed
}
