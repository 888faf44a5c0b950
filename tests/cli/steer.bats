# SPDX-License-Identifier: Apache-2.0
# What a person asks of backends on one node: drains, weights and rounds of moves, through the agent.

load lib
load moving

setup()
{
	lab_setup
	manifests=$BATS_TEST_TMPDIR/manifests
}

teardown()
{
	# What was seen, if the test fails.
	lab_gwbpf backends -o wide
	cat "$BATS_TEST_TMPDIR"/client-? "$BATS_TEST_TMPDIR/agent.log"
	lab_teardown
}

# ask COMMAND ARGUMENT...: through the lab's agent.
ask()
{
	run --separate-stderr lab_gwbpf "$@" --control "$control"
}

# backend_is ADDRESS FILTER: of what the list says of it.
backend_is()
{
	lab_gwbpf backends -o json | jq -e ".items[] | select(.address == \"$1\") | $2"
}

# post PATH BODY [OPTION...]: at the control socket. The status is in $code.
post()
{
	code=$(inside curl --silent --output "$BATS_TEST_TMPDIR/body" --write-out '%{http_code}' \
		--unix-socket "$control" --max-time 20 --data-binary "$2" "${@:3}" "http://localhost$1")
	output=$(<"$BATS_TEST_TMPDIR/body")
}

@test "drain gives a backend no new connections, and undrain takes it back" {
	serve '' 10.1.0.1 10.1.0.2
	start_agent
	listen 10.1.0.{1,2}:7051
	clients 2 0.5
	spread_is 1 1
	ask drain 10.1.0.1:7051
	[ "$status" -eq 0 ]
	contains "$output" "this node only"
	contains "$output" "10.1.0.1:7051"
	contains "$output" "takes no new connections from now on, on this node alone"
	backend_is 10.1.0.1 '.state == "draining" and .weight == 0 and .active == 1 and
		.drain.by == "command" and .drain.left == 1 and .drain.deadlineTime == null and
		(.reason | contains("gwbpf undrain"))'
	contains "$(lab_gwbpf backends)" \
		"~ fabric/gateway 10.1.0.1:7051 is draining: 'gwbpf drain' was given on this node"
	dial 10.96.0.1:7051 4
	spread_is 5 1
	ask undrain 10.1.0.1:7051
	[ "$status" -eq 0 ]
	backend_is 10.1.0.1 '.state == "usable" and .weight == 1 and .drain == null'
	dial 10.96.0.1:7051 4
	spread_is 5 5
	# There is nothing more to take back.
	ask undrain 10.1.0.1:7051
	[ "$status" -eq 1 ]
	contains "$stderr" "no command drains"
	contains "$stderr" "gwbpf.io/drain"
	[ "$(failed_calls)" -eq 0 ]
}

@test "a drain with a deadline empties a backend without another setting" {
	serve '' 10.1.0.1 10.1.0.2
	start_agent
	listen 10.1.0.{1,2}:7051
	# They pause for longer than what is near the deadline enough of quiet.
	clients 6 2.5
	spread_is 3 3
	ask drain 10.1.0.1:7051 --deadline 12s -o json
	[ "$status" -eq 0 ]
	json '.kind == "DrainList" and .items[0].drained and .items[0].deadlineSeconds == 12'
	backend_is 10.1.0.1 '.drain.by == "command" and
		((.drain.deadlineTime | fromdate) - now | . > 0 and . <= 13)'
	becomes spread_is 6 0
	backend_is 10.1.0.1 '.drain.left == 0 and .movedTotal.drain == 3'
	[ "$(failed_calls)" -eq 0 ]
}

@test "what was asked for survives the agent, and changes of the source" {
	serve '' 10.1.0.1 10.1.0.2
	start_agent
	listen 10.1.0.{1,2,3}:7051
	ask drain 10.1.0.1:7051
	ask weight 10.1.0.2:7051 7
	[ "$status" -eq 0 ]
	contains "$output" "has weight 7 from now on"
	kill_agent
	backend_is 10.1.0.1 '.drain.by == "command"'
	start_agent
	backend_is 10.1.0.1 '.state == "draining" and .drain.by == "command"'
	backend_is 10.1.0.2 '.weight == 7 and .weightBy == "command"'
	# The source changes the set, and knows nothing of it.
	serve '' 10.1.0.1 10.1.0.2 10.1.0.3
	becomes backend_is 10.1.0.3 '.weight == 1 and .weightBy == null'
	backend_is 10.1.0.1 '.state == "draining" and .weight == 0'
	backend_is 10.1.0.2 '.weight == 7'
	ask weight 10.1.0.2:7051 default
	[ "$status" -eq 0 ]
	backend_is 10.1.0.2 '.weight == 1 and .weightBy == null'
	ask undrain 10.1.0.1:7051
	backend_is 10.1.0.1 '.state == "usable" and .weight == 1'
}

# serve_pod ANNOTATION: one endpoint, of the pod org1-peer1-0, so that annotations can name it.
serve_pod()
{
	{ service gateway 10.96.0.1 7051 "$1"; slice gateway 10.1.0.1 |
		sed 's|conditions|targetRef: {kind: Pod, name: org1-peer1-0, namespace: fabric}, conditions|'
	} >"$BATS_TEST_TMPDIR/new.yaml"
	mv "$BATS_TEST_TMPDIR/new.yaml" "$manifests/a.yaml"
}

# The agent has taken the annotation in.
drain_is_read()
{
	lab_gwbpf explain gateway --control "$control" -o json |
		jq -e 'any(.services[0].settings[]; .name == "gwbpf.io/drain" and .from == "annotation")'
}

@test "a command wins over annotations until it is taken back" {
	serve_pod 'gwbpf.io/weights: org1-peer1=3'
	start_agent
	backend_is 10.1.0.1 '.weight == 3'
	ask weight org1-peer1-0 5
	[ "$status" -eq 0 ]
	backend_is 10.1.0.1 '.weight == 5'
	serve_pod 'gwbpf.io/drain: org1-peer1'
	becomes drain_is_read
	backend_is 10.1.0.1 '.weight == 5 and .state == "usable"'
	ask weight org1-peer1-0 default
	backend_is 10.1.0.1 '.state == "draining" and .drain.by == "annotation"'
	# Drained by both: the command's end leaves the annotation's.
	ask drain org1-peer1-0
	backend_is 10.1.0.1 '.drain.by == "command"'
	ask undrain org1-peer1-0
	backend_is 10.1.0.1 '.drain.by == "annotation"'
	serve_pod 'gwbpf.io/weights: org1-peer1=0'
	becomes backend_is 10.1.0.1 '.drain.by == "weight"'
}

@test "a drain that leaves no backend says that clients are refused" {
	serve '' 10.1.0.1
	start_agent
	listen 10.1.0.1:7051
	dial 10.96.0.1:7051 1
	ask drain 10.1.0.1:7051
	[ "$status" -eq 0 ]
	contains "$output" "no backend of its Service takes new connections now"
	dial_in_vain 10.96.0.1 7051
}

@test "what was asked for ends with the endpoint" {
	serve '' 10.1.0.1 10.1.0.2
	start_agent
	ask drain 10.1.0.1:7051
	serve '' 10.1.0.2
	becomes backend_is 10.1.0.1 '.state == "leaving" and .drain.by == "removed"'
	# Back before its id was free: it is still the same endpoint.
	serve '' 10.1.0.1 10.1.0.2
	becomes backend_is 10.1.0.1 '.state == "draining" and .drain.by == "command"'
}

would_move()
{
	ask rebalance gateway --dry-run -o json
	[ "$status" -eq 0 ] && json '.moves | length >= 1'
}

@test "rebalance makes one round, and a dry run none" {
	serve '' 10.1.0.1
	start_agent
	listen 10.1.0.{1,2}:7051
	# They call once, and again when they are moved.
	clients 6 600
	serve '' 10.1.0.1 10.1.0.2
	becomes backend_is 10.1.0.2 '.state == "usable"'
	spread_is 6 0
	# Quiet for 3 s to 4.5 s, as the Service has no time of its own.
	becomes would_move
	json '.kind == "Rebalance" and .dryRun'
	json '[.moves[] | .from, .to] | unique == ["fabric/gateway 10.1.0.1:7051", "fabric/gateway 10.1.0.2:7051"]'
	spread_is 6 0
	[ "$(moves)" -eq 0 ]
	ask rebalance gateway
	[ "$status" -eq 0 ]
	contains "$output" "RESULT"
	contains "$output" "moved"
	count=$(moves)
	[ "$count" -ge 1 ]
	[ "$count" -le 3 ]
	becomes spread_is $((6 - count)) "$count"
	# It was one round, and no more come.
	sleep 4
	[ "$(moves)" -eq "$count" ]
	[ "$(failed_calls)" -eq 0 ]
}

@test "without an agent the commands say so" {
	serve '' 10.1.0.1 10.1.0.2
	start_agent
	kill_agent
	for command in "drain 10.1.0.1:7051" "undrain 10.1.0.1:7051" "weight 10.1.0.1:7051 2" "rebalance gateway"; do
		ask $command
		[ "$status" -eq 1 ]
		[ -z "$output" ]
		contains "$stderr" "no agent answers at '$control'"
		contains "$stderr" "--control"
	done
	backend_is 10.1.0.1 '.state == "usable"'
}

@test "what is not there is named, and a bad weight is wrong usage" {
	serve '' 10.1.0.1
	start_agent
	ask drain 10.9.9.9:7051
	[ "$status" -eq 1 ]
	contains "$stderr" "cannot find backend '10.9.9.9:7051'"
	ask rebalance nothing
	[ "$status" -eq 1 ]
	contains "$stderr" "nothing"
	for weight in 0 65536 x -1; do
		run --separate-stderr lab_gwbpf weight --control "$control" -- 10.1.0.1:7051 "$weight"
		[ "$status" -eq 2 ]
		contains "$stderr" "weight cannot be '$weight'"
	done
	ask drain 10.1.0.1:7051 --deadline soon
	[ "$status" -eq 2 ]
}

@test "the control socket takes what is well formed, and loopback takes nothing" {
	serve '' 10.1.0.1
	start_agent
	for body in '' '[]' 'x' '{}' '{"serviceAddress": "10.96.0.1", "servicePort": 70510}' \
		'{"serviceAddress": 1, "servicePort": 7051}'; do
		for path in drain undrain weight rebalance; do
			post "/api/v1/$path" "$body"
			[ "$code" = 400 ]
			json '.message | length > 0'
		done
	done
	backend='"serviceAddress": "10.96.0.1", "servicePort": 7051, "address": "10.1.0.1", "port": 7051'
	post /api/v1/weight "{$backend, \"weight\": 65536}"
	[ "$code" = 400 ]
	post /api/v1/drain "{$backend, \"deadlineMilliseconds\": -1}"
	[ "$code" = 400 ]
	post /api/v1/drain "{\"x\": \"$(head -c 20000 /dev/zero | tr '\0' x)\"}"
	[ "$code" = 413 ]
	post /api/v1/drain "{$backend}" -X GET
	[ "$code" = 405 ]
	[ "$(inside curl --silent --output /dev/null --write-out '%{http_code}' \
		--data-binary "{$backend}" http://127.0.0.1:9451/api/v1/drain)" = 404 ]
	backend_is 10.1.0.1 '.state == "usable"'
	post /api/v1/drain "{$backend}"
	[ "$code" = 200 ]
	json '.kind == "Drain" and .drained'
	backend_is 10.1.0.1 '.state == "draining"'
}

@test "services shows how long connections must be quiet" {
	serve 'gwbpf.io/rebalance: 3s, gwbpf.io/drain-deadline: 30s' 10.1.0.1
	start_agent
	run lab_gwbpf services -o json
	json '.items[0] | .rebalanceSeconds == 3 and .rebalanceAuto == false and .drainDeadlineSeconds == 30'
	sees_no_segments
	serve 'gwbpf.io/rebalance: auto' 10.1.0.1
	becomes auto_is_shown
	becomes sees_segments
	contains "$(lab_gwbpf services -o wide)" "auto: not learnt yet"
	run lab_gwbpf services -o json
	json '.items[0] | .rebalanceSeconds == null and .drainDeadlineSeconds == null'
	serve 'gwbpf.io/rebalance: 3s' 10.1.0.1
	becomes sees_no_segments
}

# What looks at every segment is there only while somebody asks for it.
sees_segments()
{
	grep -q raw_tracepoint "/proc/$agent/fdinfo/"* 2>/dev/null
}

sees_no_segments()
{
	! sees_segments
}

auto_is_shown()
{
	lab_gwbpf services -o json | jq -e '.items[0].rebalanceAuto'
}

@test "check and status tell what moving lacks" {
	serve 'gwbpf.io/rebalance: 3s' 10.1.0.1
	run lab_gwbpf check -o json
	json '.requirements[] | select(.name == "moving") | .outcome == "found"'
	run inside setpriv --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace "$root/build/gwbpf" check -o json
	json '.requirements[] | select(.name == "moving") |
		.outcome == "degraded" and (.remedy | contains("CAP_SYS_PTRACE"))'
	run inside unshare --pid --fork --mount-proc "$root/build/gwbpf" check -o json
	json '.requirements[] | select(.name == "moving") |
		.outcome == "degraded" and (.remedy | contains("hostPID"))'
}

@test "status warns where a Service asks for moves that the agent may not make" {
	serve '' 10.1.0.1
	start setpriv --bounding-set=-sys_ptrace "$root/build/gwbpf" agent --cgroup "$cgroup" \
		--node-name n1 --manifests "$manifests" --control "$control" 2>"$BATS_TEST_TMPDIR/agent.log"
	agent=$started
	becomes agent_is_ready
	sleep 1.5
	run warning_is "connections are not moved"
	[ "$status" -ne 0 ]
	serve 'gwbpf.io/rebalance: 3s' 10.1.0.1
	becomes warning_is "connections are not moved"
	becomes warning_is "CAP_SYS_PTRACE"
}
