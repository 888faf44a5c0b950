#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make lint` needs, beside tests/deps.sh. ../need.sh says how to call it.
set -eu
. "$(dirname "$0")/../need.sh"

need clang-format clang-format
need cppcheck cppcheck
need shellcheck shellcheck
need codespell codespell

needed "$@"
