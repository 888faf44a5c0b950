#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the tests of rules and dashboard need, beside tests/deps.sh. need.sh says how to call it.
set -eu
. "$(dirname "$0")/../need.sh"

need prometheus prometheus
need promtool prometheus

needed "$@"
