#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# In a mount namespace of its own: make ROOT the root of files, with the mounts that a machine has
# after its start, and run a command there in the work tree. ARCHIVES holds the packages that apt
# has fetched before.
#
#	root.sh ROOT ARCHIVES COMMAND
set -eu
root=$1 archives=$2 command=$3

mount --make-rprivate /
mount --bind "$root" "$root"
cd "$root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t bpf bpf sys/fs/bpf
mount --rbind /dev dev
mount -t tmpfs -o mode=755 tmpfs run
mount --bind "$archives" var/cache/apt/archives
pivot_root . mnt
exec chroot . /usr/bin/env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	sh -c 'umount -l /mnt && cd /root/gwbpf && exec sh -c "$1"' sh "$command"
