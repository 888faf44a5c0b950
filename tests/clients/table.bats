# SPDX-License-Identifier: Apache-2.0
# The certificates in tests/data/certificates, and what Go says of them, are what the Go of this
# machine makes and says. To write them anew after a change of table.go:
#
#	"$(tests/clients/build.sh)"/clients table tests/data/certificates

load ../cli/lib

@test "what Go says of each certificate is what the tests compare with" {
	clients=$("$root/tests/clients/build.sh" --find)
	"$clients/clients" table "$BATS_TEST_TMPDIR"
	diff -r "$BATS_TEST_TMPDIR" "$root/tests/data/certificates"
}
