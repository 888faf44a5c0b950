#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The full screen, on terminals of several sizes.

load lib
load moving

setup()
{
	lab_setup
	# shellcheck disable=SC2034 # serve() writes there
	manifests=$BATS_TEST_TMPDIR/manifests
	screen=$BATS_TEST_TMPDIR/screen
	serve '' 10.1.0.1 10.1.0.2
	start_agent
	# It needs none.
	stop "$agent"
}

teardown()
{
	tail -c 2000 "$screen" | cat -v
	exec 6>&-
	lab_teardown
}

# open_top ROWS COLUMNS ARGUMENT...: on a terminal of this size; its keys are what is written to
# descriptor 6. Its pid is in $top, that of the terminal's keeper in $keeper.
open_top()
{
	rm -f "$BATS_TEST_TMPDIR/keys" "$screen"
	mkfifo "$BATS_TEST_TMPDIR/keys"
	start bash -c 'export TERM=xterm LC_ALL=C.UTF-8; exec script -qefc "$2" "$1" <"$0" >/dev/null' \
		"$BATS_TEST_TMPDIR/keys" "$screen" \
		"stty rows $1 cols $2; echo \$\$ >$BATS_TEST_TMPDIR/pid; exec $root/build/gwbpf top ${*:3}"
	keeper=$started
	exec 6>"$BATS_TEST_TMPDIR/keys"
	becomes shows $'\033[?1049h'
	top=$(<"$BATS_TEST_TMPDIR/pid")
}

shows()
{
	grep -aqF -- "$1" "$screen"
}

# redrawn TEXT: whether it is on the screen now. What has not changed is not written again, unless all
# is asked for anew.
redrawn()
{
	local before
	before=$(stat -c %s "$screen")
	printf '\f' >&6
	ends_in 2 grows "$before"
	tail -c "+$before" "$screen" | grep -aqF -- "$1"
}

grows()
{
	[ "$(stat -c %s "$screen")" -gt "$(($1 + 100))" ]
}

# Two samples of a screen that stays as it is. What was asked for anew may still come.
stays()
{
	local before
	before=$(stat -c %s "$screen")
	sleep 2.2
	! grows "$before"
}

# Whether the terminal is as it was: its cursor, its own screen.
is_restored()
{
	tail -c 200 "$screen" | grep -aqF $'\033[?1049l' && tail -c 200 "$screen" | grep -aqF $'\033[?12l'
}

@test "top draws what the maps say, sorts and scrolls, and gives the terminal back" {
	open_top 24 100
	becomes redrawn 'NODE: n1 (this node only)'
	becomes redrawn '2 backends, 0 connections'
	becomes redrawn 'gateway 10.1.0.1:7051'
	listen 10.1.0.{1,2}:7051
	dial 10.96.0.1:7051 6
	becomes redrawn '6 connections'
	becomes redrawn $'\xe2\x96\x88'
	becomes redrawn 'by connects'
	printf s >&6
	becomes redrawn 'by active'
	printf s >&6
	becomes redrawn 'by failures'
	printf '\033OB\033OA' >&6
	printf q >&6
	becomes is_restored
	wait "$keeper"
}

@test "top gives the terminal back when it is ended, and draws on any size" {
	local size
	for size in '24 80' '5 20' '1 1' '60 250'; do
		# shellcheck disable=SC2086
		open_top $size fabric/gateway
		kill -TERM "$top"
		becomes is_restored
		wait "$keeper"
	done
}

@test "top follows the size of its terminal, and writes only what has changed" {
	local before
	open_top 24 80
	becomes redrawn 'failures/s'
	becomes stays
	before=$(stat -c %s "$screen")
	inside stty -F "/proc/$top/fd/0" rows 30 cols 132
	becomes grows "$before"
	# The row of titles is as wide as the screen.
	becomes redrawn "$(printf '%-46s' 'FAIL/S by connects')"
	printf q >&6
	becomes is_restored
}

@test "top says why it cannot draw" {
	run --separate-stderr lab_gwbpf top </dev/null
	[ "$status" -eq 1 ]
	contains "$stderr" "this is no terminal"
	contains "$stderr" "gwbpf backends"
}
