// SPDX-License-Identifier: Apache-2.0
/* An agent that is given another cgroup than the one before it: its hooks move there, and nothing
 * is balanced meanwhile that would not be counted. */
#include "kernel/lab.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "kernel/counts.h"
#include "kernel/lab_cgroup.h"
#include "kernel/mounts.h"
#include "kernel/server.h"

#define VIP "10.96.0.10:7051"
#define A "10.1.0.1:7051"

static char below[300]; /* a cgroup below the lab's */
static char message[DATAPATH_MESSAGE_MAX];

/* Come as an agent does that is told this cgroup. */
static int come(const char *cgroup)
{
	return lab_try_open(cgroup, message);
}

/* In the order of attaching. */
static const struct {
	enum bpf_prog_type program;
	enum bpf_attach_type attach;
} hooks[GW_HOOK_MAX_] = {
	[GW_HOOK_SOCKOPS] = {BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS},
	[GW_HOOK_SOCK_RELEASE] = {BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_RELEASE},
	[GW_HOOK_GETPEERNAME4] = {BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_GETPEERNAME},
	[GW_HOOK_GETPEERNAME6] = {BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_GETPEERNAME},
	[GW_HOOK_CONNECT4] = {BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT},
	[GW_HOOK_CONNECT6] = {BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_CONNECT},
};

/* A program that does nothing, alone at its hook of a cgroup. */
static int take_hook(int hook, int cgroup)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = hooks[hook].attach);
	int program = bpf_prog_load(hooks[hook].program, "other", "GPL", insns, 2, &opts);

	assert_true(program >= 0);
	assert_return_code(bpf_prog_attach(program, cgroup, hooks[hook].attach, 0), errno);
	return program;
}

static void expect_all_at(const char *cgroup)
{
	struct hook_status status[GW_HOOK_MAX_];
	int fd = mounts_open_cgroup(cgroup);
	uint64_t id = 0;

	assert_true(fd >= 0);
	assert_return_code(mounts_cgroup_id(fd, &id), 0);
	close(fd);
	assert_return_code(datapath_hooks(LAB_PINS, status), 0);
	for (int i = 0; i < GW_HOOK_MAX_; i++) {
		assert_true(status[i].attached);
		assert_int_equal(status[i].cgroup_id, id);
	}
}

/* Stands for an agent that is killed just there, too: hooks that are half-way balance nothing. */
static void test_a_move_that_is_refused_leaves_no_connection_uncounted(void **state)
{
	int cgroup = mounts_open_cgroup(below);

	(void)state;
	for (int hook = 0; hook < GW_HOOK_MAX_; hook++) {
		int program = take_hook(hook, cgroup);
		uint64_t balanced;

		assert_return_code(come(lab.cgroup), 0);
		lab_serve_by(VIP, A);
		balanced = lab_reason(GW_REASON_BALANCED);
		lab_close();
		assert_int_equal(come(below), -EPERM);
		assert_int_equal(lab_connect(VIP), -ENETUNREACH);
		assert_int_equal(lab_connect_mapped(VIP), -ENETUNREACH);
		assert_int_equal(lab_reason(GW_REASON_BALANCED), balanced);
		assert_int_equal(lab_reason(GW_REASON_NO_SYN), 0);
		lab_close();
		bpf_prog_detach2(program, cgroup, hooks[hook].attach);
		close(program);
	}
	close(cgroup);
}

static void test_connections_are_seen_to_end_after_a_move(void **state)
{
	char text[LAB_TEXT];
	int fd;

	(void)state;
	lab_join_cgroup(below);
	assert_return_code(come(below), 0);
	lab_serve_by(VIP, A);
	fd = lab_connect(VIP);
	lab_close();
	assert_return_code(come(lab.cgroup), 0);
	expect_all_at(lab.cgroup);
	assert_string_equal(lab_peer_name(fd, text), VIP);
	lab_abort(fd);
	lab_abort(lab_connect(VIP));
	counts_expect(A, 0, .attempts = 2, .established = 2, .closed = 2);
	fd = lab_connect(VIP);
	lab_close();
	assert_return_code(come(below), 0);
	expect_all_at(below);
	lab_abort(fd);
	counts_expect(A, 0, .attempts = 3, .established = 3, .closed = 3);
}

static int start(void **state)
{
	(void)state;
	server_start(lab_listen(A), SERVER_GREET);
	snprintf(below, sizeof(below), "%s/below", lab.cgroup);
	lab_run("mkdir %s", below);
	return 0;
}

static int end(void **state)
{
	lab_join_cgroup(lab.cgroup);
	return lab_stop(state);
}

static int stop(void **state)
{
	(void)state;
	lab_remove_cgroup(below);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_teardown(name, end)
		LAB_TEST(test_a_move_that_is_refused_leaves_no_connection_uncounted),
		LAB_TEST(test_connections_are_seen_to_end_after_a_move),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), start, stop);
}
