#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the tests on a real Kubernetes need, beside tests/deps.sh. A program that is there already is
# taken as it is: Docker's containerd, say, excludes Debian's. ../need.sh says how to call it.
set -eu
. "$(dirname "$0")/../need.sh"

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
need node nodejs
need npm npm

needed "$@"
