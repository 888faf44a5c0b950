# SPDX-License-Identifier: Apache-2.0
# The pods of the tests, in namespace 'fabric', shaped like the Fabric sample: a Deployment for each
# peer, one gateway Service for all peers of an organisation, and clients that hold connections.

# pods_peer NAME NODE [SECONDS [COUNT]]: a peer of the organisation that its name begins with
# (org1-peer1). Told to end, it serves so many seconds more, as a graceful one does. On node '-' the
# scheduler chooses.
pods_peer() {
	kube_apply <<-END
		apiVersion: apps/v1
		kind: Deployment
		metadata: {namespace: fabric, name: $1, labels: {app: $1}}
		spec:
		  replicas: ${4:-1}
		  selector: {matchLabels: {app: $1}}
		  strategy: {rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}
		  template:
		    metadata: {labels: {app: $1, org: ${1%%-*}}}
		    spec:
		      $([ "$2" = - ] || echo "nodeName: $2")
		      terminationGracePeriodSeconds: $((${3:-0} + 1))
		      containers:
		      - name: peer
		        image: localhost/peer:test
		        args: [serve, "7051"]
		        env: [{name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
		        readinessProbe: {tcpSocket: {port: 7051}, periodSeconds: 1}
		        lifecycle: {preStop: {sleep: {seconds: ${3:-0}}}}
	END
}

# pods_gateway ORG [gwbpf.io/KEY=VALUE...]: the Service of all peers of an organisation.
pods_gateway() {
	local org=$1
	shift
	jq -n --arg org "$org" '{apiVersion: "v1", kind: "Service",
		metadata: {namespace: "fabric", name: ($org + "-gateway"), labels: {"gwbpf.io/enabled": "true"},
			annotations: ($ARGS.positional | map(capture("^(?<key>[^=]*)=(?<value>.*)$")) | from_entries)},
		spec: {selector: {org: $org}, ipFamilyPolicy: "PreferDualStack",
			ports: [{name: "grpc", port: 7051}]}}' --args "$@" | kube_apply
}

# pods_org1 [gwbpf.io/KEY=VALUE...]: a gateway and a peer on each of two nodes, ready.
pods_org1() {
	kube_namespace fabric
	pods_gateway org1 "$@"
	pods_peer org1-peer1 node1
	pods_peer org1-peer2 "node$NODES_COUNT"
	pods_wait org1-peer1
	pods_wait org1-peer2
	GATEWAY=$(pods_gateway_address org1)
	export GATEWAY
}

# The address of a gateway, of the family of its first address or of 4 or 6.
pods_gateway_address() {
	kubectl get service -n fabric "$1-gateway" -o json |
		jq -r '.spec.clusterIPs[] | select(contains(":") == ($family == "6"))' --arg family "${2:-4}"
}

# pods_client NAME NODE ADDRESS COUNT: a pod that holds COUNT connections to ADDRESS; its log has a
# line for each connection, the peer's name. With COUNT 0 it only waits for pods_ask.
pods_client() {
	kube_apply <<-END
		apiVersion: v1
		kind: Pod
		metadata: {namespace: fabric, name: $1, labels: {app: client}}
		spec:
		  nodeName: $2
		  terminationGracePeriodSeconds: 1
		  containers:
		  - name: client
		    image: localhost/peer:test
		    args: [hold, "$3", "7051", "$4"]
	END
	kubectl wait -n fabric --for=condition=Ready --timeout=180s "pod/$1" >/dev/null
}

# pods_load NAME NODE ADDRESS: a pod that opens and closes connections until pods_load_end.
pods_load() {
	kube_apply <<-END
		apiVersion: v1
		kind: Pod
		metadata: {namespace: fabric, name: $1, labels: {app: client}}
		spec:
		  nodeName: $2
		  restartPolicy: Never
		  terminationGracePeriodSeconds: 1
		  containers:
		  - name: client
		    image: localhost/peer:test
		    args: [load, "$3", "7051"]
	END
	kubectl wait -n fabric --for=condition=Ready --timeout=180s "pod/$1" >/dev/null
}

# pods_load_end NAME NODE: the number of connections that it asked for.
pods_load_end() {
	node_ctr "$2" task kill -s TERM "$(pods_container "$1")"
	kubectl wait -n fabric --for=jsonpath='{.status.phase}'=Succeeded --timeout=180s "pod/$1" >/dev/null
	cluster_wait 60 pods_has_told "$1"
	kubectl logs -n fabric "$1" | awk '$1 == "asked" { print $2 + 0 }'
}

# Its last line may come into the log after the pod has ended.
pods_has_told() {
	kubectl logs -n fabric "$1" | grep '^asked '
}

# How many connections a second they were, once it has ended.
pods_load_rate() {
	kubectl logs -n fabric "$1" | awk '$1 == "asked" { print $3 }'
}

# The connections of a client that failed, as its log tells.
pods_failures() {
	kubectl logs -n fabric "$1" | grep -c '^E[A-Z]*$' || true
}

# pods_have_no_failures CLIENT...
pods_have_no_failures() {
	local client
	for client in "$@"; do
		is "$client: $(pods_failures "$client")" "$client: 0" || return
	done
}

# pods_ask CLIENT ADDRESS COUNT: open and close connections one after the other; the peers' names.
pods_ask() {
	kubectl exec -n fabric "$1" -- peer ask "$2" 7051 "$3"
}

# pods_wait DEPLOYMENT: until it has been rolled out, the pods that it had before have ended, and the
# slices of its organisation's gateway say what the pods say.
pods_wait() {
	kubectl rollout status -n fabric --timeout=180s "deployment/$1" >/dev/null
	cluster_wait 180 pods_have_ended "$1"
	cluster_wait 60 pods_are_in_slices "${1%%-*}"
}

# No pod of a deployment is about to end any more.
pods_have_ended() {
	is "$(kubectl get pods -n fabric -l "app=$1" -o json |
		jq '[.items[] | select(.metadata.deletionTimestamp)] | length')" 0
}

# The endpoints that a gateway's slices call ready are the organisation's pods that are, in both
# families.
pods_are_in_slices() {
	is "$(kubectl get endpointslices -n fabric -l "kubernetes.io/service-name=$1-gateway" -o json |
		jq -r '[.items[].endpoints[]? | select(.conditions.ready) | .addresses[]] | sort | join(" ")')" \
		"$(kubectl get pods -n fabric -l "org=$1" -o json | jq -r '[.items[] |
			select(.metadata.deletionTimestamp == null and any(.status.conditions[]?;
				.type == "Ready" and .status == "True")) | .status.podIPs[].ip] | sort | join(" ")')"
}

# The number of endpoints that a gateway's slices call ready, in one family.
pods_ready_endpoints() {
	kubectl get endpointslice -n fabric -l "kubernetes.io/service-name=$1-gateway" -o json |
		jq '[.items[] | select(.addressType == "IPv4") | .endpoints[]? | select(.conditions.ready)] | length'
}

# Every connection that a peer on one of the living nodes has, in the kernel of the peer:
# "peer's-address client's-address".
pods_established() {
	local holder node
	for holder in "$CLUSTER"/run/node*-holder; do
		node=$(basename "$holder" -holder)
		node_exec "$node" bash -c 'for net in /run/netns/*; do
			nsenter --net=$net ss -Htn state established "sport = :7051"; done'
	done | sed 's/\[::ffff:\([0-9.]*\)\]/\1/g' | awk '{ sub(/:[0-9]*$/, "", $3); sub(/:[0-9]*$/, "", $4); print $3, $4 }'
}

# Connections that a client pod holds, by the peer: "5 org1-peer1", in the order of the names.
pods_held_by() {
	local client
	client=$(kubectl get pod -n fabric "$1" -o jsonpath='{.status.podIP}')
	{
		kubectl get pods -n fabric -l org -o json |
			jq -r '.items[] | .status.podIP + " is " + .metadata.labels.app'
		pods_established
	} | awk -v client="$client" '$2 == "is" { name[$1] = $3 } $2 == client { held[name[$1]]++ }
		END { for (peer in held) print held[peer], peer }' | sort -k 2
}

# The container of a pod, as containerd names it.
pods_container() {
	kubectl get pod -n fabric "$1" -o json |
		jq -r '.status.containerStatuses[0].containerID | ltrimstr("containerd://")'
}
