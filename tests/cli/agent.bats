# SPDX-License-Identifier: Apache-2.0
# The commands that read, and detach, against a real agent and real connections, in a scratch cgroup
# and a network namespace of their own.

load lib

setup()
{
	lab_setup
	manifests=$BATS_TEST_TMPDIR/manifests
	{ service gateway 10.96.0.1; slice gateway 10.1.0.1 10.1.0.2 10.1.0.3; } >"$manifests/a.yaml"
}

teardown()
{
	lab_teardown
	# What is left of it would be a pod for other tests.
	[ ! -d "${pods-}" ] || becomes rmdir "$pods"
}

# lab COMMAND...: $output is standard output, $status the exit status.
lab()
{
	run --separate-stderr lab_gwbpf "$@"
}

# lab_fails WORD COMMAND...: exit 1, nothing on standard output, and a message with WORD.
lab_fails()
{
	local word=$1
	shift
	lab "$@"
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	contains "$stderr" "gwbpf: "
	contains "$stderr" "$word"
	[ "${#stderr_lines[@]}" -eq 1 ]
}

connections_are()
{
	lab connections -o json
	json "$1"
}

backends_are()
{
	lab backends -o json
	[ "$status" -eq 0 ]
	json "$1"
}

@test "nothing installed: every command says so and what to do" {
	lab_fails "nothing is installed in '$GWBPF_PIN_DIR': run 'gwbpf agent'" services
	lab_fails "run 'gwbpf agent'" backends
	lab_fails "run 'gwbpf agent'" connections
	lab status -o json
	[ "$status" -eq 1 ]
	json '.kind == "Status" and .healthy == false and .version == null and .serviceCount == null'
	json '.problems | length == 1 and (.[0] | test("run .gwbpf agent."))'
	json '.hooks == [] and .agent.running == false and .agent.pid == null'
	lab status
	[ "$status" -eq 1 ]
	contains "$output" "healthy:      no"
	lab detach
	[ "$status" -eq 0 ]
}

@test "status of a healthy node" {
	start_agent
	lab status -o json
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	json '.apiVersion == "gwbpf.io/v1" and .kind == "Status" and .observedBy == "n1"'
	json '.healthy == true and .problems == [] and .warnings == [] and .abi >= 1 and (.version | length) > 0'
	json "(.kernel == \"$(uname -r)\") and .cgroup.path == \"$cgroup\" and (.cgroup | has(\"coversPods\")) and
		.cgroup.id == \"$(stat -c %i "$cgroup")\""
	json '.hooks | length == 6 and all(.attached == true and .programId > 0 and .live == true)'
	json '[.hooks[].name] | sort == ["connect4", "connect6", "getpeername4", "getpeername6",
		"sock_release", "sockops"]'
	json ".agent | .running == true and .pid == $agent and .source == \"file\" and .synced == true
		and .heartbeatAgeSeconds < 10 and .lastChangeAgeSeconds >= 0"
	json '.serviceCount == 1 and .backendCount == 3 and .connectionCount == 0 and
		.olderConnectionCount == 0'
	json '.limits.services > 0 and .limits.backends > 0 and .reasons.balanced == 0'
	json '(keys | sort) == (["apiVersion", "kind", "observedBy", "healthy", "problems", "warnings", "version",
		"abi", "kernel", "cgroup", "hooks", "agent", "others", "serviceCount", "backendCount",
		"connectionCount", "olderConnectionCount", "limits", "reasons"] | sort)'
	json '(.cgroup | keys) == ["coversPods", "id", "path"] and
		(.limits | keys) == ["backends", "services"] and
		(.hooks | all(keys == ["attached", "live", "name", "programId"])) and
		(.agent | keys | sort) == (["running", "pid", "heartbeatAgeSeconds", "followedAgeSeconds",
			"source", "synced", "lastChangeAgeSeconds"] | sort) and
		(.reasons | length >= 13 and all(type == "number"))'
	lab status
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "NODE: n1 (this node only)" ]
	[ "${lines[1]}" = "healthy:      yes" ]
	lab status -o wide --no-headers
	contains "$output" "sent to a backend"
}

@test "services: a row for each port and address, with its state" {
	service none 10.96.0.2 >"$manifests/b.yaml"
	{ service bad 10.96.0.3 7051 "gwbpf.io/policy: fastest"; slice bad 10.1.0.1; } >"$manifests/c.yaml"
	service other 10.96.0.4 | grep -v gwbpf.io/enabled >"$manifests/d.yaml"
	start_agent
	lab services -o json
	[ "$status" -eq 0 ]
	json '.kind == "ServiceList" and .observedBy == "n1"'
	json '[.items[] | [.name, .state]] == [["bad", "invalid"], ["gateway", "ready"],
		["none", "no-backends"]]'
	json '.items[1] | .namespace == "fabric" and .portName == "grpc" and .address == "10.96.0.1"
		and .port == 7051 and .policy == "lc" and .message == null and .backends == 3
		and .usable == 3 and .active == 0'
	json '.items[0].message | test("fastest.*lc")'
	json '.items | all(keys_unsorted == ["namespace", "name", "portName", "address", "port",
		"policy", "state", "message", "backends", "usable", "active", "attemptsTotal",
		"establishedTotal", "failedTotal", "canceledTotal", "closedTotal", "noBackendTotal",
		"rebalanceAuto", "rebalanceSeconds", "drainDeadlineSeconds", "longestWaitSeconds"])'
	dial_in_vain 10.96.0.2 7051
	lab services
	[ "${lines[0]}" = "NODE: n1 (this node only)" ]
	[[ ${lines[1]} =~ ^\ \ SERVICE\ +ADDRESS\ +STATE\ +PEERS\ +ACTIVE\ +FAILED$ ]]
	[[ ${lines[3]} =~ ^\ \ fabric/gateway\ +10.96.0.1:7051\ +ready\ +3/3\ +0\ +0$ ]]
	# What is not as it should be has a sign, and below the table the reason and the remedy.
	[[ ${lines[2]} =~ ^!\ fabric/bad\ +10.96.0.3:7051\ +invalid ]]
	contains "$output" "! fabric/bad 10.96.0.3:7051 is invalid: kube-proxy serves it: "
	contains "$output" "! fabric/none 10.96.0.2:7051 is no-backends: its clients are refused: see that pods"
	lab services --no-headers
	[ "${#lines[@]}" -eq 3 ]
	[[ ${lines[1]} =~ ^fabric\ +gateway\ +grpc\ +10.96.0.1:7051\ +lc\ +ready\ +3\ +3\ +0\ +0\ +0$ ]]
	lab services -o json
	json '.items[2].noBackendTotal == 1'
}

@test "backends: connections are counted where they go" {
	listen 10.1.0.{1,2,3}:7051
	start_agent
	dial 10.96.0.1:7051 6
	lab backends -o json fabric/gateway
	[ "$status" -eq 0 ]
	json '.kind == "BackendList" and .observedBy == "n1"'
	json '[.items[].address] == ["10.1.0.1", "10.1.0.2", "10.1.0.3"]'
	json '.items | all(.active == 2 and .attemptsTotal == 2 and .establishedTotal == 2 and
		.closedTotal == 0 and .state == "usable" and .weight == 1 and .port == 7051 and
		.namespace == "fabric" and .service == "gateway" and .serviceAddress == "10.96.0.1")'
	json '.items | all(.connectSecondsBuckets | length == 17 and .[16] == {"le": "+Inf",
		"count": 2} and .[0].le == 0.0001 and ([.[].count] | . == sort))'
	json '.items | all(keys_unsorted == ["namespace", "service", "portName", "serviceAddress",
		"servicePort", "address", "port", "pod", "node", "zone", "weight", "state",
		"stateSeconds", "reason", "active", "drain", "check", "weightBy", "tls", "attemptsTotal",
		"establishedTotal", "refusedTotal", "timedOutTotal", "unreachableTotal",
		"otherFailedTotal", "canceledTotal", "closedTotal", "resetTotal", "lostTotal",
		"connectSecondsBuckets", "consecutiveFailures", "ejectionsTotal",
		"ejectedRemainingSeconds", "lastError", "lastErrorTime", "movedTotal"])'
	lab backends
	[[ ${lines[1]} =~ ^\ \ PEER\ +NODE\ +STATE\ +ACTIVE\ +SHARE\ +FAILED\ +SINCE$ ]]
	[ "${lines[2]}" = "fabric/gateway:grpc  10.96.0.1:7051  lc  6 connections, even" ]
	[[ ${lines[3]} =~ ^\ \ 10.1.0.1:7051\ +-\ +usable\ +2\ .+\ 33%\ +0\ +-$ ]]
	# For scripts: the same columns as ever, and no heading.
	lab backends --no-headers
	[ "${#lines[@]}" -eq 3 ]
	[[ ${lines[0]} =~ ^fabric\ +gateway\ +grpc\ +10.1.0.1:7051\ +-\ +usable\ +2\ +2\ +2\ +0$ ]]
	stop "$dialer"
	becomes backends_are '.items | all(.active == 0 and .closedTotal == 2)'
}

@test "backends: an attempt that fails makes its backend suspect" {
	# For longer than it takes to look.
	{ service gateway 10.96.0.1 7051 'gwbpf.io/ejection: "time=60s"'
	  slice gateway 10.1.0.1 10.1.0.2 10.1.0.3; } >"$manifests/a.yaml"
	listen 10.1.0.{1,2}:7051
	start_agent
	dial_in_vain 10.96.0.1 7051 || dial_in_vain 10.96.0.1 7051 || dial_in_vain 10.96.0.1 7051
	lab backends -o json
	json '.items[2] | .state == "suspect" and .reason != null and .refusedTotal == 1 and .attemptsTotal == 1 and
		.consecutiveFailures == 1'
	lab services -o json
	json '.items[0] | .failedTotal == 1 and .attemptsTotal >= 1'
}

@test "backends: one that left is shown while it has connections" {
	listen 10.1.0.{1,2,3}:7051
	start_agent
	dial 10.96.0.1:7051 3
	{ service gateway 10.96.0.1; slice gateway 10.1.0.1 10.1.0.2; } >"$manifests/a.yaml"
	becomes backends_are '.items[2] | .state == "leaving" and .active == 1 and .weight == 0 and
		.reason == "it is no endpoint of its Service any more, or not a ready one"'
	json '.items[:2] | all(.reason == null)'
	has_logged "has 2 backends (ready), before 3: gone 10.1.0.3:7051"
	lab services -o json
	json '.items[0] | .backends == 3 and .usable == 2 and .active == 3'
	rm "$manifests/a.yaml"
	becomes backends_are '.items | length == 3 and all(.state == "leaving" and .active == 1)'
	# They can be asked for although the Service is gone.
	lab connections fabric/gateway -o json
	[ "$status" -eq 0 ]
	json '.items | length == 3'
}

@test "connections: each with both ends, its process and its namespace" {
	listen 10.1.0.{1,2,3}:7051
	start_agent
	dial 10.96.0.1:7051 6
	lab connections -o json
	[ "$status" -eq 0 ]
	json '.kind == "ConnectionList" and .observedBy == "n1" and (.items | length) == 6'
	json "$(cat <<-END
		.items | all(.namespace == "fabric" and .service == "gateway" and
		.serviceAddress == "10.96.0.1" and .servicePort == 7051 and .backendPort == 7051 and
		.source == "10.1.0.9" and .sourcePort > 0 and .clientPid == $dialer and
		.state == "established" and .netns == "$(stat -Lc %i "/proc/$holder/ns/net")" and
		.ageSeconds >= 0 and .ageSeconds < 60 and .idleSeconds >= 0 and .rttSeconds > 0 and
		.bytesSent == 5 and .bytesReceived == 5 and .clientPod == null and .pod == null and
		.clientNamespace == null and .clientCommand == "perl" and .retransmitsTotal == 0 and
		.bytesUnacked == 0 and .unansweredSeconds == null)
	END
	)"
	json '[.items[].cookie] | unique | length == 6 and all(type == "string")'
	json '[.items[].backendAddress] | . == sort and (unique | length == 3)'
	lab connections --backend 10.1.0.2:7051 -o json
	json '.items | length == 2 and all(.backendAddress == "10.1.0.2")'
	lab connections gateway:grpc --no-headers
	[ "${#lines[@]}" -eq 6 ]
	[[ ${lines[0]} =~ ^fabric\ +gateway\ +10.1.0.1:7051\ +-\ +10.1.0.9:[0-9]+\ +perl\ +$dialer\ +established ]]
	stop "$dialer"
	# Until their other ends are closed, too, they are there.
	becomes connections_are '.items == []'
	lab connections
	[ "${lines[1]}" = "(none)" ]
}

@test "backends: after a change of the Service's address each row says which one it is of" {
	listen 10.1.0.{1,2,3}:7051
	start_agent
	dial 10.96.0.1:7051 3
	{ service gateway 10.96.0.8; slice gateway 10.1.0.1 10.1.0.2 10.1.0.3; } >"$manifests/a.yaml"
	becomes backends_are '[.items[] | [.serviceAddress, .state]] | unique ==
		[["10.96.0.1", "leaving"], ["10.96.0.8", "usable"]]'
	json '.items[0].reason == "its Service no longer has this address and port"'
	lab backends
	[ "${lines[2]}" = "fabric/gateway:grpc  10.96.0.1:7051  not balanced  3 connections" ]
	[[ ${lines[3]} =~ ^~\ 10.1.0.1:7051\ +-\ +leaving ]]
	[ "${lines[6]}" = "fabric/gateway:grpc  10.96.0.8:7051  lc  0 connections" ]
	[[ ${lines[7]} =~ ^\ \ 10.1.0.1:7051\ +-\ +usable ]]
	lab backends -o wide --no-headers
	[[ $output =~ gateway\ +grpc\ +10.96.0.1:7051\ +10.1.0.1:7051\ +-\ .*leaving ]]
	[[ $output =~ gateway\ +grpc\ +10.96.0.8:7051\ +10.1.0.1:7051\ +-\ .*usable ]]
}

@test "connections: what was sent and has had no answer" {
	listen 10.1.0.{1,2,3}:7051
	listener=$started
	start_agent
	dial 10.96.0.1:7051 3
	# What is sent within a tick of the kernel's clock after an answer counts as answered.
	sleep 0.1
	kill -STOP "$listener"
	# It waits for the first of the answers in vain.
	kill -USR1 "$dialer"
	becomes connections_are '[.items[].unansweredSeconds | select(. != null and . < 60)] | length == 1'
	# Its kernel takes its time to acknowledge that.
	becomes connections_are 'all(.items[]; .bytesUnacked == 0)'
	kill -CONT "$listener"
	becomes connections_are 'all(.items[]; .unansweredSeconds == null)'
}

@test "connections: the pod that a client is in" {
	local pod=$cgroup/kubepods-pod0f3a9c1e_5b7d_4e2f_8a6b_1c2d3e4f5a6b.slice
	mkdir "$pod"
	listen 10.1.0.{1,2,3}:7051
	start_agent
	start bash -c 'echo $$ >"$0"/cgroup.procs; exec 4<>/dev/tcp/10.96.0.1/7051
		: >"$READY"; exec sleep infinity' "$pod"
	becomes test -e "$READY"
	lab connections -o json
	kill "$started"
	wait "$started" || true
	becomes rmdir "$pod"
	json '[.items[].clientPod] == ["0f3a9c1e-5b7d-4e2f-8a6b-1c2d3e4f5a6b"]'
}

@test "connections: a socket whose connect failed is none" {
	start_agent
	start perl -MIO::Socket::INET -MSocket -e '
		socket(my $socket, PF_INET, SOCK_STREAM, 0) or die;
		connect($socket, pack_sockaddr_in(7051, inet_aton("10.96.0.1"))) and die;
		open(my $ready, ">", $ENV{READY}) or die; close($ready);
		sleep 1 while 1;'
	becomes test -e "$READY"
	lab backends -o json
	json '[.items[].refusedTotal] | add == 1'
	lab connections -o json
	[ "$status" -eq 0 ]
	json '.items == []'
}

@test "one Service, and one namespace: of services, backends and connections" {
	listen 10.1.0.{1,2,3}:7051
	{ service other 10.96.0.2; slice other 10.1.0.1; } | sed 's/namespace: fabric/namespace: shop/' \
		>"$manifests/b.yaml"
	start_agent
	dial 10.96.0.2:7051 1
	lab services shop/other -o json
	[ "$status" -eq 0 ]
	json '[.items[].name] == ["other"]'
	lab -n fabric services -o json
	json '[.items[].name] == ["gateway"]'
	lab -n fabric -A services -o json
	json '.items | length == 2'
	lab services gateway -n fabric --no-headers
	[ "${#lines[@]}" -eq 1 ]
	lab backends -n shop -o json
	json '[.items[].service] == ["other"]'
	lab connections -n shop -o json
	json '.items | length == 1'
	lab connections -n fabric -o json
	json '.items == []'
	lab services -n nothing -o json
	[ "$status" -eq 0 ]
	json '.items == []'
	lab_fails "cannot find Service 'shop/gateway'" backends gateway -n shop
	lab_fails "cannot look for Service 'fabric/gateway' in namespace 'shop'" \
		backends -n shop fabric/gateway
}

@test "names that mean nothing here are refused" {
	start_agent
	lab_fails "cannot find Service 'fabric/nothing'" backends fabric/nothing
	lab_fails "cannot find the port of 'gateway:80': give one that Service 'fabric/gateway' has: 7051 ('grpc')" \
		connections gateway:80
	lab_fails "cannot find backend '10.1.0.9:7051'" connections --backend 10.1.0.9:7051
	lab_fails "as the name of a Service" connections a/b/c
}

agent_is_missed()
{
	! lab_gwbpf status
}

@test "status: an agent that ended, and one that hangs, are problems" {
	start_agent
	kill -STOP "$agent"
	becomes agent_is_missed
	lab status -o json
	[ "$status" -eq 1 ]
	json "(.healthy == false) and .agent.running == false and .agent.pid == $agent and
		.agent.heartbeatAgeSeconds > 10 and (.problems | length == 1) and
		(.problems[0] | test(\"pid $agent.*no sign of life.*restart\"))"
	kill -CONT "$agent"
	becomes agent_is_ready
	stop "$agent"
	lab status -o json
	[ "$status" -eq 1 ]
	json '.agent.running == false and .agent.pid == null and
		(.problems[0] | test("no agent runs.*run .gwbpf agent."))'
	json '.hooks | all(.attached == true and .live == null)'
	# Reading needs no agent.
	lab services -o json
	[ "$status" -eq 0 ]
	json '.items | length == 1'
}

@test "status: a hook that is gone is a problem that names it" {
	start_agent
	# The agent would mend it.
	kill -STOP "$agent"
	inside rm "$GWBPF_PIN_DIR/links/gw_connect4"
	lab status -o json
	[ "$status" -eq 1 ]
	json '.problems | length == 1 and (.[0] | test("not attached: connect4: the agent attaches them within"))'
	json '.hooks[] | select(.name == "connect4") | .attached == false and .live == false and
		.programId == null'
	lab status --color always
	contains "$output" $'\e[31mmissing'
}

# Nobody listens at its API server.
@test "status: what was never read to the end is not in force, and a problem" {
	start_agent_of_cluster
	lab status -o json
	[ "$status" -eq 1 ]
	json '.hooks == [] and .agent.synced == false and .agent.source == "kubernetes" and
		(.problems | length == 1 and (.[0] | test("has not read all Services.*its log names")))'
}

@test "status: a cgroup that does not hold the node's pods is a problem that names it" {
	pods=$cgroup-kubepods
	start_agent
	stop "$agent"
	mkdir "$pods"
	sleep infinity 3>&- &
	local pod=$!
	lab_pids+=("$pod")
	echo $pod >"$pods/cgroup.procs"
	start_agent_of_cluster
	# While the pod is there: the agent looks again every ten seconds.
	lab status -o json
	kill $pod
	becomes rmdir "$pods"
	contains "$(<"$BATS_TEST_TMPDIR/agent.log")" "cgroup '$cgroup' does not hold the pods of this node"
	[ "$status" -eq 1 ]
	json ".cgroup.coversPods == false and (.hooks | all(.live == false)) and (.problems |
		any(test(\"attached to cgroup '$cgroup', which does not hold the pods\")))"
}

@test "pins of another ABI are told apart" {
	start_agent
	stop "$agent"
	meta=$GWBPF_PIN_DIR/maps/gw_meta
	abi_offset=4
	value=$(inside bpftool -j map dump pinned "$meta" |
		jq -r ".[0].value | .[$abi_offset] = \"0x63\" | map(ltrimstr(\"0x\")) | join(\" \")")
	inside bpftool map update pinned "$meta" key hex 00 00 00 00 value hex $value
	lab_fails "ABI 99" services
	lab_fails "ABI 99" connections
	lab status -o json
	[ "$status" -eq 1 ]
	json '.abi == 99 and .healthy == false and (.problems[0] | test("ABI 99"))'
	lab detach
	[ "$status" -eq 0 ]
	lab_fails "nothing is installed" services
}

@test "detach: refuses while an agent runs, and leaves connections alone" {
	listen 10.1.0.{1,2,3}:7051
	start_agent
	dial 10.96.0.1:7051 3
	lab_fails "$agent" detach
	lab status
	[ "$status" -eq 0 ]

	lab detach --force -o json
	[ "$status" -eq 0 ]
	json ".kind == \"Detach\" and .detached == true and
		.message == \"the agent with pid $agent was ended\""
	wait "$agent" || true
	lab_fails "nothing is installed" services
	[ -z "$(inside ls -A "$GWBPF_PIN_DIR" 2>/dev/null)" ]
	# The connections live on, and a new one goes where it is sent.
	kill -USR1 "$dialer"
	becomes test -s "$READY"
	[ "$(<"$READY")" -eq 3 ]
	dial_in_vain 10.96.0.1 7051
	lab detach
	[ "$status" -eq 0 ]
	contains "$output" "nothing of gwbpf is attached or pinned"
}

@test "without root every command says what to do" {
	start_agent
	inside chmod 755 "$BATS_TEST_TMPDIR/bpf"
	for command in services backends connections status detach; do
		run --separate-stderr inside setpriv --reuid 65534 --clear-groups "$root/build/gwbpf" \
			"$command"
		[ "$status" -eq 1 ]
		[ -z "$output" ]
		contains "$stderr" "run it as root"
	done
}

@test "check: finds what is there, leaves nothing behind, and fails without root" {
	lab check --cgroup "$cgroup" -o json
	[ "$status" -eq 0 ]
	json '.kind == "Check" and .canRun == true and (.requirements | length) >= 5'
	json '.requirements | all(.outcome != "missing" and .detail != null)'
	lab check --cgroup "$cgroup"
	[ "$status" -eq 0 ]
	[[ ${lines[1]} =~ ^REQUIREMENT\ +OUTCOME\ +DETAIL$ ]]
	lab_fails "nothing is installed" services
	run --separate-stderr inside setpriv --reuid 65534 --clear-groups "$root/build/gwbpf" check \
		--cgroup "$cgroup" -o json
	[ "$status" -eq 1 ]
	# One thing is said: what else is missing could not be seen.
	json '.canRun == false and (.requirements | length == 1 and .[0].name == "root" and
		.[0].outcome == "missing" and (.[0].remedy | test("run it as root")))'
	lab check --cgroup "$cgroup/nothing" -o json
	[ "$status" -eq 1 ]
	json ".canRun == false and ([.requirements[].detail] | any(. // \"\" | test(\"nothing\")))"
}
