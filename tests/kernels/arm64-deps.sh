#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What building for arm64 needs, and running that, beside tests/deps.sh (Debian). ../need.sh says how to
# call it.
set -eu
. "$(dirname "$0")/../need.sh"

need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
need qemu-system-aarch64 qemu-system-arm
need /usr/share/keyrings/debian-archive-keyring.gpg debian-archive-keyring

needed "$@"
