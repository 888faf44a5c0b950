# SPDX-License-Identifier: Apache-2.0
# What the scenarios of moved connections share: clients that call and check the answers. A client is a
# process with one connection, as a gateway's clients are.

# serve ANNOTATION ADDRESS...: the Service with these endpoints.
serve()
{
	{ service gateway 10.96.0.1 7051 "$1"; slice gateway "${@:2}"; } >"$BATS_TEST_TMPDIR/new.yaml"
	mv "$BATS_TEST_TMPDIR/new.yaml" "$manifests/a.yaml"
}

# client NAME SECONDS [1]: one that waits so long between calls; 1: it calls so often, by the clock. Its
# file has: calls, calls that failed, connects.
client()
{
	start perl -MIO::Socket::INET -MIO::Select -MTime::HiRes=sleep,time -e '
		my ($file, $pause, $by_clock) = @ARGV;
		my $next = time;
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
			$next = ($by_clock ? $next : time) + $pause;
			IO::Select->new($socket)->can_read($next > time ? $next - time : 0);
		}' "$BATS_TEST_TMPDIR/client-$1" "$2" "${3-}"
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
		[ "$SECONDS" -lt "$end" ] || {
			echo "this did not come true in time: $*" >&2
			return 1
		}
		sleep 0.2
	done
}
