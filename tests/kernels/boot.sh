#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Boot a kernel in qemu, without KVM, and run in it the kernel tests and the program. Speaks TAP: a
# kernel that does not come to the end is a failure. The programs linux-*.sh say in variables which
# kernel that is; its own messages are in build/kernels/NAME/console. Arguments are the tests to run,
# in this order, such as test_connect, in place of all. TEST_TIMEOUT is the seconds that the whole may
# take, 1800 unless something else is said; one of the tests may take half of them.
set -eu
cd "$(dirname "$0")/../.."
work=build/kernels/$name
mkdir -p "$work"
[ $# -gt 0 ] || set -- $(basename -s .c tests/kernel/test_*.c)
case ${architecture:=amd64} in
amd64)
	built=build/release
	machine=(qemu-system-x86_64 -serial "file:$work/console" -serial stdio)
	# An emulator that gets no processor for some ms looks to the kernel like a timer that is broken.
	board="console=ttyS0 gwbpf.port=ttyS1 no_timer_check"
	;;
arm64)
	built=build/arm64
	other=$(tests/kernels/root.sh arm64) strip=aarch64-linux-gnu-strip
	export other strip
	machine=(qemu-system-aarch64 -machine virt -serial "file:$work/console"
		-chardev "stdio,id=tap" -device "pci-serial,chardev=tap")
	board="console=ttyAMA0 gwbpf.port=ttyS0"
	;;
esac
seconds=$((${TEST_TIMEOUT:-1800} / 2))
kernel=$(tests/kernels/fetch.sh "$suite" "$architecture")
tests/kernels/image.sh "$kernel" "$work/image" $built/gwbpf "${@/#/$built/tests/kernel/}"
"${machine[@]}" -nodefaults -display none -no-reboot -accel tcg,thread=multi \
	-cpu "$processor" -smp "$processors" -m 1024 -kernel "$kernel/kernel" -initrd "$work/image" \
	-append "$board panic=-1 loglevel=5 gwbpf.degraded=$degraded gwbpf.seconds=$seconds $parameters" \
	</dev/null | tee "$work/tap"
grep -q '^# the end' "$work/tap" && exit
echo "not ok - the kernel of '$suite' comes to the end"
tail -n 40 "$work/console" | sed 's/^/# /'
exit 1
