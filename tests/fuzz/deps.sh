#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What fuzzing needs, beside tests/deps.sh. ../need.sh says how to call it.
set -eu
. "$(dirname "$0")/../need.sh"

need clang clang
need "$(clang --print-resource-dir 2>/dev/null)/lib/linux/libclang_rt.fuzzer-$(uname -m).a" libclang-rt-dev

needed "$@"
