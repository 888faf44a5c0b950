# SPDX-License-Identifier: Apache-2.0
# What the agent serves over HTTP: on the control socket everything, on loopback what names no client,
# elsewhere health and metrics.

load lib

setup()
{
	lab_setup
	manifests=$BATS_TEST_TMPDIR/manifests
	{ service gateway 10.96.0.1; slice gateway 10.1.0.1 10.1.0.2 10.1.0.3; } >"$manifests/a.yaml"
	url=http://127.0.0.1:9451
}

teardown()
{
	lab_teardown
}

# get PATH [OPTION...]: $output is the body, $code the status.
get()
{
	code=$(inside curl -sS --max-time 60 -o "$BATS_TEST_TMPDIR/body" -w '%{http_code}' "${@:2}" \
		"$url$1")
	output=$(<"$BATS_TEST_TMPDIR/body")
}

# get_as_root PATH [OPTION...]: the same through the control socket.
get_as_root()
{
	get "$1" --unix-socket "$control" "${@:2}"
}

# Ages and the canary's count differ from one moment to the next.
without_ages()
{
	sed -E '/[aA]geSeconds":|idleSeconds|heartbeat|"canary":|"not-a-service":|rttSeconds/d'
}

# All that was sent is acknowledged: the connections look the same at the next look.
is_still()
{
	lab_gwbpf connections -o json | jq -e 'all(.items[]; .bytesUnacked == 0)'
}

@test "http: the API answers with the bytes of the commands" {
	listen 10.1.0.{1,2,3}:7051
	start_agent
	dial 10.96.0.1:7051 6
	becomes is_still
	for what in status services backends connections; do
		get_as_root "/api/v1/$what"
		[ "$code" = 200 ]
		lab_gwbpf "$what" -o json >"$BATS_TEST_TMPDIR/said"
		diff <(without_ages <"$BATS_TEST_TMPDIR/said") \
			<(without_ages <"$BATS_TEST_TMPDIR/body")
		[ "$(tail -c 2 "$BATS_TEST_TMPDIR/body" | od -An -tx1)" = " 7d 0a" ]
	done
	json '.kind == "ConnectionList" and (.items | length) == 6'
	for what in status services backends; do
		get "/api/v1/$what"
		[ "$code" = 200 ]
		json '.apiVersion == "gwbpf.io/v1"'
	done
	get /api/v1/status -I
	[ "$code" = 200 ]
	contains "$output" "Content-Type: application/json"
}

@test "http: the status page needs no script, holds none, and escapes what it shows" {
	{ service bad 10.96.0.3 7051 'gwbpf.io/policy: "<b>&fast"'; slice bad 10.1.0.1; } \
		>"$manifests/c.yaml"
	start_agent
	get /
	[ "$code" = 200 ]
	contains "$output" "<!DOCTYPE html>"
	contains "$output" "NODE: n1 (this node only): peers"
	contains "$output" "NODE: n1 (this node only): last events"
	contains "$output" "10.96.0.1:7051"
	contains "$output" "10.1.0.3:7051"
	contains "$output" '&lt;b&gt;&amp;fast'
	[[ $output != *"<b>"* ]]
	# What renews it is a file of the agent's own, and no other script may run.
	[ "$(grep -o '<script[^>]*>' <<<"$output")" = '<script src="/page.js" defer>' ]
	run grep -E '<[^>]* on[a-z]+=' <<<"$output"
	[ "$status" -eq 1 ]
	get / -I
	contains "$output" "script-src 'self'"
	get /page.js -I
	contains "$output" "Content-Type: text/javascript"
	get /
	# Every element is closed.
	perl -0ne '
		my @open;
		while (m{<(/?)([a-z0-9]+)[^>]*>}g) {
			next if $2 eq "meta";
			if (!$1) { push @open, $2; next }
			pop(@open) eq $2 or die "</$2>";
		}
		die "@open" if @open;' "$BATS_TEST_TMPDIR/body"
}

@test "http: the API lists what it has, and describes it as OpenAPI" {
	listen 10.1.0.{1,2,3}:7051
	start_agent
	dial 10.96.0.1:7051 1
	get /api/v1
	[ "$code" = 200 ]
	json '.kind == "PathList" and (.items | length) > 5'
	paths=$(jq -r '.items[].path' <<<"$output")
	reads=$(jq -r '.items[] | select(.method == "GET").path' <<<"$output")
	json 'all(.items[]; .summary | length > 0)'
	json 'any(.items[]; .method == "POST" and .path == "/api/v1/drain")'
	get /api/v1/openapi.json
	[ "$code" = 200 ]
	json '.openapi == "3.0.3" and .info.title == "gwbpf agent"'
	description=$output
	[ "$(jq -r '.paths | keys_unsorted[]' <<<"$description")" = "$paths" ]
	for path in $reads; do
		[ "$path" != /api/v1/monitor ] || continue
		get_as_root "$path"
		[ "$code" = 200 ]
		fields=$(jq -c --arg path "$path" '.paths[$path].get.responses["200"].content["application/json"].schema.properties.items.items.properties
			// empty | keys' <<<"$description")
		[ -z "$fields" ] || [ "$(jq -c '.items[0] | keys' <<<"$output")" = "$fields" ]
	done
	# What names clients is not to be had where the description says so.
	for path in $(jq -r '.items[] | select(.controlSocketOnly).path' < <(get /api/v1 && echo "$output")); do
		get "$path"
		[ "$code" = 404 ] || [ "$code" = 403 ]
	done
}

@test "http: what is not there, and what may not be done" {
	start_agent
	for path in /nothing /api /api/v1/ /api/v1/nothing /metrics/ //metrics /livez/..; do
		get "$path" --path-as-is
		[ "$code" = 404 ]
	done
	for method in POST PUT DELETE PATCH OPTIONS TRACE; do
		get /livez -X "$method"
		[ "$code" = 405 ]
	done
	get /livez
	[ "$code" = 200 ]
	[ "$output" = ok ]
	get /healthz
	[ "$code" = 200 ]
	get /readyz
	[ "$code" = 200 ]
	[ "$output" = ok ]
	get "/readyz?verbose"
	[ "$code" = 200 ]
	[[ $output == *"[+] hooks"*"[+] source"*"[+] node"*ok ]]
}

@test "http: requests that are too big or have no end do not hold it up" {
	start_agent
	get /livez -H "X: $(head -c 20000 /dev/zero | tr '\0' x)"
	[ "$code" = 400 ] || [ "$code" = 413 ] || [ "$code" = 431 ]
	get /livez -X POST --data-binary "$(head -c 20000 /dev/zero | tr '\0' x)"
	[ "$code" = 413 ] || [ "$code" = 405 ]
	# A line that never ends: it is cut off, and others are answered meanwhile.
	start perl -MIO::Socket::INET -e '
		my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:9451") or die;
		$SIG{PIPE} = "IGNORE";
		open(my $ready, ">", $ENV{READY}) or die; close($ready);
		1 while defined syswrite($socket, "x" x 4096);
		open($ready, ">", "$ENV{READY}.cut") or die;
		sleep 1 while 1;'
	becomes test -e "$READY.cut"
	get /livez
	[ "$code" = 200 ]
}

open_files()
{
	ls "/proc/$agent/fd" | wc -l
}

@test "http: a connection that is over takes nobody else's with it" {
	start_agent
	for _ in {1..60}; do
		get /livez
		[ "$code" = 200 ]
	done
}

@test "http: connections that ask nothing are bounded, and others are answered" {
	start_agent
	before=$(open_files)
	start perl -MIO::Socket::INET -e '
		my @sockets = map { IO::Socket::INET->new(PeerAddr => "127.0.0.1:9451") or die } 1 .. 300;
		open(my $ready, ">", $ENV{READY}) or die; close($ready);
		sysread($sockets[0], my $byte, 1);
		open($ready, ">", "$ENV{READY}.cut") or die; close($ready);
		sleep 1 while 1;'
	becomes test -e "$READY"
	get /livez
	[ "$code" = 200 ]
	[ "$(open_files)" -le $((before + 80)) ]
	becomes test -e "$READY.cut"
	for path in / /metrics /api/v1/status /livez; do
		get "$path"
		[ "$code" = 200 ]
	done
}

@test "http: clients are named on the control socket alone" {
	listen 10.1.0.{1,2,3}:7051
	start_agent
	dial 10.96.0.1:7051 3
	get_as_root /api/v1/connections
	contains "$output" '"source": "10.1.0.9"'
	get /api/v1/connections
	[ "$code" = 403 ]
	contains "$output" "control socket"
	for path in / /metrics /livez /readyz?verbose /api/v1/status /api/v1/services /api/v1/backends; do
		get "$path"
		[ "$code" = 200 ]
		[[ $output != *10.1.0.9* && $output != *'"clientPid"'* ]]
		get_as_root "$path"
		[ "$code" = 200 ]
	done
}

@test "http: the control socket is root's alone" {
	start_agent
	[ "$(stat -c '%a %u %F' "$control")" = "600 0 socket" ]
	[ "$(stat -c '%a %u' "$(dirname "$control")")" = "700 0" ]
	# Even if somebody gets as far as to connect.
	chmod 755 "$(dirname "$control")"
	chmod 777 "$control"
	chmod 711 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/test "$BATS_TEST_TMPDIR"
	run inside setpriv --reuid 65534 --regid 65534 --clear-groups curl -sS --max-time 60 \
		--unix-socket "$control" http://localhost/api/v1/connections
	[ "$output" = "only root may ask here" ]
	# What a killed agent leaves is replaced; what another one has is not.
	kill_agent
	[ -S "$control" ]
	start_agent
	becomes control_answers
	[ "$(stat -c %a "$control")" = 600 ]
	run --separate-stderr lab_gwbpf agent --cgroup "$cgroup" --manifests "$manifests" --listen off \
		--pin-dir "$BATS_TEST_TMPDIR/bpf/other" --control "$control"
	[ "$status" -eq 1 ]
	contains "$stderr" "another agent has it"
	get_as_root /livez
	[ "$code" = 200 ]
	stop "$agent"
	[ ! -e "$control" ]
}

@test "http: a control socket in a directory of somebody else is refused" {
	mkdir -m 777 "$BATS_TEST_TMPDIR/open"
	mkdir "$BATS_TEST_TMPDIR/theirs"
	chown 65534 "$BATS_TEST_TMPDIR/theirs"
	ln -s "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/link"
	for directory in open theirs link; do
		run --separate-stderr lab_gwbpf agent --cgroup "$cgroup" --manifests "$manifests" \
			--listen off --control "$BATS_TEST_TMPDIR/$directory/control.sock"
		[ "$status" -eq 1 ]
		contains "$stderr" "others than root may write there: give it to root, with mode 0700, or name another path with --control\""
		[ ! -e "$BATS_TEST_TMPDIR/$directory/control.sock" ]
	done
}

@test "http: on loopback the Host must be a loopback name or address" {
	inside ip address add 10.1.0.7/32 dev lo
	start_agent --metrics-listen :9452
	for host in localhost LOCALHOST:9451 a.localhost 127.0.0.1 127.9.9.9:80 "[::1]:9451" "[::1]"; do
		get /api/v1/status -H "Host: $host"
		[ "$code" = 200 ]
	done
	for host in evil.example evil.example:9451 localhost.evil.example notlocalhost 10.1.0.7:9451 \
		"[fd00::1]:9451" 127.0.0.1.evil.example "127.0.0.1:x"; do
		for path in / /api/v1/status /livez; do
			get "$path" -H "Host: $host"
			[ "$code" = 421 ] || [ "$code" = 400 ]
			[[ $output != *gateway* && $output != *apiVersion* ]]
		done
	done
	get /api/v1/status -H "Host:"
	[ "$code" = 421 ]
	contains "$output" "such as 127.0.0.1 or localhost"
	# Health and metrics, where they are for others, have any name; and all addresses of both families.
	for url in http://10.1.0.7:9452 "http://[::1]:9452"; do
		get /livez -H "Host: node1.example"
		[ "$code" = 200 ]
		get /metrics
		[ "$code" = 200 ]
	done
}

@test "http: where clients may not be named only health and metrics are served" {
	inside ip address add 10.1.0.7/32 dev lo
	start_agent --metrics-listen 10.1.0.7:9452
	url=http://10.1.0.7:9452
	for path in /metrics /livez /readyz /healthz; do
		get "$path"
		[ "$code" = 200 ]
	done
	for path in / /api/v1/status /api/v1/services /api/v1/backends /api/v1/connections; do
		get "$path"
		[ "$code" = 404 ]
	done
}

@test "http: --listen takes loopback alone" {
	for address in 0.0.0.0:9451 10.1.0.9:9451 "[fd00::1]:9451"; do
		run --separate-stderr gwbpf agent --manifests "$manifests" --listen "$address"
		[ "$status" -eq 2 ]
		contains "$stderr" "loopback"
		contains "$stderr" "--metrics-listen"
	done
}

# Whether the start that the metric tells is that of the agent. The kernel tells its own in whole seconds.
starts_with_agent()
{
	awk -v hz="$(getconf CLK_TCK)" '
		$1 == "btime" { boot = $2 }
		FILENAME ~ /[0-9]\/stat$/ { start = boot + $22 / hz }
		$1 == "process_start_time_seconds" { told = $2 }
		END { print told, start; exit !(told > start - 0.1 && told < start + 1.1) }' \
		/proc/stat "/proc/$agent/stat" "$BATS_TEST_TMPDIR/body"
}

# metric NAME LABELS VALUE: that sample, whose labels begin so.
metric()
{
	grep -qE "^$1(\{$2[^}]*\})? $3\$" "$BATS_TEST_TMPDIR/body" || {
		printf 'no %s{%s} %s in:\n%s\n' "$@" "$(grep "^$1" "$BATS_TEST_TMPDIR/body")" >&2
		return 1
	}
}

@test "http: metrics are what a strict reader takes, and all that is promised" {
	listen 10.1.0.{1,2,3}:7051
	{ service bad 10.96.0.3 7051 "gwbpf.io/policy: fastest"; slice bad 10.1.0.1; } >"$manifests/c.yaml"
	start_agent
	dial 10.96.0.1:7051 6
	get /metrics
	[ "$code" = 200 ]
	run perl "$BATS_TEST_DIRNAME/exposition.pl" <"$BATS_TEST_TMPDIR/body"
	[ "$status" -eq 0 ]
	families=$output
	for name in connections_active connection_attempts_total connections_established_total \
		connection_failures_total connections_closed_total backend_state backend_weight \
		backend_ejections_total service_backends_usable service_refused_total \
		service_state service_balance_ratio backend_connect_duration_seconds \
		connect_duration_seconds decisions_total network_programming_duration_seconds \
		apply_duration_seconds source_synced source_last_event_timestamp_seconds \
		source_errors_total objects_refused objects_refused_total hooks_live backends_omitted \
		agent_heartbeat_timestamp_seconds map_entries map_entries_max build_info; do
		[[ $'\n'$families$'\n' == *$'\n'gwbpf_$name$'\n'* ]] || { echo "$name" >&2; false; }
	done
	for name in cpu_seconds_total start_time_seconds virtual_memory_bytes \
		resident_memory_bytes open_fds max_fds; do
		[[ $'\n'$families$'\n' == *$'\n'process_$name$'\n'* ]] || { echo "$name" >&2; false; }
		run metric "process_$name" "" 0
		[ "$status" -ne 0 ]
	done
	# The agent's own, not those of the child that reads the maps.
	starts_with_agent
	labels='service_namespace="fabric",service_name="gateway",service_port="grpc",'
	metric gwbpf_connections_active "${labels}backend=\"10.1.0.2:7051\"" 2
	for reason in refused timeout unreachable other canceled; do
		metric gwbpf_connection_failures_total "$labels.*reason=\"$reason\"" 0
	done
	metric gwbpf_connect_duration_seconds_count "$labels" 6
	metric gwbpf_service_refused_total "$labels.*reason=\"no-backends\"" 0
	metric gwbpf_backend_connect_duration_seconds_count "${labels}backend=\"10.1.0.2:7051\"" 2
	metric gwbpf_service_state "$labels.*state=\"ready\"" 1
	metric gwbpf_service_balance_ratio "$labels" 1.000
	metric gwbpf_objects_refused "" 1
	metric gwbpf_hooks_live "" 1
	metric gwbpf_backends_omitted "" 0
	rm "$manifests/c.yaml"
	becomes nothing_is_refused
	metric gwbpf_objects_refused_total "" 1
}

# metrics_table: a row for each family that $BATS_TEST_TMPDIR/body has, as docs/metrics.md shows it.
metrics_table()
{
	awk '/^# HELP / { name = $3; sub(/^# HELP [^ ]* /, ""); help[name] = $0; names[++n] = name }
		/^# TYPE / { type[$3] = $4 }
		/^[a-z]/ {
			base = $1
			sub(/[{].*/, "", base)
			if (!(base in type))
				sub(/_(bucket|sum|count)$/, "", base)
			if (base in labels || !match($0, /^[^{ ]*[{]/))
				next
			all = substr($0, RLENGTH + 1)
			list = ""
			while (match(all, /^[a-z_]+="([^"\\]|\\.)*",?/)) {
				label = substr(all, 1, index(all, "=") - 1)
				if (label != "le")
					list = list (list == "" ? "" : " ") "`" label "`"
				all = substr(all, RLENGTH + 1)
			}
			sub(/^`service_namespace` `service_name` `service_port` `service_address`/, "Service", list)
			sub(/^`service_namespace` `service_name` `service_port` `backend` `backend_pod`/, "backend", list)
			labels[base] = list
		}
		END {
			for (i = 1; i <= n; i++)
				printf "| `%s` | %s | %s | %s |\n", names[i], type[names[i]], labels[names[i]], help[names[i]]
		}' "$BATS_TEST_TMPDIR/body"
}

is_checked()
{
	get /metrics
	contains "$output" 'gwbpf_backend_checks_total{'
}

@test "http: docs/metrics.md has each metric, its labels and what it is, and no other" {
	{
		service gateway 10.96.0.1 7051 "gwbpf.io/check: 'tcp,inter=500ms'"
		slice gateway 10.1.0.1 10.1.0.2 10.1.0.3
	} >"$manifests/a.yaml"
	listen 10.1.0.{1,2,3}:7051
	start_agent
	dial 10.96.0.1:7051 3
	becomes is_checked
	metrics_table >"$BATS_TEST_TMPDIR/table"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/table")" -gt 30 ]
	diff -u <(grep '^| `' "$root/docs/metrics.md") "$BATS_TEST_TMPDIR/table"
}

@test "http: the busiest backend is told beside the mean" {
	{ service gateway 10.96.0.1 7051 "gwbpf.io/policy: rr"; slice gateway 10.1.0.1 10.1.0.2; } >"$manifests/a.yaml"
	{ service empty 10.96.0.2; } >"$manifests/b.yaml"
	listen 10.1.0.{1,2}:7051
	start_agent
	dial 10.96.0.1:7051 3
	get /metrics
	metric gwbpf_service_balance_ratio '.*service_name="gateway".*' 1.333
	metric gwbpf_service_balance_ratio '.*service_name="empty".*' 1.000
	metric gwbpf_service_state '.*service_name="empty".*state="no-backends"' 1
	contains "$(lab_gwbpf backends)" "  3 connections, even"
}

# ratio_is NUMBER: what the metric says of the only Service.
ratio_is()
{
	get /metrics
	metric gwbpf_service_balance_ratio '.*' "$1"
}

@test "http: what is told of the busiest backend is what its heading says" {
	{ service gateway 10.96.0.1; slice gateway 10.1.0.1 10.1.0.2; } >"$manifests/a.yaml"
	listen 10.1.0.{1,2}:7051
	start_agent
	lab_gwbpf drain --control "$control" 10.1.0.2:7051
	dial 10.96.0.1:7051 6
	ratio_is 1.000
	[[ $(lab_gwbpf backends) == *"  6 connections"$'\n'* ]]
	lab_gwbpf undrain --control "$control" 10.1.0.2:7051
	ratio_is 2.000
	contains "$(lab_gwbpf backends)" "  6 connections, uneven (2.0x)"
	# Who leaves has no share.
	{ service gateway 10.96.0.1; slice gateway 10.1.0.2; } >"$manifests/a.yaml"
	becomes ratio_is 1.000
	[[ $(lab_gwbpf backends) == *"  6 connections"$'\n'* ]]
}

nothing_is_refused()
{
	get /metrics
	metric gwbpf_objects_refused "" 0
}

# Its slice, as changed at that time.
write_changed()
{
	{ service gateway 10.96.0.1; slice gateway "${@:2}"; } | sed "s/^  labels: {kubernetes.*/&\n$(
		)  annotations: {endpoints.kubernetes.io\/last-change-trigger-time: \"$1\"}/" \
		>"$manifests/a.yaml.new"
	mv "$manifests/a.yaml.new" "$manifests/a.yaml"
}

has_backends()
{
	get /metrics
	metric gwbpf_service_backends_usable 'service_namespace="fabric",service_name="gateway",' "$1"
}

@test "http: the time from a change in the cluster is counted once for each change" {
	write_changed 2020-01-01T00:00:00Z 10.1.0.1
	start_agent
	name=gwbpf_network_programming_duration_seconds
	becomes has_backends 1
	metric ${name}_count "" 0 # from before the agent
	# From the future, which is a delay of none: the sum is known.
	write_changed 2100-01-01T00:00:00Z 10.1.0.1 10.1.0.2
	becomes has_backends 2
	metric ${name}_count "" 1
	write_changed 2100-01-01T00:00:00Z 10.1.0.1 10.1.0.2 10.1.0.3
	becomes has_backends 3
	metric ${name}_count "" 1
	write_changed 2100-01-01T00:00:01Z 10.1.0.1
	becomes has_backends 1
	metric ${name}_count "" 2
	metric ${name}_bucket 'le="1"' 2
	metric ${name}_bucket 'le="\+Inf"' 2
	metric ${name}_sum "" 0.000000000
}

@test "http: with too many backends only the metrics of Services" {
	listen 10.1.0.{1,2,3}:7051
	start_agent --metrics-backends 2
	dial 10.96.0.1:7051 3
	get /metrics
	metric gwbpf_backends_omitted "" 3
	run metric gwbpf_connections_active ".*" ".*"
	[ "$status" -ne 0 ]
	metric gwbpf_connect_duration_seconds_count ".*" 3
	run perl "$BATS_TEST_DIRNAME/exposition.pl" <"$BATS_TEST_TMPDIR/body"
	[ "$status" -eq 0 ]
}
