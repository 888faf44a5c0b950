#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The first process of a node: node-hold.sh CLUSTER NODE. It enters the node's cgroup before it
# leaves the machine's cgroup namespace, so the node sees that as its root. Then it starts what it
# is told to: that inherits namespaces and cgroup, where moving each process would take a second.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.bash"

# A mount of each hierarchy as the node sees it, and a bpffs of its own.
mount_sys() {
	local targets options=() target
	mapfile -t targets < <(cgroup_hierarchies)
	for target in "${targets[@]}"; do
		options+=("$(findmnt -rn -o FSTYPE,FS-OPTIONS "$target")")
	done
	# A second mount of a hierarchy, as in somebody's chroot, would lead the kubelet astray.
	findmnt -rn -t cgroup,cgroup2 -o TARGET | xargs umount -l
	umount -lR /sys
	mount -t sysfs sysfs /sys
	[ "${targets[*]}" = /sys/fs/cgroup ] || mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
	for i in "${!targets[@]}"; do
		mkdir -p "${targets[$i]}"
		case ${options[$i]} in
		"cgroup2 "*) mount -t cgroup2 cgroup2 "${targets[$i]}" ;;
		*) mount -t cgroup -o "${options[$i]#cgroup rw,}" cgroup "${targets[$i]}" ;;
		esac
	done
	mount -t bpf -o mode=700 bpf /sys/fs/bpf
}

# Kubelets set these for the whole machine; here they write into files.
mount_sysctls() {
	local setting file=$CLUSTER/$NODE/sysctl
	mkdir -p "$file"
	for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
		kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
		echo "${setting#*=}" >"$file/$(basename "${setting%=*}")"
		mount --bind "$file/$(basename "${setting%=*}")" "/proc/sys/${setting%=*}"
	done
}

# What programs on a node expect to own.
mount_own() {
	local dir
	for dir in /run /var/lib /var/log; do
		mount -t tmpfs -o mode=755 "node" "$dir"
	done
}

CLUSTER=$1 NODE=$2
if [ "${3:-}" != inside ]; then
	cgroup_enter $$ "$(basename "$CLUSTER")/$NODE"
	exec unshare --net --mount --uts --cgroup "$0" "$CLUSTER" "$NODE" inside
fi
hostname "$NODE"
mount_sys
mount_sysctls
mount_own
# Pods get to see what is mounted on the node later.
mount --make-rshared /
# A cgroup v2 with processes of its own may not hand controllers on.
cgroup_enter $$ system cgroup2
mkfifo "$CLUSTER/$NODE/start"
while read -r name command; do
	eval "cluster_start $NODE-$name $command"
done <>"$CLUSTER/$NODE/start"
