#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what gwbpf is measured against beside tests/deps.sh (Debian, Ubuntu).
set -eu
missing=
need() {
	command -v "$1" >/dev/null || [ -e "$1" ] || missing="$missing $2"
}
need nft nftables
need iptables-legacy-restore iptables
need haproxy haproxy
need ip iproute2

[ -n "$missing" ] || exit 0
echo "installing:$missing"
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
