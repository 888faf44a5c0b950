# SPDX-License-Identifier: Apache-2.0
# The agent's rights: what it gives up, and what it cannot do without.

load lib

setup()
{
	lab_setup
	{ service gateway 10.96.0.1; slice gateway 10.1.0.1 10.1.0.2; } >"$BATS_TEST_TMPDIR/manifests/a.yaml"
	log=$BATS_TEST_TMPDIR/agent.log
}

teardown()
{
	lab_teardown
}

# mask NAME...: these capabilities, as in /proc/PID/status.
mask()
{
	local name number mask=0
	for name; do
		number=$(awk -v name="CAP_$name" '$2 == name && $3 ~ /^[0-9]+$/ { print $3 }' \
			/usr/include/linux/capability.h)
		[ -n "$number" ] || number=$(awk -v name="CAP_$name" '$2 == name { print $3 }' <<-END
			#define CAP_PERFMON 38
			#define CAP_BPF 39
		END
		)
		mask=$((mask | 1 << number))
	done
	printf '%016x\n' "$mask"
}

status_of()
{
	awk -v field="$2:" '$1 == field { print $2 }' "/proc/$1/status"
}

@test "rights: of all that root has the agent keeps what it needs" {
	start_agent
	needed=$(mask SYS_ADMIN SYS_PTRACE NET_ADMIN DAC_READ_SEARCH SYS_RESOURCE BPF PERFMON)
	# As far as root has them here, and it has more.
	had=$((16#$(status_of self CapBnd)))
	needed=$(printf '%016x' $((16#$needed & had)))
	[ "$((16#$needed))" -ne "$had" ]
	[ "$(status_of "$agent" CapPrm)" = "$needed" ]
	[ "$(status_of "$agent" CapEff)" = "$needed" ]
	[ "$(status_of "$agent" CapBnd)" = "$needed" ]
	[ "$(status_of "$agent" CapInh)" = "$(mask)" ]
	[ "$(status_of "$agent" NoNewPrivs)" = 1 ]
}

# start_with CAPABILITIES: the agent with these alone, as setpriv names them ("+sys_admin").
start_with()
{
	start setpriv --bounding-set "-all$1" --inh-caps "-all" "$root/build/gwbpf" agent \
		--cgroup "$cgroup" --node-name n1 --manifests "$BATS_TEST_TMPDIR/manifests" \
		--control "$control" 2>"$log"
	agent=$started
}

everything=,+sys_admin,+sys_ptrace,+net_admin,+dac_read_search

@test "rights: what deploy/base grants suffices" {
	listen 10.1.0.{1,2}:7051
	start_with "$everything"
	becomes agent_is_ready
	dial 10.96.0.1:7051 4
	run --separate-stderr inside setpriv --bounding-set "-all$everything" --inh-caps -all \
		"$root/build/gwbpf" connections -o json
	json '.items | length == 4'
	run --separate-stderr inside setpriv --bounding-set "-all$everything" --inh-caps -all \
		"$root/build/gwbpf" status -o json
	json ".healthy and .cgroup.path == \"$cgroup\""
	[ "$(grep -c 'level=error' "$log")" -eq 0 ]
	stop "$agent"
}

@test "rights: without CAP_SYS_ADMIN the agent does not start, and says so" {
	start_with "${everything/,+sys_admin/}"
	status=0
	wait "$agent" || status=$?
	[ "$status" -eq 1 ]
	grep -q "level=error" "$log"
}

@test "rights: without CAP_NET_ADMIN the hooks cannot be tested, and the agent is not ready" {
	start_with "${everything/,+net_admin/}"
	becomes grep -q "cannot test the hooks" "$log"
	becomes grep -q "hooks are attached, ready" "$log"
	run inside curl -sS --max-time 60 http://127.0.0.1:9451/readyz
	contains "$output" "[-] hooks"
}

@test "rights: without CAP_DAC_READ_SEARCH the path of the cgroup is not known" {
	start_agent
	run --separate-stderr inside setpriv --bounding-set "-all${everything/,+dac_read_search/}" \
		--inh-caps -all "$root/build/gwbpf" status -o json
	json '.cgroup.path == null or .cgroup.path == ""'
}

# Where the kernel has no iterator over the records of sockets, their namespaces are entered.
@test "rights: without CAP_SYS_PTRACE the network namespaces of other users are closed" {
	setpriv --pdeathsig KILL unshare --net setpriv --reuid 65534 --regid 65534 --clear-groups \
		sleep 1000 3>&- &
	lab_pids+=("$!")
	becomes is_nobody "$!"
	enter="nsenter -t $! --net true"
	setpriv --bounding-set "-all$everything" --inh-caps -all $enter
	run setpriv --bounding-set "-all${everything/,+sys_ptrace/}" --inh-caps -all $enter
	[ "$status" -ne 0 ]
	contains "$output" "Permission denied"
}

is_nobody()
{
	[ "$(stat -c %u "/proc/$1")" = 65534 ]
}
