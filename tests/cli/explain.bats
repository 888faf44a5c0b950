#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Why connections go where they go: what `explain` says of endpoints, clients, settings and addresses.

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

# endpoints ITEM...: the slice of the Service gateway, each with its address, conditions and pod.
endpoints()
{
	local item address conditions pod
	slice gateway 0 | sed '$d'
	for item in "$@"; do
		read -r address conditions pod <<<"$item"
		printf -- '- {addresses: ["%s"], conditions: {%s}, targetRef: {kind: Pod, name: "%s"}}\n' \
			"$address" "$conditions" "$pod"
	done
}

explain()
{
	run --separate-stderr lab_gwbpf explain --control "$control" "$@"
}

explained()
{
	explain "${@:2}" -o json
	[ "$status" -eq 0 ]
	json "$1"
}

@test "explain: each endpoint, used or why not, and where settings come from" {
	{
		service gateway 10.96.0.1 7051 'gwbpf.io/policy: wlc, gwbpf.io/drain: peer3'
		endpoints '10.1.0.1 ready:true peer1-0' '10.1.0.2 ready:false peer2-0' \
			'10.1.0.3 ready:true peer3-0' '10.1.0.4 ready:false,terminating:true' |
			sed 's/\(ready\|terminating\):/\1: /g'
	} >"$manifests/a.yaml"
	start_agent
	listen 10.1.0.{1,3}:7051
	dial 10.96.0.1:7051 2
	explained '.kind == "Explanation" and .target == "gateway" and .agent.answered and
		(.services | length == 1)' gateway
	json '.services[0] | .state == "ready" and .verdict == "balance" and .reason == "ready" and
		.active == 2 and .policy == "wlc"'
	json '.services[0].endpoints | map({key: .address, value: .}) | from_entries |
		(.["10.1.0.1"] | .used and .reason == "usable" and .active == 2 and
			.message == null and .remedy == null) and
		(.["10.1.0.2"] | (.used | not) and .reason == "not-ready" and .state == null and
			.remedy == "kubectl describe pod -n fabric peer2-0") and
		(.["10.1.0.3"] | (.used | not) and .state == "draining" and
			.remedy == "kubectl annotate --overwrite service -n fabric gateway gwbpf.io/drain-") and
		(.["10.1.0.4"] | (.used | not) and .reason == "terminating")'
	json '.services[0].settings | map({key: .name, value: .}) | from_entries |
		(.["gwbpf.io/policy"] | .value == "wlc" and .from == "annotation") and
		.["gwbpf.io/drain"].from == "annotation" and
		(.["gwbpf.io/connect-timeout"] | .value == "3.0s" and .from == "default")'
	json '.services[0].next | .candidates == [{address: "10.1.0.1", port: 7051, pod: "peer1-0"}]'
	explain fabric/gateway
	[ "$status" -eq 0 ]
	contains "$output" "fabric/gateway:grpc 10.96.0.1:7051: ready, policy wlc, 1 of 2 backends usable"
	[[ $output =~ 10.1.0.2:7051\ +peer2-0\ +no\ +not-ready ]]
	contains "$output" "10.1.0.2:7051 (peer2-0): it is not ready"
	contains "$output" "next: 10.1.0.1:7051 (peer1-0): the fewest active connections for its weight"
	# Without an agent it says what is missing.
	stop "$agent"
	explained '(.agent | (.answered | not) and (.message | contains("no agent answers"))) and
		(.services[0].endpoints | length == 2) and
		(.services[0].settings[0] | .value == "wlc" and .from == null)' gateway
	explain gateway
	contains "$output" "not shown: endpoints that are not used"
}

@test "explain: settings that are refused, with the command that takes them away" {
	{ service gateway 10.96.0.1 7051 'gwbpf.io/policy: rr'; slice gateway 10.1.0.1; } >"$manifests/a.yaml"
	start_agent
	{ service gateway 10.96.0.1 7051 'gwbpf.io/policy: fastest'; slice gateway 10.1.0.1; } >"$manifests/a.yaml"
	becomes explained '.services[0] | .state == "invalid" and .policy == "rr" and
		(.message | contains("fastest")) and
		.messageRemedy == "kubectl annotate --overwrite service -n fabric gateway gwbpf.io/policy-" and
		any(.settings[]; .name == "gwbpf.io/policy" and .from == "last-good") and
		any(.settings[]; .name == "gwbpf.io/ejection" and .from == "default")' gateway
}

@test "explain: an address that is not balanced, and why" {
	{
		service gateway 10.96.0.1
		slice gateway 10.1.0.1
		service other 10.96.0.2 | sed 's/gwbpf.io.enabled: "true"/app: x/'
		slice other 10.1.0.2
	} >"$manifests/a.yaml"
	start_agent
	explained '.services[0] | .name == "other" and .verdict == "leave-alone" and
		.reason == "not-enabled" and .state == null and
		.remedy == "kubectl label --overwrite service -n fabric other gwbpf.io/enabled=true"' \
		10.96.0.2:7051
	explained '.services[0] | .name == "other" and .reason == "not-enabled"' fabric/other
	explained '.services[0].name == "gateway"' 10.96.0.1:7051
	explained '.services == [] and (.message | contains("no Service that the agent follows"))' \
		10.96.0.9:7051
	explained '.services == [] and (.message | contains("but no TCP port 80"))' 10.96.0.1:80
	explained '.services == [] and (.message | contains("a backend of service '\''fabric/gateway'\''"))
		and (.remedy | contains("10.96.0.1:7051"))' 10.1.0.1:7051
	explain 10.96.0.2:7051
	contains "$output" "fabric/other:grpc 10.96.0.2:7051: not balanced"
	contains "$output" "do: kubectl label"
	explain fabric/none
	[ "$status" -eq 1 ]
	contains "$stderr" "cannot find Service 'fabric/none'"
	stop "$agent"
	explained '.services == [] and (.message | contains("only the agent knows"))' 10.96.0.9:7051
}

@test "explain: which client avoids which backend, and where its next connection goes" {
	{
		service gateway 10.96.0.1 7051 'gwbpf.io/ejection: "time=60s"'
		slice gateway 10.1.0.1 10.1.0.2
	} >"$manifests/a.yaml"
	start_agent
	listen 10.1.0.2:7051
	for _ in 1 2; do
		dial_in_vain 10.96.0.1 7051 || true
	done
	explained '.services[0].avoided | map(select(.reason == "failed")) | length == 1 and
		(.[0] | .address == "10.1.0.1" and .failures == 1 and .remainingSeconds > 0 and
		.remainingSeconds <= 60 and (.remedy | contains("gwbpf drain 10.1.0.1:7051")))' gateway
	json ".services[0].avoided[0].client | .pid == $holder and .command == \"sleep\" and
		.netns == \"$(stat -Lc %i "/proc/$holder/ns/net")\" and .pod == null"
	json '.services[0].next.candidates | map(.address) == ["10.1.0.1", "10.1.0.2"]'
	explained '.services[0].next.candidates | map(.address) == ["10.1.0.2"]' gateway --from "$holder"
	explained '.services[0] | .avoided == [] and (.next.candidates | length == 2)' gateway --from $$
	explain gateway
	contains "$output" "avoided: 10.1.0.1:7051 by process $holder (sleep) for the next"
	contains "$output" "10.1.0.1:7051: used, but 1 client of this node avoids it"
	explain gateway --from nobody
	[ "$status" -eq 1 ]
	contains "$stderr" "cannot find client 'nobody'"
}

@test "explain: how much of the load is quiet" {
	{
		service gateway 10.96.0.1 7051 'gwbpf.io/rebalance: 300ms'
		slice gateway 10.1.0.1
	} >"$manifests/a.yaml"
	start_agent
	listen 10.1.0.1:7051
	dial 10.96.0.1:7051 4
	becomes explained '.services[0].moving | .on and (.auto | not) and .quietSeconds == 0.3 and
		.connections == 4 and .quiet == 4 and .silentSeconds.least >= 0.3 and
		.remedy == "gwbpf rebalance --dry-run fabric/gateway"' gateway
}
