#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Build a Debian package from a source archive, as root or not. What lintian says of it ends the build.
#
#	build.sh ARCHIVE.tar.gz DIRECTORY
set -eu
archive=$1 directory=$2
name=$(basename "$archive" .tar.gz)
version=${name#gwbpf-}
mkdir -p "$directory"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -C "$work" -xf "$archive"
source=$work/$name
time=$(stat -c %Y "$source/Makefile") # of the commit
cp -r "$source/deploy/deb" "$source/debian"
rm "$source/debian/build.sh" "$source/debian/deps.sh"
mkdir "$source/debian/source"
echo '3.0 (native)' >"$source/debian/source/format"

# The text of this version in CHANGELOG.md, in Debian's form.
{
	printf 'gwbpf (%s) unstable; urgency=medium\n\n' "$version"
	awk -v version="$version" '
		/^## / { inside = $2 == version; next }
		!inside || !NF { next }
		{ sub(/^- /, "* "); print }' "$source/CHANGELOG.md" | fold -s -w 76 | sed 's/^ */  /; s/ *$//'
	printf '\n -- %s  %s\n' "$(sed -n 's/^Maintainer: //p' "$source/debian/control")" \
		"$(LC_ALL=C date -u -R -d "@$time")"
} >"$source/debian/changelog"

(cd "$source" && SOURCE_DATE_EPOCH=$time dpkg-buildpackage --build=binary --no-sign)
lintian --fail-on error,warning --allow-root "$work"/*.changes
cp "$work"/*.deb "$directory/"
