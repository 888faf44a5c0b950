#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The runner of the tests: what it counts, and the list that closes a run.

bats_require_minimum_version 1.5.0
runner=$(cd "$BATS_TEST_DIRNAME/.." && pwd)/run.sh

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	program good 'echo "ok 1 - a"; echo "ok 2 - b"'
	program bad 'echo "ok 1 - a"; echo "not ok 2 - b"; exit 1'
	program skips 'echo "ok 1 - a # skip no root"; echo "not ok 2 - b # SKIP"'
	program dies 'echo "ok 1 - a"; exit 3'
	program silent 'exit 0'
}

# program NAME TEXT: a test program in this directory.
program() {
	printf '#!/bin/sh\n%s\n' "$2" >"$1"
	chmod +x "$1"
}

# The lines from the first list on.
closing() {
	sed -n '/^skipped:$\|^failed:$/,$p' <<<"$output"
}

@test "a run without failures ends with the counts alone" {
	run -0 "$runner" good
	[ "${lines[-1]}" = "2 passed, 0 failed, 0 skipped" ]
	[ -z "$(closing)" ]
}

@test "a run ends with the skipped files, the failed files and where their logs are" {
	run -1 "$runner" bad good skips dies silent
	[ "$(closing)" = "skipped:
  skips: 2
failed:
  bad: 1, see build/test-logs/bad.tap
  dies: 1, see build/test-logs/dies.tap
  silent: 1, see build/test-logs/silent.tap
4 passed, 3 failed, 2 skipped" ]
}

@test "what a test that failed has said is shown, however much the others say after it" {
	program long 'echo "ok 1 - a"; echo "# of a"; echo "not ok 2 - b"; echo "# of b"
		for i in $(seq 100); do echo "ok $i - c"; echo "# of c"; done; echo "# the end"; exit 1'
	run -1 "$runner" long
	[[ $output = *$'\nnot ok 2 - b\n# of b\n'*$'\n# the end\n'* ]]
	[[ $output != *"# of a"* ]]
}

@test "of a test of bats the output is shown that it did not expect" {
	printf '%s\n' '@test "a" {' 'run echo surprise' false '}' >shown.bats
	run -1 "$runner" shown.bats
	[[ $output = *"not ok 1 a"*"surprise"* ]]
}

@test "skipped tests do not fail a run, and are listed" {
	run -0 "$runner" good skips
	[ "$(closing)" = "skipped:
  skips: 2
2 passed, 0 failed, 2 skipped" ]
}

@test "a run in which no test passes fails" {
	run -1 "$runner" skips
	[ "${lines[-1]}" = "0 passed, 0 failed, 2 skipped" ]
}
