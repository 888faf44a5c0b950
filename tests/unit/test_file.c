// SPDX-License-Identifier: Apache-2.0
/* The file source: what changes on disk is what the sink is given, no more and no less. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "file_fixture.h"

static void test_everything_is_delivered_once_at_the_start(void **state)
{
	(void)state;
	write_file("b.yaml", service("b", 2));
	write_file("a.yaml", joined(service("a", 1), slice("a-1", 2)));
	write_file("notes.txt", service("no", 1));
	start(".", NULL);
	expect("put Service a 1\nput EndpointSlice a-1 2\nput Service b 2\ncommit\n");
}

static void test_arguments_are_read_in_their_order(void **state)
{
	(void)state;
	mkdir(in_directory("z"), 0700);
	write_file("z/b.yaml", service("b", 2));
	write_file("a.yaml", service("a", 1));
	start("z", "a.yaml");
	expect("put Service b 2\nput Service a 1\ncommit\n");
}

static void test_only_what_changed_is_delivered(void **state)
{
	(void)state;
	write_file("a.yaml", joined(service("a", 1), slice("a-1", 2)));
	write_file("b.yaml", service("b", 2));
	start(".", NULL);
	expect("put Service a 1\nput EndpointSlice a-1 2\nput Service b 2\ncommit\n");
	write_file("a.yaml", joined(service("a", 1), slice("a-1", 3)));
	wait_for_commit();
	expect("put EndpointSlice a-1 3\ncommit\n");
	replace_file("a.yaml", joined(service("a", 7), slice("a-1", 3)));
	wait_for_commit();
	expect("put Service a 7\ncommit\n");
	/* The same once more is no change: the next commit is the other file's. */
	replace_file("a.yaml", joined(slice("a-1", 3), service("a", 7)));
	take_what_is_there();
	write_file("b.yaml", service("b", 3));
	wait_for_commit();
	expect("put Service b 3\ncommit\n");
}

/* As clients, for gwbpf.io/clients-except. */
static void test_pods_are_delivered_as_other_objects_are(void **state)
{
	static const char pod[] = "---\napiVersion: v1\nkind: Pod\nmetadata: {namespace: fabric, "
				  "name: p, uid: u%d, labels: {app: x}}\nstatus: {phase: %s}\n";
	char text[512];

	(void)state;
	snprintf(text, sizeof(text), pod, 1, "Running");
	write_file("a.yaml", text);
	start(".", NULL);
	expect("put Pod p u1\ncommit\n");
	/* The same, with a status that says nothing of interest: the next commit is the other's. */
	snprintf(text, sizeof(text), pod, 1, "Pending");
	replace_file("a.yaml", text);
	take_what_is_there();
	snprintf(text, sizeof(text), pod, 2, "Running");
	replace_file("a.yaml", text);
	wait_for_commit();
	expect("put Pod p u2\ncommit\n");
	snprintf(text, sizeof(text), pod, 2, "Succeeded");
	replace_file("a.yaml", text);
	wait_for_commit();
	expect("remove Pod p\ncommit\n");
}

#define POD_EVENT(type, name, phase)                                                               \
	"{\"type\":\"" type "\",\"object\":{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{" \
	"\"namespace\":\"fabric\",\"name\":\"" name                                                \
	"\",\"uid\":\"u\"},\"status\":{\"phase\":\"" phase "\"}}}\n"

static void test_a_pod_that_has_ended_by_its_last_event_is_none(void **state)
{
	(void)state;
	write_file("a.json", POD_EVENT("ADDED", "p", "Running") POD_EVENT("ADDED", "q", "Running")
				     POD_EVENT("MODIFIED", "p", "Failed"));
	start(".", NULL);
	expect("put Pod q u\ncommit\n");
}

static void test_a_new_file_is_read_when_it_is_closed(void **state)
{
	const char *text = service("a", 1);
	FILE *file;

	(void)state;
	start(".", NULL);
	expect("commit\n");
	file = fopen(in_directory("a.yaml"), "w");
	fprintf(file, "%.60s", text);
	fflush(file);
	take_what_is_there();
	expect("");
	fputs(text + 60, file);
	fclose(file);
	wait_for_commit();
	expect("put Service a 1\ncommit\n");
}

static void test_a_file_in_place_of_a_deleted_one_is_read_when_it_is_closed(void **state)
{
	FILE *file;

	(void)state;
	write_file("a.yaml", service("a", 1));
	start(".", NULL);
	expect("put Service a 1\ncommit\n");
	unlink(in_directory("a.yaml"));
	file = fopen(in_directory("a.yaml"), "w");
	take_what_is_there();
	expect("");
	fputs(service("a", 2), file);
	fclose(file);
	wait_for_commit();
	expect("put Service a 2\ncommit\n");
}

static void test_a_hard_link_is_read_at_once(void **state)
{
	(void)state;
	write_file("a.tmp", service("a", 1));
	start(".", NULL);
	assert_int_equal(link(in_directory("a.tmp"), in_directory("a.yaml")), 0);
	wait_for_commit();
	expect("commit\nput Service a 1\ncommit\n");
}

static void test_an_object_that_leaves_its_file_is_removed(void **state)
{
	(void)state;
	write_file("a.yaml", joined(service("a", 1), slice("a-1", 2)));
	start("a.yaml", NULL);
	write_file("a.yaml", service("a", 1));
	wait_for_commit();
	expect("put Service a 1\nput EndpointSlice a-1 2\ncommit\n"
	       "remove EndpointSlice a-1\ncommit\n");
	write_file("a.yaml", "");
	wait_for_commit();
	expect("remove Service a\ncommit\n");
}

static void test_a_file_gone_from_a_directory_takes_its_objects_along(void **state)
{
	(void)state;
	write_file("a.yaml", service("a", 1));
	write_file("b.yaml", service("b", 2));
	start(".", NULL);
	unlink(in_directory("a.yaml"));
	wait_for_commit();
	rename(in_directory("b.yaml"), in_directory("b.off"));
	wait_for_commit();
	expect("put Service a 1\nput Service b 2\ncommit\n"
	       "remove Service a\ncommit\nremove Service b\ncommit\n");
}

static void test_a_file_that_is_deleted_and_written_anew_removes_nothing(void **state)
{
	(void)state;
	write_file("a.yaml", service("a", 1));
	write_file("b.yaml", service("b", 1));
	start(".", NULL);
	expect("put Service a 1\nput Service b 1\ncommit\n");
	/* As git does. */
	unlink(in_directory("a.yaml"));
	take_what_is_there();
	write_file("a.yaml", service("a", 2));
	wait_for_commit();
	expect("put Service a 2\ncommit\n");
	/* As vi does. */
	rename(in_directory("a.yaml"), in_directory("a.yaml~"));
	take_what_is_there();
	write_file("a.yaml", service("a", 3));
	wait_for_commit();
	expect("put Service a 3\ncommit\n");
	/* And in between nothing else happens, also when no event is read in between. */
	unlink(in_directory("b.yaml"));
	write_file("b.yaml", service("b", 2));
	wait_for_commit();
	expect("put Service b 2\ncommit\n");
}

static void test_a_new_name_changes_nothing(void **state)
{
	(void)state;
	write_file("a.yaml", service("a", 1));
	write_file("c.yaml", service("c", 1));
	start(".", NULL);
	rename(in_directory("a.yaml"), in_directory("b.yaml"));
	take_what_is_there();
	/* It is the new name that counts now. */
	write_file("b.yaml", service("a", 2));
	wait_for_commit();
	expect("put Service a 1\nput Service c 1\ncommit\nput Service a 2\ncommit\n");
	assert_false(was_refused("b.yaml", "", ""));
}

static void test_an_object_that_moves_to_another_file_stays(void **state)
{
	(void)state;
	write_file("a.yaml", service("x", 1));
	write_file("b.yaml", service("y", 1));
	start(".", NULL);
	expect("put Service x 1\nput Service y 1\ncommit\n");
	write_file("a.yaml", service("z", 1));
	write_file("b.yaml", joined(service("x", 1), service("y", 1)));
	wait_for_commit(); /* of both */
	expect("put Service z 1\ncommit\n");
	assert_false(was_refused("b.yaml", "fabric/x", ""));
}

static void test_a_broken_file_keeps_its_objects(void **state)
{
	(void)state;
	write_file("a.yaml", joined(service("a", 1), slice("a-1", 2)));
	write_file("b.yaml", service("b", 1));
	start(".", NULL);
	expect("put Service a 1\nput EndpointSlice a-1 2\nput Service b 1\ncommit\n");
	write_file("a.yaml", "apiVersion: v1\nkind: [\n");
	take_what_is_there();
	assert_true(was_refused("a.yaml", "cannot parse the file", "line "));
	write_file("b.yaml", service("b", 2));
	wait_for_commit();
	expect("put Service b 2\ncommit\n");
	write_file("a.yaml", joined(service("a", 9), slice("a-1", 2)));
	wait_for_commit();
	expect("accept a.yaml\nput Service a 9\nrecovered a.yaml\ncommit\n");
}

static void test_a_refused_object_keeps_its_last_good_version(void **state)
{
	(void)state;
	write_file("a.yaml", joined(service("a", 1), slice("a-1", 2)));
	start(".", NULL);
	expect("put Service a 1\nput EndpointSlice a-1 2\ncommit\n");
	write_file("a.yaml", joined("apiVersion: v1\nkind: Service\n"
				    "metadata: {name: a, namespace: fabric}\nspec: []\n",
				    slice("a-1", 3)));
	wait_for_commit();
	expect("put EndpointSlice a-1 3\ncommit\n");
	assert_true(was_refused("a.yaml", "Service 'fabric/a'", "spec must be an object"));
	write_file("a.yaml", slice("a-1", 3));
	wait_for_commit();
	expect("accept a.yaml\nrecovered a.yaml\nremove Service a\ncommit\n");
}

static void test_refused_endpoints_keep_the_slices_that_they_became(void **state)
{
	static const char good[] = "apiVersion: v1\nkind: Endpoints\n"
				   "metadata: {name: e, namespace: fabric}\n"
				   "subsets: [{addresses: [{ip: 10.0.0.1}], ports: [{port: 1}]}]\n";

	(void)state;
	write_file("a.yaml", good);
	start(".", NULL);
	expect("put EndpointSlice e/0 1\ncommit\n");
	write_file("a.yaml", joined("apiVersion: v1\nkind: Endpoints\n"
				    "metadata: {name: e, namespace: fabric}\nsubsets: {}\n",
				    service("x", 1)));
	wait_for_commit();
	expect("put Service x 1\ncommit\n");
	assert_true(was_refused("a.yaml", "Endpoints 'fabric/e'", "subsets"));
	write_file("a.yaml", service("x", 1));
	wait_for_commit();
	expect("accept a.yaml\nrecovered a.yaml\nremove EndpointSlice e/0\ncommit\n");
}

static void test_of_two_files_the_first_one_has_an_object(void **state)
{
	(void)state;
	write_file("a.yaml", service("x", 1));
	write_file("b.yaml", joined(service("x", 2), service("y", 2)));
	start(".", NULL);
	expect("put Service x 1\nput Service y 2\ncommit\n");
	assert_true(was_refused("b.yaml", "Service 'fabric/x'", "/a.yaml'"));
	/* The second one says what it likes. */
	write_file("b.yaml", joined(service("x", 3), service("y", 3)));
	wait_for_commit();
	expect("accept b.yaml\nput Service y 3\ncommit\n");
	assert_true(was_refused("b.yaml", "Service 'fabric/x'", "/a.yaml'"));
	/* When the first lets go, the second takes over. */
	write_file("a.yaml", service("z", 1));
	wait_for_commit();
	expect("put Service z 1\naccept b.yaml\nput Service x 3\nrecovered b.yaml\ncommit\n");
	assert_false(was_refused("b.yaml", "", ""));
	/* And one that comes first takes it, now as after a restart. */
	write_file("a.yaml", joined(service("x", 4), service("z", 1)));
	wait_for_commit();
	expect("put Service x 4\ncommit\n");
	assert_true(was_refused("b.yaml", "Service 'fabric/x'", "/a.yaml'"));
	unlink(in_directory("a.yaml"));
	wait_for_commit();
	expect("accept b.yaml\nput Service x 3\nrecovered b.yaml\ncommit\n");
	wait_for_commit();
	expect("remove Service z\ncommit\n");
}

static void test_an_earlier_argument_has_an_object_whatever_its_name(void **state)
{
	(void)state;
	write_file("z.yaml", service("x", 1));
	write_file("a.yaml", service("x", 2));
	start("z.yaml", "a.yaml");
	expect("put Service x 1\ncommit\n");
	assert_true(was_refused("a.yaml", "Service 'fabric/x'", "/z.yaml'"));
}

static void test_a_file_that_is_named_twice_is_read_twice(void **state)
{
	(void)state;
	write_file("a.yaml", service("x", 1));
	start("a.yaml", "a.yaml");
	assert_true(was_refused("a.yaml", "Service 'fabric/x'", "/a.yaml'"));
	write_file("a.yaml", service("y", 1));
	wait_for_commit();
	expect("put Service x 1\ncommit\n"
	       "put Service y 1\naccept a.yaml\nremove Service x\ncommit\n");
}

static void test_what_is_no_file_is_refused_without_waiting(void **state)
{
	(void)state;
	mkfifo(in_directory("a.yaml"), 0600);
	write_file("b.yaml", service("b", 1));
	start(".", NULL);
	expect("put Service b 1\ncommit\n");
	assert_true(was_refused("a.yaml", "cannot read the file", "no regular file"));
	mkfifo(in_directory("c.yaml"), 0600);
	take_what_is_there();
	assert_true(was_refused("c.yaml", "cannot read the file", "no regular file"));
	mkdir(in_directory("d.yaml"), 0700);
	unlink(in_directory("a.yaml"));
	take_what_is_there();
	expect("accept a.yaml\n");
	assert_false(was_refused("d.yaml", "", ""));
}

static void test_a_file_that_comes_and_goes_is_no_trouble(void **state)
{
	size_t i;

	(void)state;
	start(".", NULL);
	for (i = 0; i < 100; i++) {
		write_file("a.yaml", service("a", 1));
		if (i % 3 == 0)
			replace_file("a.yaml", service("a", 2));
		unlink(in_directory("a.yaml"));
		if (i % 2)
			take_what_is_there();
	}
	write_file("b.yaml", service("b", 1));
	wait_for_commit();
	expect("commit\nput Service b 1\ncommit\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define FILE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)
		FILE_TEST(test_everything_is_delivered_once_at_the_start),
		FILE_TEST(test_arguments_are_read_in_their_order),
		FILE_TEST(test_only_what_changed_is_delivered),
		FILE_TEST(test_pods_are_delivered_as_other_objects_are),
		FILE_TEST(test_a_pod_that_has_ended_by_its_last_event_is_none),
		FILE_TEST(test_a_new_file_is_read_when_it_is_closed),
		FILE_TEST(test_a_file_in_place_of_a_deleted_one_is_read_when_it_is_closed),
		FILE_TEST(test_a_hard_link_is_read_at_once),
		FILE_TEST(test_an_object_that_leaves_its_file_is_removed),
		FILE_TEST(test_a_file_gone_from_a_directory_takes_its_objects_along),
		FILE_TEST(test_a_file_that_is_deleted_and_written_anew_removes_nothing),
		FILE_TEST(test_a_new_name_changes_nothing),
		FILE_TEST(test_an_object_that_moves_to_another_file_stays),
		FILE_TEST(test_a_broken_file_keeps_its_objects),
		FILE_TEST(test_a_refused_object_keeps_its_last_good_version),
		FILE_TEST(test_refused_endpoints_keep_the_slices_that_they_became),
		FILE_TEST(test_of_two_files_the_first_one_has_an_object),
		FILE_TEST(test_an_earlier_argument_has_an_object_whatever_its_name),
		FILE_TEST(test_a_file_that_is_named_twice_is_read_twice),
		FILE_TEST(test_what_is_no_file_is_refused_without_waiting),
		FILE_TEST(test_a_file_that_comes_and_goes_is_no_trouble),
	};

	return cmocka_run_group_tests_name("file", tests, fixture_open, fixture_close);
}
