# SPDX-License-Identifier: Apache-2.0
# What `services`, `backends` and `connections` have in common: tables that fit a terminal, order,
# topics, YAML, and printing again every second.

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

lab()
{
	run --separate-stderr lab_gwbpf "$@"
}

# named_slice NAMESPACE SERVICE [ADDRESS POD NODE]...: endpoints that are pods.
named_slice()
{
	slice "$2" | sed "s/namespace: fabric/namespace: $1/"
	shift 2
	for (( ; $#; )); do
		printf -- '- {addresses: ["%s"], conditions: {ready: true}, targetRef: {kind: Pod, name: "%s"}, nodeName: "%s"}\n' \
			"$1" "$2" "$3"
		shift 3
	done
}

# The columns of the longest line above the notes.
table_width()
{
	grep -v '^[!~] .* is ' <<<"$output" | LC_ALL=C.UTF-8 wc -L
}

long=org1-peer0-gateway-deployment-of-a-long-name

@test "a table fits 80 columns, and tells apart what has long names" {
	local node=ip-10-0-1-23.eu-central-1.compute.internal
	{
		service org1-peer-gateway-svc 10.96.0.1 | sed 's/namespace: fabric/namespace: a-namespace-that-has-a-name-of-its-own/'
		named_slice a-namespace-that-has-a-name-of-its-own org1-peer-gateway-svc \
			10.1.0.1 "$long-1-6d4f9c8b7-x2x9z" "$node" \
			10.1.0.2 "$long-2-6d4f9c8b7-x2x9z" "$node" \
			10.1.0.3 "$long-2-6d4f9c8b7-abcde" "$node"
	} >"$manifests/a.yaml"
	listen 10.1.0.{1,2,3}:7051
	start_agent
	dial 10.96.0.1:7051 6
	export LC_ALL=C.UTF-8
	for list in services backends connections; do
		lab "$list"
		[ "$status" -eq 0 ]
		[ "$(table_width)" -le 80 ]
		contains "$output" $'\xe2\x80\xa6'
	done
	lab backends
	# The first two would look the same, the third one does not.
	[[ ${lines[3]} =~ ^\ \ 10.1.0.1:7051\ +ip-.*nal\ +usable\ +2\ .*33% ]]
	[[ ${lines[4]} =~ ^\ \ 10.1.0.2:7051\  ]]
	[[ ${lines[5]} =~ ^\ \ org1-.*-abcde\  ]]
	contains "${lines[3]}" $'\xe2\x96\x88\xe2\x96\x88  '
	# A terminal that shows ASCII alone gets no more than that.
	LC_ALL=C lab backends
	contains "$output" ".."
	contains "$output" "##  "
	[ "$(table_width)" -le 80 ]
	[ -z "$(LC_ALL=C tr -d '\0-\177' <<<"$output")" ]
	# Scripts get every name as it is.
	lab backends --no-headers
	[ "${#lines[@]}" -eq 3 ]
	[[ ${lines[0]} =~ ^a-namespace-that-has-a-name-of-its-own\ +org1-peer-gateway-svc\ +grpc\ +10.1.0.1:7051\ +$long-1-6d4f9c8b7-x2x9z\ +usable\  ]]
	lab connections --no-headers
	[ "${#lines[@]}" -eq 6 ]
}

@test "what could command the terminal is shown, not obeyed" {
	service gateway 10.96.0.1 7051 'gwbpf.io/policy: "\e[31mred\u202e"' >"$manifests/a.yaml"
	start_agent
	for options in "" "-o wide" "-o json" "-o yaml"; do
		# shellcheck disable=SC2086
		lab services $options
		[ "$status" -eq 0 ]
		contains "$output" 'red\u202e'
		contains "${output,,}" 'u001b'
		[[ $output != *$'\e'* ]]
		[[ $output != *$'\xe2\x80\xae'* ]]
	done
}

@test "order, topics and YAML" {
	{
		service gateway 10.96.0.1 7051 'gwbpf.io/drain: "first"'
		named_slice fabric gateway 10.1.0.1 first n1 10.1.0.2 second n2
		service alone 10.96.0.2
		named_slice fabric alone 10.1.0.3 third n3
	} >"$manifests/a.yaml"
	listen 10.1.0.{2,3}:7051
	start_agent
	dial 10.96.0.2:7051 1
	dial 10.96.0.1:7051 3
	lab backends --no-headers
	[ "$(awk '{ print $5 }' <<<"$output" | xargs)" = "third first second" ]
	# The largest number first, also for scripts; and a heading goes with its first row.
	lab backends --no-headers --sort active
	[ "$(awk '{ print $5 }' <<<"$output" | xargs)" = "second third first" ]
	GWBPF_SORT=pod lab backends -o json
	json '[.items[].pod] == ["first", "second", "third"]'
	lab backends --sort active
	[[ ${lines[2]} =~ ^fabric/gateway:grpc\ .*\ 3\ connections ]]
	[[ ${lines[3]} =~ second ]]
	[[ ${lines[4]} =~ first ]]
	[[ ${lines[5]} =~ ^fabric/alone:grpc\  ]]
	lab backends --wide failures
	[[ ${lines[1]} =~ PEER\ +STATE\ +ATTEMPTS\ +FAILED\ +REFUSED ]]
	[[ ${lines[1]} != *ESTABLISHED* ]]
	lab backends --wide traffic --no-headers
	[[ ${lines[0]} =~ ^fabric\ +alone\ +grpc\ +10.96.0.2:7051\ +10.1.0.3:7051\ +1\  ]]
	[ "$(lab_gwbpf backends --wide all | sed -n 2p)" = "$(lab_gwbpf backends -o wide | sed -n 2p)" ]
	lab backends alone -o yaml
	[ "${lines[0]}" = "apiVersion: gwbpf.io/v1" ]
	contains "$output" $'items:\n- namespace: fabric\n  service: alone\n'
	contains "$output" $'movedTotal:\n    rebalance: 0\n'
}

# watch OPTION...: `gwbpf services -w` in the background, its output in $watched. Its pid is in $watcher.
watch()
{
	watched=$BATS_TEST_TMPDIR/watched
	start "$root/build/gwbpf" services -w --no-headers "$@" >"$watched"
	watcher=$started
}

prints()
{
	[ "$(grep -c '^fabric  *gateway ' "$watched")" -ge "$1" ]
}

@test "-w prints again every second, with a blank line between, until SIGINT" {
	{ service gateway 10.96.0.1; slice gateway 10.1.0.1; } >"$manifests/a.yaml"
	start_agent
	watch
	becomes prints 1
	service gateway 10.96.0.9 >"$manifests/a.yaml"
	becomes grep -q '10.96.0.9:7051' "$watched"
	[ "$(sed -n 2p "$watched")" = "" ]
	kill -INT "$watcher"
	wait "$watcher"
}

@test "-w ends when nobody reads any more" {
	{ service gateway 10.96.0.1; slice gateway 10.1.0.1; } >"$manifests/a.yaml"
	start_agent
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	head -n 1 <"$BATS_TEST_TMPDIR/pipe" >"$BATS_TEST_TMPDIR/first" &
	timeout 120 nsenter -t "$holder" --mount --net -- "$root/build/gwbpf" services -w --no-headers \
		>"$BATS_TEST_TMPDIR/pipe" 2>"$BATS_TEST_TMPDIR/err"
	[ ! -s "$BATS_TEST_TMPDIR/err" ]
	[[ $(<"$BATS_TEST_TMPDIR/first") =~ gateway ]]
}

# draws COUNT: at least so often.
draws()
{
	[ "$(grep -c 'NODE: n1' "$BATS_TEST_TMPDIR/screen")" -ge "$1" ]
}

@test "-w on a terminal draws over what was there, and no more than there is room for" {
	for i in 1 2 3 4 5 6; do
		service "gateway-$i" "10.96.0.$i"
	done >"$manifests/a.yaml"
	start_agent
	# script(1) is the terminal.
	start script -qefc "stty rows 5 cols 80; exec '$root/build/gwbpf' services -w" /dev/null \
		>"$BATS_TEST_TMPDIR/screen" </dev/null
	becomes draws 2
	stop "$started"
	grep -q $'^\e\[H\\(\e\[J\e\[H\\)*NODE: n1.*\e\[K' "$BATS_TEST_TMPDIR/screen"
	grep -q 'gateway-2' "$BATS_TEST_TMPDIR/screen"
	[ "$(grep -c 'gateway-4' "$BATS_TEST_TMPDIR/screen")" -eq 0 ]
}
