# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The base of bare roots: what debootstrap calls minbase, of Debian 12. It is made once and stays below
# ~/.cache. For scripts that have a function fail and source this.
suite=bookworm
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/gwbpf/fresh
base=$cache/$suite

# Of this machine's own apt: where the suite comes from.
mirror() {
	apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
		awk -v suite=$suite '$2 == suite && $3 == "main" { print $1; exit }'
}

# It finds packages where this machine finds them, with the same settings for fetching them.
copy_apt_settings() {
	local apt=$1/etc/apt

	rm -f "$apt/sources.list"
	cp -a /etc/apt/sources.list /etc/apt/sources.list.d /etc/apt/trusted.gpg* /etc/apt/keyrings \
		/etc/apt/auth.conf* "$apt/" 2>/dev/null
	mkdir -p "$1/usr/share/keyrings"
	cp -a /usr/share/keyrings/. "$1/usr/share/keyrings/"
	apt-config dump Acquire >"$apt/apt.conf.d/90acquire"
	echo 'Acquire::Retries "10";' >"$apt/apt.conf.d/91retries"
}

fetch_base() {
	rm -rf "$base.new"
	debootstrap --variant=minbase "$suite" "$base.new" "$1" >"$cache/debootstrap.log" 2>&1
}

make_base() {
	local uri

	[ ! -d "$base" ] || return 0
	command -v debootstrap >/dev/null || fail "debootstrap is missing (make fresh-deps)"
	uri=$(mirror)
	[ -n "$uri" ] || fail "no apt source of this machine has Debian's $suite"
	echo "making the base, once: $base"
	fetch_base "$uri" || { sleep 10 && fetch_base "$uri"; } || {
		tail -n 20 "$cache/debootstrap.log" >&2
		fail "debootstrap failed: $cache/debootstrap.log"
	}
	rm -f "$base.new"/var/cache/apt/archives/*.deb
	mv "$base.new" "$base"
}
