#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make image` needs, beside tests/deps.sh. need.sh says how to call it.
set -eu
. "$(dirname "$0")/../../tests/need.sh"

need buildah buildah

needed "$@"
