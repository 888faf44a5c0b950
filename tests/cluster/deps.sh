#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what the tests on a real Kubernetes need beside tests/deps.sh (Debian, Ubuntu). A program
# that is there already is taken as it is: Docker's containerd, say, excludes Debian's.
set -eu
missing=
need() {
	command -v "$1" >/dev/null || [ -e "$1" ] || missing="$missing $2"
}
need etcd etcd-server
need containerd containerd
need runc runc
need buildah buildah
need nft nftables
need conntrack conntrack
need curl curl
need jq jq
need openssl openssl
need bats bats
need /usr/lib/cni/bridge containernetworking-plugins
need /etc/ssl/certs/ca-certificates.crt ca-certificates

[ -n "$missing" ] || exit 0
echo "installing:$missing"
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
