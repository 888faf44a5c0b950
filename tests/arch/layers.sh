#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The order of the layers: includes point down only, one layer knows libbpf, every header stands
# alone, every file says under which licence it is. Speaks TAP.
set -u
shopt -s lastpipe # what reads a pipe here counts in this shell
cd "$(dirname "$0")/../.." || exit 1
count=0 status=0

# Succeed if there is nothing on standard input; show it if there is.
expect_nothing() {
	local found
	found=$(cat)
	count=$((count + 1))
	if [ -z "$found" ]; then
		echo "ok $count - $1"
		return
	fi
	echo "not ok $count - $1"
	sed 's/^/# /' <<<"$found"
	status=1
}

# The folders that a folder may include headers of.
allowed() {
	case $1 in
	base) echo base ;;
	model) echo model base ;;
	source) echo source model base ;;
	source/kube) echo source/kube source model base ;;
	kernel) echo kernel model base ;;
	agent) echo agent report source/kube source kernel model base ;;
	cli) echo cli report source/kube source kernel model base ;;
	report) echo report kernel model base ;;
	esac
}

for directory in userspace/*/ userspace/*/*/; do
	layer=${directory#userspace/}
	layer=${layer%/}
	pattern=$(allowed "$layer" | tr ' ' '|')
	grep -nE '^#include "' "$directory"*.[ch] | grep -vE "#include \"($pattern)/[^/]*\"" |
		expect_nothing "$layer includes only: $(allowed "$layer")"
done

grep -lE '#include <(bpf/|linux/bpf)|\.skel\.h>' userspace/*.[ch] userspace/*/*.[ch] userspace/*/*/*.[ch] |
	grep -v '^userspace/kernel/' | expect_nothing "only the kernel layer knows libbpf"

grep -lE '#include <curl/' userspace/*.[ch] userspace/*/*.[ch] userspace/*/*/*.[ch] |
	grep -vE '^userspace/(source/kube/|cli/control\.c)' |
	expect_nothing "only the Kubernetes source and the client of the control socket know HTTP"

find . -path ./build -prune -o -type f -regextype egrep \
	-regex '.*(\.([ch]|sh|bats|bash|mk)|/Makefile)' -exec grep -L 'SPDX-License-Identifier: ' {} + |
	expect_nothing "every source file names its licence"

grep -LE 'GPL-2.0-only OR BSD-2-Clause' bpf/* include/gwbpf/* |
	expect_nothing "what the kernel loads is under GPL-2.0-only OR BSD-2-Clause"

flags="-fsyntax-only -std=gnu11 -D_GNU_SOURCE -Iinclude -Iuserspace -isystem build/gen
	$(pkg-config --cflags libbpf libevent jansson libfyaml ncursesw)"
for header in include/gwbpf/*.h userspace/*/*.h userspace/*/*/*.h; do
	echo "#include \"$header\"" | gcc $flags -I. -x c - 2>&1
done | expect_nothing "every header compiles alone"

for file in userspace/*/*.c userspace/*/*/*.c; do
	own=${file#userspace/}
	own=${own%.c}.h
	[ -f "userspace/$own" ] || continue
	grep -m1 '^#include' "$file" | grep -q "\"$own\"" || echo "$file"
done | expect_nothing "every source file includes its own header first"

echo "1..$count"
exit $status
