#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# On the day that something is wrong: each of seven breakages is found with one command, and put right
# with one more, which the first one names.

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

serve()
{
	{ service gateway 10.96.0.1 7051 "$1"; slice gateway "${@:2}"; } >"$BATS_TEST_TMPDIR/new.yaml"
	mv "$BATS_TEST_TMPDIR/new.yaml" "$manifests/a.yaml"
}

# find COMMAND... FILTER: one command, whose JSON has it.
find()
{
	run --separate-stderr lab_gwbpf "${@:1:$#-1}" --control "$control" -o json
	json "${*: -1}"
}

warns()
{
	find status "any(.warnings[]; contains(\"$1\"))"
}

warns_no_more()
{
	find status "all(.warnings[], .problems[]; contains(\"$1\") | not)"
}

# The command that was just named.
drain()
{
	contains "$output" "gwbpf drain $1"
	lab_gwbpf drain "$1" --control "$control" "${@:2}"
}

@test "a peer that is killed" {
	serve 'gwbpf.io/ejection: "time=60s"' 10.1.0.1 10.1.0.2
	start_agent
	listen 10.1.0.1:7051
	peer=$started
	listen 10.1.0.2:7051
	dial 10.96.0.1:7051 2
	kill -KILL "$peer"
	wait "$peer" || true
	becomes dial_in_vain 10.96.0.1 7051
	warns "backend 10.1.0.1:7051 of service 'fabric/gateway' is avoided by 1 client"
	drain 10.1.0.1:7051
	warns_no_more "is avoided"
	dial 10.96.0.1:7051 4
}

# A client in a network namespace of its own, in which the second peer is, and all to the first is dropped.
cut_off_client()
{
	start unshare --net sleep infinity
	client=$started
	becomes is_apart
	within ip link set lo up
	within ip address add 10.1.0.2/32 dev lo
	within ip address add 10.1.0.1/32 dev lo
	within nft "table ip cut { chain in { type filter hook input priority 0; \
		ip daddr 10.1.0.1 drop; }; }"
	start nsenter -t "$client" --net -- perl -MIO::Socket::INET -e '
		my $listener = IO::Socket::INET->new(LocalAddr => "10.1.0.2:7051", Listen => 128) or die;
		my @kept; while (my $socket = $listener->accept) { push @kept, $socket }'
	becomes within bash -c 'ss -Hltn "src 10.1.0.2:7051" | grep -q .'
}

is_apart()
{
	[ "$(readlink "/proc/$client/ns/net")" != "$(readlink "/proc/$holder/ns/net")" ] &&
		[ "$(cat "/proc/$client/comm")" = sleep ]
}

within()
{
	nsenter -t "$client" --net -- "$@"
}

@test "a client that is cut off from a peer" {
	serve 'gwbpf.io/connect-timeout: 300ms, gwbpf.io/ejection: "time=60s"' 10.1.0.1 10.1.0.2
	start_agent
	listen 10.1.0.{1,2}:7051
	dial 10.96.0.1:7051 2
	cut_off_client
	for _ in 1 2 3; do
		within bash -c 'echo $$ >"$0"/cgroup.procs; exec 4<>/dev/tcp/10.96.0.1/7051' "$cgroup" \
			2>/dev/null || true
	done
	find explain fabric/gateway ".services[0].avoided | map(select(.reason == \"failed\")) |
		length == 1 and (.[0] | .address == \"10.1.0.1\" and .remainingSeconds > 0 and
			.client.pid == $client)"
	drain 10.1.0.1:7051
	find explain fabric/gateway '.services[0].next.candidates | map(.address) == ["10.1.0.2"]'
}

# A few questions more, of which some get lost; how many, is chance.
loss_is_told()
{
	for _ in {1..10}; do
		kill -USR1 "${clients[@]}"
		sleep 0.1
	done
	warns "packets to backend 10.1.0.2:7051 of service 'fabric/gateway' get lost"
}

@test "a peer that hangs, and a network that loses packets" {
	serve '' 10.1.0.1 10.1.0.2 10.1.0.3
	start_agent
	for i in 1 2 3; do
		listen 10.1.0.$i:7051
		peers[i]=$started
	done
	for i in 1 2 3 4 5 6; do
		dial 10.96.0.1:7051 1
		clients[i]=$dialer
	done
	# What is sent within 20 ms of an answer is taken for its confirmation, not for a question.
	sleep 0.1
	kill -STOP "${peers[1]}"
	kill -USR1 "${clients[@]}"
	# Meanwhile, on the way to another one:
	inside nft "table ip lossy { chain in { type filter hook input priority 0; \
		ip daddr 10.1.0.2 tcp dport 7051 numgen random mod 100 < 40 drop; }; }"
	becomes loss_is_told
	drain 10.1.0.2:7051
	inside nft delete table ip lossy
	becomes warns "backend 10.1.0.1:7051 of service 'fabric/gateway' may hang: bytes sent, none received for"
	contains "$output" "on 2 of 2 connections"
	# Peers that answer, and clients that ask nothing, are no such thing.
	json '[.warnings[] | select(contains("may hang"))] | length == 1'
	drain 10.1.0.1:7051 --deadline 10s
}

@test "no endpoints, a manifest that is broken, and an annotation that is none" {
	service gateway 10.96.0.1 >"$manifests/a.yaml"
	start_agent
	dial_in_vain 10.96.0.1 7051
	becomes find status '(.healthy | not) and any(.problems[];
		contains("has clients and no usable backend") and
		contains("kubectl get endpointslices -n fabric -l kubernetes.io/service-name=gateway"))'
	serve '' 10.1.0.1
	becomes find status '.healthy'
	echo '{broken' >"$manifests/b.yaml"
	becomes warns "b.yaml': cannot parse the file"
	rm "$manifests/b.yaml"
	becomes warns_no_more "b.yaml"
	serve 'gwbpf.io/policy: fastest' 10.1.0.1
	becomes warns "kubectl annotate --overwrite service -n fabric gateway gwbpf.io/policy-"
	contains "$output" "'fastest' is none of"
	serve '' 10.1.0.1
	becomes warns_no_more "fastest"
}
