# SPDX-License-Identifier: Apache-2.0
# Nodes for the cluster of lib.bash, on the same machine: each has a network, mount, host name and
# cgroup namespace of its own, and in it a containerd and a kubelet (and kube-proxy on request) that
# see what they would see on a machine of their own. All of it lives by the processes in the node's
# cgroup: when they are killed, the kernel takes namespaces, mounts and links away.

. "$(dirname "${BASH_SOURCE[0]}")/lib.bash"
. "$CLUSTER_HERE/pods.bash"

NODES_PROGRAMS="containerd runc nft conntrack buildah unshare nsenter"
NODES_IMAGES="gwbpf-image.tar cluster/peer-image.tar"
NODES_PROXY=${NODES_PROXY:-yes}

# node1 is 10.77.0.11 and fd00:77::11, its pods 10.244.1.0/24, fd00:10:244:1::/64.
nodes_missing() {
	local program image
	cluster_missing
	for program in $NODES_PROGRAMS; do
		command -v "$program" >/dev/null || echo "no $program (make cluster-deps)"
	done
	for image in $NODES_IMAGES; do
		[ -e "$CLUSTER_TOP/build/$image" ] || echo "no image '$image' (make cluster-images)"
	done
	[ -e /usr/lib/cni/bridge ] || echo "no CNI plugins (make cluster-deps)"
	[ -e /sys/fs/bpf ] || echo "no bpffs"
}

# --- one node ----------------------------------------------------------------------------------

node_cgroup() {
	echo "$(basename "$CLUSTER")/$1"
}

# Run a command on a node as if logged in there. `ip netns exec` would hide cgroups and bpffs.
node_exec() {
	local holder
	holder=$(cat "$CLUSTER/run/$1-holder")
	shift
	nsenter -t "$holder" --net --mount --uts --cgroup "$@"
}

# Start a program on a node: NODE NAME PROGRAM...; see cluster_start and node-hold.sh.
node_start() {
	local node=$1 name=$2
	shift 2
	printf '%s %s\n' "$name" "$(printf '%q ' "$@")" >"$CLUSTER/$node/start"
	cluster_wait 60 test -s "$CLUSTER/run/$node-$name"
}

node_connect() {
	local node=$1 number=${1#node} other fabric
	fabric=$(cat "$CLUSTER/run/fabric")
	nsenter -t "$fabric" --net ip link add "$node" type veth peer name eth0 \
		netns "$(cat "$CLUSTER/run/$node-holder")"
	nsenter -t "$fabric" --net ip link set "$node" master br0 up
	node_exec "$node" ip -batch - <<-END
		link set lo up
		link set eth0 up
		address add 10.77.0.1$number/24 dev eth0
		address add fd00:77::1$number/64 dev eth0 nodad
		route add default via 10.77.0.1
		route add default via fd00:77::1
	END
	# The control plane answers pods, which are not hidden behind their node's address.
	nsenter -t "$fabric" --net ip route add 10.244.$number.0/24 via 10.77.0.1$number
	nsenter -t "$fabric" --net ip -6 route add fd00:10:244:$number::/64 via fd00:77::1$number
	node_exec "$node" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	for ((other = 1; other <= NODES_COUNT; other++)); do
		[ "$other" != "$number" ] || continue
		node_exec "$node" ip route add 10.244.$other.0/24 via 10.77.0.1$other
		node_exec "$node" ip -6 route add fd00:10:244:$other::/64 via fd00:77::1$other
	done
}

node_configure() {
	local node=$1 number=${1#node} dir=$CLUSTER/$1
	sed "s|@DIR@|$dir|g" "$CLUSTER_HERE/config/containerd.toml" >"$dir/containerd.toml"
	sed "s|@N@|$number|g" "$CLUSTER_HERE/config/cni.conflist" >"$dir/cni/10-bridge.conflist"
	sed "s|@PKI@|$CLUSTER/pki|g" "$CLUSTER_HERE/config/kubelet.yaml" >"$dir/kubelet.yaml"
	sed "s|@NODE@|$node|g; s|@KUBECONFIG@|$CLUSTER/proxy.kubeconfig|g" \
		"$CLUSTER_HERE/config/kube-proxy.yaml" >"$dir/kube-proxy.yaml"
	cluster_certificate "$node" "/O=system:nodes/CN=system:node:$node"
	cluster_certificate_kubeconfig "$dir/kubeconfig" "$node"
}

node_ctr() {
	local node=$1
	shift
	node_exec "$node" ctr -n k8s.io "$@"
}

node_start_containerd() {
	local dir=$CLUSTER/$1
	node_start "$1" containerd containerd --config "$dir/containerd.toml"
}

node_import_images() {
	local image
	cluster_wait_ready "$1-containerd" node_ctr "$1" version
	for image in "$CLUSTER"/images/*.tar; do
		node_ctr "$1" images import "$image" >/dev/null
	done
}

node_start_kubelet() {
	local node=$1 number=${1#node} dir=$CLUSTER/$1
	node_start "$node" kubelet kubelet --config "$dir/kubelet.yaml" --kubeconfig "$dir/kubeconfig" \
		--hostname-override "$node" --node-ip "10.77.0.1$number,fd00:77::1$number" \
		--node-labels "topology.kubernetes.io/zone=zone$number"
	[ "$NODES_PROXY" != yes ] ||
		node_start "$node" proxy kube-proxy --config "$dir/kube-proxy.yaml"
}

node_wait_ready() {
	kubectl wait --for=create --timeout=180s "node/$1" >/dev/null &&
		kubectl wait --for=condition=Ready --timeout=180s "node/$1" >/dev/null
}

node_hold() {
	mkdir -p "$CLUSTER/$1/cni"
	cluster_start "$1-holder" "$CLUSTER_HERE/node-hold.sh" "$CLUSTER" "$1"
}

node_wait_held() {
	cluster_wait_ready "$1-holder" test -p "$CLUSTER/$1/start"
}

# The node dies at once, as in a power failure; its Node object stays. The link goes first: else its
# kernel would tell every peer of a connection that the process is gone.
node_kill() {
	cluster_exec ip link set "$1" down
	cgroup_destroy "$(node_cgroup "$1")"
	rm -f "$CLUSTER/run/$1"-*
}

# kube-proxy has taken up a Service: node_proxies NODE ADDRESS, one of IPv4.
node_proxies() {
	node_exec "$1" nft list map ip kube-proxy service-ips | grep "[[:space:]{]$2 "
}

# --- all of them -------------------------------------------------------------------------------

# The network between the nodes and the control plane, in a namespace of its own.
nodes_make_fabric() {
	cluster_start fabric unshare --net tail -f "$CLUSTER/log/fabric"
	CLUSTER_NETNS=/proc/$(cat "$CLUSTER/run/fabric")/ns/net
	export CLUSTER_NETNS
	cluster_wait 60 nodes_has_own_net
	cluster_exec ip -batch - <<-END
		link set lo up
		link add br0 type bridge
		link set br0 up
		address add 10.77.0.1/24 dev br0
		address add fd00:77::1/64 dev br0 nodad
	END
}

nodes_has_own_net() {
	[ "$(readlink "$CLUSTER_NETNS")" != "$(readlink /proc/self/ns/net)" ]
}

nodes_images() {
	local image
	mkdir "$CLUSTER/images"
	for image in $NODES_IMAGES; do
		ln -s "$CLUSTER_TOP/build/$image" "$CLUSTER/images/"
	done
}

# nodes_up COUNT: a cluster with all controllers and that many nodes, node1, node2, ... ready.
nodes_up() {
	nodes_start "$1" && return
	cluster_down
	return 1
}

nodes_start() {
	NODES_COUNT=$1 CLUSTER_ADDRESS=10.77.0.1
	export NODES_COUNT CLUSTER_ADDRESS
	cluster_can_start nodes_missing && cluster_new && cgroup_make "$(basename "$CLUSTER")" &&
		nodes_each node_hold && nodes_make_fabric && nodes_images &&
		cluster_etcd_start && cluster_api_start && nodes_controllers_start || return 1
	cluster_certificate proxy /CN=system:kube-proxy
	cluster_certificate_kubeconfig "$CLUSTER/proxy.kubeconfig" proxy
	nodes_each node_wait_held && nodes_each node_connect && nodes_each node_configure &&
		nodes_each node_start_containerd && nodes_each node_import_images &&
		nodes_each node_start_kubelet && nodes_each node_wait_ready
}

# A step for all nodes before the next step: while one gets ready, the other does too.
nodes_each() {
	local number
	for ((number = 1; number <= NODES_COUNT; number++)); do
		"$1" "node$number" || return 1
	done
}

# A node that says nothing for $NODES_GRACE is dead: its peers are taken out of the slices. Where no
# node dies that is as long as a kubelet may ever wait for a processor.
nodes_controllers_start() {
	cluster_controllers_start --node-monitor-period 1s --node-monitor-grace-period "${NODES_GRACE:-60s}" \
		--allocate-node-cidrs=false
	cluster_certificate_kubeconfig "$CLUSTER/scheduler.kubeconfig" scheduler
	cluster_start scheduler kube-scheduler --bind-address 127.0.0.1 \
		--secure-port "$(cluster_free_port)" --leader-elect=false \
		--kubeconfig "$CLUSTER/scheduler.kubeconfig" \
		--authentication-kubeconfig "$CLUSTER/scheduler.kubeconfig" \
		--authorization-kubeconfig "$CLUSTER/scheduler.kubeconfig"
}
