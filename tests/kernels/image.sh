#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# image.sh KERNEL-DIRECTORY IMAGE PROGRAM...: make an initramfs of the programs, the libraries and
# modules that they need, ip, nft, a shell, and init, which runs the tests in the order of the arguments.
# $other: of another architecture: the directory of root.sh, where all but the programs comes from; $strip
# is its strip.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
kernel=$1 image=$2
shift 2
root=$image.root
PATH=$PATH:/usr/sbin:/sbin

other=${other:-} strip=${strip:-strip}

# The program of this name on the system that boots.
program() {
	if [ -z "$other" ]; then
		command -v "$1"
	else
		find "$other/bin" "$other/sbin" "$other/usr/sbin" -name "$1" | head -n 1
	fi
}

# In the order in which they must be loaded; a module that the kernel has built in is left out.
modules() {
	for module in veth dummy tun tcp_diag nft_reject_inet fuse; do
		modprobe -d "$kernel" -S "$(cat "$kernel/version")" --show-depends "$module" |
			awk '$1 == "insmod" { print $2 }'
	done
}

add_modules() {
	local number=0
	for module in $(modules | awk '!seen[$0]++'); do
		number=$((number + 1))
		name=$(printf '%02d-%s' $number "$(basename "$module" .xz)")
		case $module in
		*.xz) xz -dc "$module" >"$root/modules/$name" ;;
		*) cp "$module" "$root/modules/$name" ;;
		esac
	done
}

rm -rf "$root"
mkdir -p "$root"/{bin,sbin,dev,etc,mnt,modules,proc,run,sys,tests,tmp}
cp "$here/init" "$root/init"
cp "$(program busybox)" "$root/bin/"
cp -L "$(program dash)" "$root/bin/sh" # busybox's own would take its own ip
cp "$(program ip)" "$(program nft)" "$root/sbin/"
cp "$@" "$root/tests/"
"$strip" --strip-debug "$root"/tests/*
for library in $("$here/../../deploy/image/libraries.sh" "$root/bin/sh" "$root"/sbin/* "$root"/tests/*); do
	mkdir -p "$root/$(dirname "$library")"
	cp -L "$other$library" "$root/$library"
done
basename -a "$@" | grep '^test_' >"$root/tests/order"
add_modules
(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null) >"$image"
rm -rf "$root"
