// SPDX-License-Identifier: Apache-2.0
/* Long work in children: its answer, its errors, and children that do not come to an end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "agent/workers.h"

#define SECONDS 60     /* longer than any child needs here, on a busy machine */
#define SOON_SECONDS 1 /* for those who never come to an end */
#define PLACES 4
#define PIECE 99999
#define PIECES 30

static struct event_base *base;
static struct workers *workers;

/* What came of the works. */
static struct {
	int count;
	int last; /* the error, or 0 */
	char text[16];
	off_t size;
} told;

static void on_done(int file, void *arg)
{
	(void)arg;
	told.count++;
	told.last = file < 0 ? file : 0;
	memset(told.text, 0, sizeof(told.text));
	if (file >= 0) {
		assert_true(pread(file, told.text, sizeof(told.text) - 1, 0) >= 0);
		told.size = lseek(file, 0, SEEK_END);
		close(file);
	}
}

static int answer(struct evbuffer *to, void *arg)
{
	return evbuffer_add(to, arg, strlen(arg));
}

/* More than is kept until it is written, and not in equal pieces. */
static int answer_much(struct evbuffer *to, void *arg)
{
	static const char piece[PIECE];
	int err = 0;

	(void)arg;
	for (int i = 0; i < PIECES && !err; i++)
		err = evbuffer_add_reference(to, piece, sizeof(piece), NULL, NULL) ? -ENOMEM : 0;
	/* What was written is not kept. */
	return err || evbuffer_get_length(to) < PIECES / 2 * sizeof(piece) ? err : -E2BIG;
}

static int find_nothing(struct evbuffer *to, void *arg)
{
	(void)to;
	(void)arg;
	return -ENOENT;
}

/* Until it is killed. */
static int wait_for_ever(struct evbuffer *to, void *arg)
{
	(void)to;
	(void)arg;
	return pause();
}

/* It does not end by its own timer, as one that waits in the kernel. */
static int stand_still(struct evbuffer *to, void *arg)
{
	(void)to;
	(void)arg;
	return raise(SIGSTOP);
}

static int start(int (*make)(struct evbuffer *to, void *arg))
{
	static char text[] = "whole";
	const struct work work = {.make = make, .done = on_done, .arg = text};

	return workers_start(workers, &work);
}

static void run_until(int count)
{
	const struct timeval at_most = {.tv_sec = SECONDS};

	event_base_loopexit(base, &at_most);
	while (told.count < count && !event_base_got_exit(base))
		event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(told.count, count);
}

static void test_the_answer_is_whole(void **state)
{
	(void)state;
	assert_int_equal(start(answer), 0);
	run_until(1);
	assert_int_equal(told.last, 0);
	assert_string_equal(told.text, "whole");
}

static void test_a_long_answer_is_whole_and_is_written_meanwhile(void **state)
{
	(void)state;
	assert_int_equal(start(answer_much), 0);
	run_until(1);
	assert_int_equal(told.last, 0);
	assert_int_equal(told.size, PIECES * PIECE);
}

static void test_an_error_is_told(void **state)
{
	(void)state;
	assert_int_equal(start(find_nothing), 0);
	run_until(1);
	assert_int_equal(told.last, -ENOENT);
}

static void test_who_takes_too_long_is_killed(void **state)
{
	(void)state;
	assert_int_equal(start(wait_for_ever), 0);
	run_until(1);
	assert_int_equal(told.last, -ETIMEDOUT);
}

static void test_who_does_not_end_is_given_up_and_others_go_on(void **state)
{
	(void)state;
	for (int i = 0; i < PLACES; i++)
		assert_int_equal(start(stand_still), 0);
	assert_int_equal(start(answer), -EBUSY);
	run_until(PLACES);
	assert_int_equal(told.last, -ETIMEDOUT);
	for (int i = 0; i < 1000 && start(answer); i++) { /* until the places are free */
		poll(NULL, 0, 50);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	run_until(PLACES + 1);
	/* A second may be too short for it as well. */
	for (int i = 0; i < 20 && told.last; i++) {
		assert_int_equal(told.last, -ETIMEDOUT);
		assert_int_equal(start(answer), 0);
		run_until(PLACES + 2 + i);
	}
	assert_string_equal(told.text, "whole");
}

static void test_the_end_is_told_to_all(void **state)
{
	(void)state;
	assert_int_equal(start(wait_for_ever), 0);
	assert_int_equal(start(stand_still), 0);
	workers_free(workers);
	workers = NULL;
	assert_int_equal(told.count, 2);
	assert_int_equal(told.last, -ETIMEDOUT);
}

/* The sanitizer takes memory from the kernel in pieces that are larger than a child may. */
static void take_memory(void)
{
	struct evbuffer *buffers[8];

	for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++) {
		buffers[i] = evbuffer_new();
		assert_non_null(buffers[i]);
		assert_int_equal(evbuffer_add(buffers[i], "whole", 5), 0);
	}
	for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++)
		evbuffer_free(buffers[i]);
}

static int begin_with(unsigned int seconds)
{
	take_memory();
	memset(&told, 0, sizeof(told));
	base = event_base_new();
	return !base || workers_new(base, seconds, &workers);
}

static int begin(void **state)
{
	(void)state;
	return begin_with(SECONDS);
}

static int begin_in_haste(void **state)
{
	(void)state;
	return begin_with(SOON_SECONDS);
}

static int end(void **state)
{
	(void)state;
	workers_free(workers);
	event_base_free(base);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define WORKERS_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define HASTY_TEST(name) cmocka_unit_test_setup_teardown(name, begin_in_haste, end)
		WORKERS_TEST(test_the_answer_is_whole),
		WORKERS_TEST(test_a_long_answer_is_whole_and_is_written_meanwhile),
		WORKERS_TEST(test_an_error_is_told),
		HASTY_TEST(test_who_takes_too_long_is_killed),
		HASTY_TEST(test_who_does_not_end_is_given_up_and_others_go_on),
		WORKERS_TEST(test_the_end_is_told_to_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
