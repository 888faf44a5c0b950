#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Build Kubernetes' own network tests, once for this version: e2e.test, ginkgo, which runs it in
# parallel, agnhost, which runs in its pods, and CoreDNS. Prints the directory that holds them. With
# --find: print it only if it is already built.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
version=$(awk '$1 == "k8s.io/kubernetes" { print $2; exit }' "$here/go.mod")
id=$(cat "$here"/go.mod "$here"/*.go "$here"/dns/go.mod "$here"/dns/main.go | sha256sum | cut -c 1-12)
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/gwbpf
dir=$cache/e2e-$version-$id

# built PROGRAM DIRECTORY PACKAGE COMMAND...
built() {
	(cd "$2" && CGO_ENABLED=0 GOTOOLCHAIN=auto nice -n 10 "$go" "${@:4}" -mod=readonly -trimpath \
		-buildvcs=false -o "$dir/$1" "$3") >&2
}

build() {
	local package=k8s.io/component-base/version
	go=$("$here/../k8s/go.sh" "$cache")
	echo "building the tests of Kubernetes $version: ten minutes the first time" >&2
	built ginkgo "$here" github.com/onsi/ginkgo/v2/ginkgo build -ldflags '-s -w'
	built agnhost "$here" k8s.io/kubernetes/test/images/agnhost build -ldflags '-s -w'
	built coredns "$here/dns" . build -ldflags '-s -w'
	built e2e.test "$here" . test -c -ldflags "-s -w -X $package.gitVersion=$version
		-X $package.gitMajor=1 -X $package.gitMinor=$(echo "$version" | cut -d . -f 2)"
}

if [ ! -e "$dir/e2e.test" ]; then
	[ "${1:-}" != --find ] || exit 1
	mkdir -p "$dir"
	exec 9>"$cache/lock"
	flock 9
	[ -e "$dir/e2e.test" ] || build
fi
echo "$dir"
