#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# root.sh ARCHITECTURE: get a Debian 12 of another architecture, as far as gwbpf and its tests are
# built and run with it, once, and print its directory: what a cross compiler takes for the root. The
# packages are unpacked, not installed, and no program of them runs here.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
suite=bookworm architecture=$1
# The libraries that tests/deps.sh asks for here, what the first process of a kernel
# starts, and what is in the image.
mapfile -t names < <(awk '$1 == "need" && $2 ~ /^lib:/ { print $3 }' "$here/../deps.sh" | sort -u)
names+=(libc6-dev libgcc-12-dev busybox-static dash iproute2 nftables coreutils)
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/gwbpf
dir=$cache/root-$architecture-$(echo "${names[@]}" | sha256sum | cut -c 1-12)
work=$dir.part
. "$here/apt.bash"

fetch() {
	private_update
	private apt-get install -y --no-install-recommends --download-only -o Debug::NoLocking=1 \
		"${names[@]}" >&2
	mkdir "$work/root"
	for package in "$work"/apt/archives/*.deb; do
		dpkg-deb -x "$package" "$work/root"
	done
	mv "$work/root" "$dir"
	rm -rf "$work"
}

once "$dir"
echo "$dir"
