# SPDX-License-Identifier: Apache-2.0
# What an agent does with Services for which there is no room, or no address: it says so once, and
# takes them in when there is.

load lib

setup()
{
	lab_setup
	manifests=$BATS_TEST_TMPDIR/manifests
	log=$BATS_TEST_TMPDIR/agent.log
}

teardown()
{
	lab_teardown
}

services_are()
{
	run --separate-stderr lab_gwbpf services -o json
	json "[.items[].name] == $1"
}

# Lines of the log with this word.
logged()
{
	grep -c -- "$1" "$log" || true
}

heartbeat()
{
	lab_gwbpf status -o json | jq '.agent.heartbeatAgeSeconds < 0.5'
}

# The agent's second comes round: what is to be tried again has been.
ticks()
{
	local i
	for ((i = 0; i < $1; i++)); do
		becomes eval '[ "$(heartbeat)" = false ]'
		becomes eval '[ "$(heartbeat)" = true ]'
	done
}

@test "a Service without room is refused once in the log, and taken in when there is room" {
	service first 10.96.0.1 >"$manifests/a.yaml"
	start_agent --max-services 1
	service second 10.96.0.2 >"$manifests/b.yaml"
	becomes eval '[ "$(logged "no room is left")" -eq 1 ]'
	ticks 2
	[ "$(logged "no room is left")" -eq 1 ]
	rm "$manifests/a.yaml"
	becomes services_are '["second"]'
	becomes eval '[ "$(logged "refused before is no more")" -eq 1 ]'
}

@test "the address of a Service that never found room is free when it goes" {
	service first 10.96.0.1 >"$manifests/a.yaml"
	start_agent --max-services 1
	service second 10.96.0.2 >"$manifests/b.yaml"
	becomes eval '[ "$(logged "no room is left")" -eq 1 ]'
	rm "$manifests"/[ab].yaml
	becomes services_are '[]'
	service third 10.96.0.2 >"$manifests/c.yaml"
	becomes services_are '["third"]'
}

@test "of two Services with one address the second waits, and the log says so once" {
	service first 10.96.0.1 >"$manifests/a.yaml"
	start_agent
	service second 10.96.0.1 >"$manifests/b.yaml"
	becomes eval '[ "$(logged "belongs to service")" -eq 1 ]'
	ticks 2
	[ "$(logged "belongs to service")" -eq 1 ]
	rm "$manifests/a.yaml"
	becomes services_are '["second"]'
}

@test "a Service that has lost its room keeps its address" {
	{ service first 10.96.0.1 && slice first 10.1.0.1; } >"$manifests/a.yaml"
	{ service other 10.96.0.2 && slice other 10.1.{1..2}.{1..200}; } >"$manifests/b.yaml"
	start_agent --max-backends 1000
	{ service first 10.96.0.1 && slice first 10.1.{3..6}.{1..200}; } >"$manifests/a.yaml"
	becomes state_is fabric/first no-room
	service second 10.96.0.1 >"$manifests/c.yaml"
	becomes eval '[ "$(logged "belongs to service")" -eq 1 ]'
	ticks 2
	services_are '["first", "other"]'
	{ service first 10.96.0.1 && slice first 10.1.0.1; } >"$manifests/a.yaml"
	becomes state_is fabric/first ready
	services_are '["first", "other"]'
}

# Milliseconds of CPU time that the agent has used.
cpu_ms()
{
	awk -v hz="$(getconf CLK_TCK)" '{ print int(($14 + $15) * 1000 / hz) }' "/proc/$agent/stat"
}

# The agent rests: what it uses in five seconds is little, whatever is refused.
is_idle()
{
	local before
	before=$(cpu_ms)
	sleep 5
	[ $(($(cpu_ms) - before)) -lt 500 ]
}

# ports COUNT: of a Service or a slice, in JSON.
ports()
{
	jq -nc --argjson n "$1" '[range($n) | {name: "p\(.)", port: (1000 + .), protocol: "TCP"}]'
}

# large_service PORTS SLICES: "evil/large", with a thousand endpoints in each slice.
large_service()
{
	jq -nc --argjson ports "$(ports "$1")" --argjson slices "$2" '
		{apiVersion: "v1", kind: "List", items: ([
			{apiVersion: "v1", kind: "Service",
			 metadata: {name: "large", namespace: "evil", labels: {"gwbpf.io/enabled": "true"}},
			 spec: {type: "ClusterIP", clusterIP: "10.97.0.1", clusterIPs: ["10.97.0.1"],
				ports: $ports}}] + [range($slices) as $s |
			{apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4",
			 metadata: {name: "large-\($s)", namespace: "evil",
				labels: {"kubernetes.io/service-name": "large"}},
			 ports: $ports,
			 endpoints: [range(1000) | {addresses: ["10.\(20 + $s).\(. / 250 | floor).\(. % 250 + 1)"],
				conditions: {ready: true}}]}])}'
}

state_is()
{
	lab_gwbpf services "$1" -o json | jq -e ".items[0].state == \"$2\""
}

has_backend()
{
	lab_gwbpf backends "$1" -o json | jq -e "any(.items[]; .address == \"$2\" and .state == \"usable\")"
}

@test "a Service of 1,000 ports and 10,000 endpoints is refused, and costs the others nothing" {
	{ service first 10.96.0.1 && slice first 10.1.0.1; } >"$manifests/a.yaml"
	start_agent
	large_service 1000 10 >"$manifests/large.json"
	becomes eval '[ "$(logged "evil/large.*not balanced as wanted")" -eq 1 ]'
	is_idle
	[ "$(logged "evil/large.*not balanced as wanted")" -eq 1 ]
	{ service first 10.96.0.1 && slice first 10.1.0.2; } >"$manifests/a.yaml"
	becomes has_backend fabric/first 10.1.0.2
}

@test "a namespace that fills the backends is told so, and others find room" {
	{ service first 10.96.0.1 && slice first 10.1.0.1; } >"$manifests/a.yaml"
	start_agent --max-backends 4000
	large_service 100 1 >"$manifests/large.json"
	becomes eval '[ "$(logged "evil/large.*no room is left")" -eq 1 ]'
	becomes control_answers
	run --separate-stderr lab_gwbpf services -o json
	json '[.items[] | select(.namespace == "evil" and .state == "no-room")] | length > 90'
	json '[.items[] | select(.state == "no-room") | .message] | all(contains("--max-backends"))'
	json '[.items[] | select(.state == "no-backends")] == []'
	run --separate-stderr lab_gwbpf status -o json
	json '.problems | any(contains("no room for the backends"))'
	# The agent says so at its next tick.
	becomes eval 'lab_gwbpf status -o json |
		jq -e ".warnings | any(test(\"service .evil/large.: .*no room is left\"))"'
	{ service second 10.96.0.2 && slice second 10.1.0.2; } >"$manifests/b.yaml"
	{ service first 10.96.0.1 && slice first 10.1.0.3; } >"$manifests/a.yaml"
	becomes has_backend fabric/second 10.1.0.2
	becomes has_backend fabric/first 10.1.0.3
	state_is fabric/first ready
}

@test "6,000 refused Services cost an idle second nothing" {
	service first 10.96.0.1 >"$manifests/a.yaml"
	start_agent --max-services 64
	jq -nc '{apiVersion: "v1", kind: "List", items: [range(6000) | "10.98.\(. / 250 | floor).\(. % 250 + 1)" as $ip |
		{apiVersion: "v1", kind: "Service",
		 metadata: {name: "s\(.)", namespace: "evil", labels: {"gwbpf.io/enabled": "true"}},
		 spec: {type: "ClusterIP", clusterIP: $ip, clusterIPs: [$ip],
			ports: [{name: "grpc", port: 7051, protocol: "TCP"}]}}]}' >"$manifests/many.json"
	becomes eval '[ "$(logged "no room is left")" -gt 5900 ]'
	is_idle
	# Room that is made is used.
	rm "$manifests/many.json"
	becomes services_are '["first"]'
}
