#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Build the Kubernetes of the tests, once for this version, and print the directory that holds it:
# one program and a link for each component. With --find: print it only if it is already built.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
version=$(awk '$1 == "k8s.io/kubernetes" || $2 == "k8s.io/kubernetes" { print $NF; exit }' "$here/go.mod")
id=$(cat "$here/go.mod" "$here/main.go" | sha256sum | cut -c 1-12)
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/gwbpf
dir=$cache/kubernetes-$version-$id

build() {
	local go package=k8s.io/component-base/version
	go=$("$here/go.sh" "$cache")
	echo "building Kubernetes $version: some minutes the first time" >&2
	cd "$here"
	export CGO_ENABLED=0 GOTOOLCHAIN=auto
	../../again.sh "$go" list -deps . >/dev/null
	nice -n 10 "$go" build -trimpath -buildvcs=false \
		-ldflags "-s -w -X $package.gitVersion=$version -X $package.gitMajor=1
			-X $package.gitMinor=$(echo "$version" | cut -d . -f 2)" \
		-o "$dir/kubernetes" . >&2
	for component in apiserver controller-manager proxy scheduler; do
		ln -sf kubernetes "$dir/kube-$component"
	done
	ln -sf kubernetes "$dir/kubelet"
	ln -sf kubernetes "$dir/kubectl"
}

if [ ! -e "$dir/kubectl" ]; then
	[ "${1:-}" != --find ] || exit 1
	mkdir -p "$dir"
	exec 9>"$cache/lock"
	flock 9
	[ -e "$dir/kubectl" ] || build
fi
echo "$dir"
