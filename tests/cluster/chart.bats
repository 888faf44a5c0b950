#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The Helm chart says what the kustomizations say. No cluster is needed.

bats_require_minimum_version 1.5.0

setup_file() {
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	HELM=$("$TOP/tests/cluster/helm/build.sh")
	KUBECTL=$("$TOP/tests/cluster/k8s/build.sh")/kubectl
	export TOP HELM KUBECTL
}

# In kustomize's order and form, without comments.
normal() {
	local dir

	dir=$(mktemp -d -p "$BATS_TEST_TMPDIR")
	cat >"$dir/objects.yaml"
	printf 'kind: Kustomization\nresources: [objects.yaml]\n' >"$dir/kustomization.yaml"
	"$KUBECTL" kustomize "$dir"
}

chart() {
	"$HELM" template gwbpf "$TOP/deploy/chart" --namespace gwbpf-system "$@"
}

# same KUSTOMIZATION OPTION...: but for the namespace, which helm wants to find.
same() {
	local kustomization=$1

	shift
	"$KUBECTL" kustomize "$TOP/deploy/$kustomization" |
		awk -v RS='---\n' -v ORS='---\n' '!/^apiVersion: v1\nkind: Namespace\n/' | sed '$d' |
		normal >"$BATS_TEST_TMPDIR/kustomize.yaml"
	chart "$@" | normal >"$BATS_TEST_TMPDIR/chart.yaml"
	grep -q 'kind: DaemonSet' "$BATS_TEST_TMPDIR/chart.yaml"
	diff -u "$BATS_TEST_TMPDIR/kustomize.yaml" "$BATS_TEST_TMPDIR/chart.yaml"
}

@test "helm finds nothing wrong with the chart" {
	run "$HELM" lint --strict "$TOP/deploy/chart"
	[ "$status" -eq 0 ]
	[[ $output = *"0 chart(s) failed"* ]]
}

@test "without values the chart is deploy/base" {
	same base
}

@test "onlyNamespace is the overlay of one namespace" {
	same overlays/one-namespace --set onlyNamespace=fabric
}

@test "podMonitor is the overlay for the Prometheus operator" {
	same overlays/prometheus-operator --set podMonitor.enabled=true
}

@test "clientsExcept is the overlay for gwbpf.io/clients-except" {
	same overlays/clients-except --set clientsExcept=true
}

@test "image.pullPolicy is the overlay for kind" {
	same overlays/kind --set image.pullPolicy=Never
}

@test "image, options, resources and labels are where they belong" {
	chart --set image.repository=example.com/gwbpf --set image.tag=1.2 \
		--set 'args={--stale-after=1m,--log-format=json}' --set resources.limits.memory=2Gi \
		--set podMonitor.enabled=true --set podMonitor.labels.release=main |
		normal >"$BATS_TEST_TMPDIR/chart.yaml"
	for line in 'image: example.com/gwbpf:1.2' '- --stale-after=1m' '- --log-format=json' 'memory: 2Gi' \
		'release: main'; do
		grep -q "^ *$line\$" "$BATS_TEST_TMPDIR/chart.yaml"
	done
}

@test "chart, kustomizations and changes are of this version" {
	version=$(sed -n 's/^VERSION := //p' "$TOP/Makefile")
	[ -n "$version" ]
	[ "$(sed -n 's/^version: //p' "$TOP/deploy/chart/Chart.yaml")" = "$version" ]
	[ "$(sed -n 's/^appVersion: //p' "$TOP/deploy/chart/Chart.yaml")" = "$version" ]
	grep -q "^## $version\$" "$TOP/CHANGELOG.md"
	[ "$(grep -rh '^ *newTag:' "$TOP/deploy" | sort -u)" = "  newTag: $version" ]
}
