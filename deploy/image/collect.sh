#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lay out the files of an image: the given programs, in /usr/bin, the libraries that they load, and
# what `gwbpf top` must know of terminals.
#
#	collect.sh DIRECTORY PROGRAM...
set -eu
root=$1
shift

other=${other:-} # the root of another architecture, or empty: see libraries.sh

mkdir -p "$root/usr/bin"
cp "$@" "$root/usr/bin/"
for library in $("$(dirname "$0")/libraries.sh" "$@"); do
	# Debian's /lib is a link to usr/lib: keep the path that the loader looks at.
	mkdir -p "$root$(dirname "$library")"
	cp -L "$other$library" "$root$library"
done

for terminal in ansi linux screen screen-256color tmux tmux-256color vt100 xterm xterm-256color; do
	file=terminfo/$(printf '%.1s' "$terminal")/$terminal
	for directory in /lib /usr/share; do
		[ -e "$directory/$file" ] || continue
		mkdir -p "$(dirname "$root$directory/$file")"
		cp -L "$directory/$file" "$root$directory/$file"
	done
done
