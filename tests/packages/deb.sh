#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The Debian package, installed on a bare Debian 12 that systemd boots in a container with a network of
# its own: what its unit's hardening leaves the agent, and that removing it leaves nothing. Speaks TAP.
#
#	deb.sh	(after `make deb`)
set -u
cd "$(dirname "$0")/../.." || exit 1
work= result=

fail() {
	echo "Bail out! $*"
	exit 1
}

. tests/fresh/base.sh

clean_up() {
	[ -z "$work" ] || rm -rf --one-file-system "$work"
}

# Programs that are in the packages of the machine alone would be missed: the root has what apt brings.
make_root() {
	local packages=(build/gwbpf_[0-9]*.deb)

	[ ${#packages[@]} = 1 ] && [ -f "${packages[0]}" ] || fail "build/ holds no package, or several"
	mkdir -p "$cache/archives/partial"
	exec 9>"$cache/lock" && flock 9
	make_base >&2
	work=$(mktemp -d "${TMPDIR:-/var/tmp}/gwbpf-deb.XXXXXX") || fail "cannot make a directory"
	cp -a "$base" "$work/root" || fail "cannot copy '$base' to '$work'"
	exec 9>&-
	copy_apt_settings "$work/root"
	cp /etc/resolv.conf "$work/root/etc/"
	mkdir "$work/root/test"
	cp "${packages[0]}" "$work/root/test/gwbpf.deb"
	cp tests/packages/inside.sh "$work/root/test/"
	result=$work/root/test/result
	container sh -c 'apt-get update && apt-get install -y --no-install-recommends systemd dbus \
		iproute2 jq /test/gwbpf.deb' >"$work/apt.log" 2>&1 || {
		tail -n 20 "$work/apt.log" >&2
		fail "cannot install the package"
	}
}

container() {
	systemd-nspawn --quiet --register=no --keep-unit --machine="gwbpf-deb-$$" -D "$work/root" "$@" </dev/null
}

# What inside.sh prints is the test's output. systemd ends when it ends.
boot() {
	local unit=$work/root/etc/systemd/system/inside.service

	cat >"$unit" <<-END
		[Unit]
		After=multi-user.target
		[Service]
		Type=oneshot
		ExecStart=/test/inside.sh
		StandardOutput=file:/test/result
		StandardError=inherit
		ExecStopPost=systemctl exit
	END
	mkdir -p "${unit%/*}/graphical.target.wants"
	ln -s "$unit" "${unit%/*}/graphical.target.wants/"
	mkdir "$work/bpf"
	SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 timeout 600 unshare --mount sh -c "
		mount --make-rprivate / && mount -t bpf bpf '$work/bpf' && exec \"\$@\"" sh \
		systemd-nspawn --quiet --register=no --keep-unit --machine="gwbpf-deb-$$" -D "$work/root" \
		--boot --private-network --capability=all --system-call-filter='bpf setns pidfd_getfd' \
		--bind="$work/bpf:/sys/fs/bpf" </dev/null >"$work/boot.log" 2>&1
	[ -s "$result" ] || {
		tail -n 20 "$work/boot.log" >&2
		fail "systemd did not come as far as the test"
	}
}

trap clean_up EXIT
trap 'exit 130' INT TERM
[ "$(id -u)" = 0 ] || fail "not root"
make_root
boot
cat "$result"
! grep -q '^not ok' "$result" && grep -q '^1\.\.' "$result"
