// SPDX-License-Identifier: Apache-2.0
#include "bench/runs.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "kernel/lab.h"

static const struct {
	enum bpf_prog_type program;
	enum bpf_attach_type attach;
} kinds[GW_HOOK_MAX_] = {
	[GW_HOOK_SOCKOPS] = {BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS},
	[GW_HOOK_SOCK_RELEASE] = {BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_RELEASE},
	[GW_HOOK_CONNECT4] = {BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT},
};

static int stats_fd, program_fds[GW_HOOK_MAX_], empty_fds[GW_HOOK_MAX_], link_fds[GW_HOOK_MAX_];

void runs_start(void)
{
	struct hook_status hooks[GW_HOOK_MAX_];

	stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	assert_return_code(stats_fd, errno);
	assert_return_code(datapath_hooks(LAB_PINS, hooks), 0);
	for (int i = 0; i < GW_HOOK_MAX_; i++) {
		program_fds[i] = bpf_prog_get_fd_by_id(hooks[i].program_id);
		assert_return_code(program_fds[i], errno);
	}
}

void runs_stop(void)
{
	for (int i = 0; i < GW_HOOK_MAX_; i++) {
		close(program_fds[i]);
		if (!kinds[i].program)
			continue;
		close(link_fds[i]);
		close(empty_fds[i]);
	}
	close(stats_fd);
}

void runs_attach_empty(const char *cgroup)
{
	static const struct bpf_insn allow[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int cgroup_fd = open(cgroup, O_RDONLY | O_CLOEXEC);

	assert_return_code(cgroup_fd, errno);
	for (int i = 0; i < GW_HOOK_MAX_; i++) {
		LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = kinds[i].attach);

		if (!kinds[i].program)
			continue;
		empty_fds[i] = bpf_prog_load(kinds[i].program, "empty", "GPL", allow, 2, &options);
		assert_return_code(empty_fds[i], errno);
		link_fds[i] = bpf_link_create(empty_fds[i], cgroup_fd, kinds[i].attach, NULL);
		assert_return_code(link_fds[i], errno);
	}
	close(cgroup_fd);
}

static struct runs runs_of_program(int fd)
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	assert_return_code(bpf_obj_get_info_by_fd(fd, &info, &size), errno);
	return (struct runs){.ns = info.run_time_ns, .count = info.run_cnt};
}

struct runs runs_of(enum gw_hook hook)
{
	return runs_of_program(program_fds[hook]);
}

struct runs runs_of_empty(enum gw_hook hook)
{
	return runs_of_program(empty_fds[hook]);
}
