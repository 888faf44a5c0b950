#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what building, testing and the demo need, on Debian 12 or later and Ubuntu 22.04 or later.
set -eu
packages="gcc make pkg-config clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev linux-libc-dev
libc6-dev libevent-dev libjansson-dev libfyaml-dev libcurl4-openssl-dev libmnl-dev libsmartcols-dev
libcmocka-dev bats iproute2 nftables iptables procps util-linux bsdextrautils jq man-db zsh fish"

# Ubuntu has bpftool only inside linux-tools.
apt-cache show bpftool >/dev/null 2>&1 ||
	packages=$(echo "$packages" | sed 's/bpftool/linux-tools-common linux-tools-generic/')

missing=
for package in $packages; do
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
		missing="$missing $package"
done
if [ -z "$missing" ]; then
	echo "everything is installed:" $packages
	exit 0
fi
echo "installing:$missing"
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
