# SPDX-License-Identifier: Apache-2.0
# What the command-line scenarios share. Loaded by every .bats file here.

bats_require_minimum_version 1.5.0
root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

# The variables of a developer's shell must not change what is tested.
unset "${!GWBPF_@}" NO_COLOR NODE_NAME ARGP_HELP_FMT KUBECONFIG

gwbpf()
{
	"$root/build/gwbpf" "$@"
}

# usage_error WORD ARGUMENT...: wrong usage, which standard error explains with WORD.
usage_error()
{
	local word=$1
	shift
	run --separate-stderr gwbpf "$@"
	[ "$status" -eq 2 ]
	[ -z "$output" ]
	contains "$stderr" "$word"
	contains "$stderr" "Try"
}

contains()
{
	[[ $1 == *"$2"* ]] || {
		printf "'%s' is not in:\n%s\n" "$2" "$1" >&2
		return 1
	}
}

# json FILTER: jq must find something true in $output. Of nothing at all jq 1.6 says yes.
json()
{
	[ "$(jq "$1" <<<"$output" | tail -n 1)" = true ] || {
		printf "not so: %s\n%s\n" "$1" "$output" >&2
		return 1
	}
}

# service NAME ADDRESS [PORT [ANNOTATION]]: a labelled Service, as one document.
service()
{
	cat <<-END
	---
	apiVersion: v1
	kind: Service
	metadata:
	  name: $1
	  namespace: fabric
	  labels: {gwbpf.io/enabled: "true"}
	  annotations: {${4-}}
	spec:
	  type: ClusterIP
	  clusterIP: $2
	  clusterIPs: [$2]
	  ports: [{name: grpc, port: ${3-7051}, protocol: TCP}]
	END
}

# slice SERVICE ADDRESS... : its endpoints, as one document.
slice()
{
	cat <<-END
	---
	apiVersion: discovery.k8s.io/v1
	kind: EndpointSlice
	metadata:
	  name: $1-1
	  namespace: fabric
	  labels: {kubernetes.io/service-name: $1}
	addressType: IPv4
	ports: [{name: grpc, port: ${SLICE_PORT-7051}, protocol: TCP}]
	endpoints:
	END
	printf -- '- {addresses: ["%s"], conditions: {ready: true}}\n' "${@:2}"
}

# A lab: a scratch cgroup, and a mount and a network namespace that one process keeps. Every process
# of the lab dies with the one that started it, and with the last one the namespaces, the bpffs in
# them and so the hooks: what remains after a kill -9 of bats is an empty cgroup.

lab_setup()
{
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	lab_pids=()
	cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)/gwbpf-cli-$BASHPID
	# What a test that was killed left has no process in it; its number may be this one's by now.
	[ ! -d "$cgroup" ] || rmdir "$cgroup"
	mkdir "$cgroup"
	setpriv --pdeathsig KILL unshare --mount --net sleep infinity 3>&- &
	holder=$!
	becomes namespaces_are_there
	mkdir "$BATS_TEST_TMPDIR/bpf" "$BATS_TEST_TMPDIR/manifests"
	inside mount -t bpf bpf "$BATS_TEST_TMPDIR/bpf"
	inside ip link set lo up
	for i in 1 2 3 9; do
		inside ip address add 10.1.0.$i/32 dev lo
	done
	export GWBPF_PIN_DIR=$BATS_TEST_TMPDIR/bpf/gwbpf READY=$BATS_TEST_TMPDIR/ready
	control=$BATS_TEST_TMPDIR/run/control.sock
}

lab_teardown()
{
	[ -n "${cgroup-}" ] || return 0
	kill -KILL "${lab_pids[@]}" "$holder" 2>/dev/null
	wait "${lab_pids[@]}" "$holder" 2>/dev/null
	# A process leaves its cgroup a moment after it has been waited for.
	becomes rmdir "$cgroup"
}

namespaces_are_there()
{
	# unshare(1) is done with them: it makes them first, and then keeps mounts from the host.
	[ "$(<"/proc/$holder/comm")" = sleep ] &&
		[ "$(readlink "/proc/$holder/ns/net")" != "$(readlink /proc/self/ns/net)" ] &&
		[ "$(readlink "/proc/$holder/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ]
}

# warning_is TEXT: whether one of the warnings of status has it.
warning_is()
{
	lab_gwbpf status -o json | jq -e --arg text "$1" '.warnings[] | select(contains($text))'
}

# becomes COMMAND...: wait until it succeeds, for a minute at most; then it says once what it sees.
becomes()
{
	local end=$((SECONDS + 60))
	while [ $SECONDS -lt $end ]; do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.02
	done
	echo "this did not come true: $*" >&2
	"$@" >&2 && echo "too late, it is so now" >&2
	return 1
}

inside()
{
	nsenter -t "$holder" --mount --net -- "$@"
}

lab_gwbpf()
{
	inside "$root/build/gwbpf" "$@"
}

# start COMMAND...: run it in the lab, in its cgroup, until the end. Its pid is in $started.
start()
{
	bash -c 'echo $$ >"$0"/cgroup.procs && exec "$@"' "$cgroup" \
		setpriv --pdeathsig KILL nsenter -t "$holder" --mount --net -- "$@" 3>&- &
	started=$!
	lab_pids+=("$started")
}

# stop PID: and wait for it.
stop()
{
	kill "$1"
	wait "$1" || true
}

# The agent, at once. A child of it may have the lock of the pins for a moment longer.
kill_agent()
{
	kill -KILL "$agent"
	wait "$agent" || true
}

# has_logged TEXT: the agent has said so; and its loop has come round since, so it has done it, too.
has_logged()
{
	becomes grep -q -- "$1" "$BATS_TEST_TMPDIR/agent.log"
	becomes control_answers
}

control_answers()
{
	[ "$(inside curl -s --unix-socket "$control" http://localhost/livez)" = ok ]
}

# The one that was started last; whatever becomes of the Services that it balances.
agent_is_ready()
{
	lab_gwbpf status -o json |
		jq -e "(.hooks | length == 6 and all(.live)) and
			(.agent | .running and .synced and .pid == $agent)"
}

start_agent()
{
	start "$root/build/gwbpf" agent --cgroup "$cgroup" --node-name n1 \
		--manifests "$BATS_TEST_TMPDIR/manifests" --control "$control" "$@" \
		2>"$BATS_TEST_TMPDIR/agent.log"
	agent=$started
	becomes agent_is_ready || {
		cat "$BATS_TEST_TMPDIR/agent.log" >&2
		return 1
	}
}

# start_agent_of_port PORT OPTION...: whose cluster is there on loopback; it need not get ready.
start_agent_of_port()
{
	cat >"$BATS_TEST_TMPDIR/kubeconfig" <<-END
	{apiVersion: v1, kind: Config, current-context: c,
	 clusters: [{name: c, cluster: {server: "http://127.0.0.1:$1"}}],
	 users: [{name: u, user: {}}],
	 contexts: [{name: c, context: {cluster: c, user: u}}]}
	END
	start "$root/build/gwbpf" agent --cgroup "$cgroup" --node-name n1 \
		--kubeconfig "$BATS_TEST_TMPDIR/kubeconfig" --control "$control" "${@:2}" \
		2>>"$BATS_TEST_TMPDIR/agent.log"
	agent=$started
}

# An agent whose cluster cannot be reached.
start_agent_of_cluster()
{
	start_agent_of_port 1
	becomes agent_is_running "$agent"
}

agent_is_running()
{
	lab_gwbpf status -o json | jq -e ".agent | .running and .pid == $1"
}

# listen ADDRESS:PORT...: accept connections there and keep them.
listen()
{
	start perl -MIO::Socket::INET -MIO::Select -e '
		my @listeners = map { IO::Socket::INET->new(LocalAddr => $_, Listen => 128,
			ReuseAddr => 1) or die "$_: $!" } @ARGV;
		my $all = IO::Select->new(@listeners);
		my %is_listener = map { $_ => 1 } @listeners;
		open(my $ready, ">", $ENV{READY}) or die; close($ready);
		for (;;) {
			for my $socket ($all->can_read) {
				if ($is_listener{$socket}) { $all->add($socket->accept); next }
				my $line;
				if (sysread($socket, $line, 4096)) { syswrite($socket, $line); next }
				$all->remove($socket); close($socket);
			}
		}' "$@"
	becomes test -e "$READY"
	rm "$READY"
}

# dial ADDRESS:PORT COUNT: open so many connections, send a word through each, and keep them.
# SIGUSR1 sends another word; how many echoes came back is written to $READY.
dial()
{
	start perl -MIO::Socket::INET -e '
		my ($to, $count) = @ARGV;
		my @sockets = map { IO::Socket::INET->new(PeerAddr => $to, LocalAddr => "10.1.0.9") or
			die "$to: $!" } 1 .. $count;
		sub greet {
			my $echoed = 0;
			for my $socket (@sockets) {
				syswrite($socket, "hello"); sysread($socket, my $line, 5) or next;
				$echoed++ if $line eq "hello";
			}
			open(my $file, ">", "$ENV{READY}.new") or die; print $file $echoed; close($file);
			rename("$ENV{READY}.new", $ENV{READY});
		}
		$SIG{USR1} = \&greet;
		greet();
		sleep 1 while 1;' "$@"
	# shellcheck disable=SC2034 # the tests read it
	dialer=$started
	becomes test -s "$READY"
	[ "$(<"$READY")" -eq "$2" ]
	rm "$READY"
}

# One connect that fails; the client is gone when this returns.
dial_in_vain()
{
	inside bash -c 'echo $$ >"$0"/cgroup.procs; exec 4<>/dev/tcp/"$1"/"$2"' "$cgroup" "$1" "$2" \
		2>/dev/null && return 1
	return 0
}

# stranger SECTION NAME [BODY]: load a program of somebody else; its pin is in $pin.
stranger()
{
	local object=$BATS_TEST_TMPDIR/$2.o
	pin=$BATS_TEST_TMPDIR/bpf/others/$2
	inside mkdir -p "$BATS_TEST_TMPDIR/bpf/others"
	clang -O2 -target bpf -idirafter "/usr/include/$(gcc -print-multiarch)" -x c -c -o "$object" - <<-END
	#include <linux/bpf.h>
	#define SEC(name) __attribute__((section(name), used))
	SEC("$1") int $2(struct bpf_sock_addr *ctx) { ${3-} return 1; }
	char gpl[] SEC("license") = "GPL";
	END
	inside bpftool prog load "$object" "$pin"
}

# attach CGROUP TYPE [FLAGS]: what stranger() loaded. Without flags exclusively.
attach()
{
	inside bpftool cgroup attach "$1" "$2" pinned "$pin" "${@:3}"
}

detach_stranger()
{
	inside bpftool cgroup detach "$1" "$2" pinned "$pin"
}
