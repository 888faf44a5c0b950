#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Put the rules in force in this network namespace that kube-proxy writes for Services: one with the
# given backends, in the middle of others of one backend each. Or run HAProxy in front of them.
#
#	rules.sh nft|iptables SERVICES VIP BACKEND...
#	rules.sh haproxy 1 VIP BACKEND...
set -eu
mode=$1 services=$2 vip=$3
shift 3
port=7051
backends="$*"

# Every Service, one a line: its name, its address and its backends.
list_services() {
	local i part
	for ((i = 0; i < services; i++)); do
		if ((i == services / 2)); then
			echo "fabric/org1-peer-gateway-svc $vip $backends"
		else
			part=$((i / 250)).$((1 + i % 250))
			echo "other/service-$i 10.97.$part 10.130.$part"
		fi
	done
}

# As pkg/proxy/nftables writes it; 10.128.0.0/15 are the pods.
nft_rules() {
	cat <<-'END'
		table ip kube-proxy {
			set cluster-ips { type ipv4_addr; }
			set nodeport-ips { type ipv4_addr; }
			map no-endpoint-services { type ipv4_addr . inet_proto . inet_service : verdict; }
			map no-endpoint-nodeports { type inet_proto . inet_service : verdict; }
			map firewall-ips { type ipv4_addr . inet_proto . inet_service : verdict; }
			map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; }
			map service-nodeports { type inet_proto . inet_service : verdict; }
			chain firewall-check {
				ip daddr . meta l4proto . th dport vmap @firewall-ips
			}
			chain service-endpoints-check {
				ip daddr . meta l4proto . th dport vmap @no-endpoint-services
			}
			chain nodeport-endpoints-check {
				ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports
			}
			chain cluster-ips-check {
				ip daddr @cluster-ips reject
				ip daddr 10.96.0.0/15 drop
			}
			chain mark-for-masquerade {
				meta mark set meta mark or 0x4000
			}
			chain masquerading {
				meta mark and 0x4000 == 0 return
				meta mark set meta mark xor 0x4000
				masquerade fully-random
			}
			chain services {
				ip daddr . meta l4proto . th dport vmap @service-ips
				ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports
			}
			chain filter-prerouting {
				type filter hook prerouting priority -110;
				ct state new jump firewall-check
			}
			chain filter-input {
				type filter hook input priority -110;
				ct state new jump nodeport-endpoints-check
				ct state new jump service-endpoints-check
			}
			chain filter-forward {
				type filter hook forward priority -110;
				ct state new jump service-endpoints-check
				ct state new jump cluster-ips-check
			}
			chain filter-output {
				type filter hook output priority -110;
				ct state new jump service-endpoints-check
				ct state new jump firewall-check
			}
			chain filter-output-post-dnat {
				type filter hook output priority -90;
				ct state new jump cluster-ips-check
			}
			chain nat-prerouting {
				type nat hook prerouting priority dstnat;
				jump services
			}
			chain nat-output {
				type nat hook output priority -100;
				jump services
			}
			chain nat-postrouting {
				type nat hook postrouting priority srcnat;
				jump masquerading
			}
	END
	list_services | awk -v port=$port '
	{
		choice = ""
		for (i = 3; i <= NF; i++) {
			name = "endpoint-" NR "-" $1 "/tcp/grpc__" $i "/" port
			printf "chain %s {\nip saddr %s jump mark-for-masquerade\n", name, $i
			printf "meta l4proto tcp dnat to %s:%s\n}\n", $i, port
			choice = choice (i > 3 ? ", " : "") (i - 3) " : goto " name
		}
		printf "chain service-%s-%s/tcp/grpc {\n", NR, $1
		printf "ip daddr %s tcp dport %s ip saddr != 10.128.0.0/15 jump mark-for-masquerade\n",
			$2, port
		printf "numgen random mod %d vmap { %s }\n}\n", NF - 2, choice
	}'
	echo "}"
	list_services | awk -v port=$port '
	{
		print "add element ip kube-proxy cluster-ips { " $2 " }"
		print "add element ip kube-proxy service-ips { " $2 " . tcp . " port \
			" : goto service-" NR "-" $1 "/tcp/grpc }"
	}'
}

# As pkg/proxy/iptables writes it.
iptables_rules() {
	cat <<-'END'
		*filter
		:KUBE-SERVICES - [0:0]
		:KUBE-EXTERNAL-SERVICES - [0:0]
		:KUBE-FORWARD - [0:0]
		:KUBE-NODEPORTS - [0:0]
		:KUBE-PROXY-FIREWALL - [0:0]
		-A INPUT -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL
		-A INPUT -j KUBE-NODEPORTS
		-A INPUT -m conntrack --ctstate NEW -j KUBE-EXTERNAL-SERVICES
		-A FORWARD -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL
		-A FORWARD -j KUBE-FORWARD
		-A FORWARD -m conntrack --ctstate NEW -j KUBE-SERVICES
		-A FORWARD -m conntrack --ctstate NEW -j KUBE-EXTERNAL-SERVICES
		-A OUTPUT -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL
		-A OUTPUT -m conntrack --ctstate NEW -j KUBE-SERVICES
		-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
		-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT
		-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
		COMMIT
		*nat
		:KUBE-SERVICES - [0:0]
		:KUBE-NODEPORTS - [0:0]
		:KUBE-POSTROUTING - [0:0]
		:KUBE-MARK-MASQ - [0:0]
		-A PREROUTING -j KUBE-SERVICES
		-A OUTPUT -j KUBE-SERVICES
		-A POSTROUTING -j KUBE-POSTROUTING
		-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000
		-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
		-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000
		-A KUBE-POSTROUTING -j MASQUERADE --random-fully
	END
	list_services | awk -v port=$port '
	{
		svc = "KUBE-SVC-" NR
		to = "-m comment --comment \"" $1 ":grpc cluster IP\" -m tcp -p tcp -d " $2 "/32 --dport " port
		print ":" svc " - [0:0]"
		print "-A KUBE-SERVICES " to " -j " svc
		print "-A " svc " " to " ! -s 10.128.0.0/15 -j KUBE-MARK-MASQ"
		for (i = 3; i <= NF; i++) {
			sep = "KUBE-SEP-" NR "-" i
			chance = i == NF ? "" : sprintf(" -m statistic --mode random --probability %.10f",
				1 / (NF - i + 1))
			print ":" sep " - [0:0]"
			print "-A " svc " -m comment --comment \"" $1 ":grpc -> " $i "\"" chance " -j " sep
			print "-A " sep " -s " $i " -j KUBE-MARK-MASQ"
			print "-A " sep " -m tcp -p tcp -j DNAT --to-destination " $i ":" port
		}
	}
	END {
		print "-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS"
		print "COMMIT"
	}'
}

run_haproxy() {
	local config=/dev/shm/gwbpf-bench-haproxy.$$ backend count=0

	ip addr add "$vip/32" dev lo
	{
		echo "global"
		echo "  nbthread 1"
		echo "  maxconn 4096"
		echo "defaults"
		echo "  mode tcp"
		echo "  timeout connect 3s"
		echo "  timeout client 1h"
		echo "  timeout server 1h"
		echo "listen gateway"
		echo "  bind $vip:$port backlog 4096"
		echo "  balance leastconn"
		for backend in $backends; do
			count=$((count + 1))
			echo "  server peer$count $backend:$port"
		done
	} >"$config"
	exec 3<"$config"
	rm "$config"
	exec haproxy -db -f /dev/fd/3
}

case $mode in
nft) nft_rules | nft -f - ;;
iptables) iptables_rules | iptables-legacy-restore ;;
haproxy) run_haproxy ;;
esac
