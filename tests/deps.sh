#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What building, testing and the demo need, on Debian 12 or later and Ubuntu 22.04 or later. need.sh
# says how to call it; with --check COMMAND build it looks at what building needs alone.
set -eu
. "$(dirname "$0")/need.sh"

need gcc gcc
need make make
need pkg-config pkg-config
need clang clang
need bpftool bpftool
need /usr/include/stdio.h libc6-dev
need /usr/include/linux/bpf.h linux-libc-dev
need lib:libbpf libbpf-dev
need lib:libevent libevent-dev
need lib:jansson libjansson-dev
need lib:libfyaml libfyaml-dev
need lib:libcurl libcurl4-openssl-dev
need lib:libmnl libmnl-dev
need lib:ncursesw libncurses-dev
need lib:libssl libssl-dev
need lib:libseccomp libseccomp-dev

[ "${3-}" != build ] || {
	needed "$@"
	exit
}

# The tests and the demo.
need lib:cmocka libcmocka-dev
need openssl openssl
need lib:libcrypto libssl-dev
need bats bats
need curl curl
need jq jq
need ip iproute2
need nft nftables
need iptables-legacy-restore iptables
need ps procps
need setpriv util-linux
need column bsdextrautils
need man man-db
need zsh zsh
need perl:Time::HiRes perl
need fish fish

needed "$@"
