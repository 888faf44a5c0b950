#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Peers that accept and do not serve: what the agent's checks see of them, and what follows.

load lib

# Where checks may dial: peers beyond a cable, in a network namespace of their own.
setup()
{
	lab_setup
	start unshare --net sleep infinity
	pods=$started
	becomes is_apart
	inside ip link add node type veth peer name pod netns "$pods"
	inside ip address add 10.2.0.254/24 dev node
	inside ip link set node up
	in_pods ip link set pod up
	for i in 1 2 3; do
		in_pods ip address add 10.2.0.$i/24 dev pod
		serve 10.2.0.$i
		peer[i]=$started
	done
	in_pods ip route add default via 10.2.0.254
}

teardown()
{
	lab_teardown
}

is_apart()
{
	[ "$(readlink "/proc/$pods/ns/net")" != "$(readlink "/proc/$holder/ns/net")" ] &&
		[ "$(cat "/proc/$pods/comm")" = sleep ]
}

in_pods()
{
	nsenter -t "$pods" --net -- "$@"
}

# serve ADDRESS: a peer that echoes at port 7051 and says at port 9443 that it is well; each question
# is a line of the file ADDRESS. Its pid is in $started.
serve()
{
	start nsenter -t "$pods" --net -- perl -MIO::Socket::INET -MIO::Select -e '
		my ($address, $file) = @ARGV;
		my @listeners = map { IO::Socket::INET->new(LocalAddr => "$address:$_", Listen => 128,
			ReuseAddr => 1) or die "$_: $!" } 7051, 9443;
		my $all = IO::Select->new(@listeners);
		for (;;) {
			for my $socket ($all->can_read) {
				if (grep { $_ == $socket } @listeners) { $all->add($socket->accept); next }
				my $line;
				if (!sysread($socket, $line, 4096)) { $all->remove($socket); close($socket); next }
				if ($socket->sockport == 7051) { syswrite($socket, $line); next }
				open(my $log, ">>", $file) or die; print $log $line; close($log);
				syswrite($socket, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
				$all->remove($socket); close($socket);
			}
		}' "$1" "$BATS_TEST_TMPDIR/$1"
	becomes listens "$1"
}

listens()
{
	in_pods ss -Hltn "src $1:9443" | grep -q .
}

# balance ANNOTATIONS ADDRESS...: one Service of these peers.
balance()
{
	{
		service gateway 10.96.0.1 7051 "$1"
		slice gateway "${@:2}"
	} >"$BATS_TEST_TMPDIR/manifests/gateway.yaml"
}

# state ADDRESS STATE: whether it is in that state.
state()
{
	lab_gwbpf backends -o json |
		jq -e --arg a "$1" --arg s "$2" '.items[] | select(.address == $a) | .state == $s'
}

# active ADDRESS COUNT
active()
{
	lab_gwbpf backends -o json |
		jq -e --arg a "$1" --argjson n "$2" '.items[] | select(.address == $a) | .active == $n'
}

seen()
{
	lab_gwbpf backends -o json |
		jq -e --arg a "$1" --arg r "$2" '.items[] | select(.address == $a) | .check.result == $r'
}

fails_to_dial()
{
	dial_in_vain 10.96.0.1 7051
}

# A peer that has to wait for this machine's CPUs for as long, twice in a row, would be down, too.
check='gwbpf.io/check: "http:9443/healthz,inter=1s,fall=2,rise=2,timeout=1s"'

@test "a peer that hangs gets no new connection, and comes back when it answers" {
	balance "$check" 10.2.0.1 10.2.0.2 10.2.0.3
	start_agent
	dial 10.96.0.1:7051 3
	becomes seen 10.2.0.2 ok
	grep -q 'GET /healthz HTTP/1.1' "$BATS_TEST_TMPDIR/10.2.0.2"

	kill -STOP "${peer[2]}"
	becomes state 10.2.0.2 down
	run lab_gwbpf backends -o json
	json '.items[] | select(.address == "10.2.0.2") |
		.reason == "it did not answer in time" and .check.kind == "http" and
		.check.result == "timeout" and (.check.message | test("took the connection")) and
		.check.ageSeconds < 5 and .active == 1'
	run lab_gwbpf status -o json
	json '.healthy and (.warnings | any(test("10.2.0.2:7051.*is down by its check")))'
	has_logged 'down: backend fabric/gateway 10.2.0.2:7051.*failed 2 times in a row'
	dial 10.96.0.1:7051 4
	active 10.2.0.2 1
	run lab_gwbpf explain gateway
	contains "$output" "its check (http) fails: it did not answer in time"
	run lab_gwbpf events --control "$control"
	contains "$output" "down fabric/gateway 10.2.0.2:7051: check (http): "
	run inside curl -sS http://127.0.0.1:9451/metrics
	contains "$output" 'backend="10.2.0.2:7051",backend_pod="",state="down"} 1'
	[[ $output =~ gwbpf_backend_check_up\{[^}]*10.2.0.2:7051[^}]*\}\ 0 ]]
	[[ $output =~ gwbpf_backend_checks_total\{[^}]*10.2.0.2:7051[^}]*timeout\"\}\ [1-9] ]]

	kill -CONT "${peer[2]}"
	becomes state 10.2.0.2 usable
	has_logged 'up: backend fabric/gateway 10.2.0.2:7051'
}

@test "without an agent a peer is not down for longer than three times inter" {
	balance "$check" 10.2.0.1 10.2.0.2 10.2.0.3
	start_agent
	dial 10.96.0.1:7051 3
	kill -STOP "${peer[2]}"
	becomes state 10.2.0.2 down
	kill_agent
	becomes state 10.2.0.2 usable
}

@test "as many as the Service keeps stay in use although all are down" {
	balance "$check" 10.2.0.1 10.2.0.2
	start_agent
	dial 10.96.0.1:7051 2
	kill -STOP "${peer[1]}" "${peer[2]}"
	becomes state 10.2.0.1 down
	becomes state 10.2.0.2 down
	# The kernel of a stopped peer accepts.
	inside bash -c 'echo $$ >"$0"/cgroup.procs; exec 4<>/dev/tcp/10.96.0.1/7051' "$cgroup"
}

@test "connections of a peer that is down move where that is asked for" {
	balance "$check, gwbpf.io/on-down: move" 10.2.0.1 10.2.0.2 10.2.0.3
	start_agent
	start perl -MIO::Socket::INET -MIO::Select -e '
		$SIG{PIPE} = "IGNORE";
		my @all = map { IO::Socket::INET->new(PeerAddr => "10.96.0.1:7051") or die } 1 .. 6;
		open(my $ready, ">", $ENV{READY}) or die; close($ready);
		for (;;) {
			for my $i (0 .. 5) {
				next unless IO::Select->new($all[$i])->can_read(0.05);
				sysread($all[$i], my $line, 4096) and next;
				close($all[$i]);
				$all[$i] = IO::Socket::INET->new(PeerAddr => "10.96.0.1:7051") or die;
			}
		}'
	becomes test -e "$READY"
	active 10.2.0.2 2
	kill -STOP "${peer[2]}"
	becomes state 10.2.0.2 down
	becomes active 10.2.0.2 0
	becomes active 10.2.0.1 3
	becomes active 10.2.0.3 3
	run lab_gwbpf backends -o json
	json '.items[] | select(.address == "10.2.0.2") | .movedTotal.drain == 2'
}

@test "nobody looks at a Service that no client uses, nor at an address of this node" {
	balance "$check" 10.2.0.1 10.1.0.1
	start_agent
	becomes seen 10.2.0.1 none
	listen 10.1.0.1:7051
	sleep 1.2
	[ ! -e "$BATS_TEST_TMPDIR/10.2.0.1" ]
	dial 10.96.0.1:7051 2
	becomes seen 10.2.0.1 ok
	becomes seen 10.1.0.1 forbidden
	state 10.1.0.1 usable
	has_logged 'not checked: backend fabric/gateway 10.1.0.1:7051'
}

@test "the child that looks is started again, and has no rights" {
	balance "$check" 10.2.0.1 10.2.0.2
	start_agent
	dial 10.96.0.1:7051 2
	becomes seen 10.2.0.1 ok
	checker=$(pgrep -P "$agent" gwbpf-checker)
	grep -qE '^CapEff:\s0+$' "/proc/$checker/status"
	grep -qE '^CapPrm:\s0+$' "/proc/$checker/status"
	grep -qE '^Seccomp:\s2$' "/proc/$checker/status"
	kill -KILL "$checker"
	becomes grep -q 'the child that checks backends has ended' "$BATS_TEST_TMPDIR/agent.log"
	state 10.2.0.1 usable
	becomes pgrep -P "$agent" gwbpf-checker
	kill -STOP "${peer[2]}"
	becomes state 10.2.0.2 down
}

@test "a connect that fails has the peer looked at without delay" {
	balance "gwbpf.io/check: 'tcp,inter=1h,fall=1,timeout=1s'" 10.2.0.1 10.2.0.2 10.2.0.3
	start_agent
	kill -KILL "${peer[2]}"
	becomes fails_to_dial
	becomes state 10.2.0.2 down
	run lab_gwbpf backends -o json
	json '.items[] | select(.address == "10.2.0.2") | .check.result == "refused"'
}

nobody_is_checked()
{
	lab_gwbpf backends -o json | jq -e '.items | all(.check == null)'
}

@test "a check that is taken back leaves nobody down" {
	balance "$check" 10.2.0.1 10.2.0.2
	start_agent
	dial 10.96.0.1:7051 2
	kill -STOP "${peer[2]}"
	becomes state 10.2.0.2 down
	balance "" 10.2.0.1 10.2.0.2
	becomes state 10.2.0.2 usable
	becomes nobody_is_checked
}

# Its address is that of a Service, too: whoever looks must not end up at that Service's backends.
@test "looks at a backend go to its address, not through the hooks, and are no Service's connections" {
	balance 'gwbpf.io/check: "tcp,inter=1s,timeout=1s"' 10.2.0.1
	{ service other 10.2.0.1; slice other 10.2.0.9; } >"$BATS_TEST_TMPDIR/manifests/other.yaml"
	start_agent
	dial 10.96.0.1:7051 1
	becomes seen 10.2.0.1 ok
	run lab_gwbpf services -o json
	json '[.items[] | {name, attemptsTotal}] ==
		[{name: "gateway", attemptsTotal: 1}, {name: "other", attemptsTotal: 0}]'
}

# hostile COUNT: another tenant's Service, of so many peers that let each look run into its timeout:
# behind the pods there is nothing.
hostile()
{
	local i addresses=()
	inside ip route add 10.3.0.0/16 via 10.2.0.1
	for ((i = 0; i < $1; i++)); do
		addresses+=("10.3.$((i / 250)).$((i % 250 + 1))")
	done
	{
		service hostile 10.96.0.66 7051 \
			'gwbpf.io/check: "tcp,inter=2s,timeout=2s", gwbpf.io/ejection: "off"'
		slice hostile "${addresses[@]}"
	} | sed 's/namespace: fabric/namespace: hostile/' >"$BATS_TEST_TMPDIR/manifests/hostile.yaml"
}

# use_hostile COMMAND...: whether that is so; and a client of it, which waits for an answer in vain: what
# is used is looked at. It may not come as far as that in its time.
use_hostile()
{
	"$@" && return
	run timeout 0.5 bash -c 'echo $$ >"$0"/cgroup.procs
		exec nsenter -t "$1" --net bash -c "exec 4<>/dev/tcp/10.96.0.66/7051"' "$cgroup" "$holder"
	return 1
}

@test "peers of one tenant that never answer keep nobody else from being looked at" {
	hostile 900
	start_agent
	becomes seen 10.3.0.1 none
	becomes use_hostile seen 10.3.0.1 timeout
	balance "$check" 10.2.0.1 10.2.0.2
	becomes state 10.2.0.1 usable
	dial 10.96.0.1:7051 2
	becomes seen 10.2.0.1 ok
	kill -STOP "${peer[2]}"
	becomes state 10.2.0.2 down
}

# fds COUNT: whether the child has at most so many descriptors.
fds()
{
	[ "$(find "/proc/$checker/fd" -mindepth 1 | wc -l)" -le "$1" ]
}

@test "looks of which nobody waits for the answer are ended" {
	hostile 900
	sed -i 's/=2s/=120s/g' "$BATS_TEST_TMPDIR/manifests/hostile.yaml"
	start_agent
	becomes seen 10.3.0.1 none
	becomes use_hostile pgrep -P "$agent" gwbpf-checker
	checker=$(pgrep -P "$agent" gwbpf-checker)
	becomes eval '! fds 25'
	sed -i 's/"tcp,inter=120s/"http:1\/x,inter=1h/' "$BATS_TEST_TMPDIR/manifests/hostile.yaml"
	becomes fds 15
}
