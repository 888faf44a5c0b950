#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A peer that two clients find dead, and that comes back: what the log and the commands say of it.

load lib

# The first client is a pod: by the name of its cgroup, as a kubelet gives it.
uid=0f3a9c1e-5b7d-4e2f-8a6b-1c2d3e4f5a6b

# Each client is a network namespace of its own, in which both peers are.
make_client()
{
	start unshare --net sleep infinity
	clients+=("$started")
	becomes is_apart "$started"
	in_client "$started" ip link set lo up
	in_client "$started" ip address add 10.1.0.1/32 dev lo
	in_client "$started" ip address add 10.1.0.2/32 dev lo
	serve_in "$started" 10.1.0.2
}

is_apart()
{
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink "/proc/$holder/ns/net")" ] &&
		[ "$(cat "/proc/$1/comm")" = sleep ]
}

in_client()
{
	nsenter -t "$1" --net -- "${@:2}"
}

# serve_in CLIENT ADDRESS: its pid is in $started.
serve_in()
{
	start nsenter -t "$1" --net -- perl -MIO::Socket::INET -e '
		my $listener = IO::Socket::INET->new(LocalAddr => "$ARGV[0]:7051", Listen => 128,
			ReuseAddr => 1) or die;
		my @kept;
		while (my $socket = $listener->accept) { push @kept, $socket }' "$2"
	becomes listens_in "$1" "$2"
}

listens_in()
{
	in_client "$1" ss -Hltn "src $2:7051" | grep -q .
}

# connect_from CLIENT: 0 if it came about.
connect_from()
{
	local from=$cgroup
	[ "$1" = "${clients[1]}" ] || from=$pod
	in_client "$1" bash -c 'echo $$ >"$0"/cgroup.procs; exec 4<>/dev/tcp/10.96.0.1/7051' \
		"$from" 2>/dev/null
}

# fail_as_stranger CLIENT: the same until it fails, by a process of no pod that calls itself so that
# no line should hold it. It stays; its pid is in $started.
fail_as_stranger()
{
	start nsenter -t "$1" --net -- perl -MIO::Socket::INET -e '
		$0 = q(e'"'"'v"il) . "\n" . "x";
		1 while IO::Socket::INET->new(PeerAddr => "10.96.0.1:7051");
		open(my $ready, ">", $ENV{READY}) or die; close($ready);
		sleep 1 while 1;'
	becomes test -e "$READY"
}

connect_some()
{
	for _ in 1 2 3 4; do
		connect_from "$1" || true
	done
}

# fails_from CLIENT: a connect of it came to the dead peer.
fails_from()
{
	! connect_from "$1"
}

peer_is()
{
	run lab_gwbpf backends -o json fabric/gateway
	jq -e ".items[0] | .address == \"10.1.0.1\" and ($1)" <<<"$output"
}

logs()
{
	grep -q "level=info msg=\"$1" "$BATS_TEST_TMPDIR/agent.log"
}

setup()
{
	lab_setup
	clients=() servers=()
	{
		service gateway 10.96.0.1 7051 'gwbpf.io/ejection: "time=10s,max=5m,keep=0%"'
		slice gateway 10.1.0.1 10.1.0.2
	} >"$BATS_TEST_TMPDIR/manifests/a.yaml"
	pod=$cgroup/kubepods-pod${uid//-/_}.slice
	mkdir "$pod"
	start_agent
	make_client
	make_client
}

teardown()
{
	becomes rmdir "$pod"
	lab_teardown
}

@test "an ejection, its cause and its end are told" {
	peer_is '.state == "usable" and .stateSeconds == null and .lastError == null and
		.lastErrorTime == null and .consecutiveFailures == 0'
	for client in "${clients[@]}"; do
		serve_in "$client" 10.1.0.1
		servers+=("$started")
		connect_some "$client"
	done
	peer_is '.establishedTotal >= 2'
	for server in "${servers[@]}"; do
		stop "$server"
	done
	# The first one's accusation, and then the ejection, last for ten seconds.
	becomes fails_from "${clients[0]}"
	fail_as_stranger "${clients[1]}"
	stranger=$started
	peer_is '.state == "ejected" and .lastError == "refused" and .consecutiveFailures == 2 and
		(.lastErrorTime | test("^20..-..-..T..:..:..Z$")) and
		.stateSeconds >= 0 and .stateSeconds < 60 and .ejectionsTotal == 1'
	run lab_gwbpf backends --wide failures
	contains "${lines[1]}" "LAST-ERROR  LAST-ERROR-AGO  SINCE"
	[[ ${lines[3]} =~ ^!\ .*ejected.*\ refused\ +[0-9.]+s\ +[0-9.]+s$ ]]
	contains "$output" "! fabric/gateway 10.1.0.1:7051 is ejected for "
	contains "$output" " more: several clients could not reach it, last "
	becomes logs "accused: backend fabric/gateway 10.1.0.1:7051 .*by pod $uid: refused (times: 1, failures in a row: [12])"
	becomes logs "ejected: backend fabric/gateway 10.1.0.1:7051 .*for 10.0 s by process $stranger 'e?v?il': refused (times: 1, failures in a row: 2)"
	becomes peer_is '.state == "returning" and .stateSeconds != null'
	becomes logs "returning: backend fabric/gateway 10.1.0.1:7051"
	serve_in "${clients[0]}" 10.1.0.1
	connect_some "${clients[0]}"
	peer_is '.state == "usable" and .stateSeconds != null and .lastError == "refused" and
		.consecutiveFailures == 0'
	becomes logs "returned: backend fabric/gateway 10.1.0.1:7051 .*by pod $uid (ejections until now: 1)"
	run ! grep -v '^time=' "$BATS_TEST_TMPDIR/agent.log"
	run lab_gwbpf events fabric/gateway --control "$control" -o json
	json '[.items[] | select(.event != "accused") | .event] == ["ejected", "back"]'
	json '.items | map(select(.event == "ejected"))[0] | .backend == "10.1.0.1:7051" and
		(.cause | startswith("refused: for 10.0 s")) and .clientNetnsCookie != null and
		.clientPod == null and .clientCommand == "e?v?il" and .clientPid == '"$stranger"
	json ".items | map(select(.event == \"accused\"))[0] | .clientPod == \"$uid\" and
		.clientNamespace == null and .clientCommand == null and .clientPid > 0"
	run lab_gwbpf events fabric/gateway --control "$control"
	contains "$(tr -s ' \n' ' ' <<<"$output")" " (process $stranger 'e?v?il')"
	contains "$(tr -s ' \n' ' ' <<<"$output")" " (pod $uid, process "
	run lab_gwbpf events --no-clients --control "$control"
	[[ $output == *"ejected fabric/gateway"* && $output != *$uid* && $output != *process* ]]
	run inside curl --silent --fail http://127.0.0.1:9451/api/v1/events
	json 'all(.items[]; has("clientPod") and .clientPod == null and .clientPid == null and
		.clientCommand == null)'
	run lab_gwbpf report --control "$control"
	[[ $output == *"ejected fabric/gateway"* && $output != *$uid* && $output != *"process $stranger"* ]]
	! logs "contradicted"
}
