#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Make the source archive of a version, and its checksum beside it. It is the same, byte for byte,
# whoever makes it from the same commit: names in git's order, the time of the commit, no owner, no
# time in the compressed file.
#
#	dist.sh VERSION DIRECTORY
set -eu
name=gwbpf-$1 directory=$2
cd "$(dirname "$0")/.."
[ -z "$(git status --porcelain)" ] ||
	echo "gwbpf: what is not committed is not in $name.tar.gz" >&2
mkdir -p "$directory"
git archive --format=tar --prefix="$name/" HEAD | gzip -9n >"$directory/$name.tar.gz.new"
cd "$directory"
mv "$name.tar.gz.new" "$name.tar.gz"
sha256sum "$name.tar.gz" >"$name.tar.gz.sha256"
