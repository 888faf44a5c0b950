# SPDX-License-Identifier: Apache-2.0
# rebalance: auto under real client libraries: what is taken for a wait, and what for a pause. That it
# waits for ten minutes before it moves anything is for the unit test.

load ../cli/lib
load clients

longest_wait()
{
	lab_gwbpf services -o json | jq '.items[0].longestWaitSeconds // 0'
}

# waits_for FILTER: of the longest wait in seconds.
waits_for()
{
	longest_wait | jq -e "$1"
}

# Each client, so often.
all_have_called()
{
	jq -es "map(.calls) | length == $1 and min >= $2" "$BATS_TEST_TMPDIR"/*-*.json
}

# Libraries of gRPC send something after each answer, and peers answer that. So what was sent or
# received last before a silence tells nothing.
@test "auto learns from waits for an answer, not from pauses between calls" {
	serve 'gwbpf.io/rebalance: auto' 10.1.0.{1,2,3}
	start_agent
	start_clients 3 "${PAUSE_MS:-10000}"
	ends_in 90 all_have_called 12 2
	# CommitStatus takes a second, and more where it has to wait for a CPU.
	ends_in 20 waits_for '. >= 0.9'
	echo "the longest wait is $(longest_wait) s" >&3
	waits_for '. < 9'
	[ "$(tally .failed)" -eq 0 ]
}
