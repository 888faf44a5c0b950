# SPDX-License-Identifier: Apache-2.0
# Others who have a hand in where connections go: `check` and `status` name them and what follows.

load lib

setup()
{
	lab_setup
	{ service gateway 10.96.0.1; slice gateway 10.1.0.1 10.1.0.2; } \
		>"$BATS_TEST_TMPDIR/manifests/a.yaml"
}

teardown()
{
	lab_teardown
}

lab()
{
	run --separate-stderr lab_gwbpf "$@"
}

# check_says NAME OUTCOME REGEX: one of the requirements.
check_says()
{
	lab check --cgroup "$cgroup" -o json
	json ".requirements | any(.name == \"$1\" and .outcome == \"$2\" and (.detail | test(\"$3\")))"
}

# pod_check CAPABILITIES: as from a pod of a node: in a network namespace of its own, the first process in
# the lab's, and with these capabilities alone.
pod_check()
{
	run --separate-stderr inside unshare --pid --fork --mount-proc sh -c 'unshare --net "$@"; exit $?' \
		sh setpriv --bounding-set "-all$1" --inh-caps -all \
		"$root/build/gwbpf" check --cgroup "$cgroup" -o json
}

# check_says from a pod with what deploy/base grants.
pod_check_says()
{
	pod_check ,+sys_admin,+sys_ptrace,+net_admin,+dac_read_search
	json ".requirements | any(.name == \"$1\" and .outcome == \"$2\" and (.detail | test(\"$3\")))"
}

@test "check and status of a node with nobody else" {
	lab check --cgroup "$cgroup" -o json
	json '.requirements | all(.name != "other-program")'
	start_agent
	lab status -o json
	[ "$status" -eq 0 ]
	json '.others | length == 1 and .[0].kind == "proxy" and .[0].owner == "kube-proxy" and
		.[0].name == null and (.[0].consequence | length > 0)'
	json '.others | all((keys | sort) == (["kind", "name", "owner", "hook", "programId",
		"runsFirst", "exclusive", "services", "consequence"] | sort))'
}

@test "Cilium's socket balancer before ours: named, and a problem as long as nothing is balanced" {
	stranger cgroup/connect4 cil_sock4_connect
	attach "$cgroup" connect4 multi
	check_says other-program degraded "Cilium: 'cil_sock4_conne.*at connect4.*never reaches gwbpf.*socketLB"
	start_agent
	lab status -o json
	[ "$status" -eq 1 ]
	json '.problems | length == 1 and (.[0] | test("nothing was balanced yet.*Cilium.*connect4"))'
	json '.others[0] | .kind == "program" and .name == "cil_sock4_conne" and .owner == "Cilium" and
		.hook == "connect4" and .runsFirst == true and .exclusive == false and
		.programId > 0 and .services == null'
	listen 10.1.0.{1,2}:7051
	dial 10.96.0.1:7051 1
	lab status -o json
	[ "$status" -eq 0 ]
	json '.problems == [] and .others[0].owner == "Cilium"'
	lab status
	contains "$output" "Cilium: program 'cil_sock4_conne' (id "
}

@test "a program after ours does no harm, and is named" {
	start_agent
	stranger cgroup/connect4 calico_connect_v4
	attach "$cgroup" connect4 multi
	check_says other-program found "Calico: .*runs after gwbpf"
	lab status -o json
	[ "$status" -eq 0 ]
	json '.others[0] | .owner == "Calico" and .runsFirst == false'
	stranger cgroup/getpeername4 somebody
	attach "$cgroup" getpeername4 multi
	lab status -o json
	[ "$status" -eq 0 ]
	json '[.others[] | select(.kind == "program") | .hook] == ["getpeername4", "connect4"]'
	json '.others | any(.name == "somebody" and .owner == null)'
}

@test "an exclusive program on the cgroup: check and the agent name it and the remedy" {
	stranger cgroup/connect4 selfish
	attach "$cgroup" connect4
	check_says other-program missing "'selfish' .id [0-9]+. at connect4.*exclusively.*BPF_F_ALLOW_MULTI"
	[ "$status" -eq 1 ]
	start "$root/build/gwbpf" agent --cgroup "$cgroup" --manifests "$BATS_TEST_TMPDIR/manifests" \
		2>"$BATS_TEST_TMPDIR/agent.log"
	wait "$started" && return 1
	contains "$(<"$BATS_TEST_TMPDIR/agent.log")" "cannot attach connect4: program 'selfish' (id "
	detach_stranger "$cgroup" connect4
	start_agent
}

@test "an exclusive program above the cgroup is found as well, one that may be overridden is displaced" {
	local below=$cgroup/below
	mkdir "$below"
	stranger cgroup/connect6 selfish
	attach "$cgroup" connect6
	lab check --cgroup "$below" -o json
	[ "$status" -eq 1 ]
	json '.requirements | any(.name == "other-program" and .outcome == "missing" and
		(.detail | test("selfish.*connect6")))'
	detach_stranger "$cgroup" connect6
	attach "$cgroup" connect6 override
	lab check --cgroup "$below" -o json
	[ "$status" -eq 0 ]
	json '.requirements | any(.name == "other-program" and .outcome == "degraded" and
		(.detail | test("selfish.*connect6.*does not run for this cgroup once gwbpf")))'
	detach_stranger "$cgroup" connect6
	rmdir "$below"
}

@test "a second gwbpf on the same cgroup is no part of the first one" {
	start_agent
	control=$BATS_TEST_TMPDIR/run/second.sock GWBPF_PIN_DIR=$BATS_TEST_TMPDIR/bpf/second \
		start_agent --listen off
	lab status -o json
	[ "$status" -eq 0 ]
	json '[.others[] | select(.kind == "program")] | length == 6 and
		all(.owner == "another gwbpf" and .runsFirst == false)'
	json '.hooks | all(.live == true)'
}

@test "kube-proxy in nftables mode" {
	command -v nft >/dev/null || skip "nft is not installed"
	inside nft -f - <<-END
	table ip kube-proxy {
		chain service-ABC-fabric/gateway/tcp/grpc { }
		chain service-DEF-fabric/other/tcp/grpc { }
		chain services { }
	}
	table ip elsewhere { chain service-none { }; }
	END
	check_says kube-proxy found "nftables rules for 2 Service ports: serves what gwbpf leaves alone"
	pod_check_says kube-proxy found "nftables rules for 2 Service ports"
	start_agent
	lab status -o json
	[ "$status" -eq 0 ]
	json '.others == [{"kind": "proxy", "name": "nftables", "owner": "kube-proxy", "hook": null,
		"programId": null, "runsFirst": null, "exclusive": null, "services": 2,
		"consequence": .others[0].consequence}]'
}

# kube_chains COUNT: rules of so many Services, for iptables-restore.
kube_chains()
{
	printf '*nat\n:KUBE-SERVICES - [0:0]\n'
	printf ':KUBE-SVC-%05d - [0:0]\n' $(seq "$1")
	printf -- '-A PREROUTING -j KUBE-SERVICES\n'
	printf -- '-A KUBE-SERVICES -d 10.97.0.1/32 -p tcp --dport 80 -j KUBE-SVC-%05d\n' $(seq "$1")
	echo COMMIT
}

@test "kube-proxy in iptables mode, by iptables-nft and by the older iptables" {
	for kind in nft legacy; do
		command -v "iptables-$kind-restore" >/dev/null || skip "iptables is not installed"
		kube_chains 3 | inside "iptables-$kind-restore"
		[ "$kind" = nft ] && name=iptables || name=iptables-legacy
		check_says kube-proxy found "^$name rules for 3 Service ports: serves"
		pod_check_says kube-proxy found "^$name rules for 3 Service ports: serves"
		inside "iptables-$kind" -t nat -F
		inside "iptables-$kind" -t nat -X
		pod_check_says kube-proxy degraded "no rules of it on this node"
	done
}

@test "kube-proxy in iptables mode with a thousand Services: connects are no faster" {
	command -v iptables-legacy-restore >/dev/null || skip "iptables is not installed"
	kube_chains 1000 | inside iptables-legacy-restore
	check_says kube-proxy degraded "1000 Service ports.*still walks its rules"
}

@test "rules of IPv6 alone are seen too, and looking makes no table" {
	command -v ip6tables-legacy-restore >/dev/null || skip "iptables is not installed"
	lab check --cgroup "$cgroup" -o json
	[ -z "$(inside cat /proc/net/ip_tables_names)" ]
	kube_chains 2 | sed 's,10.97.0.1/32,fd00::1/128,' | inside ip6tables-legacy-restore
	check_says kube-proxy found "iptables-legacy rules for 2 Service ports"
}

@test "without the right to look it is unknown, not absent" {
	run --separate-stderr inside setpriv --bounding-set -net_admin --inh-caps -net_admin \
		"$root/build/gwbpf" check --cgroup "$cgroup" -o json
	json '.requirements | any(.name == "kube-proxy" and .outcome == "unknown" and
		(.detail | test("cannot be seen: Operation not permitted")))'
	pod_check ,+sys_admin,+net_admin,+dac_read_search
	json '.requirements | any(.name == "kube-proxy" and .outcome == "unknown" and
		(.detail | test("not that of the node.*CAP_SYS_PTRACE.*hostPID")))'
}
