// SPDX-License-Identifier: Apache-2.0
/* What stands at the pin directory and the cgroup when an agent comes: what it goes on with, what
 * it replaces, and what it refuses with a word that helps. */
#include "kernel/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "kernel/counts.h"
#include "kernel/crew.h"
#include "kernel/maps.h"
#include "kernel/server.h"

#define VIP "10.96.0.10:7051"
#define A "10.1.0.1:7051"

static struct datapath_options options = {
	.pin_dir = LAB_PINS,
	.max_services = 64,
	.max_backends = 4096,
};

static char message[DATAPATH_MESSAGE_MAX];
static pid_t server;

/* Come as an agent does, with the options as they are; 0 or -errno, and message. */
static int come(void)
{
	int err;

	options.cgroup = options.cgroup ? options.cgroup : lab.cgroup;
	err = datapath_open(&options, &lab.datapath, message);
	if (!err)
		assert_int_equal(tables_open(LAB_PINS, &lab.tables), 0);
	return err;
}

static void expect_refusal(int err, const char *word)
{
	struct datapath *datapath = NULL;

	assert_int_equal(datapath_open(&options, &datapath, message), err);
	assert_null(datapath);
	if (!strstr(message, word))
		fail_msg("no '%s' in '%s'", word, message);
}

static void spoil_abi(void)
{
	struct maps maps;

	assert_int_equal(maps_open(LAB_PINS, true, &maps), 0);
	maps.meta->abi = 999;
	maps_close(&maps);
}

static void attach(void)
{
	if (datapath_attach(lab.datapath, message))
		fail_msg("%s", message);
}

static void test_pins_of_another_version_are_replaced_and_connections_go_on(void **state)
{
	char text[LAB_TEXT];
	uint32_t abi = 0;
	int old;

	(void)state;
	lab_open();
	lab_serve_by(VIP, A);
	old = lab_connect(VIP);
	lab_close();
	spoil_abi();
	assert_int_equal(datapath_pinned_abi(LAB_PINS, &abi), 0);
	assert_int_equal(abi, 999);
	assert_int_equal(come(), 0);
	assert_false(datapath_is_adopted(lab.datapath));
	assert_non_null(strstr(message, "ABI 999"));
	/* Until the new programs are there, the old ones balance. */
	lab_abort(lab_connect(VIP));
	lab_serve_by(VIP, A);
	attach();
	assert_string_equal(lab_peer_name(old, text), VIP);
	lab_abort(lab_connect(VIP));
	counts_expect(A, 0, .attempts = 1, .established = 1, .closed = 1);
	/* Its end is an end of nothing that is known here. */
	lab_abort(old);
	counts_expect(A, 0, .attempts = 1, .established = 1, .closed = 1);
	assert_int_equal(lab_reason(GW_REASON_BACKEND_GONE), 1);
}

static void test_pins_that_were_left_half_made_are_made_anew(void **state)
{
	static const char *const missing[] = {"gw_meta", "gw_sets"};

	(void)state;
	for (size_t i = 0; i < sizeof(missing) / sizeof(*missing); i++) {
		lab_open();
		lab_serve_by(VIP, A);
		lab_close();
		lab_run("rm " LAB_PINS "/maps/%s", missing[i]);
		assert_int_equal(come(), 0);
		assert_false(datapath_is_adopted(lab.datapath));
		attach();
		lab_serve_by(VIP, A);
		lab_abort(lab_connect(VIP));
		counts_expect(A, 0, .attempts = 1, .established = 1, .closed = 1);
		lab_close();
	}
}

static void test_limits_stay_as_they_were_pinned(void **state)
{
	(void)state;
	lab_open();
	lab_close();
	options.max_backends = 100;
	assert_int_equal(come(), 0);
	assert_true(datapath_is_adopted(lab.datapath));
	assert_non_null(strstr(message, "4096 backends"));
}

/* Also while the first one has not written its pid into the maps yet, or not any more: there stands
 * that of one before. */
static void test_a_second_agent_is_refused_and_told_of_the_first(void **state)
{
	char me[32];

	(void)state;
	snprintf(me, sizeof(me), "pid %d ", getpid());
	lab_open();
	tables_meta(lab.tables)->agent_pid = 4321;
	options.cgroup = lab.cgroup;
	expect_refusal(-EBUSY, me);
	assert_int_equal(datapath_detach(LAB_PINS, false, message), -EBUSY);
	assert_non_null(strstr(message, me));
}

/* As an agent that has begun to start, or nearly ended; `ready` tells when. */
static void hold_lock(int ready)
{
	int fd = open(LAB_PINS, O_RDONLY | O_DIRECTORY);

	if (fd < 0 || flock(fd, LOCK_EX) || write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void test_only_the_one_that_holds_the_pins_is_ended_by_force(void **state)
{
	pid_t bystander = lab_fork(), holder;
	int ready[2], status;
	char byte;

	(void)state;
	while (!bystander)
		pause();
	lab_open();
	tables_meta(lab.tables)->agent_pid = (uint32_t)bystander;
	lab_close();
	assert_return_code(pipe(ready), errno);
	holder = lab_fork();
	if (!holder)
		hold_lock(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	assert_int_equal(datapath_detach(LAB_PINS, true, message), 0);
	assert_int_equal(waitpid(holder, &status, 0), holder);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	assert_int_equal(waitpid(bystander, &status, WNOHANG), 0);
	kill(bystander, SIGKILL);
	waitpid(bystander, &status, 0);
}

static void test_a_directory_that_cannot_hold_pins_is_refused(void **state)
{
	static const struct {
		const char *directory;
		const char *word;
	} bad[] = {
		{"/dev/shm/gwbpf", "not below a bpffs"},
		{"/mnt", "it is itself the mount"},
		{"/mnt/gwbpf.d", "without dots"},
		{"mnt", "absolute path"},
	};

	(void)state;
	options.cgroup = lab.cgroup;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		options.pin_dir = bad[i].directory;
		expect_refusal(-EINVAL, bad[i].word);
	}
}

/* With and without the directory. */
static void test_a_bpffs_that_is_read_only_is_refused(void **state)
{
	(void)state;
	options.cgroup = lab.cgroup;
	lab_run("mount -o remount,ro /mnt");
	expect_refusal(-EROFS, "read-write");
	lab_run("mount -o remount,rw /mnt && mkdir " LAB_PINS " " LAB_PINS "/maps " LAB_PINS
		"/links && mount -o remount,ro /mnt");
	expect_refusal(-EROFS, "read-write");
	lab_run("mount -o remount,rw /mnt");
}

static void test_a_cgroup_that_is_none_is_refused(void **state)
{
	(void)state;
	options.cgroup = "/tmp";
	expect_refusal(-ENOTSUP, "not a cgroup v2 directory");
	options.cgroup = "/nowhere";
	expect_refusal(-ENOENT, "'/nowhere'");
}

static void come_as_nobody(struct crew_member *me, void *arg)
{
	struct datapath *datapath;
	int err;

	(void)arg;
	if (setuid(65534))
		crew_problem(me, "setuid: %s", strerror(errno));
	err = datapath_open(&options, &datapath, message);
	if (err != -EPERM || !strstr(message, "run as root"))
		crew_problem(me, "%d: %s", err, message);
	err = datapath_detach(LAB_PINS, false, message);
	if (!err || !message[0])
		crew_problem(me, "detach: %d: '%s'", err, message);
}

static void test_who_is_not_root_is_refused(void **state)
{
	(void)state;
	lab_open();
	lab_close();
	options.cgroup = lab.cgroup;
	crew_wait(crew_start(1, come_as_nobody, NULL));
}

static int load_allow_all(void)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_CGROUP_INET4_CONNECT);

	return bpf_prog_load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, "other", "GPL", insns, 2, &opts);
}

static void test_a_hook_that_another_holds_for_itself_is_named(void **state)
{
	int program = load_allow_all(), cgroup;

	(void)state;
	assert_int_equal(come(), 0);
	cgroup = datapath_cgroup_fd(lab.datapath);
	assert_true(program >= 0);
	assert_int_equal(bpf_prog_attach(program, cgroup, BPF_CGROUP_INET4_CONNECT, 0), 0);
	assert_int_equal(datapath_attach(lab.datapath, message), -EPERM);
	assert_non_null(strstr(message, "connect4"));
	assert_non_null(strstr(message, "exclusively"));
	assert_int_equal(bpf_prog_detach2(program, cgroup, BPF_CGROUP_INET4_CONNECT), 0);
	attach();
	lab_serve_by(VIP, A);
	lab_abort(lab_connect(VIP));
	counts_expect(A, 0, .attempts = 1, .established = 1, .closed = 1);
	close(program);
}

static void test_detach_leaves_nothing_but_connections(void **state)
{
	struct hook_status hooks[GW_HOOK_MAX_];
	char text[LAB_TEXT];
	int fd;

	(void)state;
	lab_open();
	lab_serve_by(VIP, A);
	fd = lab_connect(VIP);
	lab_close();
	assert_int_equal(datapath_hooks(LAB_PINS, hooks), 0);
	for (int i = 0; i < GW_HOOK_MAX_; i++)
		assert_true(hooks[i].attached);
	assert_int_equal(datapath_detach(LAB_PINS, false, message), 0);
	assert_int_equal(datapath_hooks(LAB_PINS, hooks), -ENOENT);
	assert_int_equal(access(LAB_PINS, F_OK), -1);
	assert_string_equal(lab_peer_name(fd, text), A);
	assert_int_equal(server_greeting(fd), 1);
	assert_int_equal(lab_connect(VIP), -ENETUNREACH);
	lab_abort(fd);
	assert_int_equal(datapath_detach(LAB_PINS, false, message), 0);
}

static int start(void **state)
{
	(void)state;
	server = server_start(lab_listen(A), SERVER_GREET);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	server_stop(server);
	return 0;
}

static int begin(void **state)
{
	(void)state;
	options = (struct datapath_options){
		.pin_dir = LAB_PINS, .max_services = 64, .max_backends = 4096,
	};
	message[0] = '\0';
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, begin, lab_stop)
		LAB_TEST(test_pins_of_another_version_are_replaced_and_connections_go_on),
		LAB_TEST(test_pins_that_were_left_half_made_are_made_anew),
		LAB_TEST(test_limits_stay_as_they_were_pinned),
		LAB_TEST(test_a_second_agent_is_refused_and_told_of_the_first),
		LAB_TEST(test_only_the_one_that_holds_the_pins_is_ended_by_force),
		LAB_TEST(test_a_directory_that_cannot_hold_pins_is_refused),
		LAB_TEST(test_a_bpffs_that_is_read_only_is_refused),
		LAB_TEST(test_a_cgroup_that_is_none_is_refused),
		LAB_TEST(test_who_is_not_root_is_refused),
		LAB_TEST(test_a_hook_that_another_holds_for_itself_is_named),
		LAB_TEST(test_detach_leaves_nothing_but_connections),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), start, stop);
}
