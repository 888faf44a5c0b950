#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Build the helm of the tests, once for this version, and print its path. With --find: print it only
# if it is already built. Nothing is installed into the system.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
version=v3.22.0
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/gwbpf
dir=$cache/helm-$version

build() {
	local go
	go=$("$here/../k8s/go.sh" "$cache")
	echo "building helm $version: two minutes the first time" >&2
	CGO_ENABLED=0 GOTOOLCHAIN=auto GOBIN=$dir.new nice -n 10 "$here/../../again.sh" "$go" install -trimpath \
		"helm.sh/helm/v3/cmd/helm@$version" >&2
	mv "$dir.new" "$dir"
}

if [ ! -e "$dir" ]; then
	[ "${1:-}" != --find ] || exit 1
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock 9
	rm -rf "$dir.new"
	[ -e "$dir" ] || build
fi
echo "$dir/helm"
