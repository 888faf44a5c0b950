# SPDX-License-Identifier: Apache-2.0
# What the command-line scenarios share. Loaded by every .bats file here.

bats_require_minimum_version 1.5.0
root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

# The variables of a developer's shell must not change what is tested.
unset "${!GWBPF_@}" NO_COLOR NODE_NAME ARGP_HELP_FMT

gwbpf()
{
	"$root/build/gwbpf" "$@"
}

# usage_error WORD ARGUMENT...: wrong usage, which standard error explains with WORD.
usage_error()
{
	local word=$1
	shift
	run --separate-stderr gwbpf "$@"
	[ "$status" -eq 2 ]
	[ -z "$output" ]
	contains "$stderr" "$word"
	contains "$stderr" "Try"
}

contains()
{
	[[ $1 == *"$2"* ]] || {
		printf "'%s' is not in:\n%s\n" "$2" "$1" >&2
		return 1
	}
}

# json FILTER: jq must find something true in $output.
json()
{
	jq -e "$1" <<<"$output" >/dev/null || {
		printf "not so: %s\n%s\n" "$1" "$output" >&2
		return 1
	}
}
