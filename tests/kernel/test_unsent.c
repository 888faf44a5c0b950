// SPDX-License-Identifier: Apache-2.0
/*
 * Connects that fail before their first packet: they say nothing of the peer. Of two clients that
 * meet nothing else, one is in a user's namespace, as anybody can make it.
 */
#include "kernel/lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "kernel/clients.h"
#include "kernel/health.h"
#include "kernel/suspects.h"

#define VIP "10.96.0.10:7051"
#define NOWHERE "10.5.0.1:7051" /* no route */
#define TRIES 24
#define PORT 41000

static const char *const peers[] = {"10.1.0.1:7051", "10.1.0.2:7051", "10.1.0.3:7051", NULL};
static const char *const nowhere_and_good[] = {NOWHERE, "10.1.0.1:7051", NULL};

static int clients[2], here, cgroup_fd, deny_fd;

static void serve(const char *const *backends)
{
	lab_service("peers", VIP, GW_POLICY_LC, backends);
}

static int dial_and_close(int fd)
{
	int err = lab_dial(fd, VIP);

	close(fd);
	return err;
}

static int new_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_return_code(fd, errno);
	return fd;
}

static int without_a_route(void)
{
	return dial_and_close(new_socket());
}

/* Which is down. */
static int bound_to_a_device(void)
{
	int fd = new_socket();

	assert_return_code(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "hidden", 7), errno);
	return dial_and_close(fd);
}

/* Another socket has the same two ends already. */
static int without_a_port(void)
{
	const struct sockaddr_in source = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = inet_addr("10.1.0.8"),
	};
	int fds[2], on = 1, err;

	for (int i = 0; i < 2; i++) {
		fds[i] = new_socket();
		setsockopt(fds[i], SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		assert_return_code(bind(fds[i], (const struct sockaddr *)&source, sizeof(source)),
				   errno);
	}
	assert_int_equal(lab_dial(fds[0], peers[0]), 0);
	err = lab_dial(fds[1], VIP);
	lab_abort(fds[0]);
	close(fds[1]);
	return err;
}

/* A program of somebody else, which refuses every connect of this cgroup. */
static int deny_all(void)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_CGROUP_INET4_CONNECT);
	int fd = bpf_prog_load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, "test_deny", "GPL", insns, 2,
			       &options);

	assert_true(fd >= 0);
	return fd;
}

static int denied_by_another_program(void)
{
	int err;

	assert_int_equal(bpf_prog_attach(deny_fd, cgroup_fd, BPF_CGROUP_INET4_CONNECT,
					 BPF_F_ALLOW_MULTI),
			 0);
	err = dial_and_close(new_socket());
	assert_int_equal(bpf_prog_detach2(deny_fd, cgroup_fd, BPF_CGROUP_INET4_CONNECT), 0);
	return err;
}

static const struct {
	int (*connect)(void);
	int error;
	const char *only_peer; /* NULL: all peers */
} ways[] = {
	{without_a_route, -ENETUNREACH, NOWHERE},
	{bound_to_a_device, -ENETUNREACH, NULL},
	{without_a_port, -EADDRNOTAVAIL, "10.1.0.1:7051"},
	{denied_by_another_program, -EPERM, NULL},
};

static void expect_nobody_blamed(const char *const *backends)
{
	struct gw_suspect suspect;

	for (int i = 0; backends[i]; i++) {
		assert_int_equal(health_state(backends[i]), VIEW_BACKEND_USABLE);
		assert_int_equal(health_of(backends[i]).accusations, 0);
		assert_int_equal(health_of(backends[i]).failures, 0);
		assert_false(suspects_find(backends[i], &suspect));
	}
}

static void test_they_take_no_peer_from_anybody(void **state)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		const char *const alone[] = {ways[i].only_peer, NULL};
		const char *const *backends = ways[i].only_peer ? alone : peers;
		uint64_t unsent = lab_reason(GW_REASON_NO_SYN);

		lab_begin(state);
		lab_forgive();
		serve(backends);
		for (int j = 0; j < TRIES; j++) {
			clients_be(clients[j % 2]);
			assert_int_equal(ways[i].connect(), ways[i].error);
		}
		clients_be(here);
		assert_int_equal(lab_reason(GW_REASON_NO_SYN), unsent + TRIES);
		expect_nobody_blamed(backends);
	}
}

/* Round robin would come to it with each second connect, and lc with each. */
static void test_the_next_connect_of_the_client_passes_it_over(void **state)
{
	int kept[2];

	(void)state;
	lab_serve_by(VIP, nowhere_and_good[1]);
	kept[0] = lab_connect(VIP);
	lab_serve_by(VIP, NOWHERE);
	assert_int_equal(without_a_route(), -ENETUNREACH);
	serve(nowhere_and_good);
	kept[1] = lab_connect(VIP);
	assert_return_code(kept[1], -kept[1]);
	assert_int_equal(without_a_route(), -ENETUNREACH);
	lab_abort(kept[0]);
	lab_abort(kept[1]);
}

/* By whoever came first: nothing of it is ours then. */
static void test_what_is_refused_already_is_not_touched(void **state)
{
	int err;

	if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_FUNC_get_retval, NULL) <= 0)
		skip();
	/* Attached anew our hooks come after it. */
	lab_stop(state);
	assert_int_equal(bpf_prog_attach(deny_fd, cgroup_fd, BPF_CGROUP_INET4_CONNECT,
					 BPF_F_ALLOW_MULTI),
			 0);
	lab_start(state);
	serve(peers);
	err = dial_and_close(new_socket());
	assert_int_equal(bpf_prog_detach2(deny_fd, cgroup_fd, BPF_CGROUP_INET4_CONNECT), 0);
	assert_int_equal(err, -EPERM);
	assert_int_equal(lab_reason(GW_REASON_DENIED), 1);
	assert_int_equal(lab_reason(GW_REASON_NO_SYN), 0);
	assert_int_equal(lab_reason(GW_REASON_BALANCED), 0);
}

static int begin(void **state)
{
	lab_forgive();
	lab.settings = (struct settings){.eject_base_ms = 60000, .eject_max_ms = 300000};
	return lab_begin(state);
}

static int start(void **state)
{
	here = clients_here();
	clients[0] = clients_make();
	clients[1] = clients_make_of_user();
	for (int i = 0; i < 2; i++) {
		clients_be(clients[i]);
		lab_run("ip link add hidden type veth peer name aside");
		lab_listen(peers[0]);
	}
	clients_be(here);
	lab_listen(peers[0]);
	cgroup_fd = open(lab.cgroup, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	deny_fd = deny_all();
	return lab_start(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup(name, begin)
		LAB_TEST(test_they_take_no_peer_from_anybody),
		LAB_TEST(test_the_next_connect_of_the_client_passes_it_over),
		LAB_TEST(test_what_is_refused_already_is_not_touched),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), start, lab_stop);
}
