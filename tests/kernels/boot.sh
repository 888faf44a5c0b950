#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Boot a kernel in qemu, without KVM, and run in it the kernel tests and the program. Speaks TAP: a
# kernel that does not come to the end is a failure. The programs linux-*.sh say in variables which
# kernel that is; its own messages are in build/kernels/NAME/console. Arguments are the tests to run,
# in this order, such as test_connect, in place of all.
set -eu
cd "$(dirname "$0")/../.."
work=build/kernels/$name
mkdir -p "$work"
[ $# -gt 0 ] || set -- $(basename -s .c tests/kernel/test_*.c)
kernel=$(tests/kernels/fetch.sh "$suite")
tests/kernels/image.sh "$kernel" "$work/image" build/gwbpf "${@/#/build/release/tests/kernel/}"
qemu-system-x86_64 -nodefaults -display none -no-reboot -accel tcg,thread=multi \
	-cpu "$processor" -smp "$processors" -m 1024 -kernel "$kernel/kernel" -initrd "$work/image" \
	-append "console=ttyS0 panic=-1 loglevel=5 gwbpf.degraded=$degraded $parameters" \
	-serial "file:$work/console" -serial stdio </dev/null | tee "$work/tap"
grep -q '^# the end' "$work/tap" && exit
echo "not ok - the kernel of '$suite' comes to the end"
tail -n 40 "$work/console" | sed 's/^/# /'
exit 1
