#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Certificates of peers, as the agent reads them by gwbpf.io/tls-names, and what follows. The peers
# show certificates of tests/data, whose key is the one of 32 zeros.

load lib

data=$BATS_TEST_DIRNAME/../data/certificates

# Where the agent may dial: peers beyond a cable, in a network namespace of their own.
setup()
{
	lab_setup
	start unshare --net sleep infinity
	pods=$started
	becomes is_apart
	inside ip link add node type veth peer name pod netns "$pods"
	inside ip address add 10.2.0.254/24 dev node
	inside ip link set node up
	in_pods ip link set pod up
	key=$BATS_TEST_TMPDIR/key.pem
	{
		echo "-----BEGIN PRIVATE KEY-----"
		{ printf '\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20'; head -c 32 /dev/zero; } | base64
		echo "-----END PRIVATE KEY-----"
	} >"$key"
}

teardown()
{
	tail -n 20 "$BATS_TEST_TMPDIR/agent.log"
	lab_teardown
}

is_apart()
{
	[ "$(readlink "/proc/$pods/ns/net")" != "$(readlink "/proc/$holder/ns/net")" ] &&
		[ "$(cat "/proc/$pods/comm")" = sleep ]
}

in_pods()
{
	nsenter -t "$pods" --net -- "$@"
}

# peer NUMBER CERTIFICATE OPTION...: 10.2.0.NUMBER:7051 shows it. Its pid is in $started.
peer()
{
	in_pods ip address replace 10.2.0.$1/24 dev pod
	start nsenter -t "$pods" --net -- openssl s_server -accept 10.2.0.$1:7051 -quiet -certform DER \
		-cert "$data/$2.der" -key "$key" "${@:3}" 2>>"$BATS_TEST_TMPDIR/peer-$1.log"
	becomes listens "$1"
}

listens()
{
	in_pods ss -Hltn "src 10.2.0.$1:7051" | grep -q .
}

# balance ANNOTATIONS NUMBER...: these peers behind one Service.
balance()
{
	{
		service gateway 10.96.0.1 7051 "$1"
		slice gateway "${@:2}"
	} | sed 's/"\([0-9]\)"/"10.2.0.\1"/' >"$BATS_TEST_TMPDIR/new"
	mv "$BATS_TEST_TMPDIR/new" "$BATS_TEST_TMPDIR/manifests/gateway.yaml"
}

# use: a client connects and goes: only what is used is looked at.
use()
{
	inside bash -c 'echo $$ >"$0"/cgroup.procs; exec 4<>/dev/tcp/10.96.0.1/7051' "$cgroup" 2>/dev/null || true
}

# shows NUMBER FILTER: jq finds it true of what is known of the certificate.
shows()
{
	use
	lab_gwbpf backends -o json |
		jq -e --arg a "10.2.0.$1" '.items[] | select(.address == $a) | .tls | '"$2"
}

state()
{
	lab_gwbpf backends -o json |
		jq -e --arg a "10.2.0.$1" --arg s "$2" '.items[] | select(.address == $a) | .state == $s'
}

@test "certificates of peers are read, compared and told" {
	peer 1 plain
	peer 2 time-leap
	peer 3 not-ascii
	peer 4 names-40-kilobytes
	balance 'gwbpf.io/tls-names: "org1-peer1,gateway"' 1 2 3 4
	start_agent
	becomes shows 1 '.state == "valid" and .missing == ["gateway"]'
	becomes shows 2 '.state == "expired" and .missing == ["org1-peer1", "gateway"]'
	becomes shows 3 '.state == "malformed" and .missing == null and .expiryTime == null'
	# A chain of more than 32 KB is not taken: nothing is known, and nothing is said of it.
	shows 4 '.state == null and .message == ""'
	run lab_gwbpf backends -o json
	json '.items[0].tls | .expiryTime == "2030-01-01T00:00:00Z" and .wanted == ["org1-peer1", "gateway"] and
		.issuer == "CN=ca.org1.example.com,O=org1.example.com" and .ageSeconds < 300 and (.excluded | not)'

	run lab_gwbpf tls
	[ "$status" -eq 1 ]
	[[ $output =~ 10.2.0.1:7051' '+org1-peer1' '+carried' '+2030-01-01,.*CN=ca.org1 ]]
	[[ $output =~ 10.2.0.1:7051' '+gateway' '+missing ]]
	[[ $output =~ 10.2.0.2:7051' '+gateway' '+missing' '+2024-02-29,' 'expired ]]
	contains "$output" "certificate of 10.2.0.1:7051: it lacks 'gateway'"
	contains "$output" "--csr.hosts 'NAMES-IT-HAS,gateway'"
	contains "$output" "a certificate without an expiry has not been seen"
	run lab_gwbpf tls fabric/gateway -o json
	json '.kind == "CertificateList" and (.items | length == 4) and .items[0].missing == ["gateway"]'

	run lab_gwbpf status -o json
	json ".healthy and (.warnings | any(test(\"10.2.0.1:7051 of service 'fabric/gateway': it lacks 'gateway': 'gwbpf tls\")))"
	json '.warnings | any(test("10.2.0.2:7051.*it has expired")) and any(test("10.2.0.3:7051.*Go refuse it"))'
	run inside curl -sS http://127.0.0.1:9451/metrics
	[[ $output =~ gwbpf_tls_name_valid\{[^}]*10.2.0.1:7051[^}]*name=\"org1-peer1\"\}\ 1 ]]
	[[ $output =~ gwbpf_tls_name_valid\{[^}]*10.2.0.1:7051[^}]*name=\"gateway\"\}\ 0 ]]
	[[ $output =~ gwbpf_tls_name_valid\{[^}]*10.2.0.3:7051[^}]*name=\"gateway\"\}\ 0 ]]
	[[ $output =~ gwbpf_tls_certificate_expiry_timestamp_seconds\{[^}]*10.2.0.1:7051[^}]*\}\ 1893456000 ]]
	[ "$(grep -c "certificate-wrong: the certificate of backend fabric/gateway 10.2.0.1:7051.*lacks 'gateway'" \
		"$BATS_TEST_TMPDIR/agent.log")" -eq 1 ]

	# What was seen stays, and is not seen again for that: with names that are all carried nothing is wrong.
	balance 'gwbpf.io/tls-names: "org1-peer1"' 1
	becomes shows 1 '.missing == [] and .message == ""'
	stop "$agent"
	run lab_gwbpf tls
	[ "$status" -eq 0 ]
	contains "$output" "no agent runs: this is what the last one saw"
}

# since_long ID: as if what was seen of this backend had been the same for long.
since_long()
{
	local map=$GWBPF_PIN_DIR/maps/gw_certificates value
	value=$(inside bpftool -j map lookup pinned "$map" key "$1" 0 0 0 |
		jq -r '.value[:40] + ["1", "0", "0", "0", "0", "0", "0", "0"] + .value[48:] | join(" ")')
	inside bpftool map update pinned "$map" key "$1" 0 0 0 value $value
}

is_excluded()
{
	use
	state 1 down
}

@test "a peer whose certificate lacks a name gets no new connections, and is back after a good look" {
	peer 1 cn-only
	bad=$started
	peer 2 plain
	peer 3 plain
	balance 'gwbpf.io/tls-names: org1-peer1, gwbpf.io/tls-exclude: "on", gwbpf.io/check: "tls,inter=1s,timeout=1s"' 1 2 3
	start_agent
	becomes shows 1 '.missing == ["org1-peer1"] and (.excluded | not)'
	becomes shows 2 '.missing == []'
	# Two looks that say the same within less than a minute exclude nobody.
	state 1 usable
	since_long 0
	becomes is_excluded
	run lab_gwbpf backends -o json
	json '.items[0] | .tls.excluded and (.reason | test("certificate")) and .check.result == "ok"'
	json '[.items[1, 2].state] == ["usable", "usable"]'
	run lab_gwbpf status -o json
	json ".warnings | any(test(\"10.2.0.1:7051.*lacks 'org1-peer1', so it gets no new connections\"))"
	run lab_gwbpf explain fabric/gateway
	contains "$output" "its certificate"
	before=$(lab_gwbpf backends -o json | jq '.items[0].attemptsTotal')
	for _ in 1 2 3 4 5 6; do use; done
	[ "$(lab_gwbpf backends -o json | jq '.items[0].attemptsTotal')" -eq "$before" ]

	stop "$bad"
	peer 1 plain
	becomes state 1 usable
	becomes shows 1 '.excluded | not'
	run lab_gwbpf --control "$control" events -o json
	json '[.items[] | tostring] | any(test("its certificate: it lacks .org1-peer1.")) and
		any(test("its certificate: it carries every name"))'
	has_logged 'certificate-includes: .*10.2.0.1:7051'
}

@test "taking the annotation away brings an excluded peer back" {
	peer 1 cn-only
	peer 2 plain
	balance 'gwbpf.io/tls-names: org1-peer1, gwbpf.io/tls-exclude: "on", gwbpf.io/check: "tls,inter=1s,timeout=1s"' 1 2
	start_agent
	becomes shows 1 '.missing == ["org1-peer1"]'
	since_long 0
	becomes is_excluded
	balance 'gwbpf.io/tls-names: org1-peer1, gwbpf.io/check: "tls,inter=1s,timeout=1s"' 1 2
	becomes state 1 usable
	shows 1 '.missing == ["org1-peer1"] and (.excluded | not)'
}

was_asked_once()
{
	[ "$(grep -c "peer did not return a certificate" "$BATS_TEST_TMPDIR/peer-1.log")" -eq 1 ]
}

@test "a peer that asks for a client certificate is looked at once, and its names are read" {
	peer 1 plain -Verify 1
	balance 'gwbpf.io/tls-names: "org1-peer1,gateway"' 1
	start_agent
	becomes shows 1 '.missing == ["gateway"]'
	# Its answer to that comes after its certificate.
	becomes was_asked_once
	# Also by another agent, and for other names: the next time is tomorrow.
	kill_agent
	balance 'gwbpf.io/tls-names: "org1-peer1"' 1
	start_agent
	use
	sleep 2
	was_asked_once
	balance 'gwbpf.io/tls-names: "org1-peer1,peer"' 1
	use
	sleep 2
	was_asked_once
}
