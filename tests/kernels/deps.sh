#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what the tests on other kernels need beside tests/deps.sh (Debian).
set -eu
missing=
need() {
	command -v "$1" >/dev/null || [ -e "$1" ] || missing="$missing $2"
}
need qemu-system-x86_64 qemu-system-x86
need busybox busybox-static
need /sbin/depmod kmod
need xz xz-utils
need ip iproute2
need nft nftables
need /usr/share/keyrings/debian-archive-keyring.gpg debian-archive-keyring

[ -n "$missing" ] || exit 0
echo "installing:$missing"
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
