# SPDX-License-Identifier: Apache-2.0
# The status page in a browser. Screenshots are left in build/page, to be looked at.

load ../cli/lib

setup()
{
	lab_setup
	# What fails stays suspect for longer than a browser needs for several looks.
	{ service gateway 10.96.0.1 7051 'gwbpf.io/ejection: "time=10m,max=10m"'; slice gateway 10.1.0.1 10.1.0.2 10.1.0.3; } \
		>"$BATS_TEST_TMPDIR/manifests/a.yaml"
	listen 10.1.0.{1,2}:7051
	listen 10.1.0.3:7051
	third=$started
	start_agent
	mkdir -p "$root/build/page"
}

teardown()
{
	lab_teardown
}

# browser OPTION...: what it prints is in $output, what it complains of in $stderr.
browser()
{
	run --separate-stderr inside env HOME="$BATS_TEST_TMPDIR" chromium --headless --no-sandbox --disable-gpu \
		--disable-dev-shm-usage --no-first-run --user-data-dir="$BATS_TEST_TMPDIR/browser" \
		--enable-logging=stderr --virtual-time-budget=8000 --timeout=120000 "$@" http://127.0.0.1:9451/
	[ "$status" -eq 0 ]
	# Neither its Content-Security-Policy nor an error of the script.
	! grep CONSOLE <<<"$stderr" | grep -v chrome:// >&2
}

# That text is the script's, and it wrote it after it had renewed the page.
is_renewed()
{
	browser --dump-dom && [[ $output =~ id=\"when\"[^\>]*\>as\ of ]]
}

is_ejected()
{
	dial_in_vain 10.96.0.1 7051 || true
	lab_gwbpf backends -o json | jq -e '.items[] | select(.address == "10.1.0.3") | .failedTotal // .refusedTotal > 0'
}

@test "page: a browser shows the peers, and the script renews them" {
	dial 10.96.0.1:7051 4
	becomes is_renewed
	contains "$output" "10.1.0.2:7051"
	contains "$output" '<meter'
	contains "$output" '<p class="good" role="status">healthy</p>'
}

@test "page: a peer that fails is marked, with the reason and what to do" {
	# One each: its connection counts until its client closes it, and no other backend has fewer.
	dial 10.96.0.1:7051 3
	browser --window-size=1100,900 --screenshot="$root/build/page/before.png"
	kill -KILL "$third"
	becomes is_ejected
	browser --window-size=1100,900 --screenshot="$root/build/page/after.png"
	browser --window-size=390,844 --screenshot="$root/build/page/narrow.png"
	browser --window-size=1100,900 --force-dark-mode --enable-features=WebUIDarkMode \
		--blink-settings=preferredColorScheme=0 --screenshot="$root/build/page/dark.png"
	for name in before after narrow dark; do
		[ -s "$root/build/page/$name.png" ]
	done
	browser --dump-dom
	contains "$output" 'class="bad">suspect'
	contains "$output" "a client could not reach it lately"
}


@test "page: names that a stranger wrote are text" {
	{ service bad 10.96.0.3 7051 'gwbpf.io/policy: "<img src=x onerror=alert(1)>"'; slice bad 10.1.0.1; } \
		>"$BATS_TEST_TMPDIR/manifests/c.yaml"
	has_logged onerror
	browser --dump-dom
	contains "$output" '&lt;img src=x onerror=alert(1)&gt;'
	[[ $output != *'<img'* ]]
}
