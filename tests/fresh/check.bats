#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# check.sh itself, with a README of the test's: what a command finds in the bare root, and that
# nothing is left of it.

bats_require_minimum_version 1.5.0

setup() {
	# A file system of its own, as /var/tmp is on many machines.
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir "$TMPDIR"
	mount -t tmpfs tmpfs "$TMPDIR"
	cgroups=$(findmnt -nf -t cgroup2 -o TARGET)
}

teardown() {
	umount "$TMPDIR"
}

# readme COMMAND: a README that gives it to a new user.
readme() {
	printf '# x\n\n## Try it\n\n```sh\n%s\n```\n\n```sh\nfalse\n```\n' "$1" >"$BATS_TEST_TMPDIR/README.md"
}

check() {
	"$BATS_TEST_DIRNAME/check.sh" "$BATS_TEST_TMPDIR/README.md" 3>&-
}

# No process, no file; and the mounts would keep the files.
nothing_is_left() {
	[ -z "$(ls "$TMPDIR")" ]
	[ -z "$(grep -ls "/gwbpf-fresh\.[^/]*/root\(//deleted\)\? / " /proc/[0-9]*/mountinfo)" ]
}

@test "every line of the first block below 'Try it' is run, in the work tree, without what was built" {
	readme 'pwd; ls Makefile README.md; ls build; true
echo second line # with a comment'
	run check
	[ "$status" -eq 0 ]
	[[ $output = *$'\n/root/gwbpf\nMakefile\nREADME.md\n'* ]]
	[[ $output = *"cannot access 'build'"* ]]
	[[ $output = *$'\nsecond line\n'* ]]
	nothing_is_left
}

@test "the root is a Debian without a compiler, a man page or git, and nothing of this machine" {
	touch "$BATS_TEST_TMPDIR/of-this-machine"
	readme "grep VERSION_CODENAME /etc/os-release; command -v gcc make git curl jq ip man udevadm; ls $BATS_TEST_TMPDIR; ls -A /mnt; env"
	VARIABLE_OF_THIS_MACHINE=1 run check
	[ "$status" -eq 0 ]
	[[ $output = *$'\nVERSION_CODENAME=bookworm\n'* ]]
	[[ $output != *$'\n/usr/bin/'* ]]
	[[ $output = *"cannot access '$BATS_TEST_TMPDIR'"* ]]
	[[ $output != *$'\n'VARIABLE_OF* ]]
}

@test "what a machine has after its start is mounted: cgroup v2, a bpffs of its own, devices" {
	readme 'findmnt -rn -o TARGET,FSTYPE; mkdir /sys/fs/bpf/gwbpf-fresh; ls /dev/null /sys/kernel/btf/vmlinux'
	run check
	[ "$status" -eq 0 ]
	for mount in '/proc proc' '/sys sysfs' '/sys/fs/cgroup cgroup2' '/sys/fs/bpf bpf' '/run tmpfs'; do
		[[ $output = *$'\n'"$mount"$'\n'* ]]
	done
	[ ! -e /sys/fs/bpf/gwbpf-fresh ]
}

@test "a command that fails fails the run, which names it and its log" {
	readme 'echo before; exit 3
echo after'
	run check
	[ "$status" -eq 1 ]
	[[ $output = *$'\nbefore\n'*"exit status 3 of: echo before; exit 3; all of it: "*/build/fresh.log ]]
	[[ $output != *$'\nafter\n'* ]]
	grep -x before "$BATS_TEST_DIRNAME/../../build/fresh.log"
	nothing_is_left
}

@test "what a command leaves running ends with it, also in namespaces and a cgroup of its own" {
	readme "mkdir /sys/fs/cgroup/gwbpf-fresh-\$\$; echo \$\$ >/sys/fs/cgroup/gwbpf-fresh-\$\$/cgroup.procs; setsid unshare --mount --net sleep 1000 >/dev/null 2>&1 & sleep 1"
	run check
	[ "$status" -eq 0 ]
	nothing_is_left
	[ -z "$(find "$cgroups" -maxdepth 1 -name 'gwbpf-fresh-*')" ]
}

@test "a run that gets a signal ends at once and leaves nothing" {
	readme 'echo begun; sleep 1000'
	for signal in INT TERM HUP; do
		# Job control: else a shell starts it with SIGINT ignored.
		set -m
		"$BATS_TEST_DIRNAME/check.sh" "$BATS_TEST_TMPDIR/README.md" 3>&- >"$BATS_TEST_TMPDIR/out" 2>&1 &
		set +m
		until grep -qx begun "$BATS_TEST_TMPDIR/out"; do
			kill -0 $!
			sleep 0.1
		done
		start=$SECONDS
		kill -$signal $!
		wait $! && false
		[ $((SECONDS - start)) -lt 60 ]
		nothing_is_left
	done
}

@test "a README without commands fails" {
	echo '## Try it' >"$BATS_TEST_TMPDIR/README.md"
	run check
	[ "$status" -eq 1 ]
	[[ $output = *"no command below '## Try it' in"* ]]
}
