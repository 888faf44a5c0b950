#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The libraries that programs load, the loader first or last, a line for each. Of this system the loader
# itself tells them. Of another architecture, whose root is in $other (tests/kernels/root.sh), no program
# can be asked: they are looked up there by the names that the programs hold.
#
#	libraries.sh PROGRAM...
set -eu
other=${other:-} found=

# "lib => /path (address)", and the loader as "/path (address)".
ask() {
	ldd "$@" | awk '$2 == "=>" && $3 ~ /^\// { print $3 } NF == 2 && $1 ~ /^\/.*[^:]$/ { print $1 }' |
		sort -u
}

look_up() {
	local name path
	for name in $(readelf -d "$@" | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p' | sort -u); do
		path=$(cd "$other" && find lib usr/lib -name "$name" | head -n 1)
		[ -n "$path" ] || { echo "no library '$name' in '$other'" >&2 && return 1; }
		! grep -qx "/$path" <<<"$found" || continue
		found+=/$path$'\n'
		look_up "$other/$path"
	done
}

if [ -z "$other" ]; then
	ask "$@"
else
	readelf -p .interp "$1" | sed -n 's/.*\] *\(\/.*\)$/\1/p'
	look_up "$@"
	printf %s "$found"
fi
