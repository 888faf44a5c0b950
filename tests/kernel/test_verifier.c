// SPDX-License-Identifier: Apache-2.0
/* What the kernel's verifier makes of the shipped programs: it gives up after a million
 * instructions, and how many it needs depends on the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>
#include <cmocka.h>
#include <gwbpf.skel.h>
#include <holders.skel.h>
#include <takeover.skel.h>
#include <waits.skel.h>
#include <walk.skel.h>

#include "kernel/features.h"

#define LOG_STATISTICS 4
#define LOG_BYTES 65536
#define INSTRUCTIONS_MAX 700000 /* the rest is for other compilers and kernels */

/* "processed N insns (limit …": from 7.0 on a line "processed A+B", by function, comes first. */
static unsigned long instructions(const char *log)
{
	static const char word[] = "processed ";
	unsigned long count;
	char *end;

	while ((log = strstr(log, word))) {
		log += strlen(word);
		count = strtoul(log, &end, 10);
		if (!strncmp(end, " insns", strlen(" insns")))
			return count;
	}
	return 0;
}

static void ask_for_statistics(struct bpf_program *program)
{
	char *log = calloc(1, LOG_BYTES);

	assert_non_null(log);
	bpf_program__set_log_level(program, LOG_STATISTICS);
	bpf_program__set_log_buf(program, log, LOG_BYTES);
}

static void expect_room(struct bpf_program *program)
{
	size_t size;
	const char *log = bpf_program__log_buf(program, &size);

	print_message("# %s: %lu instructions\n", bpf_program__name(program), instructions(log));
	assert_in_range(instructions(log), 1, INSTRUCTIONS_MAX);
}

static void free_log(struct bpf_program *program)
{
	size_t size;

	free((void *)bpf_program__log_buf(program, &size));
}

static int load(struct bpf_object *object)
{
	struct bpf_program *program;
	int err;

	bpf_object__for_each_program(program, object)
		ask_for_statistics(program);
	err = bpf_object__load(object);
	bpf_object__for_each_program(program, object) {
		if (!err && bpf_program__autoload(program))
			expect_room(program);
		free_log(program);
	}
	return err;
}

static void test_the_hooks_leave_the_verifier_room(void **state)
{
	struct gwbpf_bpf *object = gwbpf_bpf__open();

	(void)state;
	assert_non_null(object);
	features_set(object);
	assert_int_equal(load(object->obj), 0);
	gwbpf_bpf__destroy(object);
}

static int load_walk(bool by_records)
{
	struct walk_bpf *object = walk_bpf__open();
	int err;

	assert_non_null(object);
	bpf_program__set_autoload(object->progs.gw_walk_records, by_records);
	bpf_program__set_autoload(object->progs.gw_walk_tcp, !by_records);
	err = load(object->obj);
	walk_bpf__destroy(object);
	return err;
}

/* Some kernels refuse the one, some the other. */
static void test_a_walk_leaves_the_verifier_room(void **state)
{
	int by_records = load_walk(true);
	int by_sockets = load_walk(false);

	(void)state;
	assert_true(!by_records || !by_sockets);
}

static void test_the_search_for_holders_leaves_the_verifier_room(void **state)
{
	struct holders_bpf *object = holders_bpf__open();

	(void)state;
	assert_non_null(object);
	assert_int_equal(load(object->obj), 0);
	holders_bpf__destroy(object);
}

static void test_the_look_at_segments_leaves_the_verifier_room(void **state)
{
	struct waits_bpf *object = waits_bpf__open();

	(void)state;
	assert_non_null(object);
	assert_int_equal(load(object->obj), 0);
	waits_bpf__destroy(object);
}

static int load_takeover(void)
{
	struct takeover_bpf *object = takeover_bpf__open();
	int err;

	assert_non_null(object);
	err = load(object->obj);
	takeover_bpf__destroy(object);
	return err;
}

/* Where an iterator over sockets may not look at records (Linux 5.10), nothing is taken over. */
static void test_the_takeover_of_records_leaves_the_verifier_room(void **state)
{
	int by_sockets = load_walk(false);

	(void)state;
	assert_int_equal(load_takeover(), by_sockets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_hooks_leave_the_verifier_room),
		cmocka_unit_test(test_a_walk_leaves_the_verifier_room),
		cmocka_unit_test(test_the_search_for_holders_leaves_the_verifier_room),
		cmocka_unit_test(test_the_look_at_segments_leaves_the_verifier_room),
		cmocka_unit_test(test_the_takeover_of_records_leaves_the_verifier_room),
	};

	return cmocka_run_group_tests_name("verifier", tests, NULL, NULL);
}
