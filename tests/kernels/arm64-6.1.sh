#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make check-arm64` has cross-built. An emulated processor is slow: tests that show that the
# programs verify, and that connections are rewritten, counted and moved.
[ $# -gt 0 ] || set -- test_verifier test_connect test_counts test_policy test_move
name=arm64-6.1 suite=bookworm architecture=arm64 processor=max,pauth-impdef=on processors=2 parameters= degraded= \
	exec "$(dirname "$0")/boot.sh" "$@"
