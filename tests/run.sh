#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Run test programs that speak TAP, one after the other, and count. A program that ends badly
# without a "not ok" of its own counts as one failure; so does one that runs no test. At the end the
# programs with failures and those with skipped tests are listed.
#
# Of a program that failed it prints each test that did, with what it said, and the end of the log
# ($TEST_TAIL lines).
set -u
passed=0 failed=0 skipped=0
failed_programs=() skipped_programs=()
logs=build/test-logs
mkdir -p "$logs"
skip='^\(not \)\?ok .*# \(SKIP\|skip\)' # cmocka says "not ok 4 # SKIP"

show_failed() {
	local end=${TEST_TAIL:-60}
	head -n "-$end" "$1" | awk '/^(not )?ok |^1\.\./ { is_bad = /^not ok/ } is_bad' | head -n 400
	tail -n "$end" "$1"
}

for program in "$@"; do
	case $program in
	*.d | *.o) continue ;;
	*.bats) command=(bats --tap --print-output-on-failure "$program") ;;
	*) command=("./$program") ;;
	esac
	log=$logs/$(basename "$program").tap
	start=$SECONDS
	CMOCKA_MESSAGE_OUTPUT=TAP timeout "${TEST_TIMEOUT:-900}" "${command[@]}" </dev/null >"$log" 2>&1
	status=$?
	skips=$(grep -c "$skip" "$log")
	oks=$(grep -v "$skip" "$log" | grep -c '^ok ')
	bads=$(grep -v "$skip" "$log" | grep -c '^not ok ')
	if [ $status -ne 0 ] && [ "$bads" -eq 0 ] || [ $((oks + bads + skips)) -eq 0 ]; then
		bads=$((bads + 1))
	fi
	passed=$((passed + oks)) failed=$((failed + bads)) skipped=$((skipped + skips))
	printf '%-48s %4d passed %3d failed %3d skipped %4d s\n' \
		"$program" "$oks" "$bads" "$skips" $((SECONDS - start))
	[ "$skips" -eq 0 ] || skipped_programs+=("$program: $skips")
	if [ "$bads" -gt 0 ]; then
		failed_programs+=("$program: $bads, see $log")
		echo "--- $program, exit status $status: $log"
		show_failed "$log"
		echo "---"
	fi
	grep "$skip" "$log"
done

[ ${#skipped_programs[@]} -eq 0 ] || printf '%s\n' "skipped:" "${skipped_programs[@]/#/  }"
[ ${#failed_programs[@]} -eq 0 ] || printf '%s\n' "failed:" "${failed_programs[@]/#/  }"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
