#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# docs/fabric.md, step by step as it stands there: stand-ins for Fabric's peers behind the sample's
# gateway Service, and real gRPC clients in pods of two nodes, none of whose calls may fail, but for one
# that begins just when its connection moves. Tests build on each other.

bats_require_minimum_version 1.5.0

setup_file() {
	. "$BATS_TEST_DIRNAME/agents.bash"
	nodes_up 2
	kubectl apply -k "$CLUSTER_TOP/deploy/base" >/dev/null
	mkdir "$CLUSTER/fabric"
	kube_namespace test-network
	gateway_service
	pod org1-peer1 node1
	pod org1-peer2 node2
	pod app1 node1
	pod app2 node2
	for name in org1-peer1 org1-peer2 app1 app2; do
		pod_wait $name
	done
	agents_wait
}

setup() {
	. "$BATS_TEST_DIRNAME/agents.bash"
	page=$CLUSTER_TOP/docs/fabric.md
	own=$CLUSTER/fabric
	clients=$("$CLUSTER_TOP/tests/clients/build.sh" --find)
	service=test-network/org1-peer-gateway-svc
}

teardown() {
	agents_tell
}

teardown_file() {
	. "$BATS_TEST_DIRNAME/agents.bash"
	cluster_down
}

# As in the sample network; nothing there knows of gwbpf.
gateway_service() {
	kube_apply <<-END
		apiVersion: v1
		kind: Service
		metadata: {namespace: test-network, name: org1-peer-gateway-svc}
		spec:
		  selector: {org: org1}
		  ports: [{name: grpc, port: 7051, protocol: TCP}]
	END
}

# pod NAME NODE: it holds namespaces and a cgroup, for programs of this machine to live in.
pod() {
	kube_apply <<-END
		apiVersion: v1
		kind: Pod
		metadata: {namespace: test-network, name: $1, labels: {app: $1}}
		spec:
		  nodeName: $2
		  terminationGracePeriodSeconds: 0
		  containers: [{name: main, image: localhost/peer:test}]
	END
}

field() { # POD JSONPATH
	kubectl get pod -n test-network "$1" -o jsonpath="{$2}"
}

# Wait until it runs, and note its process and its address.
pod_wait() {
	local container
	kubectl wait -n test-network --for=condition=Ready --timeout=180s "pod/$1" >/dev/null
	container=$(field "$1" '.status.containerStatuses[0].containerID')
	node_ctr "$(field "$1" .spec.nodeName)" task ls |
		awk -v id="${container#containerd://}" '$1 == id { print $2 }' >"$CLUSTER/fabric/$1.pid"
	field "$1" .status.podIP >"$CLUSTER/fabric/$1.address"
}

# in_pod POD NAME COMMAND...: run it there until the cluster ends, or cluster_stop NAME.
in_pod() {
	local pid
	pid=$(<"$own/$1.pid")
	# A socket belongs to the cgroup in which it is made.
	cluster_start "$2" bash -c 'echo $$ >"$0/cgroup.procs" && exec nsenter -t "$1" --net -- "${@:2}"' \
		"$(cgroup_hierarchies cgroup2)$(sed -n 's/^0:://p' "/proc/$pid/cgroup")" "$pid" "${@:3}"
}

# peer NAME CERTIFICATE: it serves, and is the organisation's from then on.
peer() {
	in_pod "$1" "$1" "$clients/clients" peer "$own/$2" "$(<"$own/$1.address"):7051"
	cluster_wait 60 has_handshake "$1"
	kubectl label pod -n test-network "$1" org=org1
}

has_handshake() {
	certificate_of "$1" | grep 'BEGIN CERTIFICATE'
}

certificate_of() {
	node_exec node1 openssl s_client -connect "$(<"$own/$1.address"):7051" </dev/null
}

# application NUMBER: four clients in the pod app1 or app2: each library, each kind of call.
application() {
	local kind address
	address=$(kubectl get service -n test-network org1-peer-gateway-svc -o jsonpath='{.spec.clusterIP}'):7051
	for kind in evaluate commit; do
		in_pod "app$1" "go-$kind-$1" "$clients/clients" client "$own/good" "$address" $kind 4s \
			"$own/go-$kind-$1.json"
		in_pod "app$1" "node-$kind-$1" node "$clients/client.js" "$own/good" "$address" $kind 4000 \
			"$own/node-$kind-$1.json"
	done
}

applications_start() {
	application 1
	application 2
	cluster_wait 60 have_called 8
}

applications_stop() {
	local number kind
	for number in 1 2; do
		for kind in evaluate commit; do
			cluster_stop "go-$kind-$number"
			cluster_stop "node-$kind-$number"
		done
	done
	# What is counted stays, under another name.
	for number in "$own"/*.json; do
		mv "$number" "$number.before"
	done
}

have_called() {
	is "$(find "$own" -name '*-*.json' | wc -l)" "$1"
}

calls() {
	cat "$own"/*.json "$own"/*.before 2>/dev/null | jq -s 'map(.calls) | add'
}

have_made() {
	[ "$(calls)" -ge "$1" ]
}

no_call_failed() {
	is "$(cat "$own"/*.json "$own"/*.before 2>/dev/null | jq -cs 'map(select(.failed > 0))')" "[]"
}

# The page says so: a call that begins in the milliseconds in which its connection moves is hit, and
# fails at once. That is not all of them, and none that was waiting for its answer.
one_call_failed_at_most() {
	is "$(cat "$own"/*.json "$own"/*.before 2>/dev/null | jq -cs 'map(select(.failed > 0)) |
		if (map(.failed) | add // 0) <= 1 and all(.[].failures[];
			capture("\\+(?<ms>[0-9]+) ms:").ms | tonumber < 1500) then [] else . end')" "[]"
}

# The command of the page that begins so, with the reader's own names in it: WORD=NAME.
follow() {
	local command replace
	command=$(grep -m 1 "^[[:blank:]]*$1" "$page")
	for replace in "${@:2}"; do
		command=${command//"${replace%%=*}"/"${replace#*=}"}
	done
	(cd "$CLUSTER_TOP" && PATH=$CLUSTER_TOP/build:$CLUSTER_TOP/deploy/kubectl:$PATH && eval "$command")
}

# spread_is NODE "2 2": the connections of a node's clients to each peer, the least first.
spread_is() {
	is "$(gwbpf_on "$1" backends "$service" -o json |
		jq -r '[.items[] | select(.state != "leaving") | .active] | sort | join(" ")')" "$2"
}

@test "1: each node is well" {
	run follow 'kubectl gwbpf status'
	[ "$status" -eq 0 ]
	is "$(grep -cE '^node[12] +yes ' <<<"$output")" 2
}

@test "2: a certificate without the gateway's name is found, and how to enrol it again" {
	name=org1-peer-gateway-svc
	"$clients/clients" certificate "$own/good" $name $name.test-network $name.test-network.svc \
		$name.test-network.svc.cluster.local
	"$clients/clients" certificate "$own/mistyped" org1-peer2-gateway-svc
	peer org1-peer1 good
	peer org1-peer2 mistyped
	certificate_of org1-peer1 | "$CLUSTER_TOP/build/gwbpf" tls --file - --names $name
	openssl() {
		certificate_of org1-peer2
	}
	run follow 'openssl s_client -connect org1-peer2'
	[ "$status" -eq 1 ]
	[[ $output = *"it lacks '$name'"* ]]
	[[ $output = *"fabric-ca-client enroll"*"--csr.hosts "*"$name"* ]]
	cluster_stop org1-peer2
	peer org1-peer2 good
	run follow 'openssl s_client -connect org1-peer2'
	[ "$status" -eq 0 ]
}

@test "3: the label, with the settings: clients that are connected notice nothing" {
	applications_start
	follow 'kubectl patch service'
	for node in node1 node2; do
		cluster_wait 60 spread_is $node "0 0"
	done
	cluster_wait 60 have_made $(($(calls) + 8))
	no_call_failed
	is "$(gwbpf_on node1 explain "$service" | grep -c ' annotation *$')" 6
}

backends_are_even() {
	local table
	table=$(follow 'kubectl gwbpf backends') && echo "$table" &&
		is "$(grep -cE ' 2 +2 +4 +usable$' <<<"$table")" 2
}

@test "4, 5: restarted once, clients are counted, on both nodes, and evenly" {
	applications_stop
	applications_start
	cluster_wait 60 backends_are_even
	no_call_failed
}

@test "every peer is checked by a handshake, and carries the names" {
	for node in node1 node2; do
		cluster_wait 60 eval 'gwbpf_on $node backends "$service" -o json | jq -e "
			[.items[] | .check.result == \"ok\" and .tls.missing == []] == [true, true]"'
		run gwbpf_on $node tls "$service"
		[ "$status" -eq 0 ]
		[[ $output = *"org1-peer-gateway-svc.test-network.svc.cluster.local"*carried* ]]
	done
}

@test "a peer is added: quiet connections move to it, and no call fails" {
	pod org1-peer3 node1
	pod_wait org1-peer3
	peer org1-peer3 good
	for node in node1 node2; do
		cluster_wait 60 spread_is $node "1 1 2"
	done
	run follow 'kubectl gwbpf backends'
	is "$(grep -c ' usable$' <<<"$output")" 3
	one_call_failed_at_most
}

@test "back: without the label kube-proxy serves the next connections, and open ones stay" {
	follow 'kubectl label service'
	for node in node1 node2; do
		cluster_wait 60 eval 'gwbpf_on $node services -o json | jq -e ".items == []"'
	done
	cluster_wait 60 have_made $(($(calls) + 8))
	one_call_failed_at_most
}
