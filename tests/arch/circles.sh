#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# No circle: in a folder the files can be put in an order in which each uses only those before it. What a
# file uses is what it is linked with, whatever header declares it: the objects of `make` tell.
# Speaks TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
folders="base model source source/kube kernel report agent cli"
count=0 status=0

# uses FOLDER: a line for each pair of files of which the first uses the second.
uses()
{
	local source name
	for source in userspace/"$1"/*.c; do
		name=$(basename "$source" .c)
		nm "build/release/$1/$name.o" | sed "s/^/$name /"
	done | awk '
		$3 ~ /^[TDBR]$/ { definer[$4] = $1 }
		$2 == "U" { user[++n] = $1; symbol[n] = $3 }
		END {
			for (i = 1; i <= n; i++)
				if (symbol[i] in definer && definer[symbol[i]] != user[i])
					print user[i], definer[symbol[i]]
		}' | sort -u
}

for folder in $folders; do
	count=$((count + 1))
	pairs=$(uses "$folder" 2>&1)
	# tsort(1) names the files of a circle on standard error.
	circle=$(tsort <<<"$pairs" 2>&1 >/dev/null)
	if [ -n "$pairs" ] && [ -z "$circle" ] && ! grep -q 'No such file' <<<"$pairs"; then
		echo "ok $count - userspace/$folder has no circle"
		continue
	fi
	echo "not ok $count - userspace/$folder has no circle"
	grep 'No such file' <<<"$pairs" | sed 's/^/# make it first: /'
	sed -n 's/^tsort: \([a-z0-9_]*\)$/# in a circle: \1/p' <<<"$circle"
	status=1
done

echo "1..$count"
exit $status
