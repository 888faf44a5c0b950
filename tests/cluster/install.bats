#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# deploy/README.md, command by command as it stands there, on two nodes with real pods. Tests build
# on each other.

bats_require_minimum_version 1.5.0

setup_file() {
	. "$BATS_TEST_DIRNAME/agents.bash"
	nodes_up 2
	pods_org1
	kubectl label service -n fabric org1-gateway gwbpf.io/enabled-
	for node in node1 node2; do
		node_ctr "$node" images rm "$(node_ctr "$node" images ls -q | grep '/gwbpf:')"
	done
	pods_client before node1 "$GATEWAY" 4
}

setup() {
	. "$BATS_TEST_DIRNAME/agents.bash"
	page=$CLUSTER_TOP/deploy/README.md
}

teardown() {
	agents_tell
}

teardown_file() {
	. "$BATS_TEST_DIRNAME/agents.bash"
	cluster_down
}

# The line of the page that begins so. What stands for the reader's own names is replaced: WORD=NAME.
line() {
	local text replace
	text=$(sed 's/[[:blank:]][[:blank:]]*#.*//' "$page" | grep -m 1 "^[[:blank:]]*$1") || {
		echo "the page has no command that begins '$1'" >&2
		return 1
	}
	for replace in "${@:2}"; do
		text=${text//"${replace%%=*}"/"${replace#*=}"}
	done
	printf '%s\n' "$text"
}

follow() {
	local command
	command=$(line "$@") || return
	(cd "$CLUSTER_TOP" && eval "$command")
}

# The kustomization of the page that holds these words, in a directory that kustomize may read.
kustomization() {
	local dir=$CLUSTER_TOP/build/cluster/kustomization
	mkdir -p "$dir"
	awk -v words="$1" '/^\t/ { block = block substr($0, 2) "\n"; next }
		index(block, words) { found = block } { block = "" } END { printf "%s", found }' "$page" |
		sed 's|<this repository>|../../..|' >"$dir/kustomization.yaml"
	grep -q . "$dir/kustomization.yaml"
	echo "$dir"
}

rolled_out() {
	local command
	command=$(line 'kubectl rollout status -n gwbpf-system') || return
	eval "$command --timeout=240s" | grep -q 'successfully rolled out'
}

service_state_on() {
	node_exec "$1" "$CLUSTER_TOP/build/gwbpf" services -o json |
		jq -r '[.items[] | select(.name == "org1-gateway") | .state] | unique | join(" ")'
}

is_in_state() {
	is "$(service_state_on "$1")" "$2"
}

@test "the archive is loaded into containerd where the kubelet finds it" {
	for node in node1 node2; do
		[ -z "$(node_ctr "$node" images ls -q | grep '/gwbpf:')" ]
		command=$(line 'ctr -n k8s.io images import')
		node_exec "$node" bash -c "cd '$CLUSTER_TOP' && $command"
	done
}

@test "an agent is ready on each node" {
	follow 'kubectl apply -k deploy/base'
	rolled_out
	for node in node1 node2; do
		cluster_wait 60 gwbpf_on "$node" status
	done
}

@test "a labelled Service is balanced; what was open before is not counted until it reconnects" {
	follow 'kubectl label service' org1-peer-gateway-svc=org1-gateway
	for node in node1 node2; do
		cluster_wait 60 is_in_state "$node" ready
	done
	cluster_wait 60 holds_in_all before 4
	is_active_on node1 "0 0"
	pods_client after node1 "$GATEWAY" 6
	cluster_wait 60 holds_in_all after 6
	is_active_on node1 "3 3"
	kubectl delete pod -n fabric before --wait=true
	pods_client before node1 "$GATEWAY" 4
	cluster_wait 60 holds_in_all before 4
	is_active_on node1 "5 5"
}

@test "the agent of a node is asked by the node's name, or all of them" {
	for node in node1 node2; do
		run follow 'kubectl exec -n gwbpf-system $(kubectl get pod' NODE="$node"
		[ "$status" -eq 0 ]
		[[ ${lines[0]} = *"$node"* ]]
	done
	run follow 'for pod in'
	[[ $output = *node1* ]]
	[[ $output = *node2* ]]
}

# plugin ARGUMENT...: as kubectl finds it, in a directory of $PATH.
plugin() {
	PATH=$CLUSTER_TOP/deploy/kubectl:$PATH kubectl gwbpf "$@"
}

@test "kubectl gwbpf asks all nodes at once: peers by nodes with their sum" {
	pods_client elsewhere node2 "$GATEWAY" 2
	cluster_wait 60 holds_in_all elsewhere 2
	run --separate-stderr plugin backends fabric/org1-gateway
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[[ ${lines[0]} =~ ^SERVICE\ +PEER\ +BACKEND\ +node1\ +node2\ +ACTIVE\ +STATE$ ]]
	is "$(grep -cE ' 5 +1 +6 +usable$' <<<"$output")" 2
	kubectl delete pod -n fabric elsewhere --wait=true
	run plugin services
	[ "$status" -eq 0 ]
	grep -E 'fabric/org1-gateway:[0-9]+ .* ready +ready ' <<<"$output"
	run plugin status
	is "$(grep -cE '^node[12] +(yes|no) ' <<<"$output")" 2
	run plugin on node2 version
	[ "$status" -eq 0 ]
	[[ $output = "gwbpf "* ]]
}

@test "kubectl gwbpf names the node that does not answer, and shows the others" {
	kubelet=$(pgrep -f "^[^ ]*kubelet --config $CLUSTER/node2/kubelet.yaml")
	kill -STOP "$kubelet"
	run --separate-stderr plugin --timeout 15 status
	kill -CONT "$kubelet"
	# Should the node have been taken for lost meanwhile, its peer was with it: the tests below need both.
	cluster_wait 60 is_active_on node1 "5 5"
	[ "$status" -eq 1 ]
	grep -E '^node1 +(yes|no) ' <<<"$output"
	[[ $output != *node2* ]]
	[[ $stderr = "no answer: node2 (Running: "* ]]
	run --separate-stderr plugin --agents nowhere status
	[ "$status" -eq 1 ]
	[[ $stderr = *"no agent in namespace 'nowhere'"* ]]
	run --separate-stderr plugin frobnicate
	[ "$status" -eq 2 ]
	[[ $stderr = *"unknown command 'frobnicate'"* ]]
}

@test "an upgrade by the page, and back" {
	for node in node1 node2; do
		image=$(node_ctr "$node" images ls -q | grep '/gwbpf:')
		node_ctr "$node" images tag "$image" "${image%:*}:next"
	done
	follow 'kubectl set image' TAG=next
	rolled_out
	is "$(agents_images)" gwbpf:next
	is_active_on node1 "5 5"
	follow 'kubectl rollout undo'
	rolled_out
	[ "$(agents_images)" != gwbpf:next ]
	is_active_on node1 "5 5"
}

@test "metrics are at the pod's address, and no page that names clients" {
	for node in node1 node2; do
		address=$(kubectl get pod -n gwbpf-system "$(agent_pod "$node")" -o jsonpath='{.status.podIP}')
		cluster_exec curl -fsS "http://$address:9452/readyz"
		run cluster_exec curl -fsS "http://$address:9452/metrics"
		[[ $output = *$'\n'"gwbpf_hooks_live "* ]]
		is "$(cluster_exec curl -sS -o /dev/null -w '%{http_code}' \
			"http://$address:9452/api/v1/connections")" 404
	done
	address=$(kubectl get pod -n gwbpf-system "$(agent_pod node1)" -o jsonpath='{.status.podIP}')
	cluster_exec curl -fsS "http://$address:9452/metrics" |
		grep '^gwbpf_connections_active{service_namespace="fabric",service_name="org1-gateway"'
}

@test "without an agent for longer than --stale-after kube-proxy serves the node, until one is back" {
	kubectl apply -k "$(kustomization --stale-after=1m)"
	rolled_out
	is "$(kubectl get daemonset -n gwbpf-system gwbpf -o json |
		jq -c '.spec.template.spec.containers[0].args')" \
		'["agent","--metrics-listen=:9452","--stale-after=1m"]'
	# Seconds instead, as nobody wants to wait here.
	sed -i s/=1m/=3s/ "$(kustomization --stale-after=1m)/kustomization.yaml"
	kubectl apply -k "$CLUSTER_TOP/build/cluster/kustomization"
	rolled_out
	kubectl delete daemonset -n gwbpf-system gwbpf
	cluster_wait 60 is_in_state node1 stepped-aside
	run pods_ask after "$GATEWAY" 10
	[ "$status" -eq 0 ]
	# Those that are open are counted on.
	is_active_on_node node1 "5 5"
	follow 'kubectl apply -k deploy/base'
	rolled_out
	cluster_wait 60 is_in_state node1 ready
	is_active_on node1 "5 5"
}

# As is_active_on, where no pod of the agent can be asked.
is_active_on_node() {
	is "$(node_exec "$1" "$CLUSTER_TOP/build/gwbpf" backends fabric/org1-gateway -o json |
		jq -r --arg gateway "$GATEWAY" '[.items[] | select(.serviceAddress == $gateway) | .active] |
			sort | join(" ")')" "$2"
}

is_taken_away() {
	for node in node1 node2; do
		is "$(node_exec "$node" find /sys/fs/bpf -name 'gw*')" "" || return
	done
	is "$(attached_hooks)" 0
}

@test "taken away by the page" {
	follow 'kubectl apply -k deploy/uninstall'
	rolled_out
	is_taken_away
	follow 'kubectl delete -k deploy/uninstall'
	is "$(kubectl get clusterrole,clusterrolebinding -o name | grep gwbpf)" ""
	cluster_wait 60 holds_in_all after 6
}

@test "for one namespace: installed, balanced and taken away without any right in the cluster" {
	kubectl apply -k "$CLUSTER_TOP/deploy/overlays/one-namespace"
	rolled_out
	cluster_wait 60 is_in_state node1 ready
	is "$(kubectl get clusterrole,clusterrolebinding -o name | grep gwbpf)" ""
	kubectl apply -k "$CLUSTER_TOP/deploy/overlays/one-namespace-uninstall"
	rolled_out
	is_taken_away
	is "$(kubectl get clusterrole,clusterrolebinding -o name | grep gwbpf)" ""
	kubectl delete -k "$CLUSTER_TOP/deploy/overlays/one-namespace-uninstall"
	is "$(kubectl get role,rolebinding -n fabric -o name | grep gwbpf)" ""
	kubectl get service -n fabric org1-gateway
}

@test "the archive can be pushed to a registry" {
	export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
	buildah() {
		command buildah --root "$BATS_TEST_TMPDIR/storage" --runroot "$BATS_TEST_TMPDIR/run" "$@"
	}
	follow 'buildah pull'
	follow 'buildah push' docker://NAME:TAG="dir:$BATS_TEST_TMPDIR/pushed"
	[ -s "$BATS_TEST_TMPDIR/pushed/manifest.json" ]
}
