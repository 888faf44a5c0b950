# SPDX-License-Identifier: Apache-2.0
# Kubernetes objects that a test writes itself, where no controller does: Services, EndpointSlices,
# Nodes. Each function writes the whole object, so calling it again is an update.

kube_apply() {
	kubectl apply --server-side --force-conflicts -f - >/dev/null
}

kube_namespace() {
	jq -n --arg name "$1" '{apiVersion: "v1", kind: "Namespace", metadata: {name: $name}}' | kube_apply
}

# kube_service NAMESPACE NAME ADDRESSES PORT [gwbpf.io/KEY=VALUE...]: a Service enabled for gwbpf
# with one port, 'grpc'. ADDRESSES: the cluster IP, or IPv4,IPv6, or - for the API server's choice.
kube_service() {
	local namespace=$1 name=$2 addresses=$3 port=$4
	shift 4
	kube_namespace "$namespace"
	jq -n --arg namespace "$namespace" --arg name "$name" --arg addresses "$addresses" \
		--argjson port "$port" '
		($addresses | if . == "-" then [] else split(",") end) as $ips |
		{apiVersion: "v1", kind: "Service",
		 metadata: {namespace: $namespace, name: $name, labels: {"gwbpf.io/enabled": "true"},
			annotations: ($ARGS.positional | map(capture("^(?<key>[^=]*)=(?<value>.*)$")) | from_entries)},
		 spec: {ipFamilyPolicy: "PreferDualStack",
			ports: [{name: "grpc", port: $port, protocol: "TCP"}]}} |
		if $ips == [] then . else .spec += {clusterIP: $ips[0], clusterIPs: $ips,
			ipFamilyPolicy: (if $ips | length == 2 then "RequireDualStack" else "SingleStack" end),
			ipFamilies: ($ips | map(if contains(":") then "IPv6" else "IPv4" end))} end
		' --args "$@" | kube_apply
}

# kube_slice NAMESPACE SERVICE PORT ENDPOINT...: the Service's EndpointSlice of the family of the
# first endpoint. ENDPOINT: ADDRESS[,pod=NAME][,node=NAME][,zone=NAME][,ready|serving|terminating=BOOL]
kube_slice() {
	local namespace=$1 service=$2 port=$3
	shift 3
	jq -n --arg namespace "$namespace" --arg service "$service" --argjson port "$port" '
		($ARGS.positional | map(split(",") | . as $words |
			(.[1:] | map(capture("^(?<key>[^=]*)=(?<value>.*)$")) | from_entries) as $set |
			{addresses: [$words[0]],
			 conditions: ($set | with_entries(select(.key | IN("ready", "serving", "terminating"))) |
				map_values(. == "true") | {ready: true} + .)} +
			if $set.node then {nodeName: $set.node} else {} end +
			if $set.zone then {zone: $set.zone} else {} end +
			if $set.pod then {targetRef: {kind: "Pod", namespace: $namespace, name: $set.pod}} else {} end
		)) as $endpoints |
		(if $ARGS.positional[0] // "" | contains("::") then "IPv6" else "IPv4" end) as $family |
		{apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice",
		 metadata: {namespace: $namespace, name: ($service + "-" + ($family | ascii_downcase)),
			labels: {"kubernetes.io/service-name": $service}},
		 addressType: $family, endpoints: $endpoints,
		 ports: [{name: "grpc", port: $port, protocol: "TCP"}]}
		' --args "$@" | kube_apply
}

# kube_node NAME [ZONE]
kube_node() {
	jq -n --arg name "$1" --arg zone "${2:-}" '
		{apiVersion: "v1", kind: "Node", metadata: {name: $name,
			labels: (if $zone == "" then {} else {"topology.kubernetes.io/zone": $zone} end)}}
		' | kube_apply
}
