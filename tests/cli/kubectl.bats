# SPDX-License-Identifier: Apache-2.0
# The plugin of kubectl: which agents it asks. kubectl is a script that says what a cluster would.

load lib

setup()
{
	mkdir "$BATS_TEST_TMPDIR/bin"
	cat >"$BATS_TEST_TMPDIR/bin/kubectl" <<-'END'
	#!/bin/bash
	if [ "$1" = get ]; then
		cat "$PODS"
	else
		printf '{"answer": "%s"}\n' "$*"
	fi
	END
	chmod +x "$BATS_TEST_TMPDIR/bin/kubectl"
	export PATH=$BATS_TEST_TMPDIR/bin:$PATH PODS=$BATS_TEST_TMPDIR/pods.json
}

# pods NODE NAME PHASE...: the agents' pods.
pods()
{
	printf '%s %s %s\n' "$@" | jq -R 'split(" ") | {spec: {nodeName: .[0]}, metadata: {name: .[1]},
		status: {phase: .[2]}}' | jq -s '{items: .}' >"$PODS"
}

@test "an agent's pod that was evicted is not asked" {
	pods node1 gwbpf-a Failed node1 gwbpf-b Running
	run "$root/deploy/kubectl/kubectl-gwbpf" on node1 version
	[ "$status" -eq 0 ]
	contains "$output" "exec -n gwbpf-system gwbpf-b -- gwbpf version"
}
