#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Print the path of a Go that can build Kubernetes. From 1.23 on Go fetches the release that a
# module asks for by itself. Where the system has none, Debian's backport is unpacked below the
# directory $1: neither the system's packages nor its sources change.
set -eu
cache=$1
again=$(cd "$(dirname "$0")/../.." && pwd)/again.sh
package=golang-1.23
root=$cache/go-root

is_new_enough() {
	local version
	version=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
	[ "$(printf 'go1.23\n%s\n' "$version" | sort -V | head -n 1)" = go1.23 ]
}

# The mirror and the key are those that the system itself uses for its release.
write_sources() {
	cat /etc/apt/sources.list.d/*.sources 2>/dev/null |
		awk -v RS= -v ORS='\n\n' '/(^|\n)Types: *deb/ && /\nSuites: *bookworm( |\n)/' |
		sed 's/^Suites:.*/Suites: bookworm-backports/' >"$1/backports.sources"
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
		sed -n 's/^\(deb .*\) bookworm \(.*\)/\1 bookworm-backports \2/p' >"$1/backports.list"
	[ -s "$1/backports.sources" ] || [ -s "$1/backports.list" ] || {
		echo "cannot find Go 1.23: the system has none, and its package sources do not" \
			"name bookworm; install Go 1.23 or later" >&2
		return 1
	}
}

fetch() {
	local apt=$cache/apt
	rm -rf "$apt" "$root"
	mkdir -p "$apt/sources" "$apt/lists/partial" "$apt/debs" "$root"
	write_sources "$apt/sources"
	local options=(-q -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$apt/sources"
		-o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt" -o APT::Sandbox::User=root)
	"$again" apt-get "${options[@]}" update >&2
	(cd "$apt/debs" && "$again" apt-get "${options[@]}" download "$package-go" "$package-src" >&2)
	for deb in "$apt"/debs/*.deb; do
		dpkg-deb -x "$deb" "$root"
	done
	rm -rf "$apt"
}

system=$(command -v go || true)
private=$root/usr/lib/go-${package#golang-}/bin/go
if [ -n "$system" ] && is_new_enough "$system"; then
	echo "$system"
	exit
fi
is_new_enough "$private" || fetch
is_new_enough "$private"
echo "$private"
