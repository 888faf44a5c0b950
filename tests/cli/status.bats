# SPDX-License-Identifier: Apache-2.0
# `status` judges what clients get: problems, which make it exit 1, and warnings, which do so only with
# --strict.

load lib

setup()
{
	lab_setup
	manifests=$BATS_TEST_TMPDIR/manifests
	log=$BATS_TEST_TMPDIR/agent.log
	# Whatever pods this machine has, those of the lab are covered.
	mkdir "$cgroup/kubepods"
	{ service gateway 10.96.0.1; slice gateway 10.1.0.1 10.1.0.2; } >"$manifests/a.yaml"
}

teardown()
{
	[ -z "${cgroup-}" ] || rmdir "$cgroup/kubepods"
	lab_teardown
}

lab()
{
	run --separate-stderr lab_gwbpf "$@"
}

# exits STATUS FILTER: so does `status`, and its JSON is so.
exits()
{
	lab status -o json
	[ "$status" -eq "$1" ] || {
		printf 'exit status %s\n%s\n' "$status" "$output" >&2
		return 1
	}
	json "$2"
}

@test "a Service with clients and no usable backend is a problem; without clients it is none" {
	service none 10.96.0.2 >"$manifests/b.yaml"
	start_agent
	exits 0 '.problems == [] and .warnings == []'
	dial_in_vain 10.96.0.2 7051
	exits 1 '.healthy == false and (.problems | length == 1) and
		(.problems[0] | test("service .fabric/none. \\(10.96.0.2:7051\\) has clients and no " +
		"usable backend: 1 of their connects were refused.*kubectl get endpointslices -n fabric"))'
	# Also once the agent has noted the time.
	becomes exits 1 '.problems[0] | test("the last one [1-9]")'
	slice none 10.1.0.1 >>"$manifests/b.yaml"
	becomes exits 0 '.problems == []'
}

@test "a file that cannot be parsed is a warning that names it; what was there stays in force" {
	start_agent
	echo 'kind: [' >"$manifests/b.yaml"
	becomes exits 0 ".warnings | length == 1 and (.[0] | test(\"refused from '$manifests/b.yaml'\"))"
	lab status
	[ "$status" -eq 0 ]
	contains "$output" "warnings:     refused from '$manifests/b.yaml'"
	lab status --strict
	[ "$status" -eq 1 ]
	contains "$output" "healthy:      yes"
	has_logged "everything else stays in force"
	rm "$manifests/b.yaml"
	becomes exits 0 '.warnings == []'
	echo 'kind: [' >"$manifests/b.yaml"
	becomes exits 0 '.warnings | length == 1'
	service other 10.96.0.2 >"$manifests/b.yaml"
	becomes exits 0 '.warnings == []'
	has_logged "'$manifests/b.yaml' is good again"
}

@test "settings that are refused: a problem without good ones before, else a warning" {
	{ service bad 10.96.0.3 7051 "gwbpf.io/policy: fastest"; slice bad 10.1.0.1; } >"$manifests/c.yaml"
	start_agent
	exits 1 '.problems | length == 1 and (.[0] | test("settings of service .fabric/bad. are refused, " +
		"and there were no good ones before.*fastest"))'
	json '.warnings == []'
	{ service bad 10.96.0.3; slice bad 10.1.0.1; } >"$manifests/c.yaml"
	becomes exits 0 '.problems == [] and .warnings == []'
	{ service bad 10.96.0.3 7051 "gwbpf.io/policy: fastest"; slice bad 10.1.0.1; } >"$manifests/c.yaml"
	becomes exits 0 '.problems == [] and (.warnings | length == 1) and (.warnings[0] |
		test("the last good ones stay in force.*fastest"))'
}

@test "a suspended Service is a warning" {
	start_agent
	lab suspend gateway
	exits 0 '.healthy and .problems == [] and (.warnings | length == 1) and
		(.warnings[0] | test("fabric/gateway. is left to kube-proxy.*gwbpf resume fabric/gateway"))'
	lab status --strict
	[ "$status" -eq 1 ]
	lab resume gateway
	exits 0 '.warnings == []'
}

@test "a drain is a warning, by command and by annotation" {
	start_agent
	lab drain 10.1.0.1:7051 --control "$control"
	[ "$status" -eq 0 ]
	exits 0 '.healthy and .problems == [] and (.warnings | length == 1) and
		(.warnings[0] | test("10.1.0.1:7051 of service .fabric/gateway. is drained by command on " +
			"this node, and has 0 connections left: .gwbpf undrain 10.1.0.1:7051. ends that"))'
	lab undrain 10.1.0.1:7051 --control "$control"
	exits 0 '.warnings == []'
	{ service gateway 10.96.0.1 7051 "gwbpf.io/drain: org1-peer1"; slice gateway 10.1.0.1 10.1.0.2; } |
		sed 's/\["10.1.0.1"\]/&, targetRef: {kind: Pod, name: org1-peer1-0}/' >"$manifests/a.yaml"
	becomes exits 0 '(.warnings | length == 1) and (.warnings[0] | test("drained by gwbpf.io/drain"))'
}

@test "an address that two Services claim is a warning that names both" {
	start_agent
	{ service other 10.96.0.1; slice other 10.1.0.1; } >"$manifests/b.yaml"
	becomes exits 0 '.warnings | length == 1 and (.[0] | test("service .fabric/other.: cannot balance " +
		"10.96.0.1:7051: the address belongs to service .fabric/gateway.: give one"))'
	# Nothing changes, as long as it is refused.
	becomes exits 0 '.agent.lastChangeAgeSeconds > 2'
}

@test "connections from before the hooks are told, and are not counted" {
	# Who is at the Service's own address when nobody rewrites it: kube-proxy, so to speak.
	inside ip address add 10.96.0.1/32 dev lo
	listen 10.1.0.{1,2}:7051 10.96.0.1:7051
	dial 10.96.0.1:7051 3
	older=$dialer
	start_agent
	dial 10.96.0.1:7051 2
	exits 0 '.connectionCount == 2 and .olderConnectionCount == 3'
	lab status
	contains "$output" "connections:  2, and 3 older ones to these Services"
	stop "$older"
	becomes exits 0 '.olderConnectionCount == 0'
}

@test "the status page says the same words" {
	service none 10.96.0.2 >"$manifests/b.yaml"
	echo 'kind: [' >"$manifests/c.yaml"
	start_agent
	dial_in_vain 10.96.0.2 7051
	page=$(inside curl -sS http://127.0.0.1:9451/)
	contains "$page" "has clients and no usable backend"
	contains "$page" "refused from '$manifests/c.yaml'"
	contains "$(inside curl -sS http://127.0.0.1:9451/api/v1/status)" "has clients and no usable backend"
	lab status -o json
	refused=$(jq -r '.warnings[0]' <<<"$output")
	contains "$(inside curl -sS "http://127.0.0.1:9451/readyz?verbose")" "[+] objects: ${refused#*: }"
}

# As the kernel notes it: how one comes to be ejected is the matter of other tests.
@test "a backend that is ejected is a warning that names it" {
	start_agent
	map=$GWBPF_PIN_DIR/maps/gw_health
	size=$(inside bpftool -j map show pinned "$map" | jq .bytes_value)
	# is_ejected at byte 4, and ejected_until_ns up to byte 47: one whose time is over is returning.
	inside bpftool map update pinned "$map" key 0 0 0 0 value 0 0 0 0 1 0 0 0 \
		$(printf '0 %.0s' $(seq 39)) 16 $(printf '0 %.0s' $(seq $((size - 48))))
	exits 0 '.warnings | length == 1 and (.[0] | test("backend 10.1.0.[12]:7051 of service " +
		".fabric/gateway. is ejected.*gwbpf backends --wide failures fabric/gateway"))'
}

# api MODE: a cluster with one Service; "ok", or "forbidden": it answers 403. end_api ends it.
api()
{
	start perl -MIO::Socket::INET -e '
		my ($mode) = @ARGV;
		my $service = q({"metadata":{"name":"gateway","namespace":"fabric","uid":"u1",) .
			q("resourceVersion":"5","labels":{"gwbpf.io/enabled":"true"}},"spec":) .
			q({"type":"ClusterIP","clusterIP":"10.96.0.1","clusterIPs":["10.96.0.1"],) .
			q("ports":[{"name":"grpc","port":7051,"protocol":"TCP"}]}});
		my $slice = q({"metadata":{"name":"gateway-1","namespace":"fabric","uid":"u2",) .
			q("resourceVersion":"6","labels":{"gwbpf.io/enabled":"true",) .
			q("kubernetes.io/service-name":"gateway"}},"addressType":"IPv4","ports":) .
			q([{"name":"grpc","port":7051,"protocol":"TCP"}],"endpoints":) .
			q([{"addresses":["10.1.0.1"],"conditions":{"ready":true}}]});
		my $node = q({"kind":"Node","apiVersion":"v1","metadata":{"name":"n1","uid":"u3",) .
			q("resourceVersion":"4","labels":{}}});
		my $no = q({"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden",) .
			q("message":"no right","code":403});
		my $listener = IO::Socket::INET->new(LocalAddr => "127.0.0.1:8080", Listen => 16,
			ReuseAddr => 1) or die "$!";
		$SIG{CHLD} = "IGNORE";
		my $parent = $$;
		open(my $ready, ">", $ENV{READY}) or die; close($ready);
		while (my $client = $listener->accept) {
			next if fork;
			close($listener);
			while (defined(my $asked = <$client>)) {
				my $line;
				do { $line = <$client> } while (defined $line && $line ne "\r\n");
				if ($mode eq "ok" && $asked =~ /watch=true/) {
					syswrite($client, "HTTP/1.1 200 OK\r\n" .
						"Content-Type: application/json\r\n" .
						"Transfer-Encoding: chunked\r\n\r\n");
					select(undef, undef, undef, 0.05) while getppid() == $parent;
					exit;
				}
				my $list = sub { sprintf(q({"kind":"%s","apiVersion":"%s","metadata":) .
					q({"resourceVersion":"7"},"items":[%s]}), @_) };
				my $body = $mode ne "ok" ? $no : $asked =~ m{/nodes/n1} ? $node :
					$asked =~ m{/services} ? $list->("ServiceList", "v1", $service) :
					$list->("EndpointSliceList", "discovery.k8s.io/v1", $slice);
				my $status = $mode eq "ok" ? "200 OK" : "403 Forbidden";
				syswrite($client, "HTTP/1.1 $status\r\nContent-Type: application/json\r\n" .
					"Content-Length: " . length($body) . "\r\n\r\n$body");
				exit if getppid() != $parent;
			}
			exit;
		}' "$1"
	api=$started
	becomes test -e "$READY"
	rm "$READY"
}

end_api()
{
	stop "$api"
	becomes port_is_free
}

port_is_free()
{
	! inside bash -c 'exec 4<>/dev/tcp/127.0.0.1/8080'
}

service_is()
{
	[ "$(lab_gwbpf services -o json | jq -r '.items[0].state')" = "$1" ]
}

@test "an outage of the API server: a warning, later a problem; what was read stays in force" {
	api ok
	start_agent_of_port 8080 --stale-after 5s
	becomes exits 0 '.agent.synced and .problems == []'
	end_api
	becomes exits 0 '.agent.synced == false and .problems == [] and (.warnings | length == 1) and
		(.warnings[0] | test("the API server has not answered for .*stays in force"))'
	lab status
	contains "$output" "kubernetes, does not answer"
	# Longer than --stale-after.
	sleep 7
	service_is ready
	exits 0 '.agent.followedAgeSeconds < 5'
	# One line of the log for all that could not be read, not one for each attempt.
	[ "$(grep -c 'level=warn msg="cannot' "$log")" -eq 1 ]
	# As if it had lasted for long: the agent must not write what it knows better meanwhile.
	kill -STOP "$agent"
	meta=$GWBPF_PIN_DIR/maps/gw_notes
	value=$(inside bpftool -j map dump pinned "$meta" | jq -r '.[0].value |
		.[8:16] = ["0x1", "0x0", "0x0", "0x0", "0x0", "0x0", "0x0", "0x0"] |
		map(ltrimstr("0x")) | join(" ")')
	inside bpftool map update pinned "$meta" key hex 00 00 00 00 value hex $value
	exits 1 '.problems | length == 1 and
		(.[0] | test("the API server has not answered for .*are not followed"))'
	kill -CONT "$agent"
	api ok
	becomes exits 0 '.agent.synced and .problems == [] and .warnings == []'
}

@test "an agent that is restarted while the API server is away: its hooks are live" {
	api ok
	start_agent_of_port 8080 --stale-after 15s
	becomes exits 0 '.agent.synced'
	end_api
	kill_agent
	start_agent_of_port 8080 --stale-after 15s
	becomes agent_is_running "$agent"
	becomes exits 1 '(.hooks | length == 6 and all(.live == true)) and (.problems |
		length == 1 and (.[0] | test("has not read all Services and endpoints yet: cannot")))'
	sleep 2
	exits 1 '.hooks | all(.live == true)'
	service_is ready
}

agent_is_running()
{
	lab_gwbpf status -o json | jq -e ".agent | .running and .pid == $1"
}

@test "an API server that does not let the agent read: a problem, and hooks that step aside" {
	api ok
	start_agent_of_port 8080 --stale-after 8s
	becomes exits 0 '.agent.synced'
	end_api
	api forbidden
	becomes exits 1 '.agent.synced == false and .agent.running and
		(.problems | any(test("does not let the agent read.*403")))'
	becomes service_is stepped-aside
	exits 1 '.agent.running and .agent.heartbeatAgeSeconds < 8 and .agent.followedAgeSeconds > 8 and
		(.problems | any(test("all Services are left to kube-proxy, as the agent was not allowed")))'
	# Another agent may not either.
	kill_agent
	start_agent_of_port 8080 --stale-after 8s
	becomes agent_is_running "$agent"
	sleep 2
	service_is stepped-aside
	end_api
	api ok
	becomes service_is ready
	becomes exits 0 '.problems == []'
}
