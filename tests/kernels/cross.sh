#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cross.sh TARGET...: make these, which are below build/arm64, with the cross compiler. The BPF objects are
# the same on every architecture of this byte order.
set -eu
root=$("$(dirname "$0")/root.sh" arm64)
export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$root/usr/lib/aarch64-linux-gnu/pkgconfig
exec make --no-print-directory MODE=arm64 CC="aarch64-linux-gnu-gcc --sysroot=$root" "$@"
