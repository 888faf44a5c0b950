# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Who plays: peers, clients and the agent on the stage; and the two ways to count connections that
# the demo compares. The clients count by what peers answer them, gwbpf counts in the kernel.

service_address=10.96.0.10:7051
page=       # address and port of the status page, set by cast_up
gwbpf=build/gwbpf
lab=build/demo/lab

declare -A address=(
	[org1-peer1]=10.244.0.11 [org1-peer2]=10.244.0.12 [org1-peer3]=10.244.0.13
	[org1-peer4]=10.244.0.14
	[client1]=10.244.0.101 [client2]=10.244.0.102 [client3]=10.244.0.103
)
declare -A client_pids=() # by "client1-15": a process and the connections that it holds
declare -A peer_pids=()
held=0      # connections that the clients have open, or open again
broken=0    # connections that were open to a peer when it was lost
# shellcheck disable=SC2034 # demo.sh counts with it
newcomers=0 # connections that the last newcomer opened

cast_up() {
	local host

	shopt -s nullglob
	export GWBPF_PIN_DIR=$pins
	page=127.0.0.1:$(free_port)
	heading "fabric's org1 in miniature: a network namespace for each peer and each client"
	for host in "${!address[@]}"; do
		add_host "$host" "${address[$host]}"
	done
	for host in org1-peer1 org1-peer2 org1-peer3; do
		start_peer "$host"
	done
	put_manifest service.yaml <demo/service.yaml
	put_slice org1-peer1 org1-peer2 org1-peer3
	run_agent
}

run_agent() {
	local command_line=("$gwbpf" agent --manifests "$manifests" --cgroup "$cgroup" --pin-dir "$pins"
		--node-name demo --listen "$page")
	say "$ ${command_line[*]}"
	start_agent "${command_line[@]}"
	wait_for "the agent to be ready" agent_is_ready
}

# The agent's own one, or the next that nobody listens at: this machine may have an agent already.
free_port() {
	local port=9451

	while [ -n "$(ss -Hltn "sport = $port")" ]; do
		port=$((port + 1))
	done
	echo $port
}

start_peer() { # NAME
	start_on "$1" "$1" $lab peer "${address[$1]}" 7051
	peer_pids[$1]=$!
	wait_for "$1 to listen" peer_listens "$1"
}

kill_peer() { # PEER
	{ kill -KILL "${peer_pids[$1]}"; wait "${peer_pids[$1]}"; } 2>/dev/null || true
}

peer_listens() { # NAME
	[ -n "$(in_network "$1" ss -Hltn 'sport = 7051')" ]
}

# The EndpointSlice as Kubernetes would have it, with these peers.
put_slice() { # PEER...
	local peer

	say "slice.yaml now lists: $*"
	{
		cat <<-END
			apiVersion: discovery.k8s.io/v1
			kind: EndpointSlice
			metadata:
			  name: org1-peer-gateway-svc-7k2xv
			  namespace: fabric
			  labels:
			    kubernetes.io/service-name: org1-peer-gateway-svc
			addressType: IPv4
			ports:
			- name: grpc
			  port: 7051
			  protocol: TCP
			endpoints:
		END
		for peer in "$@"; do
			cat <<-END
				- addresses: ["${address[$peer]}"]
				  conditions: {ready: true, serving: true, terminating: false}
				  nodeName: demo
				  targetRef: {kind: Pod, namespace: fabric, name: $peer}
			END
		done
	} | put_manifest slice.yaml
}

start_clients() { # HOST CONNECTIONS [NAME [ASK_MS]]
	local id=${3:-$1}-$2

	start_on "$1" "$id" $lab clients "$2" ${service_address/:/ } "$run/summary/$id" "${4:-250}"
	client_pids[$id]=$!
	held=$((held + $2))
	wait_for "$2 connections of $1" test -e "$run/summary/$id"
}

# As the gateway's clients are: a process and one connection each, which it uses now and then.
start_applications() { # HOST COUNT
	local i

	for ((i = 1; i <= $2; i++)); do
		start_clients "$1" 1 "$1.application$i" 2000
	done
}

stop_clients() { # HOST CONNECTIONS
	local id=$1-$2

	summarize "$id"
	{ kill "${client_pids[$id]}"; wait "${client_pids[$id]}"; } 2>/dev/null || true
	unset "client_pids[$id]"
	held=$((held - $2))
	mv "$run/summary/$id" "$run/ended/"
}

stop_all_clients() {
	local id

	for id in "${!client_pids[@]}"; do
		stop_clients "${id%-*}" "${id#*-}"
	done
}

# A client writes its summary once all its connections are open, then whenever it gets SIGUSR1: all are
# asked before the first answer is waited for.
summarize() { # ID...
	local id

	rm -f "${@/#/$run/summary/}"
	for id in "$@"; do
		kill -USR1 "${client_pids[$id]}"
	done
	for id in "$@"; do
		wait_for "the summary of $id" test -e "$run/summary/$id"
	done
}

# So many connections end with the peer.
expect_broken() { # PEER
	local count

	count_both
	count=$(awk -v peer="$1" '$1 == peer { print $3 }' "$run"/counts)
	broken=$((broken + count))
	say "$1 has $count connections."
}

backend_is() { # PEER STATE
	$gwbpf backends -o json 2>/dev/null |
		jq -e --arg pod "$1" --arg state "$2" \
			'any(.items[]; .pod == $pod and .state == $state)' >/dev/null
}

may_be_tried() { # PEER
	backend_is "$1" returning
}

agent_is_ready() {
	$gwbpf status -o json 2>/dev/null |
		jq -e ".healthy and .agent.pid == $agent_pid" >/dev/null
}

nothing_is_active() {
	$gwbpf backends -o json | jq -e 'all(.items[]; .active == 0)' >/dev/null
}

# $run/counts: a line for each peer: name, address, the clients' count, gwbpf's, state.
# $run/totals: of all connects, what the clients say, and what gwbpf says.
count_both() {
	summarize "${!client_pids[@]}"
	$gwbpf backends -o json >"$run"/backends
	jq -rs --slurpfile kernel "$run"/backends '
		map(.peers | to_entries[]) as $held
		| $kernel[0].items[]
		| "\(.address):\(.port)" as $address
		| [.pod, $address, ([$held[] | select(.key == $address).value] | add // 0),
		   .active, .state]
		| @tsv' "$run"/summary/* >"$run"/counts
	sum_totals
}

sum_totals() {
	jq -s '{connected: (map(.connected) | add), failed: (map(.failed) | add),
		broken: (map(.broken) | add), unanswered: (map(.unanswered) | add)}' "$run"/summary/* "$run"/ended/* >"$run"/totals
}

# Connections that gwbpf has moved: each ends once, between two questions.
count_moved() {
	$gwbpf backends -o json | jq '[.items[].movedTotal | .rebalance + .drain] | add'
}

counts_agree() {
	count_both
	awk -F '\t' -v expected=$held '
		{ held += $3; differ += $3 != $4 }
		END { exit differ || held != expected }' "$run"/counts || return 1
	$gwbpf services -o json | jq -e --slurpfile clients "$run"/totals '
		$clients[0] as $told | all(.items[];
			.attemptsTotal == $told.connected + $told.failed and
			.establishedTotal == $told.connected and .failedTotal == $told.failed)' >/dev/null
}

# By the peers that were lost, which some connections notice later than others, and by moves.
breaks_are_explained() {
	jq -e ".broken == $broken + $(count_moved) and ($broken > 0 or .failed == 0)" "$run"/totals >/dev/null
}

# Closing takes a moment, until the last FIN is answered, and so does noticing that a peer has
# vanished; so wait, but not for ever.
compare() {
	local deadline=$((SECONDS + 60)) agree=1

	until counts_agree && breaks_are_explained; do
		[ $SECONDS -lt $deadline ] || { agree=; break; }
		sleep 0.05
	done
	awk -F '\t' -v OFS='\t' '
		BEGIN { print "PEER", "ADDRESS", "CLIENTS HOLD", "GWBPF COUNTS", "STATE", "" }
		{
			bar = sprintf("%*s", $4, "")
			gsub(/ /, "#", bar)
			print $1, $2, $3, $4, $5, bar
			held += $3
			counted += $4
		}
		END { print "together", "", held, counted, "", "" }' "$run"/counts |
		column -t -s "$(printf '\t')" | indent
	[ -n "$agree" ] || ! breaks_are_explained || fail "what the clients hold and what gwbpf counts differ"
	jq -rs '"\(map(.answers) | add) answers so far, the slowest of late took " +
		"\(map(.slowestMs) | max | floor) ms"' "$run"/summary/* | indent
	jq -r '"so far \(.broken) connections broke, and \(.failed) connects failed"' \
		"$run"/totals | indent
	breaks_are_explained || fail "of connections to peers that are alive none may break, and no connect may fail"
}

# The status page names each peer, and what programs are told there is what was compared before.
compare_page() {
	local peer

	curl -sS -m 60 "http://$page/" >"$run/page" || fail "http://$page/ does not answer"
	for peer in $(cut -f 1 "$run"/counts); do
		grep -q "<td>$peer</td>" "$run/page" || fail "the status page does not name $peer"
	done
	curl -sS -m 60 "http://$page/api/v1/backends" |
		jq -e --argjson held $held '([.items[].active] | add) == $held' >/dev/null ||
		fail "http://$page/api/v1/backends does not count $held connections"
	say "The status page shows the same while the demo runs: http://$page/"
}

is_not_moving() {
	$gwbpf services -o json | jq -e 'all(.items[]; .rebalanceSeconds == null)' >/dev/null
}

usable_are_even() {
	count_both
	is_even
}

is_even() {
	awk -F '\t' '$5 == "usable" { print $4 }' "$run"/counts | sort -n |
		awk 'NR == 1 { least = $1 } END { exit $1 - least > 1 }'
}

compare_answered() {
	say "$(count_moved) connections were moved. Questions without an answer: $(jq .unanswered "$run"/totals)"
	jq -e '.unanswered == 0' "$run"/totals >/dev/null ||
		fail "a move cut off a question"
}

# The peers that may be chosen differ by one at most.
compare_even() {
	is_even || fail "the connections are not spread evenly"
}

compare_totals() {
	local totals

	sum_totals
	totals=$(cat "$run"/totals)
	say "What the clients did, and what gwbpf counted in all:"
	jq -r '"connects \(.connected + .failed), succeeded \(.connected), " +
		"failed \(.failed)"' <<<"$totals" | indent
	$gwbpf services -o json |
		jq -r '.items[] | "attempts \(.attemptsTotal), established \(.establishedTotal), " +
			"failed \(.failedTotal), closed \(.closedTotal)"' | indent
	$gwbpf services -o json | jq -e --argjson told "$totals" 'all(.items[];
		.attemptsTotal == $told.connected + $told.failed and
		.establishedTotal == $told.connected and .failedTotal == $told.failed and
		.closedTotal == $told.connected)' >/dev/null ||
		fail "the totals differ from what the clients did"
}

compare_shown() {
	local shown

	shown=$(jq -rs 'map(.getpeername | keys[]) | unique | join(", ")' "$run"/summary/*)
	say "What getpeername() tells the clients: $shown"
	[ "$shown" = "$service_address" ] || fail "it should be the Service's address"
}

show() { # COMMAND...
	say "$ gwbpf $*"
	$gwbpf "$@" | indent
}

# ---- words

scene_number=0
bold='' plain=''
[ ! -t 1 ] || bold=$'\033[1m' plain=$'\033[0m'

heading() {
	printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

scene() {
	pause
	scene_number=$((scene_number + 1))
	heading "$scene_number. $*"
}

look() {
	say "Look: $*"
}

say() {
	echo "   $*"
}

indent() {
	sed 's/^/     /'
}

# Time to read. A second at least: a client passes over a peer whose connections end sooner.
pause() {
	if [ -t 1 ]; then
		sleep 2
	else
		sleep 1
	fi
}
