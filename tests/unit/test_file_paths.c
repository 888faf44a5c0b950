// SPDX-License-Identifier: Apache-2.0
/* The file source: whatever happens to the directories and links on the way, nothing is missed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "file_fixture.h"

static void make_directory(const char *name)
{
	assert_int_equal(mkdir(in_directory(name), 0700), 0);
}

static void make_link(const char *target, const char *name)
{
	assert_int_equal(symlink(target, in_directory(name)), 0);
}

static void move(const char *from, const char *to)
{
	assert_int_equal(rename(in_directory(from), in_directory(to)), 0);
}

static void test_a_file_that_is_not_there_yet_is_awaited(void **state)
{
	(void)state;
	start("a.yaml", NULL);
	expect("commit\n");
	assert_true(was_refused("a.yaml", "cannot read it", "No such file"));
	write_file("a.yaml", service("a", 1));
	wait_for_commit();
	expect("accept a.yaml\nrecovered a.yaml\nput Service a 1\ncommit\n");
}

static void test_a_path_is_awaited_directory_by_directory(void **state)
{
	(void)state;
	start("x/y/z", NULL);
	assert_true(was_refused("x/y/z", "cannot read it", "No such file"));
	make_directory("x");
	take_what_is_there();
	make_directory("x/y");
	take_what_is_there();
	make_directory("x/y/z");
	take_what_is_there();
	write_file("x/y/z/a.yaml", service("a", 1));
	wait_for_commit();
	write_file("x/y/z/a.yaml", service("a", 2));
	wait_for_commit();
	assert_non_null(in_directory("x"));
}

static void test_a_path_that_appears_at_once_is_read(void **state)
{
	(void)state;
	make_directory("other");
	make_directory("other/z");
	write_file("other/z/a.yaml", service("a", 1));
	start("x/z", NULL);
	expect("commit\n");
	move("other", "x");
	wait_for_commit();
	expect("accept x/z\nrecovered x/z\nput Service a 1\ncommit\n");
	write_file("x/z/b.yaml", service("b", 1));
	wait_for_commit();
	expect("put Service b 1\ncommit\n");
}

static void test_a_named_file_that_vanishes_keeps_its_objects(void **state)
{
	(void)state;
	write_file("a.yaml", service("a", 1));
	write_file("b.yaml", service("b", 1));
	start("a.yaml", "b.yaml");
	expect("put Service a 1\nput Service b 1\ncommit\n");
	unlink(in_directory("a.yaml"));
	take_what_is_there();
	assert_true(was_refused("a.yaml", "No such file", "stays in force"));
	write_file("b.yaml", service("b", 2));
	wait_for_commit();
	expect("put Service b 2\ncommit\n");
	write_file("a.yaml", service("a", 2));
	wait_for_commit();
	expect("accept a.yaml\nrecovered a.yaml\nput Service a 2\ncommit\n");
	/* Another file's events are not its own. */
	write_file("c.yaml", service("c", 2));
	take_what_is_there();
	expect("");
}

static void test_a_directory_that_vanishes_keeps_its_objects(void **state)
{
	(void)state;
	make_directory("d");
	write_file("d/a.yaml", service("a", 1));
	write_file("d/b.yaml", service("b", 1));
	start("d", NULL);
	expect("put Service a 1\nput Service b 1\ncommit\n");
	move("d", "old");
	take_what_is_there();
	assert_true(was_refused("d", "No such file", "stays in force"));
	/* What happens there is no concern of ours. */
	write_file("old/a.yaml", service("a", 9));
	take_what_is_there();
	expect("");
	make_directory("new");
	write_file("new/b.yaml", service("b", 2));
	write_file("new/c.yaml", service("c", 2));
	move("new", "d");
	wait_for_commit();
	expect("accept d\nrecovered d\nput Service b 2\nput Service c 2\ncommit\n");
	wait_for_commit();
	expect("remove Service a\ncommit\n");
	write_file("d/c.yaml", service("c", 3));
	wait_for_commit();
	expect("put Service c 3\ncommit\n");
}

/* The later removal of another object shows that there was none before it. */
static void test_what_a_vanished_directory_had_stays_for_good(void **state)
{
	(void)state;
	make_directory("d");
	make_directory("e");
	write_file("d/a.yaml", service("a", 1));
	write_file("e/b.yaml", service("b", 1));
	start("d", "e");
	expect("put Service a 1\nput Service b 1\ncommit\n");
	move("d", "old");
	take_what_is_there();
	unlink(in_directory("e/b.yaml"));
	wait_for_commit();
	expect("remove Service b\ncommit\n");
}

static void test_a_directory_that_is_deleted_and_made_anew_is_read_again(void **state)
{
	(void)state;
	make_directory("d");
	write_file("d/a.yaml", service("a", 1));
	start("d", NULL);
	unlink(in_directory("d/a.yaml"));
	assert_int_equal(rmdir(in_directory("d")), 0);
	wait_for_commit(); /* the file was deleted, too */
	expect("put Service a 1\ncommit\nremove Service a\ncommit\n");
	make_directory("d");
	take_what_is_there();
	write_file("d/a.yaml", service("a", 2));
	wait_for_commit();
	expect("accept d\nrecovered d\nput Service a 2\ncommit\n");
}

static void test_a_config_map_is_swapped_as_a_whole(void **state)
{
	(void)state;
	make_directory("..1");
	write_file("..1/a.yaml", service("a", 1));
	write_file("..1/b.yaml", service("b", 1));
	make_link("..1", "..data");
	make_link("..data/a.yaml", "a.yaml");
	make_link("..data/b.yaml", "b.yaml");
	start(".", NULL);
	expect("put Service a 1\nput Service b 1\ncommit\n");
	/* As the kubelet does. */
	make_directory("..2");
	write_file("..2/a.yaml", service("a", 2));
	write_file("..2/b.yaml", service("b", 1));
	write_file("..2/c.yaml", service("c", 1));
	make_link("..2", "..data_tmp");
	move("..data_tmp", "..data");
	make_link("..data/c.yaml", "c.yaml");
	wait_for_commit();
	unlink(in_directory("..1/a.yaml"));
	unlink(in_directory("..1/b.yaml"));
	rmdir(in_directory("..1"));
	expect("put Service a 2\nput Service c 1\ncommit\n");
	take_what_is_there();
	expect("");
	/* Once more, without one of them. */
	make_directory("..3");
	write_file("..3/a.yaml", service("a", 3));
	write_file("..3/c.yaml", service("c", 1));
	make_link("..3", "..data_tmp");
	move("..data_tmp", "..data");
	wait_for_commit();
	expect("put Service a 3\ncommit\n");
	unlink(in_directory("b.yaml"));
	wait_for_commit();
	expect("accept b.yaml\nremove Service b\ncommit\n");
}

static void test_a_named_file_of_a_config_map_is_followed(void **state)
{
	(void)state;
	make_directory("..1");
	make_directory("..2");
	write_file("..1/a.yaml", service("a", 1));
	write_file("..2/a.yaml", service("a", 2));
	make_link("..1", "..data");
	make_link("..data/a.yaml", "a.yaml");
	start("a.yaml", NULL);
	make_link("..2", "..data_tmp");
	move("..data_tmp", "..data");
	wait_for_commit();
	expect("put Service a 1\ncommit\nput Service a 2\ncommit\n");
}

static void test_the_target_of_a_link_is_watched_where_it_is(void **state)
{
	(void)state;
	make_directory("d");
	make_directory("target");
	write_file("target/real.txt", service("a", 1));
	make_link(in_directory("target/real.txt"), "d/a.yaml");
	start("d", NULL);
	expect("put Service a 1\ncommit\n");
	write_file("target/real.txt", service("a", 2));
	wait_for_commit();
	expect("put Service a 2\ncommit\n");
	replace_file("target/real.txt", service("a", 33));
	wait_for_commit();
	expect("put Service a 33\ncommit\n");
	/* Dangling, it keeps what it had. */
	move("target", "gone");
	take_what_is_there();
	expect("");
	move("gone", "target");
	write_file("target/real.txt", service("a", 4));
	wait_for_commit();
	/* A new link in place of the old one. */
	write_file("other.txt", service("a", 5));
	make_link("../other.txt", "d/new");
	move("d/new", "d/a.yaml");
	wait_for_commit();
	write_file("other.txt", service("a", 6));
	wait_for_commit();
	expect("accept d/a.yaml\nput Service a 4\nrecovered d/a.yaml\ncommit\n"
	       "put Service a 5\ncommit\nput Service a 6\ncommit\n");
	/* And one that was not there before. */
	write_file("more.txt", service("b", 1));
	make_link("../more.txt", "d/b.yaml");
	wait_for_commit();
	write_file("more.txt", service("b", 2));
	wait_for_commit();
	expect("put Service b 1\ncommit\nput Service b 2\ncommit\n");
}

static void test_a_link_on_the_way_is_followed_when_it_is_swapped(void **state)
{
	(void)state;
	make_directory("r1");
	make_directory("r2");
	make_directory("r1/m");
	make_directory("r2/m");
	write_file("r1/m/a.yaml", service("a", 1));
	write_file("r2/m/a.yaml", service("a", 2));
	make_link("r1", "current");
	start("current/m", "current/m/b.yaml");
	expect("put Service a 1\ncommit\n");
	make_link(in_directory("r2"), "next");
	move("next", "current");
	wait_for_commit();
	expect("accept current/m/b.yaml\nput Service a 2\ncommit\n");
	write_file("r1/m/a.yaml", service("a", 9));
	take_what_is_there();
	expect("");
	write_file("r2/m/a.yaml", service("a", 3));
	wait_for_commit();
	expect("put Service a 3\ncommit\n");
}

static unsigned int count_watches(void)
{
	unsigned int fd, count = 0;
	char path[64], line[256];
	FILE *file;

	for (fd = 3; fd < 64; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%u", fd);
		file = fopen(path, "r");
		while (file && fgets(line, sizeof(line), file))
			count += !strncmp(line, "inotify wd:", 11);
		if (file)
			fclose(file);
	}
	return count;
}

static void test_what_is_no_longer_on_the_way_is_no_longer_watched(void **state)
{
	unsigned int i, watches;
	char name[16];

	(void)state;
	make_directory("0");
	write_file("0/a.yaml", service("a", 0));
	make_link("0", "current");
	start("current", NULL);
	watches = count_watches();
	assert_int_equal(watches, 2);
	for (i = 1; i < 10; i++) {
		snprintf(name, sizeof(name), "%u", i);
		make_directory(name);
		snprintf(name, sizeof(name), "%u/a.yaml", i);
		write_file(name, service("a", i));
		*strchr(name, '/') = '\0';
		make_link(name, "next");
		move("next", "current");
		wait_for_commit();
		assert_int_equal(count_watches(), watches);
	}
}

static void test_links_in_a_circle_are_refused(void **state)
{
	(void)state;
	make_link("b.yaml", "a.yaml");
	make_link("a.yaml", "b.yaml");
	start("a.yaml", ".");
	expect("commit\n");
	assert_true(was_refused("a.yaml", "cannot read it", "Too many levels"));
}

static void test_after_too_many_events_everything_is_looked_at(void **state)
{
	FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
	unsigned int limit = 0, i;

	(void)state;
	if (!file || fscanf(file, "%u", &limit) != 1 || limit > 100000) {
		if (file)
			fclose(file);
		skip();
	}
	fclose(file);
	make_directory("d");
	write_file("d/a.yaml", service("a", 1));
	write_file("d/b.yaml", service("b", 1));
	start("d", NULL);
	expect("put Service a 1\nput Service b 1\ncommit\n");
	for (i = 0; i < limit; i++) {
		make_link("x", "d/x");
		unlink(in_directory("d/x"));
	}
	/* The queue is full: nobody is told of these two. */
	write_file("d/a.yaml", service("a", 22));
	unlink(in_directory("d/b.yaml"));
	wait_for_commit();
	expect("put Service a 22\ncommit\n");
	wait_for_commit();
	expect("remove Service b\ncommit\n");
}

static void test_reload_reads_everything(void **state)
{
	/* Long ago, so that nothing else speaks for a change. */
	static const struct timespec times[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};

	(void)state;
	write_file("a.yaml", service("a", 1));
	utimensat(-1, in_directory("a.yaml"), times, 0);
	start(".", NULL);
	expect("put Service a 1\ncommit\n");
	reload();
	expect("");
	write_file("a.yaml", service("a", 2));
	utimensat(-1, in_directory("a.yaml"), times, 0);
	reload();
	expect("put Service a 2\ncommit\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define FILE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)
		FILE_TEST(test_a_file_that_is_not_there_yet_is_awaited),
		FILE_TEST(test_a_path_is_awaited_directory_by_directory),
		FILE_TEST(test_a_path_that_appears_at_once_is_read),
		FILE_TEST(test_a_named_file_that_vanishes_keeps_its_objects),
		FILE_TEST(test_a_directory_that_vanishes_keeps_its_objects),
		FILE_TEST(test_what_a_vanished_directory_had_stays_for_good),
		FILE_TEST(test_a_directory_that_is_deleted_and_made_anew_is_read_again),
		FILE_TEST(test_a_config_map_is_swapped_as_a_whole),
		FILE_TEST(test_a_named_file_of_a_config_map_is_followed),
		FILE_TEST(test_the_target_of_a_link_is_watched_where_it_is),
		FILE_TEST(test_a_link_on_the_way_is_followed_when_it_is_swapped),
		FILE_TEST(test_what_is_no_longer_on_the_way_is_no_longer_watched),
		FILE_TEST(test_links_in_a_circle_are_refused),
		FILE_TEST(test_after_too_many_events_everything_is_looked_at),
		FILE_TEST(test_reload_reads_everything),
	};

	return cmocka_run_group_tests_name("file_paths", tests, fixture_open, fixture_close);
}
