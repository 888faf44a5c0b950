// SPDX-License-Identifier: Apache-2.0
/* The walk over the sockets of each network namespace, for kernels that do not let the records
 * themselves be walked: what may not be looked at is not gone. */
#include "kernel/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernel/conns.h"
#include "kernel/counts.h"
#include "kernel/crew.h"
#include "kernel/fuse.h"
#include "kernel/netns.h"
#include "kernel/server.h"

#define VIP "10.96.0.10:7051"
#define NEAR "10.1.0.1:7051"
#define ELSEWHERE 5
#define NAMESPACES 60

/* In the place of the C library's: a kernel on which the records must not be walked (conns.c). */
int uname(struct utsname *ret)
{
	memset(ret, 0, sizeof(*ret));
	snprintf(ret->sysname, sizeof(ret->sysname), "Linux");
	snprintf(ret->release, sizeof(ret->release), "7.0.0");
	snprintf(ret->machine, sizeof(ret->machine), "test");
	return 0;
}

/* Of this thread, for as long as it does not take it back. */
static void set_ptrace(bool has)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	assert_return_code(syscall(SYS_capget, &header, data), errno);
	data[0].effective &= ~(1u << CAP_SYS_PTRACE);
	if (has)
		data[0].effective |= 1u << CAP_SYS_PTRACE;
	assert_return_code(syscall(SYS_capset, &header, data), errno);
}

static void connect_elsewhere(struct crew_member *me, void *arg)
{
	(void)arg;
	/* Else its user may look at it, without any right. */
	prctl(PR_SET_DUMPABLE, 0);
	lab_enter_namespace();
	server_start(lab_listen(NEAR), SERVER_GREET);
	for (int i = 0; i < ELSEWHERE; i++)
		if (lab_connect(VIP) < 0)
			crew_problem(me, "cannot connect");
	crew_rest(me);
}

/* 5.10 cannot, and need not: it walks the records. */
static void skip_unless_namespaces_can_be_walked(void)
{
	bool by_records;
	size_t unseen;

	if (conns_probe(&by_records, &unseen))
		skip();
}

static struct recount recount(void)
{
	struct recount result;

	assert_int_equal(tables_recount(lab.tables, &result), 0);
	return result;
}

/* The same where connections elsewhere may not be looked at. Another process that walks over all
 * namespaces, a test's or an agent's, may just be in theirs: it may be looked at, and they with it. */
static struct recount recount_alone(void)
{
	struct recount result;

	for (int tries = 0; tries < 20; tries++) {
		result = recount();
		if (result.doubted)
			break;
		assert_int_equal(result.corrected, 0);
	}
	return result;
}

static bool status_says_partial(void)
{
	struct view *view = lab_view();
	bool is_partial = view_meta(view)->walk_is_partial;

	view_close(view);
	return is_partial;
}

static void test_connections_that_may_not_be_looked_at_are_not_gone(void **state)
{
	struct recount result;
	struct crew *crew;

	(void)state;
	skip_unless_namespaces_can_be_walked();
	lab_serve_by(VIP, NEAR);
	crew = crew_start(1, connect_elsewhere, NULL);
	crew_await_rest(crew);
	result = recount();
	assert_int_equal(result.unseen, 0);
	assert_int_equal(result.corrected, 0);
	set_ptrace(false);
	/* Twice: that is how often something has to be missing. */
	for (int i = 0; i < 3; i++) {
		result = recount_alone();
		assert_true(result.unseen > 0);
		assert_int_equal(result.removed, 0);
		assert_int_equal(result.doubted, ELSEWHERE);
	}
	assert_true(status_says_partial());
	counts_expect(NEAR, ELSEWHERE, .attempts = ELSEWHERE, .established = ELSEWHERE);
	set_ptrace(true);
	result = recount();
	assert_int_equal(result.unseen, 0);
	assert_int_equal(result.doubted, 0);
	assert_false(status_says_partial());
	crew_stop(crew);
	/* Those that really are gone are taken off. */
	counts_expect(NEAR, 0, .attempts = ELSEWHERE, .established = ELSEWHERE,
		      .closed = ELSEWHERE);
}

static void test_the_check_tells_of_namespaces_that_may_not_be_looked_at(void **state)
{
	bool by_records;
	size_t unseen;
	struct crew *crew;

	(void)state;
	skip_unless_namespaces_can_be_walked();
	lab_serve_by(VIP, NEAR);
	crew = crew_start(1, connect_elsewhere, NULL);
	crew_await_rest(crew);
	assert_int_equal(conns_probe(&by_records, &unseen), 0);
	assert_false(by_records);
	assert_int_equal(unseen, 0);
	set_ptrace(false);
	for (int tries = 0; tries < 20 && !unseen; tries++)
		assert_int_equal(conns_probe(&by_records, &unseen), 0);
	assert_true(unseen > 0);
	set_ptrace(true);
	crew_stop(crew);
}

/* A network namespace for each thread of a tenant. */
static void *rest_elsewhere(void *arg)
{
	atomic_uint *made = arg;

	if (!unshare(CLONE_NEWNET))
		atomic_fetch_add(made, 1);
	pause();
	return NULL;
}

static void make_namespaces(struct crew_member *me, void *arg)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	static atomic_uint made;
	pthread_attr_t small;
	pthread_t thread;

	(void)arg;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	for (int i = 0; i < NAMESPACES; i++)
		if (pthread_create(&thread, &small, rest_elsewhere, &made))
			crew_problem(me, "cannot make a thread");
	while (made < NAMESPACES && !me->stop)
		nanosleep(&moment, NULL);
	crew_rest(me);
}

/* As the agent does it, once a turn of its loop. Returns how many turns went by meanwhile. */
static int audit(struct recount *result)
{
	int turns = 0, err = tables_audit_begin(lab.tables);

	assert_int_equal(err, 0);
	/* There is one walk at a time. */
	assert_int_equal(tables_audit_begin(lab.tables), -EBUSY);
	while ((err = tables_audit_step(lab.tables, result)) == -EAGAIN) {
		const struct timespec turn = {.tv_nsec = 5000000};

		assert_int_equal(tables_collect_some(lab.tables, 0), 0);
		nanosleep(&turn, NULL);
		turns++;
	}
	assert_int_equal(err, 0);
	return turns;
}

static void test_many_namespaces_do_not_hold_up_an_audit_or_the_loop(void **state)
{
	struct crew *namespaces, *clients;
	struct recount result;

	(void)state;
	skip_unless_namespaces_can_be_walked();
	lab_serve_by(VIP, NEAR);
	namespaces = crew_start(1, make_namespaces, NULL);
	clients = crew_start(1, connect_elsewhere, NULL);
	crew_await_rest(namespaces);
	crew_await_rest(clients);
	assert_in_range(audit(&result), 2, INT_MAX);
	assert_int_equal(result.unseen + result.corrected + result.doubted, 0);
	/* A new recount is begun in the middle of it, as when hooks were attached again. */
	assert_int_equal(tables_audit_begin(lab.tables), 0);
	assert_int_equal(recount().corrected, 0);
	assert_int_equal(tables_audit_step(lab.tables, &result), -ECANCELED);
	counts_expect(NEAR, ELSEWHERE, .attempts = ELSEWHERE, .established = ELSEWHERE);
	crew_stop(clients);
	crew_stop(namespaces);
}

static bool is_collected(void *arg)
{
	const size_t *left = arg;

	assert_int_equal(tables_collect_some(lab.tables, 0), 0);
	return tables_backend_count(lab.tables) == *left;
}

/* While the walk goes on, another backend leaves, which somebody has just picked: of that one the walk
 * says nothing. */
static void test_what_leaves_during_a_walk_is_left_for_the_next_one(void **state)
{
	const struct timespec after_our_namespace = {.tv_nsec = 60000000};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	struct crew *namespaces;
	size_t left;

	(void)state;
	skip_unless_namespaces_can_be_walked();
	namespaces = crew_start(1, make_namespaces, NULL);
	crew_await_rest(namespaces);
	/* A fast open puts off its SYN until there is data to send. */
	setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on));
	lab_serve_by(VIP, "10.1.0.2:7051");
	lab_serve_by(VIP, NEAR);
	assert_int_equal(tables_collect_some(lab.tables, 0), 0);
	assert_int_equal(tables_backend_count(lab.tables), 2);
	/* It is walked first. */
	nanosleep(&after_our_namespace, NULL);
	assert_int_equal(lab_dial(fd, VIP), 0);
	lab_service("peers", VIP, GW_POLICY_LC, (const char *const[]){NULL});
	left = 1;
	lab_wait(is_collected, &left, "the end of the first backend");
	close(fd);
	left = 0;
	lab_wait(is_collected, &left, "the end of the second one");
	crew_stop(namespaces);
}

static int count_namespace(void *arg)
{
	++*(size_t *)arg;
	return 0;
}

/* A process without rights in a namespace of its own, which executes a program, and so closes a file
 * of its own file system, which does not let it. */
static void __attribute__((noreturn)) attack(int told_fd)
{
	pid_t server = unshare(CLONE_NEWNET) ? -1 : fuse_serve(told_fd);

	(void)!write(told_fd, &server, sizeof(server));
	if (open(FUSE_FILE, O_RDONLY | O_CLOEXEC) >= 0)
		execl("/bin/sleep", "sleep", "60", NULL);
	_exit(1);
}

static void test_a_process_that_cannot_be_looked_into_holds_no_walk_up(void **state)
{
	size_t before = 0, with = 0, unseen;
	int told[2];
	pid_t attacker, server;
	struct pollfd asked = {.events = POLLIN};

	(void)state;
	if (fuse_prepare())
		skip();
	assert_return_code(pipe2(told, O_CLOEXEC), errno);
	assert_int_equal(netns_visit_all(count_namespace, &before, &unseen), 0);
	attacker = lab_fork();
	if (!attacker)
		attack(told[1]);
	assert_int_equal(read(told[0], &server, sizeof(server)), sizeof(server));
	assert_in_range(server, 2, INT_MAX);
	asked.fd = told[0];
	assert_int_equal(poll(&asked, 1, LAB_PATIENCE_MS), 1);
	alarm(30); /* the file system lets go by itself after forty */
	assert_int_equal(netns_visit_all(count_namespace, &with, &unseen), 0);
	alarm(0);
	kill(server, SIGKILL);
	kill(attacker, SIGKILL);
	waitpid(attacker, NULL, 0);
	assert_in_range(with, 2, SIZE_MAX);
	print_message("# %zu namespaces without it, %zu with it\n", before, with);
	close(told[0]);
	close(told[1]);
}

static int begin(void **state)
{
	/* A test that failed may have left it. */
	set_ptrace(true);
	return lab_begin(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup(name, begin)
		LAB_TEST(test_connections_that_may_not_be_looked_at_are_not_gone),
		LAB_TEST(test_many_namespaces_do_not_hold_up_an_audit_or_the_loop),
		LAB_TEST(test_what_leaves_during_a_walk_is_left_for_the_next_one),
		LAB_TEST(test_the_check_tells_of_namespaces_that_may_not_be_looked_at),
		LAB_TEST(test_a_process_that_cannot_be_looked_into_holds_no_walk_up),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), lab_start, lab_stop);
}
