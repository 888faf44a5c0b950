#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What gwbpf is measured against, beside tests/deps.sh. ../need.sh says how to call it.
set -eu
. "$(dirname "$0")/../need.sh"

need nft nftables
need iptables-legacy-restore iptables
need haproxy haproxy
need ip iproute2

needed "$@"
