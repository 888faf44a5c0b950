#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What can be found without running anything. All checks run; one that finds something fails the
# whole. What is suppressed stands here, with the reason; where it is one place, beside the code.
#
#	lint.sh [CHECK...]
#	lint.sh --format	change the C files to what .clang-format says
set -u
cd "$(dirname "$0")/../.." || exit

# What is in the work tree, also if there is no git.
files() {
	local name names=()

	for name in "$@"; do
		names+=(-o -name "$name")
	done
	find . \( -path ./build -o -path ./.git -o -path ./tests/fuzz/corpus \) -prune -o \
		-type f \( "${names[@]:1}" \) -print | sed 's|^\./||' | sort
}

c_files() {
	files '*.c' '*.h'
}

shell_files() {
	files '*.sh' '*.bash' '*.bats' run
}

make_files() {
	files Makefile '*.mk'
}

# No space at the end of a line, tabs for indentation, a newline at the end of the file.
check_whitespace() {
	local file bad=0

	for file in $(c_files) $(shell_files) $(make_files) $(files '*.md' '*.yaml' '*.8'); do
		grep -nHE '[[:blank:]]$|'$'\r' "$file" && bad=1
		[ -z "$(tail -c 1 "$file")" ] || { echo "$file: no newline at the end" && bad=1; }
	done
	# A block comment's lines begin with a space; so may the empty line of a macro.
	c_files | xargs grep -nHE '^ ( *[^* \\]|[^* ])' && bad=1
	return $bad
}

# A function has 60 lines at most; a test may be a long table of cases.
check_functions() {
	c_files | xargs awk '
		FNR == 1 { begin = 0 }
		!/^[{}]/ && /^[a-z].*\(/ { name = $0 }
		/^\{/ { begin = FNR; head = name }
		/^\}/ {
			if (begin && FNR - begin - 1 > 60 && !(head ~ /\(void \*\*state\)/)) {
				printf "%s:%d: %d lines: %s\n", FILENAME, begin, FNR - begin - 1, head
				bad = 1
			}
			begin = 0
		}
		END { exit bad }'
}

# libbpf's macros are told, because its headers are not read; skip() does not return.
# invalidPrintfArgType: the compiler looks at formats, and knows what UINT16_MAX is.
# varFuncNullUB: NULL is a pointer wherever there is a Linux.
# internalAstError: cppcheck 2.10 stumbles over a compound literal in "?:".
check_cppcheck() {
	cppcheck -j"$(nproc)" --quiet --error-exitcode=1 --std=c11 --inline-suppr \
		--enable=warning,performance,portability \
		--suppress=missingIncludeSystem --suppress=varFuncNullUB \
		--suppress=invalidPrintfArgType_sint --suppress=invalidPrintfArgType_uint \
		--suppress=internalAstError:tests/kernel/test_ids.c \
		-Iinclude -Iuserspace -Itests -Itests/fuzz -Ibpf -D_GNU_SOURCE '-DGWBPF_VERSION="0"' \
		'-DLIBBPF_OPTS(TYPE,NAME,...)=struct TYPE NAME={__VA_ARGS__}' \
		'-Dbpf_object__for_each_program(POS,OBJECT)=while((POS=next(OBJECT)))' \
		'-DLIST_FOREACH(ITEM,HEAD,ENTRY)=while((ITEM=next(HEAD)))' \
		'-DTAILQ_FOREACH(ITEM,HEAD,ENTRY)=while((ITEM=next(HEAD)))' \
		'-Djson_array_foreach(ARRAY,I,VALUE)=while((VALUE=next(ARRAY,&I)))' \
		'-Djson_object_foreach(OBJECT,KEY,VALUE)=while((KEY=next(OBJECT,&VALUE)))' \
		'-Dskip()=abort()' '-DSEC(name)=' \
		$(files '*.c')
}

# SC1007: "NAME= command" is meant: an empty variable in the command's environment.
# SC2046: a list is meant to be split.
# SC2119, SC2120: arguments may be left out.
# SC2154: bats and what `load` reads set variables.
check_shellcheck() {
	shell_files | xargs -P "$(nproc)" -n 8 shellcheck -x -P SCRIPTDIR -S warning \
		-e SC1007,SC2046,SC2119,SC2120,SC2154
}

# Words that only look misspelt: a macro of mdoc, a policy, a client's name, a letter of a format.
check_spelling() {
	codespell --quiet-level 2 --ignore-words-list nd,fo,cann,tawk $(c_files) $(shell_files) \
		$(make_files) $(files '*.md' '*.yaml' '*.8')
}

check_format() {
	c_files | xargs clang-format --dry-run --Werror
}

main() {
	local check start status=0

	if [ "${1-}" = --format ]; then
		c_files | xargs clang-format -i
		return
	fi
	[ $# -gt 0 ] || set -- whitespace format functions cppcheck shellcheck spelling
	for check in "$@"; do
		start=$SECONDS
		if "check_$check"; then
			echo "ok $check, $((SECONDS - start)) s"
		else
			echo "not ok $check, $((SECONDS - start)) s"
			status=1
		fi
	done
	return $status
}

main "$@"
