#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# image.sh KERNEL-DIRECTORY IMAGE PROGRAM...: make an initramfs of the programs, the libraries and
# modules that they need, ip, nft, a shell, and init, which runs the tests in the order of the arguments.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
kernel=$1 image=$2
shift 2
root=$image.root
PATH=$PATH:/usr/sbin:/sbin

libraries() {
	ldd "$@" | awk '$2 == "=>" { print $3 } $1 ~ /^\// && $1 !~ /:$/ { print $1 }' | sort -u
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
cp "$(command -v busybox)" "$root/bin/"
cp /bin/sh "$root/bin/" # busybox's own would take its own ip
cp "$(command -v ip)" "$(command -v nft)" "$root/sbin/"
cp "$@" "$root/tests/"
strip --strip-debug "$root"/tests/*
for library in $(libraries "$root/bin/sh" "$root"/sbin/* "$root"/tests/*); do
	mkdir -p "$root/$(dirname "$library")"
	cp "$library" "$root/$library"
done
basename -a "$@" | grep '^test_' >"$root/tests/order"
add_modules
(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null) >"$image"
rm -rf "$root"
