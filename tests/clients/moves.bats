# SPDX-License-Identifier: Apache-2.0
# Connections that move, under real client libraries: gRPC over TLS to stand-ins for Fabric's peers.
# Each client is a process with one connection. MOVES says how many are to be seen of each library.

load ../cli/lib
load clients

@test "twelve clients of three peers, one of which comes back: 4, 4, 4, and no call fails" {
	serve 'gwbpf.io/rebalance: 2500ms' 10.1.0.1 10.1.0.2
	start_agent
	start_clients 3 3000
	ends_in 20 spread_is 6 6
	serve 'gwbpf.io/rebalance: 2500ms' 10.1.0.1 10.1.0.2 10.1.0.3
	ends_in 60 spread_is 4 4 4
	[ "$(moved)" -ge 4 ]
	[ "$(moved)" -le 6 ]
	before=$(moved)
	sleep 20
	[ "$(moved)" -eq "$before" ]
	none_was_waiting
	[ "$(tally .failed)" -le 1 ]
}

peers_have()
{
	[ "$(inside ss -Htn state established src 10.1.0.0/24 sport = 7051 | wc -l)" -eq "$1" ]
}

none_is_half_open()
{
	[ -z "$(inside ss -Htn state close-wait sport = 7051)" ]
}

@test "peers that leave are emptied, again and again, and no call fails" {
	serve 'gwbpf.io/rebalance: 2500ms' 10.1.0.{1,2,3}
	start_agent
	start_clients 13 3000
	want=$((2 * ${MOVES:-50}))
	for ((round = 0; $(moved) < want; round++)); do
		left=$((round % 2 ? 4 : 1))
		stays=$((5 - left))
		# A client is moved once in a minute at most.
		serve 'gwbpf.io/rebalance: 2500ms' 10.1.0.$stays 10.1.0.$((stays + 1)) 10.1.0.$((stays + 2))
		for i in 0 1 2; do
			ends_in 150 is_empty 10.1.0.$((left + i))
		done
	done
	echo "moved $(moved), $(tally . | jq -c .)" >&3
	none_was_waiting
	# Of a thousand moves one may be hit.
	[ "$(tally .failed)" -le 1 ]
	[ "$(tally '.codes.INTERNAL // 0')" -eq 0 ]
	[ "$(metric 'gwbpf_moves_total{result="stuck"}')" -eq 0 ]
	# Nothing is left half open: the peers have as many connections as there are clients. The last one
	# that was moved may connect again only for its next call.
	ends_in 20 peers_have 52
	ends_in 20 none_is_half_open
}

# The same with a time that is shorter than an answer takes: the test above can fail.
@test "moved too early, calls that wait for an answer fail" {
	serve 'gwbpf.io/rebalance: 500ms' 10.1.0.{1,2,3}
	start_agent
	for ((i = 0; i < 12; i++)); do
		go_client "$i" commit 100
		node_client "$i" commit 100
	done
	ends_in 180 have_called 24
	serve 'gwbpf.io/rebalance: 500ms' 10.1.0.{4,5,6}
	for i in 1 2 3; do
		ends_in 120 is_empty 10.1.0.$i
	done
	[ "$(failed_after 500)" -ge 5 ]
	# And fail as what may be tried again, whatever the library.
	[ "$(tally '.codes.INTERNAL // 0')" -eq 0 ]
	[ "$(tally '.codes | has("Unavailable") or has("UNAVAILABLE")')" = true ]
}
