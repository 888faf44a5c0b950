# SPDX-License-Identifier: Apache-2.0
# `gwbpf tls --file`: what certificates carry, without an agent, root or a network. The certificates
# are those that the unit tests compare with Go's answers.

load lib

data=$BATS_TEST_DIRNAME/../data/certificates

# pem NAME...: these certificates in one file, as people keep them.
pem()
{
	local name
	for name in "$@"; do
		echo "subject=a line that is no part of it"
		echo "-----BEGIN CERTIFICATE-----"
		base64 -w 64 "$data/$name.der"
		echo "-----END CERTIFICATE-----"
	done
}

# tls ARGUMENT...: with $status, $output and $stderr.
tls()
{
	run --separate-stderr gwbpf tls "$@"
}

@test "names that are carried and one that is missing are told line by line, with the remedy" {
	tls --file "$data/plain.der" --names org1-peer-gateway-svc,org1-peer-gateway-svc.fabric
	[ "$status" -eq 1 ]
	[[ ${lines[1]} =~ ^' '*1' '+org1-peer-gateway-svc' '+carried' '+2030-01-01,' '.*CN=ca.org1.example.com ]]
	[[ ${lines[2]} =~ ' org1-peer-gateway-svc.fabric '+missing' ' ]]
	contains "${lines[3]}" "certificate 1: it lacks 'org1-peer-gateway-svc.fabric'"
	# What it carries stays in the new one.
	contains "$output" "fabric-ca-client enroll"
	contains "$output" "--csr.hosts 'org1-peer1,org1-peer-gateway-svc,org1-peer-gateway-svc.fabric.svc,org1-peer-gateway-svc.fabric'"
}

@test "a certificate that carries every name is good" {
	tls --file "$data/plain.der" --names org1-peer1,ORG1-Peer-Gateway-SVC
	[ "$status" -eq 0 ]
	[ ${#lines[@]} -eq 3 ]
	tls --file "$data/wildcard.der" --names a.example.com
	[ "$status" -eq 0 ]
	tls --file "$data/addresses.der" --names 10.0.0.1,fd00::1
	[ "$status" -eq 0 ]
}

@test "the common name is no name" {
	tls --file "$data/cn-only.der" --names cn-only -o json
	[ "$status" -eq 1 ]
	json '.kind == "CertificateList" and .items[0].missing == ["cn-only"] and .items[0].names == []'
	json '.items[0].subject == "CN=cn-only" and .items[0].expiryTime == "2030-01-01T00:00:00Z"'
}

@test "without names what it carries is listed" {
	tls --file "$data/address-mapped.der"
	[ "$status" -eq 0 ]
	contains "${lines[1]}" " 10.0.0.2 "
}

@test "a certificate that has expired, or is not valid yet, is not good" {
	tls --file "$data/time-2049.der"
	[ "$status" -eq 0 ]
	tls --file "$data/time-leap.der" -o json
	[ "$status" -eq 1 ]
	json '.items[0] | .state == "expired" and .message == "it has expired"'
	tls --file "$data/time-backwards.der"
	[ "$status" -eq 1 ]
	contains "$output" "2020-01-01, "
}

@test "several certificates in PEM: names are the first one's, times are everyone's" {
	pem plain addresses >"$BATS_TEST_TMPDIR/chain.pem"
	tls --file "$BATS_TEST_TMPDIR/chain.pem" --names org1-peer1
	[ "$status" -eq 0 ]
	[ ${#lines[@]} -eq 3 ]
	tls --file - --names org1-peer1 < <(pem addresses plain)
	[ "$status" -eq 1 ]
	contains "$output" "certificate 1: it lacks 'org1-peer1'"
	tls --file - -o json < <(pem plain time-1950)
	[ "$status" -eq 1 ]
	json '[.items[].message] == ["", "it has expired"] and .items[1].missing == null'
}

@test "what is no certificate is told, and the others are still shown" {
	tls --file - -o json < <(pem not-ascii plain)
	[ "$status" -eq 1 ]
	json '.items[0].state == null and .items[0].names == null and .items[1].state == "valid"'
	tls --file "$BATS_TEST_DIRNAME/lib.bash"
	[ "$status" -eq 1 ]
	contains "$output" "it is no certificate"
	for case in "/nowhere:No such file" "$BATS_TEST_TMPDIR:no regular file"; do
		tls --file "${case%%:*}"
		[ "$status" -eq 1 ]
		contains "$stderr" "'${case%%:*}'"
		contains "$stderr" "${case#*:}"
	done
	tls --file - < <(echo "-----BEGIN EC PRIVATE KEY-----")
	[ "$status" -eq 1 ]
	contains "$stderr" "no certificate: give the file"
	tls --file - < <(pem plain | head -n 4)
	[ "$status" -eq 1 ]
	contains "$stderr" "certificate 1 is no PEM"
	tls --file - < <(pem plain | sed 's/^MI/**/')
	[ "$status" -eq 1 ]
	contains "$stderr" "is no PEM"
	tls --file - </dev/null
	[ "$status" -eq 1 ]
	contains "$stderr" "it is empty"
	tls --file - < <(head -c 1100000 /dev/zero)
	[ "$status" -eq 1 ]
	contains "$stderr" "longer than 1 MiB"
}

@test "a name that a stranger chose is no part of a command and does not command the terminal" {
	tls --file "$data/letters.der" --names a.svc
	[ "$status" -eq 1 ]
	contains "$output" "--csr.hosts 'under_score.svc,-dash.svc,dash-.svc,a:b,a.svc'"
	tls --file "$data/nul.der"
	contains "$output" "org1-peer1?.evil.example"
}

@test "names that nobody can dial are wrong usage" {
	for case in "a b:is neither a host name nor an IP address" "default:a file belongs to no Service" \
		"*.example.com:is what a certificate carries"; do
		tls --file x --names "${case%%:*}"
		[ "$status" -eq 2 ]
		contains "$stderr" "'${case%%:*}'"
		contains "$stderr" "${case#*:}"
	done
	for case in "--names a:--names goes with --file" "--file x service:not both"; do
		tls ${case%%:*}
		[ "$status" -eq 2 ]
		contains "$stderr" "${case#*:}"
	done
}

@test "-w looks at a file again" {
	cp "$data/plain.der" "$BATS_TEST_TMPDIR/peer.der"
	"$root/build/gwbpf" tls -w --file "$BATS_TEST_TMPDIR/peer.der" >"$BATS_TEST_TMPDIR/out" 3>&- &
	becomes grep -q ' org1-peer1 ' "$BATS_TEST_TMPDIR/out"
	cp "$data/wildcard.der" "$BATS_TEST_TMPDIR/peer.der"
	becomes grep -q ' \*\.example\.com ' "$BATS_TEST_TMPDIR/out"
	kill $!
	wait $!
}
