#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Connections as they come and go, for several who watch at once.

load lib
load moving

setup()
{
	lab_setup
	# shellcheck disable=SC2034 # serve() writes there
	manifests=$BATS_TEST_TMPDIR/manifests
	serve '' 10.1.0.1
	start_agent
}

teardown()
{
	# What was seen, if the test fails.
	head -n 20 "$BATS_TEST_TMPDIR"/watcher-*
	cat "$BATS_TEST_TMPDIR/agent.log"
	lab_teardown
}

# watch NAME ARGUMENT...: until the end; what it prints is in its file.
watch()
{
	start bash -c 'exec "$0" monitor --control "$1" "${@:3}" >"$2" 2>&1' "$root/build/gwbpf" \
		"$control" "$BATS_TEST_TMPDIR/watcher-$1" "${@:2}"
	becomes grep -q n1 "$BATS_TEST_TMPDIR/watcher-$1"
}

# saw NAME FILTER: jq finds a line for which this is so.
saw()
{
	jq -es "[.[] | select($2)] | length > 0" "$BATS_TEST_TMPDIR/watcher-$1"
}

lines_of()
{
	jq -s "[.[] | select($2)] | length" "$BATS_TEST_TMPDIR/watcher-$1"
}

# counts NAME NUMBER FILTER: so many lines for which this is so.
counts()
{
	[ "$(lines_of "$1" "$3")" -eq "$2" ]
}

# fail_often COUNT: so many connects that are refused.
fail_often()
{
	inside perl -MIO::Socket::INET -e '
		open(my $procs, ">", "$ARGV[0]/cgroup.procs") or die; print $procs $$; close($procs);
		IO::Socket::INET->new(PeerAddr => "10.96.0.1:7051") for 1 .. $ARGV[1]' "$cgroup" "$1"
}

# fail_once_more NAME COUNT: then it was told of all, this one and COUNT before it.
fail_once_more()
{
	failures=$((${failures-0} + 1))
	fail_often 1
	ends_in 5 accounts "$1" $(($2 + 2 * failures))
}

@test "everybody who watches sees each connection from its begin to its end" {
	watch a -o json
	watch b -o json fabric/gateway:7051
	watch c
	watch d -n other -o json
	listen 10.1.0.1:7051
	dial 10.96.0.1:7051 2
	kill "$dialer"
	for name in a b; do
		becomes saw $name '.event == "closed" and .durationSeconds > 0 and .cause == null'
		becomes counts $name 2 '.event == "closed"'
		[ "$(lines_of $name '.event == "connect"')" -eq 2 ]
		[ "$(lines_of $name '.event == "established"')" -eq 2 ]
		saw $name '.event == "established" and .namespace == "fabric" and .service == "gateway"
			and .servicePort == 7051 and .backend == "10.1.0.1:7051" and .pod == null
			and .durationSeconds > 0 and .clientPid > 0 and .lost == null
			and (.time | test("^20.*Z$")) and (.clientNetnsCookie | type == "string")'
		# The lines of one connection say which.
		[ "$(jq -rs '[.[] | select(.connection) | .connection] | group_by(.) |
			map(length) | join(" ")' "$BATS_TEST_TMPDIR/watcher-$name")" = "3 3" ]
	done
	becomes grep -Eq '^[0-9:.]{12}  established fabric/gateway 10.1.0.1:7051 \(process [0-9]+( .perl.)?\)$' \
		"$BATS_TEST_TMPDIR/watcher-c"
	[ "$(awk 'length > 80' "$BATS_TEST_TMPDIR/watcher-c" | wc -l)" -eq 0 ]
	[ "$(lines_of d true)" -eq 1 ]
}

@test "a client is named by its pod, and one that is in none by its process" {
	local uid=11111111-2222-3333-4444-555555555555
	local pod=$cgroup/kubepods-pod${uid//-/_}.slice
	watch a -o json
	watch b
	mkdir "$pod"
	listen 10.1.0.1:7051
	inside bash -c 'echo $$ >"$0"/cgroup.procs; exec 4<>/dev/tcp/10.96.0.1/7051' "$pod"
	becomes counts a 3 ".clientPod == \"$uid\" and .clientPid > 0 and .clientCommand == null"
	becomes grep -q "^ *$uid, process [1-9]" "$BATS_TEST_TMPDIR/watcher-b"
	dial 10.96.0.1:7051 1
	becomes counts a 2 '.clientPod == null and .clientCommand == "perl"'
	rmdir "$pod"
}

@test "failures are told with their cause, and a watch ends in time" {
	watch a -o json
	dial_in_vain 10.96.0.1 7051
	becomes saw a '.event == "failed" and .cause == "refused" and .durationSeconds > 0'
	serve ''
	becomes eval 'lab_gwbpf services -o json | jq -e ".items[0].state == \"no-backends\""'
	dial_in_vain 10.96.0.1 7051
	becomes saw a '.event == "failed" and .cause == "no-backends" and .service == "gateway" and
		.backend == null'
	watch b --for 1s
	wait "$started"
	run --separate-stderr lab_gwbpf monitor --control "$control" fabric/nothing
	[ "$status" -eq 1 ]
	contains "$stderr" "nothing"
}

# told NAME: how many events it was told of, and how many it was told that it is not.
told()
{
	perl -ne '$told++ if /"connection":"/; $lost += $1 if /"lost":(\d+)/;
		END { print $told + 0, " ", $lost + 0, "\n" }' "$BATS_TEST_TMPDIR/watcher-$1"
}

# accounts NAME COUNT: told or lost, it comes to so many.
accounts()
{
	local told lost
	read -r told lost <<<"$(told "$1")"
	[ $((told + lost)) -eq "$2" ]
}

@test "who reads too slowly loses lines, is told how many, and holds up nobody" {
	watch fast -o json
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	# Its output is a pipe that nobody reads yet.
	start bash -c 'exec "$0" monitor -o json --control "$1" >"$2"' "$root/build/gwbpf" "$control" \
		"$BATS_TEST_TMPDIR/fifo"
	exec 5<"$BATS_TEST_TMPDIR/fifo"
	read -r head <&5
	contains "$head" Monitor
	fail_often 3000
	# What is lost is said with the next line that there is room for.
	becomes fail_once_more fast 6000
	start bash -c 'exec cat <&5 >"$0"' "$BATS_TEST_TMPDIR/watcher-slow"
	becomes saw slow '.event == "connect"'
	becomes fail_once_more slow 6000
	saw slow '.event == "lost" and .lost > 1000 and (.cause | contains("not read in time"))'
	exec 5<&-
}

# fails PID: it ends with exit status 1.
fails()
{
	local status=0
	wait "$1" || status=$?
	[ "$status" -eq 1 ]
}

@test "no more may watch than there is room for, and all learn that the agent has ended" {
	for i in 1 2 3 4 5 6 7 8; do
		watch $i
	done
	watcher=$started
	run --separate-stderr lab_gwbpf monitor --control "$control"
	[ "$status" -eq 1 ]
	contains "$stderr" "as many watch as may"
	# Others are answered meanwhile.
	lab_gwbpf events --control "$control"
	kill_agent
	fails "$watcher"
	contains "$(cat "$BATS_TEST_TMPDIR/watcher-8")" "has ended"
	start_agent
	watch 9
	stop "$agent"
	fails "$started"
}
