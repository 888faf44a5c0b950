# SPDX-License-Identifier: Apache-2.0
# What the scenarios with real client libraries share.

setup()
{
	lab_setup
	manifests=$BATS_TEST_TMPDIR/manifests
	for i in 4 5 6; do
		inside ip address add 10.1.0.$i/32 dev lo
	done
	clients=$("$root/tests/clients/build.sh" --find)
	certificate=$BATS_TEST_TMPDIR/peer
	"$clients/clients" certificate "$certificate" org1-peer-gateway-svc
	start "$clients/clients" peer "$certificate" 10.1.0.{1,2,3,4,5,6}:7051
}

teardown()
{
	lab_gwbpf backends
	tail -n 20 "$BATS_TEST_TMPDIR/agent.log"
	tally .
	jq -r '.failures[]?' "$BATS_TEST_TMPDIR"/*-*.json
	grep moving "$BATS_TEST_TMPDIR/agent.log"
	lab_teardown
}

# serve ANNOTATION ADDRESS...: the Service with these endpoints.
serve()
{
	{ service gateway 10.96.0.1 7051 "$1"; slice gateway "${@:2}"; } >"$BATS_TEST_TMPDIR/new.yaml"
	mv "$BATS_TEST_TMPDIR/new.yaml" "$manifests/a.yaml"
}

# go_client NAME evaluate|commit MILLISECONDS; node_client likewise, which also takes events.
go_client()
{
	start "$clients/clients" client "$certificate" 10.96.0.1:7051 "$2" "$3ms" \
		"$BATS_TEST_TMPDIR/go-$2-$1.json"
}

node_client()
{
	start node "$clients/client.js" "$certificate" 10.96.0.1:7051 "$2" "$3" \
		"$BATS_TEST_TMPDIR/node-$2-$1.json"
}

# start_clients COUNT MILLISECONDS: so many of each library and kind of call.
start_clients()
{
	local i
	for ((i = 0; i < $1; i++)); do
		go_client "$i" evaluate "$2"
		go_client "$i" commit "$2"
		node_client "$i" evaluate "$2"
		node_client "$i" commit "$2"
	done
	# Many programs that start at once may take long.
	ends_in 180 have_called $((4 * $1))
}

have_called()
{
	[ "$(find "$BATS_TEST_TMPDIR" -name '*-*.json' | wc -l)" -eq "$1" ]
}

# tally FILTER: what jq makes of the sum of all clients' files.
tally()
{
	jq -s "{calls: (map(.calls) | add), failed: (map(.failed) | add),
		codes: (map(.codes | to_entries[]) | group_by(.key) |
			map({key: .[0].key, value: (map(.value) | add)}) | from_entries)} | $1" \
		"$BATS_TEST_TMPDIR"/*-*.json
}

# failed_after MILLISECONDS: how many of the calls that failed had begun so long before.
failed_after()
{
	jq -s --argjson ms "$1" '[.[].failures[]? | capture("\\+(?<ms>[0-9]+) ms:").ms | tonumber |
		select(. >= $ms)] | length' "$BATS_TEST_TMPDIR"/*-*.json
}

# A call that begins between the last look and the end of file is hit, however well one looks, and the
# more the longer its process waits for the processor; it fails at once. None that was waiting for its
# answer when its connection was moved has failed: those had waited for 2.5 s.
none_was_waiting()
{
	[ "$(failed_after 1500)" -eq 0 ]
}

moved()
{
	lab_gwbpf backends -o json | jq '[.items[].movedTotal | .rebalance + .drain] | add'
}

metric()
{
	inside curl -s http://127.0.0.1:9451/metrics | awk -v name="$1" '$1 == name { print $2 }'
}

# spread_is NUMBER...: the active connections of the backends, the most first.
spread_is()
{
	[ "$(lab_gwbpf backends -o json | jq -c '[.items[].active] | sort | reverse')" = \
		"$(jq -cn '$ARGS.positional | map(tonumber)' --args "$@")" ]
}

is_empty()
{
	lab_gwbpf backends -o json | jq -e --arg address "$1" \
		'[.items[] | select(.address == $address).active] | add // 0 | . == 0'
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
		sleep 0.5
	done
}
