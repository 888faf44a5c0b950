// SPDX-License-Identifier: Apache-2.0
/* Children whose parent is killed, early and late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"

#define LONG_SECONDS 60 /* longer than anything takes here, on a busy machine */

static int told[2]; /* what the child says; the test sees its end when nobody has it open */
static pid_t early; /* the parent, if the child is to wait until that has gone */

static void begin_child(void)
{
	alarm(LONG_SECONDS);
	while (early && getppid() == early)
		poll(NULL, 0, 1);
}

static void say(char byte)
{
	if (write(told[1], &byte, 1) != 1)
		_exit(1);
}

/* The child of this one says 'c', and then lives until it is killed. */
static void __attribute__((noreturn)) be_parent(bool is_early)
{
	early = is_early ? getpid() : 0;
	close(told[0]);
	if (pthread_atfork(NULL, NULL, begin_child))
		_exit(1);
	if (!child_fork())
		say('c');
	else if (is_early)
		say('p');
	for (;;)
		pause();
}

static int hear(void)
{
	struct pollfd end = {.fd = told[0], .events = POLLIN};
	char byte;

	assert_int_equal(poll(&end, 1, LONG_SECONDS * 1000), 1);
	return read(told[0], &byte, 1) == 1 ? byte : 0;
}

static void test_with(bool is_early)
{
	pid_t parent;

	assert_return_code(pipe(told), errno);
	parent = fork();
	if (!parent)
		be_parent(is_early);
	close(told[1]);
	assert_int_equal(hear(), is_early ? 'p' : 'c');
	kill(parent, SIGKILL);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	assert_int_equal(hear(), 0);
	close(told[0]);
}

static void test_a_child_ends_with_its_parent(void **state)
{
	(void)state;
	test_with(false);
}

static void test_a_child_ends_also_if_its_parent_was_killed_before_it_ran(void **state)
{
	(void)state;
	test_with(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_child_ends_with_its_parent),
		cmocka_unit_test(test_a_child_ends_also_if_its_parent_was_killed_before_it_ran),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
