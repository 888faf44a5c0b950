#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The control plane that the other tests stand on: it comes up, keeps what is written, refuses who
# has no rights, forgets its history on request, and leaves nothing behind.

setup_file() {
	. "$BATS_TEST_DIRNAME/lib.bash"
	cluster_up
}

setup() {
	. "$BATS_TEST_DIRNAME/lib.bash"
}

teardown_file() {
	. "$BATS_TEST_DIRNAME/lib.bash"
	cluster_down
}

api() {
	curl -sS --cacert "$CLUSTER/pki/ca.crt" --cert "$CLUSTER/pki/admin.crt" \
		--key "$CLUSTER/pki/admin.key" "$CLUSTER_SERVER$1"
}

@test "the API server says the version that was built" {
	is "$(kubectl version -o json | jq -r .serverVersion.gitVersion)" v1.37.2
}

@test "a Service and its slice can be written without a controller, and written again" {
	kube_service fabric org1-gateway 10.96.7.1,fd00:10:96::71 7051 gwbpf.io/policy=rr
	kube_slice fabric org1-gateway 7051 10.244.1.10,pod=org1-peer1-a,node=node1,zone=z1
	kube_slice fabric org1-gateway 7051 10.244.1.10,pod=org1-peer1-a,node=node1,ready=false 10.244.2.11
	kube_slice fabric org1-gateway 7051 fd00:10:244::10,terminating=true,ready=false,serving=true

	run kubectl get service -n fabric org1-gateway -o json
	is "$(jq -c .spec.clusterIPs <<<"$output")" '["10.96.7.1","fd00:10:96::71"]'
	is "$(jq -r '.metadata.annotations["gwbpf.io/policy"]' <<<"$output")" rr
	run kubectl get endpointslice -n fabric org1-gateway-ipv4 -o json
	is "$(jq -c '[.endpoints[].conditions.ready]' <<<"$output")" '[false,true]'
	run kubectl get endpointslice -n fabric org1-gateway-ipv6 -o json
	is "$(jq -c '.endpoints[0].conditions' <<<"$output")" \
		'{"ready":false,"serving":true,"terminating":true}'
}

@test "the API server chooses addresses of both families if the test does not" {
	kube_service fabric org2-gateway - 7051
	is "$(kubectl get service -n fabric org2-gateway -o json | jq '.spec.clusterIPs | length')" 2
}

@test "the agent's account may do what the agent does, and nothing else" {
	cluster_agent_kubeconfig "$CLUSTER/agent.kubeconfig"
	export KUBECONFIG=$CLUSTER/agent.kubeconfig
	kubectl get services,endpointslices.discovery.k8s.io -A
	kubectl auth can-i get nodes
	run kubectl auth can-i list nodes
	[ "${lines[-1]}" = no ]
	run kubectl auth can-i list pods -A
	[ "${lines[-1]}" = no ]
	run kubectl auth can-i patch services -A
	[ "${lines[-1]}" = no ]
}

@test "an account without rights is refused with 403, a bad token with 401" {
	cluster_account default nobody
	cluster_token_kubeconfig "$CLUSTER/nobody.kubeconfig" "$(cluster_token default nobody)"
	run kubectl --kubeconfig "$CLUSTER/nobody.kubeconfig" get services
	[[ $output = *Forbidden* ]]
	cluster_token_kubeconfig "$CLUSTER/bad.kubeconfig" rubbish
	run kubectl --kubeconfig "$CLUSTER/bad.kubeconfig" get services
	[[ $output = *Unauthorized* || $output = *"must be logged in"* ]]
}

is_gone() {
	is "$(api "$1" | jq .code)" 410
}

@test "a list does not go on after its history is compacted: 410, but comes without pages" {
	token=$(api "/api/v1/services?limit=1" | jq -r .metadata.continue)
	kube_node node-x
	cluster_compact
	cluster_wait 60 is_gone "/api/v1/services?limit=1&continue=$token"
	is "$(api "/api/v1/services?limit=0" | jq -c '[.metadata.continue, (.items | length > 1)]')" "[null,true]"
}

@test "a watch does not go on from before a restart of the API server: 410" {
	version=$(api "/api/v1/services?limit=1" | jq -r .metadata.resourceVersion)
	kube_service fabric org1-gateway 10.96.7.1,fd00:10:96::71 7051 gwbpf.io/policy=lc
	cluster_compact
	cluster_api_restart
	run api "/api/v1/services?watch=1&timeoutSeconds=2&resourceVersion=$version"
	[[ $output = *'"code":410'* ]]
}

@test "what was written is there after the API server was killed and started again" {
	cluster_api_stop KILL
	run api /readyz
	[ "$status" -ne 0 ]
	cluster_api_start
	kubectl get service -n fabric org1-gateway
}

@test "with the controller manager, endpoints follow the pods" {
	cluster_controllers_start
	kubectl create service clusterip followed --tcp 80:80
	cluster_wait 60 eval 'kubectl get endpointslice -l kubernetes.io/service-name=followed -o name |
		grep -q .'
}
