#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Two nodes with real pods, before gwbpf comes into it: what the other tests take for granted.

setup_file() {
	. "$BATS_TEST_DIRNAME/nodes.bash"
	# The last tests see a node die, within seconds.
	NODES_GRACE=12s
	nodes_up 2
	pods_org1
	pods_client client1 node1 "$GATEWAY" 0
	pods_client client2 node2 "$GATEWAY" 0
}

setup() {
	. "$BATS_TEST_DIRNAME/nodes.bash"
}

teardown_file() {
	. "$BATS_TEST_DIRNAME/nodes.bash"
	cluster_down
}

@test "both nodes are ready, in a zone each" {
	[ "$(kubectl get nodes -o json | jq -r '[.items[] |
		.metadata.name + "/" + .metadata.labels["topology.kubernetes.io/zone"]] | join(" ")')" = \
		"node1/zone1 node2/zone2" ]
}

@test "the endpoints of a gateway are its peers, on both nodes and in both families" {
	run kubectl get endpointslice -n fabric -l kubernetes.io/service-name=org1-gateway -o json
	is "$(jq -c '[.items[] | .addressType] | sort' <<<"$output")" '["IPv4","IPv6"]'
	is "$(jq -c '[.items[] | .endpoints[].nodeName] | sort' <<<"$output")" \
		'["node1","node1","node2","node2"]'
}

# reaches_both CLIENT FAMILY
reaches_both() {
	local peers
	peers=$(pods_ask "$1" "$(pods_gateway_address org1 "$2")" 30) &&
		is "$(cut -d - -f 1-2 <<<"$peers" | sort -u | xargs)" "org1-peer1 org1-peer2"
}

@test "kube-proxy takes clients on both nodes to both peers, over both families" {
	for client in client1 client2; do
		for family in 4 6; do
			cluster_wait 60 reaches_both "$client" "$family"
		done
	done
}

@test "a node sees its own cgroups alone, and its pods are below them" {
	root=$(cgroup_hierarchies cgroup2)
	run node_exec node1 find "$root" -name 'pod*' -type d
	is "$(wc -l <<<"$output")" 2
	[ -n "$(find "$root/$(node_cgroup node1)" -name 'pod*' -type d)" ]
	[ -z "$(node_exec node1 find "$root" -name 'gwbpf-cluster*')" ]
}

@test "a pod on a node gets the node's bpffs and cgroups, not the machine's" {
	node_exec node2 mkdir -p /sys/fs/bpf/of-node2
	kube_apply <<-END
		apiVersion: v1
		kind: Pod
		metadata: {namespace: fabric, name: looker}
		spec:
		  nodeName: node2
		  terminationGracePeriodSeconds: 0
		  containers:
		  - name: looker
		    image: localhost/peer:test
		    securityContext: {privileged: true}
		    volumeMounts:
		    - {name: bpffs, mountPath: /sys/fs/bpf, mountPropagation: HostToContainer}
		    - {name: cgroup, mountPath: /sys/fs/cgroup, mountPropagation: HostToContainer, readOnly: true}
		  volumes:
		  - {name: bpffs, hostPath: {path: /sys/fs/bpf}}
		  - {name: cgroup, hostPath: {path: /sys/fs/cgroup}}
	END
	kubectl wait -n fabric --for=condition=Ready --timeout=180s pod/looker
	kubectl exec -n fabric looker -- ls /sys/fs/bpf/of-node2
	kubectl exec -n fabric looker -- ls "$(cgroup_hierarchies cgroup2)/kubepods"
	[ ! -e /sys/fs/bpf/of-node2 ]
	kubectl delete pod -n fabric looker
}

@test "the endpoints of a dead node are not ready any more within seconds" {
	node_kill node2
	cluster_wait 30 eval 'is "$(pods_ready_endpoints org1)" 1'
	cluster_wait 60 eval 'is "$(pods_ask client1 "$(pods_gateway_address org1)" 20 | sort -u | wc -l)" 1'
}

no_process_is_left() {
	is "$(grep -lsaF "$CLUSTER" /proc/[0-9]*/cmdline /proc/[0-9]*/mountinfo)" ""
}

@test "the cluster leaves no process, mount, namespace or cgroup" {
	cluster_down
	[ ! -e "$CLUSTER" ]
	cluster_wait 60 no_process_is_left
	is "$(find /sys/fs/cgroup -maxdepth 2 -name "$(basename "$CLUSTER")")" ""
}
