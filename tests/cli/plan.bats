# SPDX-License-Identifier: Apache-2.0
# `gwbpf plan`: what manifests mean, and that bad ones are refused one by one, each with its file,
# the object and a remedy, while the rest is planned. No root, no kernel.

load lib

setup()
{
	file=$BATS_TEST_TMPDIR/manifest.yaml
}

# service NAME ADDRESS [PORT [ANNOTATION]]: a labelled Service, as one document.
service()
{
	cat <<-END
	---
	apiVersion: v1
	kind: Service
	metadata:
	  name: $1
	  namespace: fabric
	  labels: {gwbpf.io/enabled: "true"}
	  annotations: {${4-}}
	spec:
	  type: ClusterIP
	  clusterIP: $2
	  clusterIPs: [$2]
	  ports: [{name: grpc, port: ${3-7051}, protocol: TCP}]
	END
}

# slice SERVICE ADDRESS... : its endpoints, as one document.
slice()
{
	cat <<-END
	---
	apiVersion: discovery.k8s.io/v1
	kind: EndpointSlice
	metadata:
	  name: $1-1
	  namespace: fabric
	  labels: {kubernetes.io/service-name: $1}
	addressType: IPv4
	ports: [{name: grpc, port: ${SLICE_PORT-7051}, protocol: TCP}]
	endpoints:
	END
	printf -- '- {addresses: ["%s"], conditions: {ready: true}}\n' "${@:2}"
}

good()
{
	service good 10.96.0.1
	slice good 10.244.0.1 10.244.0.2
}

# plan PATH...: $output is the JSON, $status the exit status. It never takes long: not for its own work,
# however busy the machine is, and not by waiting for something.
plan()
{
	run --separate-stderr timeout 120 prlimit --cpu="${cpu_seconds-20}" "$root/build/gwbpf" plan -o json --node-name n1 --manifests "$@"
	[ -z "$stderr" ]
	json '.apiVersion == "gwbpf.io/v1" and .kind == "Plan" and .observedBy == "n1"'
}

# One refusal that names file, object and message, each matched by an expression.
refused()
{
	json "[.refused[] | select(.file == \"$file\" and (.object | test(\"$1\")) and
		(.message | test(\"$2\")))] | length >= 1"
}

good_is_planned()
{
	json '[.services[] | select(.name == "good" and .verdict == "balance" and
		.reason == "ready" and (.backends | length) == 2)] | length == 1'
}

# The file as such is refused: nothing of it is planned.
file_refused()
{
	[ "$status" -eq 1 ]
	json '.services == [] and (.refused | length) == 1'
	refused "^$file\$" "$1"
}

@test "a real cluster is planned, in JSON" {
	plan "$root/tests/data/fabric-cluster.yaml"
	[ "$status" -eq 0 ]
	json '.refused == []'
	json '[.services[] | select(.namespace == "fabric" and .name == "org1-peer-gateway-svc")] |
		length == 2 and all(.portName == "grpc" and .port == 7051 and .policy == "lc" and
		.verdict == "balance" and .reason == "ready" and (.backends | length) == 3)'
	json '[.services[] | select(.name == "org1-peer-gateway-svc") | .backends[] |
		select((.pod | test("^org1-peer")) and .port == 7051 and .weight == 1 and
		.terminating == false and (.node | length) > 0)] | length == 6'
	json '.services[] | select(.name == "kubernetes") | .verdict == "leave-alone" and
		.reason == "not-enabled" and .port == 443'
	json '[.services[] | [.namespace, .name]] | . == sort'
}

@test "a real cluster is planned, as a table" {
	run --separate-stderr gwbpf plan --node-name n1 --manifests "$root/tests/data/fabric-cluster.yaml"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "${lines[0]}" = "NODE: n1 (this node only)" ]
	[[ ${lines[1]} =~ ^NAMESPACE\ +NAME\ +PORT\ +ADDRESS\ +POLICY\ +VERDICT\ +REASON\ +BACKENDS$ ]]
	[[ $output =~ fabric\ +org1-peer-gateway-svc\ +grpc\ +10.96[0-9.]+:7051\ +lc\ +balance\ +ready\ +3 ]]
	[[ $output =~ fabric\ +org1-peer-gateway-svc\ +grpc\ +\[fd00:[0-9a-f:]+\]:7051\ +lc\ +balance ]]

	narrow=$output
	run gwbpf plan -o wide --node-name n1 --manifests "$root/tests/data/fabric-cluster.yaml"
	contains "$output" "$narrow"
	[[ $output =~ fabric\ +org1-peer-gateway-svc\ +grpc\ +10.244[0-9.]+:7051\ +org1-peer[^\ ]+ ]]

	run gwbpf plan --no-headers --color never --manifests "$root/tests/data/fabric-cluster.yaml"
	[ "$(tail -n +3 <<<"$narrow" | tr -s " ")" = "$(tr -s " " <<<"$output")" ]
	run gwbpf plan --color always --manifests "$root/tests/data/fabric-cluster.yaml"
	contains "$output" $'\e[32mbalance'
}

@test "a directory is read, and more paths may follow" {
	mkdir "$BATS_TEST_TMPDIR/dir"
	service one 10.96.0.1 >"$BATS_TEST_TMPDIR/dir/one.yaml"
	service two 10.96.0.2 >"$BATS_TEST_TMPDIR/dir/two.yml"
	echo "not a manifest: [" >"$BATS_TEST_TMPDIR/dir/notes.txt"
	service three 10.96.0.3 >"$BATS_TEST_TMPDIR/three.yaml"
	plan "$BATS_TEST_TMPDIR/dir" "$BATS_TEST_TMPDIR/three.yaml"
	[ "$status" -eq 0 ]
	json '.refused == [] and ([.services[].name] == ["one", "three", "two"])'
	json 'all(.services[]; .verdict == "refuse" and .reason == "no-endpoints" and .backends == [])'
}

@test "refused: a directory without manifests" {
	mkdir "$file"
	good >"$file/notes.txt"
	plan "$file"
	file_refused "ends in .yaml, .yml or .json"
}

@test "the node and its zone decide which endpoints are used" {
	good | sed 's/ready: true}}/ready: true}, hints: {forZones: [{name: HERE}]}}/' |
		sed '0,/HERE/s//z1/; s/HERE/z2/' >"$file"
	run gwbpf plan -o json --manifests "$file" --zone z2
	json '.services[0] | .reason == "same-zone" and (.backends | length) == 1 and
		.backends[0].address == "10.244.0.2"'
	run gwbpf plan -o json --manifests "$file"
	json ".observedBy == \"$(uname -n)\" and .services[0].reason == \"ready\""
}

@test "refused: what is not YAML" {
	printf 'kind: [unclosed\n\tnonsense: }{' >"$file"
	plan "$file"
	file_refused "cannot parse"
}

@test "refused: half a file" {
	head -c 9000 "$root/tests/data/fabric-cluster.yaml" >"$file"
	plan "$file"
	[ "$status" -eq 1 ]
	json '.services == []'
	refused "^$file\$" "cannot parse"
}

@test "refused: a Service without a name" {
	{ good; service "" 10.96.0.9; } >"$file"
	plan "$file"
	[ "$status" -eq 0 ]
	refused "^$file\$" "Service without a name: set metadata.name"
	good_is_planned
}

@test "refused: an address that is no address" {
	{ good; service bad 10.96.0.999; service worse 10.96.0.3; slice worse 10.244.0.x; } >"$file"
	plan "$file"
	[ "$status" -eq 0 ]
	refused "fabric/bad" "10.96.0.999"
	refused "fabric/worse" "10.244.0.x"
	good_is_planned
}

@test "refused: endpoints on loopback and link-local addresses" {
	{ good; service bad 10.96.0.3; slice bad 127.0.0.1 169.254.169.254 224.0.0.1 0.0.0.0 10.244.0.5
	} >"$file"
	plan "$file"
	[ "$status" -eq 0 ]
	refused "fabric/bad" "127.0.0.1"
	refused "fabric/bad" "169.254.169.254"
	refused "fabric/bad" "224.0.0.1"
	refused "fabric/bad" "0.0.0.0"
	json '[.services[] | select(.name == "bad") | .backends[].address] == ["10.244.0.5"]'
	good_is_planned
}

@test "refused: ports 0 and 70000" {
	{ good; service zero 10.96.0.3 0; service many 10.96.0.4 70000
	  service slice 10.96.0.5; SLICE_PORT=70000 slice slice 10.244.0.9; } >"$file"
	plan "$file"
	[ "$status" -eq 0 ]
	refused "fabric/zero" "port"
	refused "fabric/many" "70000"
	refused "fabric/slice" "70000"
	good_is_planned
}

@test "refused: an unknown policy, and the message lists those that there are" {
	{ good; service bad 10.96.0.3 7051 "gwbpf.io/policy: fastest"; slice bad 10.244.0.7; } >"$file"
	plan "$file"
	[ "$status" -eq 0 ]
	refused "Service 'fabric/bad'" "fastest.*lc.*rr.*random"
	json '[.services[] | select(.name == "bad") | .verdict == "leave-alone" and
		.reason == "invalid" and .policy == null] | . == [true]'
	good_is_planned
}

@test "refused: two Services with one address and port, naming both" {
	{ good; service other 10.96.0.1; slice other 10.244.0.7; } >"$file"
	plan "$file"
	[ "$status" -eq 0 ]
	refused "Service 'fabric/other'" "10.96.0.1:7051.*'fabric/good'.*another clusterIP"
	good_is_planned
	json '[.services[] | select(.name == "other") | .verdict == "leave-alone" and
		.reason == "invalid"] == [true]'
}

@test "one address with two ports belongs to two Services" {
	{ good; service other 10.96.0.1 7052; slice other 10.244.0.7; } >"$file"
	plan "$file"
	json '.refused == [] and all(.services[]; .verdict == "balance")'
}

@test "refused: more endpoints than are chosen from" {
	{ good; service many 10.96.0.3
	  slice many 10.1.{0..1}.{0..255}
	  slice many 10.1.{2..3}.{0..255} | sed 's/name: many-1/name: many-2/'; } >"$file"
	plan "$file"
	[ "$status" -eq 0 ]
	refused "Service 'fabric/many'" "24 .*1000"
	json '.services[] | select(.name == "many") | .backends | length == 1000'
	good_is_planned
}

@test "told: ports of a Service and of its slices that have other names" {
	{ good; service misnamed 10.96.0.2; slice misnamed 10.244.0.3 10.244.0.4 | sed 's/name: grpc,/name: http,/'; } >"$file"
	plan "$file"
	[ "$status" -eq 0 ]
	json '.refused | length == 1'
	refused "Service 'fabric/misnamed'" "no endpoint .of 2. is used for port 7051: .* no TCP port named 'grpc'"
	good_is_planned
}

@test "told: a Service whose cluster IP has yet to be given" {
	{ good; service early 10.96.0.2 | sed '/clusterIP/d'; } >"$file"
	plan "$file"
	[ "$status" -eq 0 ]
	json '.refused | length == 1'
	refused "Service 'fabric/early'" "spec.clusterIP is missing, so it is left alone"
	good_is_planned
}

@test "refused: 100,000 endpoints in one slice" {
	{ good; service many 10.96.0.3
	  slice many 10.{1..10}.{0..99}.{0..99}; } >"$file"
	plan "$file"
	[ "$status" -eq 0 ]
	refused "EndpointSlice 'fabric/many-1'" "100000 endpoints.*1000.*split"
	json '.refused | length == 1'
	good_is_planned
}

@test "refused: a file of 200 MB" {
	good >"$file"
	truncate -s 200M "$file"
	cpu_seconds=3 plan "$file"
	file_refused "larger than 64 MiB.*split"
}

@test "refused: an alias bomb" {
	{
		echo "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"
		for i in $(seq 1 30); do
			echo "a$i: &a$i [$(yes "*a$((i - 1))" | head -10 | paste -sd,)]"
		done
	} >"$file"
	plan "$file"
	file_refused "cannot parse"
}

@test "refused: nesting 10,000 deep" {
	{ printf 'a: '; printf '[%.0s' $(seq 10000); printf ']%.0s' $(seq 10000); } >"$file"
	plan "$file"
	file_refused "cannot parse"
	{ printf '{"a": '; printf '[%.0s' $(seq 10000); printf ']%.0s' $(seq 10000); printf '}'; } >"$file"
	plan "$file"
	file_refused "cannot parse"
	{ for i in $(seq 0 3000); do printf '%*sa:\n' "$i" ''; done; } >"$file"
	plan "$file"
	file_refused "cannot parse"
}

@test "refused: a file that is not there, or that is no file" {
	plan "$file"
	file_refused "No such file.*give"
	mkfifo "$file"
	plan "$file"
	file_refused "."
}

@test "refused: a file that may not be read" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to become someone else"
	type setpriv >/dev/null
	good >"$file"
	chmod 755 "$BATS_TEST_TMPDIR" && chmod 000 "$file"
	run setpriv --reuid 65534 --clear-groups cat "$BATS_TEST_TMPDIR/x"
	run --separate-stderr setpriv --reuid 65534 --clear-groups \
		"$root/build/gwbpf" plan -o json --manifests "$file"
	file_refused "Permission denied"
}

@test "what is refused in one file leaves the others as they are" {
	echo "[" >"$BATS_TEST_TMPDIR/bad.yaml"
	good >"$file"
	plan "$BATS_TEST_TMPDIR/bad.yaml" "$file" "$BATS_TEST_TMPDIR/gone.yaml"
	[ "$status" -eq 0 ]
	json '.refused | length == 2'
	good_is_planned
}

@test "refused: what an earlier file has already" {
	good >"$BATS_TEST_TMPDIR/first.yaml"
	{ service good 10.96.0.9; slice good 10.244.0.9; service more 10.96.0.3; } >"$file"
	plan "$BATS_TEST_TMPDIR/first.yaml" "$file"
	[ "$status" -eq 0 ]
	refused "Service 'fabric/good'" "another file.*remove it.*first.yaml"
	refused "EndpointSlice 'fabric/good-1'" "another file.*first.yaml"
	json '.refused | length == 2'
	json '[.services[].address] == ["10.96.0.1", "10.96.0.3"]'
	good_is_planned
}

@test "refusals stand on standard error beside a table, and command no terminal" {
	{ good; service bad 10.96.0.3 7051 'gwbpf.io/policy: "\e[31mred\n"'; } >"$file"
	run --separate-stderr gwbpf plan --manifests "$file"
	[ "$status" -eq 0 ]
	contains "$stderr" "gwbpf: refused: $file: Service 'fabric/bad': "
	[[ $stderr != *$'\e'* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "neither control characters of Unicode nor turned text reach a terminal" {
	local turned=$'\xe2\x80\xae' control=$'\xc2\x9b' # U+202E, U+009B in any locale
	good >"$file"
	{ service bad 10.96.0.3 7051 "gwbpf.io/policy: \"$turned\""
	  printf -- '---\napiVersion: v1\nkind: Pod%s31m\nmetadata: {name: x}\n' "$control"
	} >>"$file"
	for output in table json; do
		run timeout 120 "$root/build/gwbpf" plan -o "$output" --manifests "$file"
		[ "$status" -eq 0 ]
		[[ $output != *"$turned"* && $output != *"$control"* ]]
	done
	run --separate-stderr gwbpf plan --manifests "$file"
	[[ $stderr != *"$turned"* && $stderr != *"$control"* ]]
	contains "$stderr" '\u009b31m'
}

@test "a dash is standard input" {
	good >"$file"
	plan - <"$file"
	[ "$status" -eq 0 ]
	good_is_planned
	echo "[" >"$file"
	plan - <"$file"
	[ "$status" -eq 1 ]
	json '.refused | map(.file) == ["standard input"]'
}

@test "objects of other kinds are counted in one line" {
	{ good; printf -- '---\napiVersion: v1\nkind: %s\nmetadata: {name: x}\n' Pod Pod ConfigMap; } >"$file"
	plan "$file"
	json '.skipped == 3 and .refused == []'
	run --separate-stderr gwbpf plan --manifests "$file"
	[ "$stderr" = "gwbpf: 3 objects of other kinds skipped (Pod, ConfigMap)" ]
}

@test "of two Services that claim an address the older has it" {
	{ service young 10.96.0.7; service zold 10.96.0.7; } |
		sed -e '/name: young/a\  creationTimestamp: "2026-02-01T00:00:00Z"' \
		    -e '/name: zold/a\  creationTimestamp: "2026-01-01T00:00:00Z"' >"$file"
	plan "$file"
	refused "Service 'fabric/young'" "address of Service 'fabric/zold'"
	json '.services[] | select(.name == "zold") | .verdict == "refuse"'
}

@test "Endpoints stand in for slices where a Service has none" {
	{ service gw 10.96.0.7
	  cat <<-END
	---
	apiVersion: v1
	kind: Endpoints
	metadata: {name: gw, namespace: fabric}
	subsets:
	- addresses: [{ip: 10.244.0.9, nodeName: n1}]
	  notReadyAddresses: [{ip: 10.244.0.8}]
	  ports: [{name: grpc, port: 9051}]
	END
	} >"$file"
	plan "$file"
	json '.refused == []'
	json '.services[].backends | map("\(.address):\(.port)") == ["10.244.0.9:9051"]'
	slice gw 10.244.0.1 >>"$file"
	plan "$file"
	json '.services[].backends | map("\(.address):\(.port)") == ["10.244.0.1:7051"]'
}

@test "what PowerShell writes is read" {
	good | sed 's/$/\r/' | { printf '\xff\xfe'; iconv -t UTF-16LE; } >"$file"
	plan "$file"
	[ "$status" -eq 0 ]
	json '.refused == []'
	good_is_planned
}

@test "slices that are no Service's say nothing, and are no error" {
	local file=$BATS_TEST_TMPDIR/a.yaml
	good >"$file"
	slice good 10.244.0.9 |
		sed 's/good-1/good-2/; s/labels: {/&service.kubernetes.io\/headless: "", /' >>"$file"
	slice good 10.244.0.8 | sed 's/good-1/good-3/; s/labels: .*/labels: {}/' >>"$file"
	plan "$file"
	[ "$status" -eq 0 ]
	json '.refused == []'
	json '[.services[0].backends[].address] == ["10.244.0.1", "10.244.0.2"]'
}

@test "what docs/fabric.md advises is what gwbpf takes" {
	{
		printf 'apiVersion: v1\nkind: Service\n'
		sed 's/^metadata:/&\n  name: org1-peer-gateway-svc\n  namespace: test-network/' \
			"$root/deploy/examples/fabric/gateway.yaml"
		printf 'spec:\n  clusterIP: 10.96.0.7\n  ports: [{name: grpc, port: 7051, protocol: TCP}]\n'
	} >"$file"
	run --separate-stderr gwbpf plan -o json --manifests "$file"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	json '.refused == [] and (.services | length) == 1 and .services[0].policy == "lc" and
		.services[0].verdict != "leave-alone"'
}

@test "-n shows one namespace, and the others are planned all the same" {
	{ service gw 10.96.0.7; slice gw 10.244.0.1
	  service gw 10.96.0.7; slice gw 10.244.0.2
	} | awk '/name: gw/ && ++seen > 2 { sub("gw", "taker") } /service-name: gw/ && seen > 2 { sub(": gw", ": taker") }
		/namespace: fabric/ && seen > 2 { sub("fabric", "other") } { print }' >"$file"
	plan "$file"
	json '[.services[].namespace] == ["fabric", "other"]'
	plan "$file" -n other
	# Its address is the older one's, of a namespace that is not shown.
	json '.services | length == 1 and (.[0] | .namespace == "other" and .verdict == "leave-alone")'
	contains "$(jq -r '.refused[0].message' <<<"$output")" "Service 'fabric/gw'"
	GWBPF_NAMESPACE=other plan "$file" -A
	json '.services | length == 2'
}

@test "-w reads the files again, and standard input cannot be read again" {
	good >"$file"
	"$root/build/gwbpf" plan -w --no-headers --node-name n1 "$file" >"$BATS_TEST_TMPDIR/out" 3>&- &
	becomes grep -q 'good .* 2$' "$BATS_TEST_TMPDIR/out"
	slice good 10.244.0.1 10.244.0.2 10.244.0.3 >"$BATS_TEST_TMPDIR/slice"
	{ service good 10.96.0.1; cat "$BATS_TEST_TMPDIR/slice"; } >"$file"
	becomes grep -q 'good .* 3$' "$BATS_TEST_TMPDIR/out"
	kill $!
	wait $!
	for arguments in "plan -w -" "plan -w --manifests -" "tls -w --file -"; do
		run --separate-stderr gwbpf $arguments </dev/null
		[ "$status" -eq 2 ]
		contains "$stderr" "standard input can be read once"
	done
}
