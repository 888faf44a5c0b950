# SPDX-License-Identifier: Apache-2.0
# Usage, help, version and completions: what needs neither root nor anything in the kernel.

load lib

commands()
{
	gwbpf help | sed -n 's/^  \([a-z]*\) .*/\1/p'
}

@test "wrong usage is told and exits 2" {
	usage_error "no command is given"
	usage_error "there is no command 'frobnicate'" frobnicate
	usage_error "no command is given" --pin-dir services
	usage_error "unrecognized option '--frobnicate'" services --frobnicate
	usage_error "--output cannot be 'xml': it takes table|wide|json|yaml" services -o xml
	usage_error "--output cannot be 'tab'" services -o tab
	usage_error "--color cannot be 'blue'" status --color blue
	usage_error "unexpected argument 'x'" status x
	usage_error "unexpected argument 'b'" backends a b
	usage_error "missing argument" completion
	usage_error "'csh' is not bash|zsh|fish" completion csh
	usage_error "requires an argument" services --pin-dir
	usage_error "--for cannot be '1': it takes a duration, such as 250ms, 10s or 5m" monitor --for 1
	usage_error "--listen cannot be '10.1.0.1': it takes ADDR:PORT, such as 127.0.0.1:9451" \
		agent --listen 10.1.0.1
}

@test "options may stand before the command" {
	run gwbpf -o json version
	[ "$status" -eq 0 ]
	json '.kind == "Version"'
	for options in "--pin-dir=/nowhere" "--pin-dir /nowhere" "--pin /nowhere -A" "-o wide --pin-dir /nowhere"; do
		run --separate-stderr gwbpf $options services --no-headers
		[ "$status" -eq 1 ]
		contains "$stderr" "'/nowhere'"
	done
	usage_error "unrecognized option '--frobnicate'" --frobnicate services
	usage_error "there is no command 'x'" -o json x services
}

@test "an unknown command names the nearest one" {
	usage_error "there is no command 'statsu': did you mean 'status'?" statsu
	usage_error "did you mean 'connections'?" conn
	usage_error "did you mean 'backends'?" -o json backend
	usage_error "did you mean 'top'?" tpo
	for word in zzzzzz foo; do
		run --separate-stderr gwbpf $word
		[[ $stderr != *"did you mean"* ]]
	done
	run --separate-stderr gwbpf help detahc
	[ "$status" -eq 2 ]
	contains "$stderr" "did you mean 'detach'?"
}

@test "a bad value in the environment is wrong usage that names the variable" {
	GWBPF_OUTPUT=xml usage_error "GWBPF_OUTPUT cannot be 'xml'" version
	GWBPF_NO_HEADERS=1 usage_error "GWBPF_NO_HEADERS cannot be '1': it takes true|false" version
}

@test "an unknown column names the nearest one" {
	usage_error "cannot sort by 'act': there is no such column: did you mean 'ACTIVE'?" \
		backends --sort act
	usage_error "Try \`gwbpf help services'" services --sort usable-
	GWBPF_SORT=zzzzzz usage_error "cannot sort by 'zzzzzz': there is no such column" connections
	[[ $stderr != *"did you mean"* ]]
	usage_error "--wide cannot be 'failure': it takes failures|traffic|checks|all" backends --wide failure
	usage_error "unrecognized option '--sort'" version --sort state
}

@test "YAML says what JSON says" {
	run gwbpf version -o yaml
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "apiVersion: gwbpf.io/v1" ]
	[ "${lines[1]}" = "kind: Version" ]
	contains "$output" "version: \"$(gwbpf version -o json | jq -r .version)\""
}

@test "plan without manifests is wrong usage" {
	run --separate-stderr gwbpf plan
	[ "$status" -eq 2 ]
	contains "$stderr" "--manifests"
}

@test "help lists every command, and explains each" {
	for name in agent status services backends connections events monitor top explain plan check report detach \
		rebalance drain undrain weight \
		tls version \
		completion help; do
		commands | grep -qx "$name"
		run --separate-stderr gwbpf help "$name"
		[ "$status" -eq 0 ]
		contains "$output" "Usage: gwbpf $name"
		contains "$output" "Exit status"
		[ "$output" = "$(gwbpf "$name" --help)" ]
	done
	[ "$(gwbpf help)" = "$(gwbpf --help)" ]
}

@test "help of an unknown command is wrong usage" {
	run --separate-stderr gwbpf help frobnicate
	[ "$status" -eq 2 ]
	contains "$stderr" "frobnicate"
}

@test "version names program, ABI, libbpf and kernel" {
	run --separate-stderr gwbpf version -o json
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	json '.apiVersion == "gwbpf.io/v1" and .kind == "Version"'
	json "(.observedBy == \"$(uname -n)\") and .abi >= 1 and .kernel == \"$(uname -r)\""
	json '(.version | test("^[0-9]+[.][0-9]+[.][0-9]+$")) and (.libbpf | test("^[0-9.]+$"))'
	contains "$(gwbpf version)" "$(jq -r .version <<<"$output")"
	[ "$(gwbpf --version)" = "$(gwbpf version)" ]
}

@test "the command line overrules the environment" {
	GWBPF_OUTPUT=json run gwbpf version
	json '.kind == "Version"'
	GWBPF_OUTPUT=json run gwbpf version -o table
	contains "$output" "gwbpf "
}

@test "output that cannot be written is a failure" {
	run bash -c "'$root/build/gwbpf' version >/dev/full"
	[ "$status" -eq 1 ]
	contains "$output" "No space left"
	run bash -c "'$root/build/gwbpf' version -o json >/dev/full"
	[ "$status" -eq 1 ]
}

complete_bash()
{
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_gwbpf
	echo "${COMPREPLY[*]}"
}

@test "bash completes commands, options and their words" {
	source /dev/stdin <<<"$(gwbpf completion bash)"
	[ "$(complete_bash gwbpf '')" = "$(commands | xargs)" ]
	[ "$(complete_bash gwbpf conn)" = connections ]
	[ "$(complete_bash gwbpf services -o '')" = "table wide json yaml" ]
	[ "$(complete_bash gwbpf services --output = j)" = json ]
	[ "$(complete_bash gwbpf detach --f)" = --force ]
	[ "$(complete_bash gwbpf status --pin-dir /us)" = /usr ]
	[ "$(complete_bash gwbpf completion '')" = "bash zsh fish" ]
	[ "$(complete_bash gwbpf agent --log-f)" = --log-format ]
	[ "$(complete_bash gwbpf agent --ou)" = "" ]
	[ "$(complete_bash gwbpf backends --sort ac)" = active ]
	[ "$(complete_bash gwbpf backends --wide '')" = "failures traffic checks all" ]
	[ "$(complete_bash gwbpf -o json -n fabric backends --sort ac)" = active ]
	[ "$(complete_bash gwbpf -o json ver)" = version ]
}

# A gwbpf of the tests that lists what a node might have, names that mean harm among them.
fake_gwbpf()
{
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	cat >"$BATS_TEST_TMPDIR/bin/gwbpf" <<-'END'
	#!/bin/sh
	[ -z "$GWBPF_WATCH$GWBPF_SORT$GWBPF_WIDE" ] || exit 1
	case "$*" in
	"backends -o json") echo '      "node": "worker-1",'
		echo '      "zone": "Zone_a",'
		echo '      "node": null,'
		echo '      "node": "$(reboot)",'
		exit ;;
	*"-o table --no-headers") ;;
	*) exit 1 ;;
	esac
	case $1 in
	services) echo 'fabric  gateway  grpc  10.96.0.1:7051  lc  ready  2  2  0  0  0'
		echo 'fabric  $(reboot)  grpc  10.96.0.2:7051  lc  ready  2  2  0  0  0' ;;
	backends) echo 'fabric  gateway  grpc  10.1.0.1:7051      org1-peer0  usable  0  0  0  0'
		echo 'fabric  gateway  grpc  10.1.0.2:7051      -           usable  0  0  0  0'
		echo 'fabric  gateway  grpc  [fd00::1]:7051     `reboot`    usable  0  0  0  0' ;;
	esac
	END
	# And what the kubelet has of its pods.
	cat >"$BATS_TEST_TMPDIR/bin/ls" <<-'END'
	#!/bin/sh
	[ "$*" = /var/log/pods ] || exit 1
	echo 'default_app-1_3c1d8a7e-0000-4000-8000-000000000001'
	echo 'default_$(reboot)_3c1d8a7e-0000-4000-8000-000000000002'
	echo 'lost+found'
	END
	chmod +x "$BATS_TEST_TMPDIR/bin/gwbpf" "$BATS_TEST_TMPDIR/bin/ls"
}

@test "bash completes Services, backends, namespaces, pods, nodes and zones" {
	source /dev/stdin <<<"$(gwbpf completion bash)"
	fake_gwbpf
	unset -f gwbpf
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	export GWBPF_WATCH=true GWBPF_SORT=active GWBPF_WIDE=all
	[ "$(complete_bash gwbpf backends '')" = fabric/gateway ]
	[ "$(complete_bash gwbpf drain org)" = org1-peer0 ]
	[ "$(complete_bash gwbpf connections --backend org)" = org1-peer0 ]
	[ "$(complete_bash gwbpf services -n '')" = fabric ]
	[ "$(complete_bash gwbpf agent --namespace '')" = fabric ]
	[ "$(complete_bash gwbpf agent --service '')" = fabric/gateway ]
	[ "$(complete_bash gwbpf explain --from '')" = default/app-1 ]
	[ "$(complete_bash gwbpf plan --node-name '')" = worker-1 ]
	[ "$(complete_bash gwbpf plan --zone '')" = Zone_a ]
	COMP_WORDBREAKS=' ='
	[ "$(complete_bash gwbpf undrain 1)" = "10.1.0.1:7051 10.1.0.2:7051" ]
	# bash takes a word apart at colons, and replaces what is behind the last one.
	COMP_WORDBREAKS=' =:'
	[ "$(complete_bash gwbpf drain 10.1.0.1 :)" = 7051 ]
	[ "$(complete_bash gwbpf drain 10.1.0.1 : 70)" = 7051 ]
	[ "$(complete_bash gwbpf drain '[fd00' :: '1]' : 7)" = 7051 ]
	[ "$(complete_bash gwbpf connections --backend 10.1.0.2 : 7)" = 7051 ]
}

@test "zsh takes the completions" {
	type zsh >/dev/null 2>&1 || skip "zsh is not installed"
	gwbpf completion zsh >"$BATS_TEST_TMPDIR/_gwbpf"
	run zsh -f -c "autoload -U compinit && compinit -u -D && . $BATS_TEST_TMPDIR/_gwbpf &&
		whence -w _gwbpf && print \$_comps[gwbpf]"
	[ "$status" -eq 0 ]
	[ "$output" = $'_gwbpf: function\n_gwbpf' ]
	# As a function of the function path, where an installed one is.
	run zsh -f -c "fpath=($BATS_TEST_TMPDIR \$fpath); autoload -U compinit && compinit -u -D &&
		autoload +X _gwbpf && print \$_comps[gwbpf]"
	[ "$output" = _gwbpf ]
	# What there is to complete, as zsh sees it.
	fake_gwbpf
	run zsh -f -c "PATH=$BATS_TEST_TMPDIR/bin:\$PATH; compdef() { :; }; compadd() { print -l \$names; }
		. $BATS_TEST_TMPDIR/_gwbpf; _gwbpf_services; _gwbpf_backends"
	[ "$(sort <<<"$output" | xargs)" = "10.1.0.1:7051 10.1.0.2:7051 [fd00::1]:7051 fabric/gateway org1-peer0" ]
	run zsh -f -c "PATH=$BATS_TEST_TMPDIR/bin:\$PATH; compdef() { :; }; compadd() { print -l \$names; }
		. $BATS_TEST_TMPDIR/_gwbpf; _gwbpf_namespaces; _gwbpf_pods; _gwbpf_nodes; _gwbpf_zones"
	[ "$(xargs <<<"$output")" = "fabric default/app-1 worker-1 Zone_a" ]
	grep -q -- "--sort=.*:value:(peer namespace service .* active " "$BATS_TEST_TMPDIR/_gwbpf"
	grep -q -- "--wide=.*:value:(failures traffic checks all)" "$BATS_TEST_TMPDIR/_gwbpf"
}

@test "fish completes commands, options and their words" {
	type fish >/dev/null 2>&1 || skip "fish is not installed"
	gwbpf completion fish >"$BATS_TEST_TMPDIR/gwbpf.fish"
	complete_fish()
	{
		HOME=$BATS_TEST_TMPDIR fish -c "source $BATS_TEST_TMPDIR/gwbpf.fish; complete -C'$1'" |
			cut -f1 | xargs
	}
	[ "$(complete_fish 'gwbpf conn')" = connections ]
	[ "$(complete_fish 'gwbpf services -o ')" = "json table wide yaml" ]
	[ "$(complete_fish 'gwbpf detach --f')" = --force ]
	[ "$(complete_fish 'gwbpf completion ')" = "bash fish zsh" ]
	[ "$(complete_fish 'gwbpf backends --sort ac')" = active ]
	[ "$(complete_fish 'gwbpf backends --wide ')" = "all checks failures traffic" ]
	fake_gwbpf
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	[ "$(complete_fish 'gwbpf backends ')" = fabric/gateway ]
	[ "$(complete_fish 'gwbpf drain org')" = org1-peer0 ]
	[ "$(complete_fish 'gwbpf connections --backend 10.1.0.1')" = 10.1.0.1:7051 ]
	[ "$(complete_fish 'gwbpf services -n ')" = fabric ]
	[ "$(complete_fish 'gwbpf explain --from ')" = default/app-1 ]
	[ "$(complete_fish 'gwbpf plan --node-name ')" = worker-1 ]
	[ "$(complete_fish 'gwbpf plan --zone ')" = Zone_a ]
}

@test "the man page is clean, and has every command and option" {
	export LC_ALL=C.UTF-8 MANWIDTH=100
	run man --warnings -l "$root/docs/gwbpf.8"
	[ "$status" -eq 0 ]
	page=$output
	run bash -c "man --warnings -l '$root/docs/gwbpf.8' 2>&1 >/dev/null"
	[ -z "$output" ]
	for name in $(commands); do
		line=$(gwbpf help | sed -n "s/^  $name  *\(\[[A-Z.]*\] \|[a-z|]*|[a-z|]* \|[A-Z ]*[A-Z] \)\? *//p")
		grep -q "^\.It Cm $name\b" "$root/docs/gwbpf.8"
		contains "$(tr -s ' \n' ' ' <"$root/docs/gwbpf.8")" "$line"
		for option in $(gwbpf "$name" --help | grep -o -- '--[a-z-]*' | sort -u); do
			case $option in
			--help | --usage) ;;
			*) contains "$page" "$option" ;;
			esac
		done
	done
	# And no command that there is not.
	[ "$(grep -c '^\.It Cm' "$root/docs/gwbpf.8")" -eq "$(commands | wc -l)" ]
}

@test "the man page has the columns of each list, as the help has them" {
	for list in services backends connections; do
		columns=$(gwbpf help $list | sed '1,/^Columns:$/d')
		[ "$(wc -l <<<"$columns")" -ge 15 ]
		[ "$columns" = "$(sed -n "/^Columns of $list:/,/^\.Ed/p" "$root/docs/gwbpf.8" | grep '^  ')" ]
	done
}

@test "the man page and the guide name every state of a Service and of a backend" {
	states=$(sed -n '/define VIEW_[A-Z]*_STATES/,/^$/s/^\tX([A-Z_]*, "\([a-z-]*\)").*/\1/p' \
		"$root/userspace/kernel/view.h")
	[ "$(wc -w <<<"$states")" -ge 11 ]
	for state in $states; do
		grep -q "^\.Cm $state " "$root/docs/gwbpf.8"
		grep -q "^| \`$state\` |" "$root/docs/services.md"
	done
}

@test "make install puts everything where it is looked for" {
	run make -C "$root" -s install DESTDIR="$BATS_TEST_TMPDIR/dest" PREFIX=/usr
	[ "$status" -eq 0 ]
	cd "$BATS_TEST_TMPDIR/dest/usr"
	[ -x bin/gwbpf ]
	cmp share/man/man8/gwbpf.8 "$root/docs/gwbpf.8"
	[ -s share/bash-completion/completions/gwbpf ]
	[ -s share/zsh/site-functions/_gwbpf ]
	[ -s share/fish/vendor_completions.d/gwbpf.fish ]
}

@test "the agent does not read manifests from standard input" {
	run --separate-stderr gwbpf agent --manifests -
	[ "$status" -eq 2 ]
	contains "$stderr" "give a file or a directory"
}
