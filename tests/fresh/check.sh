#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Run the commands that README gives a new user, as they stand there, on a bare Debian 12: a root of
# its own that holds what debootstrap calls minbase, and a copy of this work tree. So a package that
# only this machine happens to have is missed here. Nothing is left of it, also after a failure or
# a signal; the base and the packages stay below ~/.cache for the next run.
#
#	check.sh [README]
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
readme=${1:-$top/README.md}
log=$top/build/fresh.log
work= # what is made for this run
tee=  # the process that writes the log

fail() {
	echo "check-fresh: $*" >&2
	exit 1
}

. "$here/base.sh"

# The commands are the lines of the first code block below "## Try it".
readme_commands() {
	awk '/^## / { inside = /^## Try it/ } inside && /^```/ { block++; next } inside && block == 1' "$readme"
}

# --- one run ---------------------------------------------------------------------------------------

make_root() {
	work=$(mktemp -d "${TMPDIR:-/var/tmp}/gwbpf-fresh.XXXXXX") || fail "cannot make a directory"
	cp -a "$base" "$work/root" || fail "cannot copy '$base' to '$work'"
	copy_apt_settings "$work/root"
	cp /etc/resolv.conf "$work/root/etc/"
	echo fresh >"$work/root/etc/hostname"
	mkdir "$work/root/root/gwbpf"
	tar -C "$top" --exclude=./build --exclude=./.git -c . | tar -C "$work/root/root/gwbpf" -x ||
		fail "cannot copy '$top'"
}

# Whatever runs in the root or in a mount namespace that came from there names it in its mounts, by
# its path in its file system, which need not be the one that holds /.
processes() {
	grep -lsF "/${work##*/}/root" /proc/[0-9]*/mountinfo | cut -d / -f 3
}

# The cgroups v2 that the root's processes are in, apart from the one that this shell is in.
cgroups() {
	local mount pid

	mount=$(findmnt -nf -t cgroup2 -o TARGET)
	for pid in $(processes); do
		sed -n "s|^0::/|$mount/|p" "/proc/$pid/cgroup"
	done 2>/dev/null | sort -ru | grep -vx "$(sed -n "s|^0::/|$mount/|p" /proc/$$/cgroup)"
}

end_processes() {
	local cgroup cgroups pids

	cgroups=$(cgroups)
	while pids=$(processes) && [ -n "$pids" ]; do
		kill -KILL $pids 2>/dev/null
		sleep 0.1
	done
	for cgroup in $cgroups; do
		rmdir "$cgroup" 2>/dev/null
	done
}

# The mounts are in the root's own namespace: they went with its last process.
clean_up() {
	trap '' HUP INT PIPE TERM
	[ -z "$work" ] || end_processes
	[ -z "$work" ] || rm -rf --one-file-system "$work"
	exec >&- 2>&-
	[ -z "$tee" ] || wait "$tee"
}

# Not in the foreground: a shell that waits for a program takes no signal meanwhile.
in_root() {
	unshare --mount "$here/root.sh" "$work/root" "$cache/archives" "$1" </dev/null 9>&- &
	wait $!
}

main() {
	local commands command status start

	[ "$(id -u)" = 0 ] || fail "cannot change the root of files: not root"
	commands=$(readme_commands)
	[ -n "$commands" ] || fail "no command below '## Try it' in $readme"
	mkdir -p "$cache/archives/partial" "$top/build"
	exec 9>"$cache/lock" # until this shell ends
	flock -n 9 || { echo "waiting for another check-fresh" && flock 9; }
	make_base
	make_root
	exec > >(exec tee "$log" 9>&-) 2>&1
	tee=$!
	while IFS= read -r command; do
		start=$SECONDS
		echo "check-fresh: $command"
		in_root "$command"
		status=$?
		[ $status -eq 0 ] || fail "exit status $status of: $command; all of it: $log"
		echo "check-fresh: $((SECONDS - start)) s: $command"
	done <<<"$commands"
}

trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM
main
