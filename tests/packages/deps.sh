#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the tests of packages need, beside building them. need.sh says how to call it.
set -eu
. "$(dirname "$0")/../need.sh"

need systemd-nspawn systemd-container
need bats bats
need jq jq
need git git

needed "$@"
