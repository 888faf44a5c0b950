#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make check-fresh` needs (Debian). ../need.sh says how to call it.
set -eu
. "$(dirname "$0")/../need.sh"

need debootstrap debootstrap
need bats bats
need findmnt util-linux

needed "$@"
