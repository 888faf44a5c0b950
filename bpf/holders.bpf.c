// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who holds a socket: a walk over the descriptors of all processes, which writes down those of the
 * sockets that are looked for. For sockets that are not found where they were opened, or that more
 * than one reference keeps.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include <gwbpf/holders.h>

#include "kernel_types.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define S_IFMT 0170000
#define S_IFSOCK 0140000

/* How many descriptors were found, also beyond the end of gw_holders. */
__u64 found;

/* The inodes of the sockets that are looked for; the value means nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, __u32);
} gw_sought SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gw_holder);
} gw_holders SEC(".maps");

SEC("iter/task_file")
int gw_walk_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct gw_holder *to;
	struct inode *inode;
	__u64 number;
	__u32 index;

	if (!task || !file)
		return 0;
	inode = file->f_inode;
	if ((inode->i_mode & S_IFMT) != S_IFSOCK)
		return 0;
	number = inode->i_ino;
	if (!bpf_map_lookup_elem(&gw_sought, &number))
		return 0;
	index = found++;
	to = bpf_map_lookup_elem(&gw_holders, &index);
	if (!to)
		return 0;
	to->inode = number;
	to->tgid = task->tgid;
	to->fd = ctx->fd;
	return 0;
}
