# SPDX-License-Identifier: Apache-2.0
# Connections that move: clients that call and check the answers, while backends come, leave and are
# drained. A client is a process with one connection, as a gateway's clients are.

load lib

setup()
{
	lab_setup
	manifests=$BATS_TEST_TMPDIR/manifests
}

teardown()
{
	# What was seen, if the test fails.
	lab_gwbpf backends
	cat "$BATS_TEST_TMPDIR"/client-? "$BATS_TEST_TMPDIR/agent.log"
	lab_teardown
}

# serve ANNOTATION ADDRESS...: the Service with these endpoints.
serve()
{
	{ service gateway 10.96.0.1 7051 "$1"; slice gateway "${@:2}"; } >"$BATS_TEST_TMPDIR/new.yaml"
	mv "$BATS_TEST_TMPDIR/new.yaml" "$manifests/a.yaml"
}

# client NAME SECONDS: one that calls so often. Its file has: calls, calls that failed, connects.
client()
{
	start perl -MIO::Socket::INET -MIO::Select -MTime::HiRes=sleep,time -e '
		my ($file, $pause) = @ARGV;
		my ($socket, $calls, $failed, $connects) = (undef, 0, 0, 0);
		for (;;) {
			# An end of file between two calls is what a library sees and acts upon.
			if ($socket and IO::Select->new($socket)->can_read(0)) {
				close($socket);
				$socket = undef;
			}
			if (!$socket) {
				$socket = IO::Socket::INET->new(PeerAddr => "10.96.0.1:7051") or next;
				$connects++;
			}
			$calls++;
			syswrite($socket, "hello");
			sysread($socket, my $line, 5);
			$failed++ if $line ne "hello";
			open(my $out, ">", "$file.new") or die;
			print $out "$calls $failed $connects\n";
			close($out);
			rename("$file.new", $file);
			IO::Select->new($socket)->can_read($pause);
		}' "$BATS_TEST_TMPDIR/client-$1" "$2"
	becomes test -s "$BATS_TEST_TMPDIR/client-$1"
}

clients()
{
	local i
	for ((i = 1; i <= $1; i++)); do
		client "$i" "$2"
	done
}

failed_calls()
{
	cat "$BATS_TEST_TMPDIR"/client-* | awk '{ failed += $2 } END { print failed + 0 }'
}

# spread_is NUMBER...: the active connections of the backends, the most first.
spread_is()
{
	local spread
	spread=$(lab_gwbpf backends -o json | jq -r '[.items[].active] | sort | reverse | map(tostring) | join(" ")')
	[ "$spread" = "$*" ]
}

moves()
{
	lab_gwbpf backends -o json | jq '[.items[].movedTotal | .rebalance + .drain] | add'
}

# ends_in SECONDS COMMAND...
ends_in()
{
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.2
	done
}

@test "a backend that comes gets its part of the connections, and no call fails" {
	serve 'gwbpf.io/rebalance: 200ms' 10.1.0.1 10.1.0.2
	start_agent
	listen 10.1.0.{1,2,3}:7051
	clients 12 0.5
	spread_is 6 6
	serve 'gwbpf.io/rebalance: 200ms' 10.1.0.1 10.1.0.2 10.1.0.3
	ends_in 30 spread_is 4 4 4
	[ "$(failed_calls)" -eq 0 ]
	[ "$(moves)" -ge 4 ]
	[ "$(moves)" -le 6 ]
	# Nothing moves once they are even.
	before=$(moves)
	sleep 10
	[ "$(moves)" -eq "$before" ]
	spread_is 4 4 4
	[ "$(failed_calls)" -eq 0 ]
}

@test "a connection that is never quiet is left where it is" {
	serve 'gwbpf.io/rebalance: 2s' 10.1.0.1
	start_agent
	listen 10.1.0.{1,2}:7051
	clients 4 0.3
	serve 'gwbpf.io/rebalance: 2s' 10.1.0.1 10.1.0.2
	sleep 8
	spread_is 4 0
	[ "$(moves)" -eq 0 ]
	[ "$(failed_calls)" -eq 0 ]
}

@test "without the annotation nothing moves" {
	serve '' 10.1.0.1
	start_agent
	listen 10.1.0.{1,2}:7051
	clients 4 0.5
	serve '' 10.1.0.1 10.1.0.2
	sleep 6
	spread_is 4 0
}

@test "a drain empties a backend, at its deadline also of what is not quiet" {
	serve 'gwbpf.io/drain-deadline: 8s' 10.1.0.1 10.1.0.2
	start_agent
	listen 10.1.0.{1,2}:7051
	clients 6 0.05
	spread_is 3 3
	serve 'gwbpf.io/drain-deadline: 8s' 10.1.0.1
	sleep 4
	spread_is 3 3
	ends_in 20 spread_is 6 0
}
