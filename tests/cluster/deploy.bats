#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What deploy/ says, and that an API server takes it without a warning. No agent runs here.

setup_file() {
	. "$BATS_TEST_DIRNAME/lib.bash"
	cluster_up
}

setup() {
	. "$BATS_TEST_DIRNAME/lib.bash"
	deploy=$CLUSTER_TOP/deploy
}

teardown_file() {
	. "$BATS_TEST_DIRNAME/lib.bash"
	cluster_down
}

# One object of what kustomize makes of a directory, as JSON; it must be there.
rendered() {
	kubectl kustomize "$deploy/$1" |
		kubectl create --dry-run=client -f - -o json |
		jq -s --arg kind "$2" '[.[] | .items? // . | if type == "array" then .[] else . end] |
			map(select(.kind == $kind))[0] // error("no \($kind)")'
}

# Every directory to install from or to uninstall with.
directories() {
	(cd "$deploy" && grep -l '^kind: Kustomization' ./*/kustomization.yaml ./*/*/kustomization.yaml |
		xargs -n 1 dirname | cut -c 3-)
}

# What the Prometheus operator brings, as far as an API server has to know.
pod_monitors() {
	kube_apply <<-END
		apiVersion: apiextensions.k8s.io/v1
		kind: CustomResourceDefinition
		metadata: {name: podmonitors.monitoring.coreos.com}
		spec:
		  group: monitoring.coreos.com
		  names: {kind: PodMonitor, plural: podmonitors}
		  scope: Namespaced
		  versions:
		  - name: v1
		    served: true
		    storage: true
		    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
	END
	kubectl wait --for=condition=Established --timeout=120s crd/podmonitors.monitoring.coreos.com
	cluster_wait 60 kubectl get podmonitors -A
}

@test "every directory that kustomize knows is accepted by the API server without a warning" {
	pod_monitors
	[ "$(directories | wc -l)" -ge 6 ]
	for dir in $(directories); do
		kube_namespace fabric
		run kubectl apply --server-side --force-conflicts -k "$deploy/$dir"
		[ "$status" -eq 0 ]
		[[ $output != *[Ww]arning* ]]
	done
}

@test "the agent has four capabilities, a network of its own, and its files are read-only" {
	run rendered base DaemonSet
	jq -e '.spec.template.spec | (.hostNetwork | not) and .hostPID and (.hostIPC | not) and
		(.enableServiceLinks == false) and (.priorityClassName == "system-node-critical") and
		(.tolerations == [{operator: "Exists"}])' <<<"$output"
	jq -e '.spec.template.spec.containers[0] | .resources.limits.cpu == null and
		.resources.limits.memory != null and (.securityContext | (.privileged | not) and
		.readOnlyRootFilesystem and .seccompProfile.type == "RuntimeDefault" and
		.capabilities == {drop: ["ALL"],
			add: ["SYS_ADMIN", "SYS_PTRACE", "NET_ADMIN", "DAC_READ_SEARCH"]})' <<<"$output"
	is "$(jq -c '[.spec.template.spec.containers[0] | .startupProbe, .livenessProbe, .readinessProbe |
		.httpGet | [.host, .port, .path]]' <<<"$output")" \
		'[[null,"metrics","/livez"],[null,"metrics","/livez"],[null,"metrics","/readyz"]]'
	jq -e '.spec.template.spec.containers[0].volumeMounts[] | select(.name == "cgroup") | .readOnly' \
		<<<"$output"
}

@test "the image has the version that the Makefile names" {
	version=$(sed -n 's/^VERSION *:= *//p' "$CLUSTER_TOP/Makefile")
	for dir in $(directories); do
		run jq -r '.spec.template.spec | (.containers + (.initContainers // []))[].image' \
			<<<"$(rendered "$dir" DaemonSet)"
		is "$(sort -u <<<"$output")" "gwbpf:$version"
	done
}

@test "the namespace admits privileged pods, and a quota the node's critical ones" {
	[ "$(rendered base Namespace |
		jq -r '.metadata.labels["pod-security.kubernetes.io/enforce"]')" = privileged ]
	[ "$(rendered base ResourceQuota |
		jq -r '.spec.scopeSelector.matchExpressions[0].values[0]')" = system-node-critical ]
}

@test "with the overlay for one namespace the account reads that namespace alone" {
	kubectl delete clusterrole,clusterrolebinding gwbpf
	kube_namespace fabric
	kubectl apply --server-side --force-conflicts -k "$deploy/overlays/one-namespace"
	cluster_token_kubeconfig "$CLUSTER/one.kubeconfig" "$(cluster_token gwbpf-system gwbpf)"
	cluster_wait 60 cluster_may "$CLUSTER/one.kubeconfig" yes list endpointslices fabric
	cluster_wait 60 cluster_may "$CLUSTER/one.kubeconfig" no list services default
	export KUBECONFIG=$CLUSTER/one.kubeconfig
	kubectl get services,endpointslices.discovery.k8s.io -n fabric
	run kubectl get services -n default
	[[ $output = *forbidden* ]]
	run kubectl get node any
	[[ $output = *forbidden* ]]
}

# The kinds and names of all objects of a directory.
objects() {
	kubectl kustomize "$deploy/$1" | kubectl create --dry-run=client -f - -o json |
		jq -rs '.[] | .items? // . | if type == "array" then .[] else . end |
			.kind + "/" + .metadata.name' | sort
}

@test "for one namespace there is no right in the cluster, neither to install nor to uninstall" {
	for dir in overlays/one-namespace overlays/one-namespace-uninstall; do
		run objects "$dir"
		[[ $output != *Cluster* ]]
		[[ $output = *Role/gwbpf*RoleBinding/gwbpf* ]]
	done
}

@test "uninstalling changes the pods alone: the same objects, detaching before anything else" {
	for pair in base:uninstall overlays/one-namespace:overlays/one-namespace-uninstall \
			overlays/clients-except:overlays/clients-except-uninstall; do
		is "$(objects "${pair#*:}")" "$(objects "${pair%:*}")"
		run rendered "${pair#*:}" DaemonSet
		[ "$(jq -c '.spec.selector' <<<"$output")" = \
			"$(rendered "${pair%:*}" DaemonSet | jq -c .spec.selector)" ]
		is "$(jq -c '.spec.template.spec.initContainers[0].args' <<<"$output")" '["detach","--force"]'
		jq -e '.spec.template.spec.containers[0] | .livenessProbe == null and .readinessProbe == null' \
			<<<"$output"
		jq -e '.spec.template.spec | .automountServiceAccountToken == false and
			(.initContainers[0].securityContext | (.privileged | not) and
				.capabilities == {drop: ["ALL"], add: ["SYS_ADMIN"]}) and
			(.containers[0] | .volumeMounts == null and
				.securityContext.capabilities == {drop: ["ALL"]})' <<<"$output"
	done
}

@test "the PodMonitor selects the agents, and a port that they have" {
	pod=$(rendered overlays/prometheus-operator DaemonSet | jq -c .spec.template)
	run rendered overlays/prometheus-operator PodMonitor
	jq -e --argjson pod "$pod" '.spec.selector.matchLabels as $labels |
		($pod.metadata.labels | contains($labels)) and
		([$pod.spec.containers[].ports[].name] == [.spec.podMetricsEndpoints[].port])' <<<"$output"
	jq -e --argjson pod "$pod" -n '$pod.spec.containers[0] | [.args[] | select(test("metrics-listen"))] ==
		["--metrics-listen=:\(.ports[0].containerPort)"]'
}

@test "every directory of deploy/ is named in its page" {
	for dir in $(directories) components/detach; do
		grep -qF "\`$dir\`" "$deploy/README.md"
	done
}

@test "the image holds the program, what it loads, and nothing of the machine" {
	mkdir "$BATS_TEST_TMPDIR/image" "$BATS_TEST_TMPDIR/root"
	tar -C "$BATS_TEST_TMPDIR/image" -xf "$CLUSTER_TOP/build/gwbpf-image.tar"
	for layer in $(jq -r '.[0].Layers[]' "$BATS_TEST_TMPDIR/image/manifest.json"); do
		tar -C "$BATS_TEST_TMPDIR/root" -xf "$BATS_TEST_TMPDIR/image/$layer"
	done
	chroot "$BATS_TEST_TMPDIR/root" /usr/bin/gwbpf version
	is "$(ls "$BATS_TEST_TMPDIR/root/usr/bin")" "$(printf 'gwbpf\nsleep')"
	[ ! -e "$BATS_TEST_TMPDIR/root/etc/hostname" ]
}
