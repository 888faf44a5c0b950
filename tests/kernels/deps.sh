#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the tests on other kernels need, beside tests/deps.sh (Debian). ../need.sh says how to call it.
set -eu
. "$(dirname "$0")/../need.sh"

need qemu-system-x86_64 qemu-system-x86
need busybox busybox-static
need depmod kmod
need xz xz-utils
need ip iproute2
need nft nftables
need /usr/share/keyrings/debian-archive-keyring.gpg debian-archive-keyring

needed "$@"
