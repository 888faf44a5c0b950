// SPDX-License-Identifier: Apache-2.0
/* The walk over the sockets of each network namespace, for kernels that do not let the records
 * themselves be walked: what may not be looked at is not gone. */
#include "kernel/lab.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "kernel/conns.h"
#include "kernel/counts.h"
#include "kernel/crew.h"
#include "kernel/netns.h"
#include "kernel/server.h"

#define VIP "10.96.0.10:7051"
#define NEAR "10.1.0.1:7051"
#define ELSEWHERE 5

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
	lab_enter_namespace();
	server_start(lab_listen(NEAR), SERVER_GREET);
	for (int i = 0; i < ELSEWHERE; i++)
		if (lab_connect(VIP) < 0)
			crew_problem(me, "cannot connect");
	crew_rest(me);
}

static struct recount recount(void)
{
	struct recount result;

	assert_int_equal(tables_recount(lab.tables, &result), 0);
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
	lab_serve_by(VIP, NEAR);
	crew = crew_start(1, connect_elsewhere, NULL);
	crew_await_rest(crew);
	result = recount();
	assert_int_equal(result.unseen, 0);
	assert_int_equal(result.corrected, 0);
	set_ptrace(false);
	/* Twice: that is how often something has to be missing. */
	for (int i = 0; i < 3; i++) {
		result = recount();
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
	counts_expect(NEAR, 0, .attempts = ELSEWHERE, .established = ELSEWHERE, .closed = ELSEWHERE);
}

static void test_the_check_tells_of_namespaces_that_may_not_be_looked_at(void **state)
{
	bool by_records;
	size_t unseen;
	struct crew *crew;

	(void)state;
	lab_serve_by(VIP, NEAR);
	crew = crew_start(1, connect_elsewhere, NULL);
	crew_await_rest(crew);
	assert_int_equal(conns_probe(&by_records, &unseen), 0);
	assert_false(by_records);
	assert_int_equal(unseen, 0);
	set_ptrace(false);
	assert_int_equal(conns_probe(&by_records, &unseen), 0);
	assert_true(unseen > 0);
	set_ptrace(true);
	crew_stop(crew);
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
		LAB_TEST(test_the_check_tells_of_namespaces_that_may_not_be_looked_at),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), lab_start, lab_stop);
}
