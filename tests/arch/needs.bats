#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A target that lacks a program says at once which, and what installs it; nothing is built before.

bats_require_minimum_version 1.5.0

# says_without PROGRAM DEPS TARGET: make TARGET where the program is hidden, if it is there at all.
says_without() {
	local program=$1 deps=$2 target=$3 build=$BATS_TEST_TMPDIR/build

	cd "$BATS_TEST_DIRNAME/../.." || return
	run -2 unshare --mount sh -c 'path=$(PATH=$PATH:/usr/sbin:/sbin command -v "$1") &&
		mount --bind /dev/null "$path"; shift; exec "$@"' sh "$program" \
		make B="$build" GEN="$build/gen" "$target"
	[[ $output =~ "missing:"[^\(]*" $program"[\ ].*"(run '$deps')" ]]
	[ ! -e "$build" ]
}

@test "building names the compiler and make deps" {
	says_without clang 'make deps' all
	says_without pkg-config 'make deps' all
}

@test "building takes no program that only tests need" {
	says_without jq 'make deps' need-tests
	run -0 unshare --mount sh -c 'mount --bind /dev/null /usr/bin/jq; exec make -s need-build'
}

@test "tests, soak and demo name make deps" {
	for target in check check-unit soak demo bench-scale; do
		says_without jq 'make deps' "$target"
	done
}

@test "each other group of targets names its own" {
	says_without haproxy 'make bench-deps' bench
	says_without buildah 'make image-deps' image
	says_without buildah 'make image-deps' cluster-images
	for target in check-cluster bench-cluster soak-cluster; do
		says_without etcd 'make cluster-deps' "$target"
	done
	says_without qemu-system-x86_64 'make kernels-deps' check-kernels
	says_without clang 'make fuzz-deps' need-fuzz
	says_without debootstrap 'make fresh-deps' check-fresh
	says_without codespell 'make lint-deps' lint
}

@test "every group that can be needed can be installed, and help lists it" {
	run -0 make -s help
	for group in bench- cluster- fresh- fuzz- image- kernels- lint- ''; do
		grep -q "^ *make ${group}deps " <<<"$output"
	done
}
