#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# fetch.sh SUITE: get the kernel of a Debian release, once, and print the directory that holds it:
# kernel, version and lib/modules. The packages come from the mirror that this system's own apt
# uses, are checked against Debian's keys, and are unpacked, not installed: apt's state is a
# private one, and nothing of the system changes.
set -eu
suite=$1
keys=/usr/share/keyrings/debian-archive-keyring.gpg
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/gwbpf/kernels
dir=$cache/$suite
work=$dir.part

private() {
	"$@" -q=2 -o Dir::State="$work/apt" -o Dir::Cache="$work/apt" \
		-o Dir::State::status="$work/apt/status" -o Dir::Etc::sourcelist="$work/apt/sources" \
		-o Dir::Etc::sourceparts=/dev/null -o APT::Sandbox::User=root \
		-o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "${arguments[@]}"
}

mirror() {
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' |
		head -n 1
}

# A kernel is one package, or (from 7.x on) several.
packages() {
	arguments=(depends --recurse --important linux-image-cloud-amd64)
	private apt-cache | grep -E '^linux-(image|base|binary|modules)-[0-9]'
}

fetch() {
	local from names
	from=$(mirror)
	if [ -z "$from" ]; then
		echo "cannot fetch the kernel of '$suite': apt on this system has no source of Debian" >&2
		return 1
	fi
	rm -rf "$work"
	mkdir -p "$work/apt/lists/partial" "$work/apt/archives/partial"
	: >"$work/apt/status"
	echo "deb [signed-by=$keys] $from $suite main" >"$work/apt/sources"
	arguments=(update)
	private apt-get >&2
	mapfile -t names < <(packages)
	arguments=(download "${names[@]}")
	(cd "$work" && private apt-get) >&2
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
if [ ! -e "$dir/version" ]; then
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock 9
	[ -e "$dir/version" ] || fetch
fi
echo "$dir"
