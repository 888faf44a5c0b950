#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the test of the status page needs, beside tests/deps.sh. need.sh says how to call it.
set -eu
. "$(dirname "$0")/../need.sh"

need chromium chromium

needed "$@"
