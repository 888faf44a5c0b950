# SPDX-License-Identifier: Apache-2.0
# Client pods that a Service leaves to kube-proxy (gwbpf.io/clients-except). The Service's own
# address stands for kube-proxy here, and cgroups with the kubelet's names for pods.

load lib

setup()
{
	lab_setup
	manifests=$BATS_TEST_TMPDIR/manifests
	log=$BATS_TEST_TMPDIR/agent.log
	# The kubelet's, by systemd, with a --cgroup-root of its own.
	root_of_pods=$cgroup/kubelet-kubepods.slice
	inside ip address add 10.96.0.1/32 dev lo
	# The agent sees the pods of tests that run at the same time, too.
	mesh=$(printf '%08x-5b7d-4e2f-8a6b-1c2d3e4f5a01' $$)
	plain=${mesh%1}2
	other=${mesh%1}3
}

teardown()
{
	[ -n "${cgroup-}" ] || return 0
	kill -KILL "${lab_pids[@]}" 2>/dev/null
	wait "${lab_pids[@]}" 2>/dev/null || true
	[ ! -e "$root_of_pods" ] || becomes remove_pods
	lab_teardown
}

remove_pods()
{
	find "$root_of_pods" -depth -type d -exec rmdir {} +
}

lab()
{
	run --separate-stderr lab_gwbpf "$@"
}

# cgroup_of UID: of a burstable pod, with a container.
cgroup_of()
{
	echo "$root_of_pods/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod${1//-/_}.slice"
}

start_pod()
{
	mkdir -p "$(cgroup_of "$1")/cri-1.scope"
}

# pod NAME UID APP [NODE]
pod()
{
	cat <<-END
	---
	apiVersion: v1
	kind: Pod
	metadata: {name: $1, namespace: clients, uid: $2, labels: {app: $3}}
	spec: {nodeName: ${4-n1}}
	status: {phase: Running}
	END
}

gateway()
{
	service gateway 10.96.0.1 7051 "gwbpf.io/clients-except: \"$1\""
	slice gateway 10.1.0.1 10.1.0.2
}

# dial_as UID COUNT: from the pod's container.
dial_as()
{
	cgroup=$(cgroup_of "$1")/cri-1.scope dial 10.96.0.1:7051 "$2"
}

attempts_are()
{
	[ "$(lab_gwbpf backends -o json | jq '[.items[].attemptsTotal] | add')" -eq "$1" ]
}

warnings_are()
{
	lab_gwbpf status -o json | jq -e ".warnings | $1"
}

excepted_connects()
{
	lab_gwbpf status -o json | jq '[.. | .excepted? // empty] | add'
}

@test "pods that the selector meets are left to kube-proxy, and others are balanced" {
	{ gateway "app in (mesh,ops), !job"; pod m $mesh mesh; pod p $plain web; } >"$manifests/a.yaml"
	start_pod $mesh
	start_pod $plain
	listen 10.1.0.{1,2}:7051 10.96.0.1:7051
	start_agent
	dial_as $mesh 2
	attempts_are 0
	[ "$(excepted_connects)" -eq 2 ]
	dial_as $plain 2
	attempts_are 2
	dial 10.96.0.1:7051 2
	attempts_are 4
	[ "$(excepted_connects)" -eq 2 ]
	lab status -o json
	json '.warnings == []'
}

@test "a pod that comes later, and a selector that changes" {
	gateway "app=mesh" >"$manifests/a.yaml"
	start_pod $mesh
	listen 10.1.0.{1,2}:7051 10.96.0.1:7051
	start_agent
	dial_as $mesh 1
	attempts_are 1
	# First the object, then, a moment later, its cgroup: the kubelet does it so.
	pod m $mesh mesh >"$manifests/b.yaml"
	has_logged '1 pods of this node excepted, before 0'
	pod o $other mesh >"$manifests/c.yaml"
	sleep 0.3
	start_pod $other
	has_logged '2 pods of this node excepted, before 1'
	dial_as $mesh 1
	dial_as $other 1
	attempts_are 1
	gateway "app=nobody" >"$manifests/a.yaml"
	has_logged '0 pods of this node excepted, before 2'
	dial_as $mesh 1
	attempts_are 2
}

@test "who is excepted stays so while no agent is there" {
	{ gateway "app=mesh"; pod m $mesh mesh; } >"$manifests/a.yaml"
	start_pod $mesh
	listen 10.1.0.{1,2}:7051 10.96.0.1:7051
	start_agent
	kill_agent
	dial_as $mesh 1
	start_agent
	dial_as $mesh 1
	attempts_are 0
	! grep -q 'excepted, before' "$log"
}

@test "a pod of this node without a cgroup is told, and one of another node is not" {
	{ gateway "app=mesh"; pod m $mesh mesh; pod o $other mesh n2; } >"$manifests/a.yaml"
	start_agent
	becomes warnings_are 'any(test("names 1 pods of this node whose cgroup is not found"))'
	start_pod $mesh
	becomes warnings_are '. == []'
}

@test "a selector that is none leaves the Service to kube-proxy, with the reason" {
	gateway "app in mesh" >"$manifests/a.yaml"
	listen 10.96.0.1:7051
	start_agent
	lab services -o json
	json '.items[0].state == "invalid" and (.items[0].message |
		test("clients-except.*: at .mesh. a list such as \\(a,b\\) is missing"))'
	dial 10.96.0.1:7051 1
}

# api: a cluster with the gateway, whose pods may not be listed. Watches wait.
api()
{
	local list='{"kind":"%sList","apiVersion":"%s","metadata":{"resourceVersion":"7"},"items":[%s]}'
	# shellcheck disable=SC2059 # the format is ours
	start perl -MIO::Socket::INET -e '
		my ($services, $slices) = @ARGV;
		my $forbidden = q({"kind":"Status","apiVersion":"v1","status":"Failure","code":403,) .
			q("message":"pods is forbidden: User \"agent\" cannot list resource \"pods\""});
		my $node = q({"kind":"Node","apiVersion":"v1","metadata":{"name":"n1",) .
			q("resourceVersion":"7"}});
		my $listener = IO::Socket::INET->new(LocalAddr => "127.0.0.1:8080", Listen => 16,
			ReuseAddr => 1) or die "$!";
		$SIG{CHLD} = "IGNORE";
		open(my $ready, ">", $ENV{READY}) or die; close($ready);
		while (my $client = $listener->accept) {
			next if fork;
			while (defined(my $asked = <$client>)) {
				my $line;
				do { $line = <$client> } while (defined $line && $line ne "\r\n");
				if ($asked =~ /watch=true/) {
					syswrite($client, "HTTP/1.1 200 OK\r\n" .
						"Content-Type: application/json\r\n" .
						"Transfer-Encoding: chunked\r\n\r\n");
					next;
				}
				my $body = $asked =~ m{/pods} ? $forbidden : $asked =~ m{/nodes/} ? $node :
					$asked =~ m{/services} ? $services : $slices;
				my $status = $body =~ /"Status"/ ? "403 Forbidden" : "200 OK";
				syswrite($client, "HTTP/1.1 $status\r\nContent-Type: application/json\r\n" .
					"Content-Length: " . length($body) . "\r\n\r\n$body");
			}
			exit;
		}' \
		"$(printf "$list" Service v1 '{"metadata":{"name":"gateway","namespace":"fabric",
			"labels":{"gwbpf.io/enabled":"true"},"annotations":{"gwbpf.io/clients-except":"app=mesh"}},
			"spec":{"clusterIP":"10.96.0.1","ports":[{"name":"grpc","port":7051,"protocol":"TCP"}]}}')" \
		"$(printf "$list" EndpointSlice discovery.k8s.io/v1 '{"metadata":{"name":"gateway-1",
			"namespace":"fabric","labels":{"kubernetes.io/service-name":"gateway"}},
			"addressType":"IPv4","ports":[{"name":"grpc","port":7051,"protocol":"TCP"}],
			"endpoints":[{"addresses":["10.1.0.1"],"conditions":{"ready":true}}]}')"
	becomes test -e "$READY"
	rm "$READY"
}

@test "without the right to list pods the Service is balanced, and the overlay is named" {
	api
	listen 10.1.0.1:7051
	start_agent_of_port 8080
	becomes agent_is_ready
	dial 10.96.0.1:7051 2
	attempts_are 2
	lab status -o json
	[ "$status" -eq 0 ]
	json '.problems == [] and (.warnings | any(test("cannot list pods of node .n1.: it is forbidden") and
		test("deploy/overlays/clients-except") and test("leaves no pod out")))'
	# The agent counts as one that follows its source.
	json '.agent.running and .agent.synced'
}
