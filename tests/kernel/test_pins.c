// SPDX-License-Identifier: Apache-2.0
/* What stands at the pin directory and the cgroup when an agent comes: what it goes on with, what
 * it replaces, and what it refuses with a word that helps. */
#include "kernel/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <linux/sched.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "kernel/conns.h"
#include "kernel/counts.h"
#include "kernel/crew.h"
#include "kernel/maps.h"
#include "kernel/mounts.h"
#include "kernel/pins.h"
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

/* An agent takes the lock, makes a child, and is killed. Its child, which has the lock as well, ends once
 * it has been looked for an agent. */
static void test_a_child_that_outlives_its_agent_for_a_moment_keeps_no_agent_away(void **state)
{
	pid_t agent;
	int ready[2], status;

	(void)state;
	lab_open();
	lab_close();
	assert_return_code(pipe(ready), errno);
	agent = lab_fork();
	if (!agent) {
		int fd = open(LAB_PINS, O_RDONLY | O_DIRECTORY);

		if (fd < 0 || flock(fd, LOCK_EX))
			_exit(1);
		if (!fork())
			_exit(write(ready[1], "", 1) != 1 || poll(NULL, 0, 300));
		pause();
	}
	assert_int_equal(read(ready[0], &status, 1), 1);
	kill(agent, SIGKILL);
	assert_int_equal(waitpid(agent, &status, 0), agent);
	assert_int_equal(come(), 0);
	assert_true(datapath_is_adopted(lab.datapath));
	close(ready[0]);
	close(ready[1]);
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

/* A new process with the pid of one that has ended. */
static pid_t fork_as(pid_t pid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uint64_t)(uintptr_t)&pid,
		.set_tid_size = 1,
	};
	pid_t parent = getpid(), child;

	fflush(NULL);
	child = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (!child && (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent))
		_exit(1);
	return child;
}

/* A hostile holder: who took the lock ends, its child keeps it, and /proc/locks goes on to name the
 * pid, which is somebody else's by then. */
static void test_whoever_has_the_pid_of_an_earlier_holder_is_not_ended(void **state)
{
	pid_t taker, keeper, bystander;
	int ready[2], status;

	(void)state;
	lab_open();
	lab_close();
	assert_return_code(pipe(ready), errno);
	assert_return_code(prctl(PR_SET_CHILD_SUBREAPER, 1), errno);
	taker = lab_fork();
	if (!taker) {
		int fd = open(LAB_PINS, O_RDONLY | O_DIRECTORY);

		if (fd < 0 || flock(fd, LOCK_EX))
			_exit(1);
		keeper = fork();
		if (!keeper)
			alarm(60);
		while (!keeper)
			pause();
		_exit(write(ready[1], &keeper, sizeof(keeper)) != sizeof(keeper));
	}
	assert_int_equal(read(ready[0], &keeper, sizeof(keeper)), sizeof(keeper));
	assert_int_equal(waitpid(taker, &status, 0), taker);
	bystander = fork_as(taker);
	while (!bystander)
		pause();
	assert_int_equal(bystander, taker);
	assert_int_equal(pins_lock_holder(LAB_PINS), bystander);
	options.cgroup = lab.cgroup;
	expect_refusal(-EBUSY, "another process has that now");
	assert_int_equal(datapath_detach(LAB_PINS, true, message), -ESRCH);
	assert_non_null(strstr(message, "does not hold it now"));
	assert_int_equal(waitpid(bystander, &status, WNOHANG), 0);
	kill(bystander, SIGKILL);
	waitpid(bystander, &status, 0);
	kill(keeper, SIGKILL);
	waitpid(keeper, &status, 0);
	close(ready[0]);
	close(ready[1]);
}

static void make_pins_as_nobody(struct crew_member *me, void *arg)
{
	(void)arg;
	if (setgid(65534) || setuid(65534) || mkdir(LAB_PINS, 0777) ||
	    mkdir(LAB_PINS "/maps", 0777) || mkdir(LAB_PINS "/links", 0777))
		crew_problem(me, "cannot make the directory first: %s", strerror(errno));
}

static void expect_distrust(const char *word)
{
	char explanation[DATAPATH_MESSAGE_MAX];
	struct view *view;

	options.cgroup = lab.cgroup;
	expect_refusal(-EXDEV, word);
	assert_non_null(strstr(message, "mode=700"));
	assert_int_equal(mounts_check_pin_dir(LAB_PINS, explanation, sizeof(explanation)), -EXDEV);
	assert_int_equal(view_open(LAB_PINS, &view), -EPROTO);
	assert_int_equal(datapath_detach(LAB_PINS, true, message), -EXDEV);
}

/* The bpffs of the lab is one that everybody may write to, as the kernel mounts it. */
static void test_a_pin_directory_that_others_can_change_is_refused(void **state)
{
	(void)state;
	crew_wait(crew_start(1, make_pins_as_nobody, NULL));
	expect_distrust("'" LAB_PINS "' belongs to user id 65534");
	lab_run("rm -r " LAB_PINS);
	lab_open();
	lab_close();
	lab_run("chown 65534 " LAB_PINS "/maps");
	expect_distrust("'" LAB_PINS "/maps' belongs to");
	lab_run("chown 0 " LAB_PINS "/maps && chmod g+w " LAB_PINS "/links");
	expect_distrust("'" LAB_PINS "/links' can be written");
	lab_run("chmod g-w " LAB_PINS "/links && chmod 777 /mnt");
	expect_distrust("'/mnt' can be written");
	lab_run("chmod 1777 /mnt");
}

/* Whoever can open it can lock it. */
static void test_a_pin_directory_is_closed_to_others(void **state)
{
	struct stat st;

	(void)state;
	lab_run("umask 022 && mkdir " LAB_PINS);
	lab_open();
	lab_close();
	assert_return_code(stat(LAB_PINS, &st), errno);
	assert_int_equal(st.st_mode & 0777, 0700);
}

/* Pin a map of another shape in the place of one of ours. */
static void replace_pin(const char *name, enum bpf_map_type type, uint32_t key, uint32_t value,
			uint32_t entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	int fd = bpf_map_create(type, "foreign", key, value, entries, &opts);
	char path[PATH_MAX];

	assert_return_code(fd, errno);
	pins_map_path(LAB_PINS, name, path);
	assert_return_code(unlink(path), errno);
	assert_return_code(bpf_obj_pin(fd, path), errno);
	close(fd);
}

static void expect_foreign(const char *name)
{
	struct conns *conns;
	struct view *view;
	struct maps maps;
	int fd;

	assert_int_equal(maps_open(LAB_PINS, true, &maps), -EPROTO);
	assert_int_equal(view_open(LAB_PINS, &view), -EPROTO);
	if (!strcmp(name, "gw_conns"))
		assert_int_equal(conns_open(LAB_PINS, &conns), -EPROTO);
	fd = maps_open_one(LAB_PINS, name);
	/* That one does not know how many entries there should be. */
	assert_true(fd == -EPROTO || fd >= 0);
	if (fd >= 0)
		close(fd);
}

/* Each was read before it was looked at: of a per-CPU map the kernel writes as many values as there
 * are CPUs. */
static void test_a_foreign_map_under_our_name_is_refused_before_it_is_read(void **state)
{
	static const char *const names[] = {
#define MAPPED(name, ...) "gw_" #name,
		MAPS_MAPPED(MAPPED) MAPS_PLAIN(MAPPED)
#undef MAPPED
	};

	(void)state;
	options.cgroup = lab.cgroup;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		lab_open();
		lab_serve_by(VIP, A);
		lab_close();
		replace_pin(names[i], BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8192, 1);
		expect_foreign(names[i]);
		replace_pin(names[i], BPF_MAP_TYPE_HASH, 512, 8192, 4);
		expect_foreign(names[i]);
		/* An agent makes it anew. */
		assert_int_equal(come(), 0);
		assert_false(datapath_is_adopted(lab.datapath));
		attach();
		lab_serve_by(VIP, A);
		lab_abort(lab_connect(VIP));
		lab_close();
	}
}

/* The right type and sizes, but shorter than the limits say: what is behind its end would be read. */
static void test_a_map_with_too_few_entries_is_refused(void **state)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	char path[PATH_MAX];
	int fd;

	(void)state;
	lab_open();
	lab_close();
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "foreign", 4, sizeof(struct gw_retired), 1, &opts);
	assert_return_code(fd, errno);
	pins_map_path(LAB_PINS, "gw_retired", path);
	assert_return_code(unlink(path), errno);
	assert_return_code(bpf_obj_pin(fd, path), errno);
	close(fd);
	expect_foreign("gw_retired");
	lab_open();
	assert_false(datapath_is_adopted(lab.datapath));
	lab_close();
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
		.pin_dir = LAB_PINS,
		.max_services = 64,
		.max_backends = 4096,
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
		LAB_TEST(test_a_child_that_outlives_its_agent_for_a_moment_keeps_no_agent_away),
		LAB_TEST(test_only_the_one_that_holds_the_pins_is_ended_by_force),
		LAB_TEST(test_whoever_has_the_pid_of_an_earlier_holder_is_not_ended),
		LAB_TEST(test_a_pin_directory_that_others_can_change_is_refused),
		LAB_TEST(test_a_pin_directory_is_closed_to_others),
		LAB_TEST(test_a_foreign_map_under_our_name_is_refused_before_it_is_read),
		LAB_TEST(test_a_map_with_too_few_entries_is_refused),
		LAB_TEST(test_a_directory_that_cannot_hold_pins_is_refused),
		LAB_TEST(test_a_bpffs_that_is_read_only_is_refused),
		LAB_TEST(test_a_cgroup_that_is_none_is_refused),
		LAB_TEST(test_who_is_not_root_is_refused),
		LAB_TEST(test_a_hook_that_another_holds_for_itself_is_named),
		LAB_TEST(test_detach_leaves_nothing_but_connections),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), start, stop);
}
