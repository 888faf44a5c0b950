#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The report that goes with a question: every section, also where one fails, and no client in it
# unless that is asked for.

load lib

setup()
{
	lab_setup
	manifests=$BATS_TEST_TMPDIR/manifests
}

teardown()
{
	lab_teardown
}

# reports OPTION...: into $output.
reports()
{
	run --separate-stderr lab_gwbpf report --control "$control" "$@"
	[ "$status" -eq 0 ]
}

# is_whole OPTION...: so; a section that this machine had no time for is made again with the next one.
is_whole()
{
	reports "$@"
	[[ $output != *"it took too long"* ]]
}

section()
{
	sed -n "/^==== $1\$/,/^==== /p" <<<"$output"
}

@test "report: all sections, without clients unless they are asked for" {
	{ service gateway 10.96.0.1; slice gateway 10.1.0.1; } >"$manifests/a.yaml"
	start_agent
	listen 10.1.0.1:7051
	dial 10.96.0.1:7051 2
	becomes is_whole
	contains "$output" "gwbpf report, 20"
	contains "$(section version)" "gwbpf "
	contains "$(section status)" "healthy:      yes"
	contains "$(section services)" "10.96.0.1:7051"
	contains "$(section backends)" "10.1.0.1:7051"
	contains "$(section events)" "agent-started"
	contains "$(section check)" "cgroup-v2"
	[[ $(section maps) =~ gw_backends\ +16384\ +64\ +1114112 ]]
	[ -z "$(section connections)" ]
	[[ $output != *10.1.0.9* ]]
	becomes is_whole --clients
	contains "$(section connections)" "10.1.0.9:"
	reports --file "$BATS_TEST_TMPDIR/report.txt"
	[ -z "$output" ]
	grep -q "^==== maps" "$BATS_TEST_TMPDIR/report.txt"
	[ "$(stat -c %a "$BATS_TEST_TMPDIR/report.txt")" = 600 ]
	run --separate-stderr lab_gwbpf report --file /nowhere/report.txt
	[ "$status" -eq 1 ]
	contains "$stderr" "cannot write '/nowhere/report.txt'"
}

@test "report: without an agent and without pins the sections say so, and the rest goes on" {
	becomes is_whole
	contains "$(section status)" "run 'gwbpf agent'"
	contains "$(section status)" "(exit status 1)"
	contains "$(section maps)" "cannot read the maps"
	contains "$(section events)" "no agent answers"
	contains "$(section check)" "cgroup-v2"
}

@test "report: a section that takes too long ends, and the rest goes on" {
	service gateway 10.96.0.1 >"$manifests/a.yaml"
	start_agent
	kill -STOP "$agent"
	reports
	contains "$(section events)" "(this section ends here: it took too long)"
	contains "$(section maps)" "gw_meta"
}
