# SPDX-License-Identifier: Apache-2.0
# What the agent says of its own Node, and of one that is not there.

load lib

setup()
{
	lab_setup
	log=$BATS_TEST_TMPDIR/agent.log
}

teardown()
{
	lab_teardown
}

# api ANSWER: a cluster that says this when it is asked for Node n1, and has nothing else. Watches
# wait.
api()
{
	start perl -MIO::Socket::INET -e '
		my $node = shift;
		my $listener = IO::Socket::INET->new(LocalAddr => "127.0.0.1:8080", Listen => 16,
			ReuseAddr => 1) or die "$!";
		$SIG{CHLD} = "IGNORE";
		open(my $ready, ">", $ENV{READY}) or die; close($ready);
		while (my $client = $listener->accept) {
			next if fork;
			while (defined(my $asked = <$client>)) {
				my $line;
				do { $line = <$client> } while (defined $line && $line ne "\r\n");
				if ($asked =~ /watch=true/) {
					syswrite($client, "HTTP/1.1 200 OK\r\n" .
						"Content-Type: application/json\r\n" .
						"Transfer-Encoding: chunked\r\n\r\n");
					next;
				}
				my $body = $asked =~ m{/nodes/n1} ? $node : sprintf(q({"kind":"%s",) .
					q("apiVersion":"%s","metadata":{"resourceVersion":"7"},"items":[]}),
					$asked =~ m{/services} ? ("ServiceList", "v1") :
					("EndpointSliceList", "discovery.k8s.io/v1"));
				my $status = $body =~ /"Status"/ ? "404 Not Found" : "200 OK";
				syswrite($client, "HTTP/1.1 $status\r\nContent-Type: application/json\r\n" .
					"Content-Length: " . length($body) . "\r\n\r\n$body");
			}
			exit;
		}' "$1"
	becomes test -e "$READY"
	rm "$READY"
}

start_agent_of_api()
{
	start_agent_of_port 8080
	becomes grep -q "hooks are attached, ready" "$log" || { cat "$log" >&2; return 1; }
}

# node LABELS
node()
{
	printf '{"kind":"Node","apiVersion":"v1","metadata":{"name":"n1","labels":{%s},' "$1"
	printf '"uid":"u","resourceVersion":"5"}}'
}

@test "a Node that is not there has no zone, and is missed" {
	api '{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}'
	start_agent_of_api
	becomes grep -q "no Node is named 'n1': give the right one with --node-name" "$log"
	run grep -E "zone" "$log"
	[ -z "$output" ]
	run inside curl -sS http://127.0.0.1:9451/readyz
	contains "$output" "[-] node: no Node is named 'n1'"
}

@test "a Node with a zone, and one without" {
	api "$(node '"topology.kubernetes.io/zone":"z1"')"
	start_agent_of_api
	becomes grep -q "node 'n1' is in zone 'z1'" "$log"
	stop "$started"
	for pid in "${lab_pids[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	becomes port_is_free
	api "$(node '')"
	start_agent_of_api
	becomes grep -q "node 'n1' is in no zone" "$log"
}

port_is_free()
{
	! inside bash -c 'exec 4<>/dev/tcp/127.0.0.1/8080'
}
