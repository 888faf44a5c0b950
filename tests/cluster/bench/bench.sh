#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Measure gwbpf at an API server: from a change in the API to the kernel, and 10,000 Services of ten
# endpoints each. It prints, and asserts nothing. Objects in bulk go to etcd at once, because it
# is not the API server's writing that is to be measured.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib.bash"

SERVICES=${SERVICES:-10000}
ENABLED=${ENABLED:-$SERVICES} # so many of them have the label
ENDPOINTS=10
PIN_DIR=/sys/fs/bpf/gwbpf-bench-cluster
CGROUP=$(cgroup_hierarchies cgroup2)/gwbpf-bench-cluster
VIP=10.96.1.1 BIG_VIP=10.96.0.2
AGENT=$CLUSTER_TOP/build/gwbpf
STOPWATCH=$CLUSTER_TOP/build/release/tests/cluster/bench/stopwatch

# What jq needs to write the objects of this cluster.
OBJECTS='
	def address($n): "10.\(128 + ($n / 65536 | floor)).\(($n / 256 | floor) % 256).\($n % 256)";
	def vip($i): if $i == "big" then "10.96.0.2"
		else "10.96.\($i / 250 + 1 | floor).\($i % 250 + 1)" end;
	def meta($name): {namespace: "bench", name: $name, uid: $name,
		creationTimestamp: "2026-01-01T00:00:00Z", labels: {}};
	# Without it the API server repairs each Service, for minutes.
	def ip($i): {apiVersion: "networking.k8s.io/v1", kind: "IPAddress",
		metadata: {name: vip($i), uid: vip($i), creationTimestamp: "2026-01-01T00:00:00Z", labels: {
			"ipaddress.kubernetes.io/ip-family": "IPv4",
			"ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io"}},
		spec: {parentRef: {group: "", resource: "services", namespace: "bench", name: "s\($i)"}}};
	def service($i): {apiVersion: "v1", kind: "Service", metadata: (meta("s\($i)") |
			if $i == "big" or $i < $enabled then .labels["gwbpf.io/enabled"] = "true" else . end),
		spec: {type: "ClusterIP", clusterIP: vip($i), clusterIPs: [vip($i)], ipFamilies: ["IPv4"],
			ipFamilyPolicy: "SingleStack", sessionAffinity: "None", internalTrafficPolicy: "Cluster",
			ports: [{name: "grpc", protocol: "TCP", port: 7051, targetPort: 7051}]}};
	def endpoint($n; $ready): {addresses: [address($n)], nodeName: "node\($n % 100)",
		conditions: {ready: $ready, serving: $ready, terminating: false},
		targetRef: {kind: "Pod", namespace: "bench", name: "pod-\($n)"}};
	def slice($i; $name; $endpoints): {apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice",
		metadata: (meta($name) | .labels["kubernetes.io/service-name"] = "s\($i)"),
		addressType: "IPv4", endpoints: $endpoints, ports: [{name: "grpc", protocol: "TCP", port: 7051}]};
	# The slice of Service i with so many of its endpoints ready.
	def ready_slice($i; $ready):
		slice($i; "s\($i)-a"; [range(10) | endpoint($i * 10 + .; . < $ready)]);
	def key: {Service: "services/specs/bench/", EndpointSlice: "endpointslices/bench/",
		IPAddress: "ipaddresses/"}[.kind] + .metadata.name;
	def put: {requestPut: {key: ("/registry/" + key | @base64), value: (tojson | @base64)}};
	def batch: {compare: [], success: map(put)};
'

objects() {
	jq -nc --argjson services "$SERVICES" --argjson enabled "$ENABLED" "$OBJECTS $1"
}

etcd() {
	echo "http://127.0.0.1:$CLUSTER_ETCD_PORT/v3/kv/$1"
}

# A transaction a line. The shell's own read takes a byte at a time from a pipe: minutes for these.
write_to_etcd() {
	split -l 1 --filter="curl -fsS -o /dev/null '$(etcd txn)' -d @-"
}

pid() {
	cat "$CLUSTER/run/agent"
}

cpu_ms() {
	awk '{ printf "%d", $1 / 1e6 }' "/proc/$(pid)/schedstat"
}

# stopwatch VIP INTERVAL METHOD URL [CA CERTIFICATE KEY] <REQUESTS: and what it took of the agent.
stopwatch() {
	local address=$1 interval=$2 before
	shift 2
	before=$(cpu_ms)
	"$STOPWATCH" "$PIN_DIR" "$address" 7051 "$interval" "$@"
	printf '%-28s %d ms\n' "the agent's CPU time" $(($(cpu_ms) - before))
}

start_agent() {
	local start
	start=$(date +%s%N)
	cluster_start agent "$AGENT" agent --kubeconfig "$CLUSTER/agent.kubeconfig" --node-name node1 \
		--zone z1 --pin-dir "$PIN_DIR" --cgroup "$CGROUP" \
		--listen "127.0.0.1:$PORT" --max-services 16384 --max-backends 131072 --log-level warn
	until curl -fsS -o /dev/null "http://127.0.0.1:$PORT/readyz" 2>/dev/null; do
		cluster_is_running agent || { tail "$CLUSTER/log/agent"; return 1; }
		sleep 0.01
	done
	awk -v start="$start" -v end="$(date +%s%N)" -v cpu="$(cpu_ms)" 'BEGIN {
		printf "%-28s %.2f s, %.2f s of it CPU time (aim: 3 s)\n", "cold sync over TLS",
			(end - start) / 1e9, cpu / 1e3 }'
}

memory() {
	awk '/^RssAnon/ { anon = $2 } /^RssFile/ { file = $2 } END {
		printf "%-28s %.1f MB, %.1f MB with the program itself (aim: 64 MB)\n",
			"memory beside the maps", anon / 1024, (anon + text) / 1024 }' \
		text="$(size -A "$AGENT" | awk '/^Total/ { printf "%d", $2 / 1024 }')" "/proc/$(pid)/status"
}

# The agent's own word on what came since this was asked the last time.
apply_time() {
	touch "$CLUSTER/metrics"
	curl -fsS "http://127.0.0.1:$PORT/metrics" |
		grep ^gwbpf_apply_duration_seconds_bucket >"$CLUSTER/metrics.new"
	awk -F '["} ]+' '
		FILENAME == ARGV[1] { before[$2] = $3; next }
		{ le[++n] = $2; sum[n] = $3 - before[$2] }
		END { for (q = 50; q <= 99; q += 49) for (i = 1; i <= n; i++)
			if (sum[i] * 100 >= sum[n] * q) { at[q] = le[i]; break }
		printf "%-28s p50 <= %g ms  p99 <= %g ms of %d (aim: p99 1 ms)\n",
			"decided and written", at[50] * 1e3, at[99] * 1e3, sum[n] }
		' "$CLUSTER/metrics" "$CLUSTER/metrics.new"
	mv "$CLUSTER/metrics.new" "$CLUSTER/metrics"
}

stop() {
	cluster_stop agent
	"$AGENT" detach --pin-dir "$PIN_DIR" >/dev/null || true
	rmdir "$CGROUP" 2>/dev/null || true
	cluster_down
}

echo "--- $SERVICES Services of $ENDPOINTS endpoints, $ENABLED of them enabled, $(nproc) CPUs, Linux $(uname -r)"
cluster_up
trap stop EXIT
# A history of five minutes, as everywhere: a list that takes longer than that begins anew.
cluster_api_stop KILL
cluster_api_start --etcd-compaction-interval 5m
PORT=$(cluster_free_port)
cluster_agent_kubeconfig "$CLUSTER/agent.kubeconfig"
mkdir -p "$CGROUP"
kube_namespace bench
objects 'range(0; $services; 40) as $from | [range($from; $from + 40) |
	ip(.), service(.), ready_slice(.; 10)] | batch' | write_to_etcd
objects '[ip("big"), service("big")] + [range(10) | slice("big"; "big-\(.)"; [range(. * 100; . * 100 + 100) |
	endpoint(500000 + .; true)])] | batch' | write_to_etcd
start_agent
memory

echo "--- a change of a slice through the API server, one after the other"
pki=$CLUSTER/pki
kubectl get endpointslice -n bench s0-a >/dev/null
slices=$CLUSTER_SERVER/apis/discovery.k8s.io/v1/namespaces/bench/endpointslices
objects 'range(1000) | (if . == 999 then 10 else . % 9 + 1 end) as $ready |
	"\($ready)\t\(ready_slice(0; $ready) | del(.metadata.uid))"' |
	jq -r . | stopwatch "$VIP" 0 PUT "$slices/s0-a" "$pki/ca.crt" "$pki/admin.crt" "$pki/admin.key"
apply_time

echo "--- 1,000 changes a second for 20 s: 50 slices each 50 ms, the first of which is watched"
objects 'range(400) as $i | (if $i == 399 then 10 else $i % 9 + 1 end) as $ready |
	"\($ready)\t\([0, (range($i * 49; $i * 49 + 49) | . % ($services - 1) + 1)] |
		map(ready_slice(.; $ready)) | batch)"' |
	jq -r . | stopwatch "$VIP" 50 POST "$(etcd txn)"
apply_time
memory

echo "--- a rolling restart of 1,000 endpoints, 25 at a time, a write each 10 ms"
# Of each 25 one after the other is not ready, then another one instead; at the end 100 vanish.
objects 'def state($first; $gone; $new): ($first / 100 | floor * 100) as $base |
		[range($base; $base + 100) | if . < $first + $new then endpoint(600000 + .; true)
			else endpoint(500000 + .; . >= $first + $gone) end];
	def write($count; $number; $endpoints):
		"\($count)\t\([slice("big"; "big-\($number)"; $endpoints)] | batch)";
	(range(0; 1000; 25) as $first | ($first / 100 | floor) as $number |
		(range(1; 26) | write(1000 - .; $number; state($first; .; 0))),
		(range(1; 26) | write(975 + .; $number; state($first; 25; .)))),
	write(900; 9; [])' |
	jq -r . | stopwatch "$BIG_VIP" 10 POST "$(etcd txn)"
apply_time
