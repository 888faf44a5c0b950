// SPDX-License-Identifier: Apache-2.0
/* Another sockops program, which runs behind ours, sets the events that it wants, and not ours. */
#include "kernel/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "kernel/counts.h"

#define VIP "10.96.0.10:7051"
#define NEAR "10.1.0.1:7051"
#define CLOSED "10.1.0.2:7051"
#define CONNECTIONS 10

static int program_fd, link_fd;

/* At one event it sets its flags, which are others than ours. */
static void meddle_at(__u32 event)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 2, .src_reg = 1, .off = 0},
		{.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = 2, .off = 2, .imm = (__s32)event},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K,
		 .dst_reg = 2,
		 .imm = BPF_SOCK_OPS_RTT_CB_FLAG},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_sock_ops_cb_flags_set},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_CGROUP_SOCK_OPS);
	int cgroup = open(lab.cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	program_fd = bpf_prog_load(BPF_PROG_TYPE_SOCK_OPS, "meddler", "GPL", insns,
				   sizeof(insns) / sizeof(*insns), &options);
	assert_return_code(program_fd, errno);
	link_fd = bpf_link_create(program_fd, cgroup, BPF_CGROUP_SOCK_OPS, NULL);
	assert_return_code(link_fd, errno);
	close(cgroup);
}

static int end(void **state)
{
	(void)state;
	close(link_fd);
	close(program_fd);
	return 0;
}

static void open_and_close(void)
{
	int server = lab_listen(NEAR), fds[CONNECTIONS];

	lab_serve_by(VIP, NEAR);
	for (int i = 0; i < CONNECTIONS; i++)
		assert_return_code(fds[i] = lab_connect(VIP), 0);
	counts_expect(NEAR, CONNECTIONS, .attempts = CONNECTIONS, .established = CONNECTIONS);
	for (int i = 0; i < CONNECTIONS; i++)
		close(fds[i]);
	counts_expect(NEAR, 0, .attempts = CONNECTIONS, .established = CONNECTIONS,
		      .closed = CONNECTIONS);
	close(server);
}

static void test_connections_are_counted_if_it_does_so_at_the_first_packet(void **state)
{
	(void)state;
	meddle_at(BPF_SOCK_OPS_TCP_CONNECT_CB);
	open_and_close();
	lab_serve_by(VIP, CLOSED);
	assert_int_equal(lab_connect(VIP), -ECONNREFUSED);
	counts_expect(CLOSED, 0, .attempts = 1, .refused = 1);
}

/* The last event of a connection that comes unasked, until it is closed. */
static void test_connections_are_counted_if_it_does_so_at_the_establishment(void **state)
{
	(void)state;
	meddle_at(BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB);
	open_and_close();
}

static void test_so_are_those_that_the_peer_resets(void **state)
{
	int server = lab_listen(NEAR), fd;

	(void)state;
	meddle_at(BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB);
	lab_serve_by(VIP, NEAR);
	fd = lab_connect(VIP);
	counts_expect(NEAR, 1, .attempts = 1, .established = 1);
	/* Nobody says so; what the application closes then is closed already. */
	lab_abort(accept(server, NULL, NULL));
	close(fd);
	counts_expect(NEAR, 0, .attempts = 1, .established = 1, .closed = 1);
	close(server);
}

/* A recount takes off a connection that ended unseen: then its socket must not do so once more. */
static void test_none_is_subtracted_by_a_recount_and_by_its_socket(void **state)
{
	int server = lab_listen(NEAR), fd, kept;

	(void)state;
	meddle_at(BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB);
	lab_serve_by(VIP, NEAR);
	kept = lab_connect(VIP);
	lab_abort(accept(server, NULL, NULL));
	close(server);
	server = lab_listen(NEAR);
	fd = lab_connect(VIP);
	/* Once it is sure, where the walk is over sockets. */
	for (int i = 0; i < 2; i++)
		assert_int_equal(tables_recount(lab.tables, &(struct recount){0}), 0);
	counts_expect(NEAR, 1, .attempts = 2, .established = 2, .closed = 1);
	close(kept);
	counts_expect(NEAR, 1, .attempts = 2, .established = 2, .closed = 1);
	close(fd);
	counts_expect(NEAR, 0, .attempts = 2, .established = 2, .closed = 2);
	close(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, lab_begin, end)
		LAB_TEST(test_connections_are_counted_if_it_does_so_at_the_first_packet),
		LAB_TEST(test_connections_are_counted_if_it_does_so_at_the_establishment),
		LAB_TEST(test_so_are_those_that_the_peer_resets),
		LAB_TEST(test_none_is_subtracted_by_a_recount_and_by_its_socket),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), lab_start, lab_stop);
}
