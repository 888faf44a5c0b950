# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# For the scripts deps.sh, which name what a group of targets needs and source this:
#
#	need WHAT PACKAGE     WHAT is a program, a path, lib:NAME as pkg-config knows it, or perl:MODULE
#	needed "$@"           installs what is missing; with --check COMMAND it only says what is
#	                      missing and that COMMAND installs it, and fails
#
# What is there already is taken as it is, whoever installed it.
missing= missing_packages=

need() {
	case $1 in
	/*) [ -e "$1" ] ;;
	perl:*) perl "-M${1#perl:}" -e 1 2>/dev/null ;;
	lib:*) pkg-config --exists "${1#lib:}" 2>/dev/null ;;
	*) PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null ;;
	esac || {
		missing="$missing $1"
		missing_packages="$missing_packages $2"
	}
}

install_packages() {
	# shellcheck disable=SC2086 # a list
	apt-get update -q && DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -q --no-install-recommends $missing_packages
}

needed() {
	[ -n "$missing" ] || return 0
	if [ "${1-}" = --check ]; then
		echo "missing:$missing (run '$2')" >&2
		return 1
	fi
	# Ubuntu has bpftool only inside linux-tools.
	apt-cache show bpftool >/dev/null 2>&1 || missing_packages=$(echo "$missing_packages" |
		sed 's/ bpftool/ linux-tools-common linux-tools-generic/')
	echo "installing:$missing_packages"
	# An index that was lost on the way is found to be missing only by the installation.
	install_packages || { sleep 10 && install_packages; } || { sleep 60 && install_packages; }
}
