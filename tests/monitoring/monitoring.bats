# SPDX-License-Identifier: Apache-2.0
# deploy/monitoring against a real Prometheus that scrapes a real agent: rules, dashboard, the queries of
# docs/metrics.md.

load ../cli/lib

setup()
{
	monitoring=$root/deploy/monitoring
}

teardown()
{
	[ -z "${cgroup-}" ] || lab_teardown
}

# As the page and the dashboard have it for Grafana, for Prometheus.
plain()
{
	sed -e 's/\$__rate_interval/10s/g; s/\$\(namespace\|service\)/.*/g'
}

# ask QUERY: what Prometheus answers, in $answer. An error of its is one of the test.
ask()
{
	answer=$(inside curl -sS --get --data-urlencode "query=$1" http://127.0.0.1:9090/api/v1/query)
	[ "$(jq -r .status <<<"$answer")" = success ] || {
		printf '%s\n%s\n' "$1" "$answer" >&2
		return 1
	}
}

has_an_answer()
{
	ask "$1" && [ "$(jq '.data.result | length' <<<"$answer")" -gt 0 ]
}

value_is()
{
	ask "$1" && [ "$(jq -r '.data.result[0].value[1]' <<<"$answer")" = "$2" ]
}

dashboard_queries()
{
	jq -r '.panels[].targets[].expr' "$monitoring/dashboard.json"
}

page_queries()
{
	awk -F '`' '/^## / { inside = /asks/ } inside && /^\| [A-Z].*`/ { gsub(/\\\|/, "|", $2); print $2 }' \
		"$root/docs/metrics.md"
}

@test "monitoring: each alert fires on what it is for, and on nothing else" {
	run promtool test rules "$BATS_TEST_DIRNAME/rules_test.yaml"
	[ "$status" -eq 0 ]
	# None of them is left out of it.
	for alert in $(sed -n 's/^ *- alert: //p' "$monitoring/rules.yaml"); do
		[ "$(grep -c "alertname: $alert\b" "$BATS_TEST_DIRNAME/rules_test.yaml")" -eq 2 ]
	done
}

@test "monitoring: the configuration is what Prometheus takes" {
	promtool check config "$monitoring/prometheus.yaml"
}

@test "monitoring: rules, dashboard and page name only metrics that docs/metrics.md has" {
	for name in $({ dashboard_queries; page_queries; cat "$monitoring/rules.yaml"; } |
		grep -oE '\bgwbpf(_[a-z_]+|:[a-z_]+)' | sed -E 's/_(bucket|sum|count)$//' | sort -u); do
		grep -q "^| \`$name\` |" "$root/docs/metrics.md" ||
			grep -q "record: $name\$" "$monitoring/rules.yaml" || { echo "$name" >&2; false; }
	done
}

@test "monitoring: every query of the dashboard and of the page is answered by a Prometheus that scrapes an agent" {
	lab_setup
	{ service gateway 10.96.0.1 7051 "gwbpf.io/policy: rr"; slice gateway 10.1.0.1 10.1.0.2; } \
		>"$BATS_TEST_TMPDIR/manifests/a.yaml"
	listen 10.1.0.{1,2}:7051
	start_agent
	dial 10.96.0.1:7051 3
	mkdir "$BATS_TEST_TMPDIR/prometheus"
	cp "$monitoring/rules.yaml" "$BATS_TEST_TMPDIR/prometheus/"
	sed 's/15s/1s/; s/^global:/&\n  evaluation_interval: 1s/' "$monitoring/prometheus.yaml" \
		>"$BATS_TEST_TMPDIR/prometheus/prometheus.yaml"
	start prometheus --config.file="$BATS_TEST_TMPDIR/prometheus/prometheus.yaml" \
		--storage.tsdb.path="$BATS_TEST_TMPDIR/prometheus/data" --web.listen-address=127.0.0.1:9090 \
		2>"$BATS_TEST_TMPDIR/prometheus.log"
	becomes has_an_answer 'gwbpf:backend_share'
	becomes value_is 'sum(gwbpf_connections_active)' 3
	becomes value_is 'sum(gwbpf:backend_share)' 1
	becomes value_is 'round(gwbpf:service_balance_ratio, 0.001)' 1.333
	becomes has_an_answer 'rate(gwbpf_connections_established_total[10s])'
	count=0
	while IFS= read -r query; do
		ask "$query"
		count=$((count + 1))
	done < <({ dashboard_queries; page_queries; } | plain)
	[ "$count" -gt 25 ]
	# Those that are of something that is not so have no rows; all others do.
	while IFS= read -r query; do
		[[ $query == *'!="usable"'* ]] || becomes has_an_answer "$query"
	done < <(dashboard_queries | plain)
}

@test "monitoring: the dashboard is as Grafana reads it" {
	jq -e '(.panels | length) > 10 and all(.panels[]; .title != "" and .gridPos.w > 0 and
		(.targets | length) > 0 and all(.targets[]; .refId and .expr))
		and ([.panels[].id] | unique | length) == (.panels | length)' "$monitoring/dashboard.json"
}
