#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# In the container of deb.sh, as root: one test a function, which build on each other.
set -u
vip=10.96.0.10 peer=10.1.0.1 count=0

# PATH is as a new root's shell has it.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C

# try NAME: its output is shown where it fails. Not as a condition: there `set -e` means nothing.
try() {
	local log

	count=$((count + 1))
	log=$(set -e && "$1" 2>&1)
	if [ $? -eq 0 ]; then
		echo "ok $count - ${1//_/ }"
	else
		echo "not ok $count - ${1//_/ }"
		{
			printf '%s\n' "$log"
			journalctl --no-pager -q -u gwbpf | tail -n 20
		} | sed 's/^/# /'
	fi
}

until_true() {
	local i

	for ((i = 0; i < 600; i++)); do
		"$@" && return
		sleep 0.1
	done
	return 1
}

# is SEEN EXPECTED: if they are not the same, say both.
is() {
	[ "$1" = "$2" ] && return
	echo "seen: '$1', expected: '$2'"
	return 1
}

state() {
	is "$(systemctl show gwbpf -p "$1" --value)" "$2"
}

active() {
	is "$(gwbpf backends -o json | jq '.items[0].active')" "$1"
}

installing_it_starts_and_attaches_nothing() {
	state ActiveState inactive
	state UnitFileState disabled
	[ ! -e /sys/fs/bpf/gwbpf ]
	[ -f /usr/share/man/man8/gwbpf.8.gz ]
	[ -d /etc/gwbpf/manifests ]
}

# A peer on an address of its own, that holds what it accepts.
make_peer() {
	ip address add $peer/32 dev lo
	cat >/run/systemd/system/peer.socket <<-END
		[Socket]
		ListenStream=$peer:7051
		Accept=yes
	END
	cat >/run/systemd/system/peer@.service <<-END
		[Service]
		ExecStart=sleep 1000
		StandardInput=socket
	END
	systemctl daemon-reload
	systemctl start peer.socket
}

write_manifest() {
	cat >/etc/gwbpf/manifests/gateway.yaml <<-END
		apiVersion: v1
		kind: Service
		metadata:
		  name: gateway
		  namespace: fabric
		  labels: {gwbpf.io/enabled: "true"}
		spec:
		  clusterIP: $vip
		  ports: [{name: grpc, port: 7051}]
		---
		apiVersion: discovery.k8s.io/v1
		kind: EndpointSlice
		metadata:
		  name: gateway-1
		  namespace: fabric
		  labels: {kubernetes.io/service-name: gateway}
		addressType: IPv4
		ports: [{name: grpc, port: 7051}]
		endpoints:
		- addresses: [$peer]
		  conditions: {ready: true}
	END
}

the_service_is_started_once_the_hooks_are_attached() {
	make_peer
	write_manifest
	systemctl start gwbpf
	gwbpf status -o json | jq -e '.hooks | length > 0 and all(.attached)'
}

a_connection_is_balanced_and_counted() {
	ip route add local 10.96.0.0/16 dev lo
	exec 8<>/dev/tcp/$vip/7051
	active 1
	# The next ones hold it.
	sleep 600 <&8 >/dev/null 2>&1 &
}

no_line_of_its_log_is_a_complaint() {
	# The container's pods, kube-proxy and memory controller are those of no node.
	! journalctl --no-pager -q -u gwbpf -o cat | grep -E 'level=(warn|error)' |
		grep -vE 'pods are not covered|charged to this agent|kube-proxy'
}

has_logged() {
	journalctl --no-pager -q -u gwbpf -o cat | grep "$1"
}

a_reload_reads_the_manifests_again() {
	# It sends a signal; while the agent answers that, the unit is 'reloading'.
	systemctl reload gwbpf
	until_true has_logged 'reading the manifests again'
	until_true state ActiveState active
}

the_watchdog_replaces_an_agent_that_hangs_and_the_connection_stays_counted() {
	mkdir -p /run/systemd/system/gwbpf.service.d
	printf '[Service]\nWatchdogSec=10\n' >/run/systemd/system/gwbpf.service.d/fast.conf
	systemctl daemon-reload
	systemctl restart gwbpf
	active 1
	sleep 11 # it lives for longer than the watchdog's time
	state NRestarts 0
	kill -STOP "$(systemctl show gwbpf -p MainPID --value)"
	until_true state NRestarts 1
	until_true state ActiveState active
	active 1
}

an_end_leaves_the_hooks_in_place() {
	systemctl stop gwbpf
	gwbpf status -o json | jq -e '.hooks | all(.attached)'
	active 1
}

a_new_version_takes_the_place_of_the_running_one() {
	local before

	systemctl start gwbpf
	before=$(systemctl show gwbpf -p MainPID --value)
	dpkg -i /test/gwbpf.deb
	state ActiveState active
	[ "$(systemctl show gwbpf -p MainPID --value)" != "$before" ]
	active 1
}

removing_it_detaches_everything_and_leaves_the_connection() {
	apt-get remove -y gwbpf
	[ ! -e /sys/fs/bpf/gwbpf ]
	[ ! -e /usr/bin/gwbpf ]
	[ -n "$(ss -Htn state established dst $peer:7051)" ]
}

the_unit_is_hardened() {
	local exposure

	exposure=$(systemd-analyze security --no-pager gwbpf.service | sed -n 's/.*exposure level for gwbpf.service: \([0-9.]*\).*/\1/p')
	echo "exposure level: $exposure"
	# 3.7 with the four capabilities, the network and the node's processes that it needs.
	[ "${exposure/./}" -le 40 ]
}

for test in installing_it_starts_and_attaches_nothing the_unit_is_hardened \
	the_service_is_started_once_the_hooks_are_attached a_connection_is_balanced_and_counted \
	no_line_of_its_log_is_a_complaint a_reload_reads_the_manifests_again \
	the_watchdog_replaces_an_agent_that_hangs_and_the_connection_stays_counted \
	an_end_leaves_the_hooks_in_place a_new_version_takes_the_place_of_the_running_one \
	removing_it_detaches_everything_and_leaves_the_connection; do
	try $test
done
echo "1..$count"
