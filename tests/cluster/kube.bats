#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The Kubernetes source against a real API server: what it delivers, with which rights, and that
# nothing that happens to the API server, the network or the files takes away what it delivered.

FOLLOW=$BATS_TEST_DIRNAME/../../build/asan/tests/cluster/follow

setup_file() {
	. "$BATS_TEST_DIRNAME/lib.bash"
	cluster_up
	cluster_agent_kubeconfig "$CLUSTER/agent.kubeconfig"
	kube_node node1 z1
	kube_service fabric a 10.96.7.1 7051
	kube_slice fabric a 7051 10.244.1.10 10.244.1.11,ready=false
}

setup() {
	. "$BATS_TEST_DIRNAME/lib.bash"
	LOG=$CLUSTER/log/follow
	: >"$LOG"
}

teardown() {
	kill -CONT "$(cat "$CLUSTER/run/follow")"
	follow_stop
	ip netns del gwbpf-kube 2>/dev/null || :
	# A leak or a bad access would have ended it without this word.
	if ! grep -q '^ended$' "$LOG"; then
		show
		false
	fi
}

teardown_file() {
	. "$BATS_TEST_DIRNAME/lib.bash"
	cluster_down
}

# With the agent's rights, unless an option says otherwise.
follow() {
	cluster_start follow "$FOLLOW" --kubeconfig "$CLUSTER/agent.kubeconfig" --node-name node1 "$@"
	cluster_wait 60 grep -q "^commit complete" "$LOG" || { show; false; }
}

# Its sanitizers look for leaks at the end: that may take longer than others are given.
follow_stop() {
	CLUSTER_END_SECONDS=60 cluster_stop follow
}

show() {
	tail -n 20 "$LOG" | cut -c 1-200
}

has_told() {
	[ "$(grep -cE -- "$1" "$LOG")" -ge "$2" ]
}

# Wait until the source told something: told PATTERN [TIMES]
told() {
	cluster_wait 60 has_told "$1" "${2:-1}" || { show; false; }
}

# Forget what was told so far, so that told() waits for what comes.
forget() {
	: >"$LOG"
}

never() {
	! grep -E -- "$1" "$LOG"
}

# Something changed afterwards still arrives: the watches live. Each test writes another number: what is
# as before is no change.
still_follows() {
	kube_slice fabric a 7051 "10.244.9.$BATS_TEST_NUMBER" "10.244.8.$BATS_TEST_NUMBER"
	told "put slice fabric/a-ipv4 of a: 10.244.9.*10.244.8"
	kubectl annotate --overwrite service -n fabric a "gwbpf.io/connect-timeout=$((1000 + BATS_TEST_NUMBER))ms" >/dev/null
	told "put service fabric/a "
}

# At once: told to end, an API server waits a minute for those who watch.
api_restart() {
	cluster_api_stop KILL
	cluster_api_start "$@"
}

# Sixty watches more, of Services that do not exist.
many_services() {
	printf -- '--service fabric/none-%d ' $(seq 60)
}

# A kubeconfig whose token is a file beside it.
write_token_kubeconfig() {
	cluster_write_kubeconfig "$CLUSTER/token.kubeconfig" "{tokenFile: agent.token}"
	cluster_token gwbpf-system gwbpf >"$CLUSTER/agent.token"
}

@test "the agent's rights suffice for labelled Services, their slices and the node's zone" {
	kube_slice fabric a 7051 10.244.1.10 10.244.1.11,ready=false
	kubectl create service clusterip -n fabric unlabelled --tcp 80:80
	follow
	told "put service fabric/a enabled=1"
	told "put slice fabric/a-ipv4 of a: 10.244.1.10 10.244.1.11!"
	told "node exists=1 zone='z1'"
	never "unlabelled|failed|refuse"

	kubectl label --overwrite node node1 topology.kubernetes.io/zone=z2
	told "node exists=1 zone='z2'"
	kubectl label --overwrite node node1 topology.kubernetes.io/zone=z1
	kube_slice fabric a 7051 10.244.1.12
	told "put slice fabric/a-ipv4 of a: 10.244.1.12$"
	never "failed|refuse|remove"
}

@test "a label that is taken away and an object that is deleted are removed, and come back" {
	follow
	kubectl label service -n fabric a gwbpf.io/enabled-
	told "remove service fabric/a$"
	kubectl delete endpointslice -n fabric a-ipv4
	told "remove slice fabric/a-ipv4$"
	forget
	kube_service fabric a 10.96.7.1 7051
	kube_slice fabric a 7051 10.244.1.10
	told "put service fabric/a "
	told "put slice fabric/a-ipv4 of a: 10.244.1.10$"
	never failed
}

@test "a list of several pages is whole" {
	kube_service fabric many 10.96.7.9 7051
	for i in $(seq 600); do
		echo "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{\"name\":\"many-$i\",
			\"labels\":{\"kubernetes.io/service-name\":\"many\"}},
			\"addressType\":\"IPv4\",\"endpoints\":[],\"ports\":[]}"
	done | kubectl create -n fabric -f - >/dev/null
	follow
	is "$(grep -c "put slice fabric/many-" "$LOG")" 600
	kubectl delete --raw "/apis/discovery.k8s.io/v1/namespaces/fabric/endpointslices?labelSelector=$(
		)kubernetes.io/service-name=many" >/dev/null
	told "remove slice fabric/many-" 600
	never "failed|refuse"
	kubectl delete service -n fabric many
}

@test "an API server that is killed takes nothing away, and is followed again" {
	follow
	forget
	cluster_api_stop KILL
	told "failed services: connect: cannot watch services: "
	told "failed endpointslices: connect: "
	cluster_api_start
	told "recovered services"
	told "recovered endpointslices"
	told "recovered node 'node1'"
	still_follows
	never "remove|exists=0"
}

@test "410: what vanished meanwhile is removed, and nothing else" {
	kube_service fabric b 10.96.7.2 7051
	follow
	told "put service fabric/b "
	forget
	kill -STOP "$(cat "$CLUSTER/run/follow")"
	kubectl delete service -n fabric b
	cluster_compact
	api_restart
	kill -CONT "$(cat "$CLUSTER/run/follow")"
	told "failed services: gone: .*too old resource version"
	told "remove service fabric/b"
	told "recovered services"
	still_follows
	is "$(grep -c remove "$LOG")" 1
}

@test "401: the rotated token is read, and what was delivered stays meanwhile" {
	write_token_kubeconfig
	follow --kubeconfig "$CLUSTER/token.kubeconfig" --watch-seconds 2
	echo rubbish >"$CLUSTER/agent.token"
	told "failed services: unauthorized: cannot watch services: the credentials are refused .401.: Unauthorized"
	told "failed endpointslices: unauthorized: "
	rm "$CLUSTER/agent.token"
	told "failed services: config: cannot watch services: cannot read '.*/agent.token': No such file"
	forget
	write_token_kubeconfig
	told "recovered services"
	told "recovered endpointslices"
	still_follows
	never remove
}

@test "403: the message names the verb and the resource, and the right is enough to go on" {
	follow --watch-seconds 2
	kubectl delete clusterrolebinding gwbpf
	told "failed services: forbidden: cannot watch services: it is forbidden .403.: .*; allow the verb 'watch' on the resource 'services' of API group '', or give --namespace; next"
	told "failed endpointslices: forbidden: .*allow the verb 'watch' on the resource 'endpointslices' of API group 'discovery.k8s.io'; next"
	told "failed node 'node1': forbidden: .*allow the verb 'get' on the resource 'nodes' of API group '', or give --zone"
	forget
	kube_apply <"$CLUSTER_TOP/deploy/base/rbac.yaml"
	told "recovered services"
	told "recovered endpointslices"
	still_follows
	never remove
}

# Everything that deploy/base grants but one verb on one resource: VERB RESOURCE
grant_all_but() {
	kubectl create --dry-run=client -f "$CLUSTER_TOP/deploy/base/rbac.yaml" -o json |
		jq --arg verb "$1" --arg resource "$2" 'select(.kind == "ClusterRole") |
			(.rules[] | select(.resources == [$resource]) | .verbs) -= [$verb]' | kube_apply
	cluster_wait 60 cluster_may "$CLUSTER/agent.kubeconfig" no "$1" "$2"
}

@test "each right is needed: without it, a message asks for it" {
	for right in "list services" "watch services" "list endpointslices" "watch endpointslices" \
		"get nodes" "watch nodes"; do
		grant_all_but $right
		cluster_start follow "$FOLLOW" --kubeconfig "$CLUSTER/agent.kubeconfig" --node-name node1 \
			--watch-seconds 2
		told "failed .*: forbidden: .*allow the verb '${right% *}' on the resource '${right#* }'"
		is "$(grep -o "allow the verb '[a-z]*' on the resource '[a-z]*'" "$LOG" | sort -u | wc -l)" 1
		follow_stop
		grep -q '^ended$' "$LOG"
		forget
	done
	kube_apply <"$CLUSTER_TOP/deploy/base/rbac.yaml"
	cluster_wait 60 cluster_may "$CLUSTER/agent.kubeconfig" yes $right
	follow
	is "$(kubectl get clusterrole gwbpf -o json | jq '[.rules[].verbs[]] | length')" 6
	still_follows
	never failed
}

@test "GOAWAY: nothing is lost and nothing removed" {
	api_restart --goaway-chance=0.02
	follow --watch-seconds 2 $(many_services)
	for i in $(seq 20); do
		kube_slice fabric a 7051 "10.244.3.$i"
		told "put slice fabric/a-ipv4 of a: 10.244.3.$i$"
	done
	never "remove|listed again"
	api_restart
}

@test "429: an API server that is busy is asked again" {
	api_restart --max-requests-inflight=1 --max-mutating-requests-inflight=1 \
		--enable-priority-and-fairness=false
	cluster_start follow "$FOLLOW" --kubeconfig "$CLUSTER/agent.kubeconfig" --node-name node1 \
		$(many_services)
	told "throttled: .*the API server asks to wait .429."
	told "commit complete"
	api_restart
	forget
	still_follows
	never remove
}

@test "an authority and certificates that are replaced on disk are used from then on" {
	cp "$CLUSTER/pki/ca.crt" "$CLUSTER/client-ca.crt"
	cluster_certificate agent /CN=system:serviceaccount:gwbpf-system:gwbpf
	cluster_write_kubeconfig "$CLUSTER/files.kubeconfig" \
		"{client-certificate: pki/agent.crt, client-key: pki/agent.key}"
	sed -i "s,$CLUSTER/pki/ca.crt,client-ca.crt," "$CLUSTER/files.kubeconfig"
	follow --kubeconfig "$CLUSTER/files.kubeconfig" --watch-seconds 2

	cluster_certificate agent /CN=somebody-else
	told "failed services: forbidden: .*User ..?somebody-else"
	cluster_certificate agent /CN=system:serviceaccount:gwbpf-system:gwbpf
	told "recovered services"
	forget

	openssl req -x509 -days 2 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
		-subj /CN=other-ca -keyout "$CLUSTER/other.key" -out "$CLUSTER/client-ca.crt" 2>/dev/null
	told "failed services: tls: cannot watch services: SSL certificate problem"
	told "failed endpointslices: tls: cannot watch endpointslices: SSL certificate problem"
	cp "$CLUSTER/pki/ca.crt" "$CLUSTER/client-ca.crt"
	told "recovered services"
	told "recovered endpointslices"
	forget
	still_follows
	never remove
}

@test "a connection that dies in silence is noticed within a minute" {
	local inside="nsenter --net=/run/netns/gwbpf-kube"
	ip netns add gwbpf-kube
	ip link add gwbpf-kube0 type veth peer name eth0 netns gwbpf-kube
	ip addr add 10.78.0.1/30 dev gwbpf-kube0
	ip link set gwbpf-kube0 up
	$inside ip addr add 10.78.0.2/30 dev eth0
	$inside ip link set eth0 up
	api_restart --bind-address 0.0.0.0
	sed -e "s,https://127.0.0.1,https://10.78.0.1," \
		-e "s,{server:,{tls-server-name: kubernetes\, server:," \
		"$CLUSTER/agent.kubeconfig" >"$CLUSTER/remote.kubeconfig"
	cluster_start follow $inside "$FOLLOW" --kubeconfig "$CLUSTER/remote.kubeconfig" --node-name node1
	told "commit complete"
	forget
	$inside nft "add table ip silence; add chain ip silence in { type filter hook input priority 0; policy drop; }"
	told "failed services: (connect|timeout): cannot watch services: "
	$inside nft delete table ip silence
	told "recovered services"
	told "recovered endpointslices"
	still_follows
	never remove
	api_restart
}

@test "--namespace needs a Role alone" {
	cluster_account fabric narrow
	kubectl create role -n fabric narrow --verb list,watch --resource services,endpointslices.discovery.k8s.io
	kubectl create rolebinding -n fabric narrow --role narrow --serviceaccount fabric:narrow
	cluster_token_kubeconfig "$CLUSTER/narrow.kubeconfig" "$(cluster_token fabric narrow)"
	cluster_wait 60 cluster_may "$CLUSTER/narrow.kubeconfig" yes watch endpointslices fabric
	follow --kubeconfig "$CLUSTER/narrow.kubeconfig" --namespace fabric --zone z1
	still_follows
	never failed
	follow_stop
	: >"$LOG"
	follow --kubeconfig "$CLUSTER/narrow.kubeconfig" --namespace fabric
	told "failed node 'node1': forbidden: cannot get node 'node1': .*, or give --zone; next attempt"
	never "node exists"
}

@test "--service follows a Service that has no label, and only by its name" {
	kubectl create service clusterip -n fabric plain --tcp 7051:7051
	kubectl create service clusterip -n fabric plain-2 --tcp 7051:7051
	follow --service fabric/plain
	told "put service fabric/plain enabled=0"
	never "plain-2|failed"
	kubectl create -n fabric -f - <<-END
		apiVersion: discovery.k8s.io/v1
		kind: EndpointSlice
		metadata: {name: plain-x, labels: {kubernetes.io/service-name: plain}}
		addressType: IPv4
		endpoints: [{addresses: [10.244.4.4]}]
		ports: [{port: 7051, name: ""}]
	END
	told "put slice fabric/plain-x of plain: 10.244.4.4"
	kubectl label service -n fabric plain gwbpf.io/enabled=true
	told "put service fabric/plain enabled=1"
	kubectl label service -n fabric plain gwbpf.io/enabled-
	told "put service fabric/plain enabled=0" 2
	never remove
	kubectl delete service -n fabric plain
	told "remove service fabric/plain$"
}

@test "in a pod, the service account is all it needs" {
	local account=/run/secrets/kubernetes.io/serviceaccount
	cluster_token gwbpf-system gwbpf >"$CLUSTER/pod.token"
	cluster_start follow unshare -m --propagation private bash -c "
		mount -t tmpfs tmpfs /run && mkdir -p $account &&
		cp '$CLUSTER/pod.token' $account/token && cp '$CLUSTER/pki/ca.crt' $account/ca.crt &&
		KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT=${CLUSTER_SERVER##*:} \
			exec -a '$CLUSTER/follow' '$FOLLOW' --node-name node1"
	told "commit complete"
	told "put service fabric/a "
	never failed
}

@test "a node that does not exist is said to be absent, until it is there" {
	cluster_start follow "$FOLLOW" --kubeconfig "$CLUSTER/agent.kubeconfig" --node-name node9
	told "commit complete"
	told "node exists=0"
	told "failed node 'node9': not-found: cannot get node 'node9': there is none .404."
	kube_node node9 z9
	told "node exists=1 zone='z9'"
	kubectl delete node node9
	told "node exists=0" 2
}
