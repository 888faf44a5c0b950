#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What happened on a node, as `gwbpf events` tells it.

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
	events
	cat "$BATS_TEST_TMPDIR/agent.log"
	lab_teardown
}

events()
{
	lab_gwbpf events --control "$control" "$@"
}

# has_event FILTER: jq finds one for which this is so.
has_event()
{
	events -o json | jq -e "[.items[] | select($1)] | length > 0"
}

@test "events tell what changed, of which Service, and why" {
	serve '' 10.1.0.1 10.1.0.2
	start_agent
	has_event '.event == "agent-started" and (.cause | contains("there was none before it"))'
	# What stood there at the start is no change.
	run ! has_event '.event == "set-changed"'
	run events fabric/gateway
	contains "$output" "EVENTS: since 20"
	contains "$output" "(none)"

	serve 'gwbpf.io/policy: rr' 10.1.0.1 10.1.0.3
	becomes has_event '.event == "set-changed" and .namespace == "fabric" and .service == "gateway"
		and (.cause | contains("before 2") and contains("policy rr, before lc"))'
	echo '{' >"$manifests/b.yaml"
	becomes has_event '.event == "refused" and .service == null and (.cause | contains("b.yaml"))'
	rm "$manifests/b.yaml"
	becomes has_event '.event == "accepted"'

	listen 10.1.0.{1,3}:7051
	dial 10.96.0.1:7051 2
	lab_gwbpf drain 10.1.0.1:7051 --control "$control"
	becomes has_event '.event == "drain-began" and .backend == "10.1.0.1:7051" and
		(.cause | contains("by command") and contains("1 connections"))'
	kill "$dialer"
	becomes has_event '.event == "drain-ended" and .backend == "10.1.0.1:7051"'
	lab_gwbpf undrain 10.1.0.1:7051 --control "$control"
	becomes has_event '.event == "drain-taken-back" and .backend == "10.1.0.1:7051"'

	run events fabric/gateway
	contains "$output" "NODE: n1"
	contains "$output" "set-changed fabric/gateway"
	contains "$output" "drain-began fabric/gateway 10.1.0.1:7051"
	[[ $output != *agent-started* ]]
	[ "$(events -n fabric -o json | jq '[.items[] | select(.namespace != "fabric")] | length')" -eq 0 ]
	[ "$(events -n other -o json | jq '.items | length')" -eq 0 ]
	# Every line fits 80 columns, and the last one happened last.
	[ "$(events | awk 'length > 80' | wc -l)" -eq 0 ]
	contains "$(events fabric/gateway | tail -n 2)" "drain-taken-back"
}

@test "an agent says what became of the one before it" {
	serve '' 10.1.0.1
	start_agent
	kill_agent
	start_agent
	has_event '.event == "agent-started" and (.cause | contains("was killed, or crashed"))'
	stop "$agent"
	start_agent
	has_event '.event == "agent-started" and (.cause | contains("ended in good order"))'
	stop "$agent"
	run --separate-stderr events
	[ "$status" -eq 1 ]
	contains "$stderr" "cannot list the events: no agent answers"
}

@test "the port of the node names no client in its events" {
	serve '' 10.1.0.1
	start_agent --listen 127.0.0.1:9452
	run inside curl --silent --fail http://127.0.0.1:9452/api/v1/events
	json '.kind == "EventList" and .observedBy == "n1" and .items[0].event == "agent-started"'
	json 'all(.items[]; .clientPid == null and .clientNetnsCookie == null)'
}
