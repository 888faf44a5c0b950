#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Run a command that fetches something: what was lost on the way is asked for again, twice.
#
#	again.sh COMMAND...
set -u

for pause in 10 60; do
	"$@" && exit
	echo "again.sh: exit status $?, again in $pause s: $*" >&2
	sleep "$pause"
done
exec "$@"
