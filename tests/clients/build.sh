#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Build the clients of the tests, once for this version, and print the directory that holds them:
# the Go program `clients`, and client.js with the modules that it needs. With --find: print it only
# if it is already built. Nothing is installed into the system.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
id=$(cat "$here"/*.go "$here"/go.* "$here"/*.js* | sha256sum | cut -c 1-12)
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/gwbpf
dir=$cache/clients-$id

build() {
	local go
	go=$("$here/../cluster/k8s/go.sh" "$cache")
	mkdir -p "$dir.new"
	export CGO_ENABLED=0 GOTOOLCHAIN=auto
	(cd "$here" && ../again.sh "$go" list -deps . >/dev/null &&
		"$go" build -trimpath -buildvcs=false -o "$dir.new/clients" . >&2)
	cp "$here"/package*.json "$here/.npmrc" "$here/client.js" "$dir.new"
	(cd "$dir.new" && "$here/../again.sh" npm ci --no-audit --no-fund --ignore-scripts >&2)
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
echo "$dir"
