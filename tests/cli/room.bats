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
