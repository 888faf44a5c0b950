#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tests that `make check-arm64` has cross-built: not all, as an emulated processor is slow.
[ $# -gt 0 ] || set -- $(find "$(dirname "$0")/../../build/arm64/tests/kernel" -type f -name 'test_*' \
	-perm -u+x -printf '%f\n' | sort)
name=arm64-6.1 suite=bookworm architecture=arm64 processor=max,pauth-impdef=on processors=2 parameters= degraded= \
	exec "$(dirname "$0")/boot.sh" "$@"
