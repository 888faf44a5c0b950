#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# fetch.sh SUITE [ARCHITECTURE]: get the kernel of a Debian release, once, and print the directory that
# holds it: kernel, version and lib/modules. The packages are unpacked, not installed.
set -eu
suite=$1 architecture=${2:-amd64}
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/gwbpf/kernels
dir=$cache/$suite
[ "$architecture" = amd64 ] || dir=$dir-$architecture
work=$dir.part
. "$(dirname "$0")/apt.bash"

# A kernel is one package, or (from 7.x on) several.
packages() {
	private apt-cache depends --recurse --important "linux-image-cloud-$architecture" |
		grep -E '^linux-(image|base|binary|modules)-[0-9]'
}

fetch() {
	local names
	private_update
	mapfile -t names < <(packages)
	(cd "$work" && private apt-get download "${names[@]}") >&2
	for package in "$work"/*.deb; do
		dpkg-deb -x "$package" "$work"
	done
	[ -d "$work/lib" ] || ln -s usr/lib "$work/lib"
	find "$work" -name 'vmlinuz*' -exec cp {} "$work/kernel" \;
	ls "$work/lib/modules" >"$work/version"
	depmod -b "$work" "$(cat "$work/version")"
	rm -rf "$work/apt" "$work"/*.deb "${work:?}/boot" "${work:?}/usr/share"
	mv "$work" "$dir"
}

PATH=$PATH:/usr/sbin:/sbin
once "$dir/version"
echo "$dir"
