#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what gwbpf is measured against beside tests/deps.sh (Debian, Ubuntu). --check: say what is
# missing, and fail.
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
if [ "${1-}" = --check ]; then
	echo "make bench needs:$missing: 'make bench-deps' installs it" >&2
	exit 1
fi
echo "installing:$missing"
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
