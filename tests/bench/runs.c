// SPDX-License-Identifier: Apache-2.0
#include "bench/runs.h"

#include <errno.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "kernel/lab.h"

static int stats_fd, program_fds[GW_HOOK_MAX_];

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
	for (int i = 0; i < GW_HOOK_MAX_; i++)
		close(program_fds[i]);
	close(stats_fd);
}

struct runs runs_of_program(int fd)
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
