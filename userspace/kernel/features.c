// SPDX-License-Identifier: Apache-2.0
#include "kernel/features.h"

#include <stdbool.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gwbpf.skel.h>

#include "kernel/conns.h"

/* Whether a program at sock_release may read the kernel's memory; some kernels that are locked down
 * do not let it. By one that reads 8 bytes from behind its context onto its stack. */
static bool has_probe_read(void)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 3, .src_reg = 1},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 1, .imm = -8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = 8},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_read_kernel},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options,
		    .expected_attach_type = BPF_CGROUP_INET_SOCK_RELEASE);
	int fd = bpf_prog_load(BPF_PROG_TYPE_CGROUP_SOCK, "gw_try", "GPL", insns,
			       sizeof(insns) / sizeof(*insns), &options);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

void features_set(struct gwbpf_bpf *object)
{
	object->rodata->jiffies_per_second = conns_jiffies_per_second();
	object->rodata->has_set_retval = libbpf_probe_bpf_helper(BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
								 BPF_FUNC_set_retval, NULL) > 0;
	object->rodata->has_probe_read = has_probe_read();
}
