// SPDX-License-Identifier: Apache-2.0
/* The names of pods, from the directories that the kubelet makes for their logs. */
#include "report/pod_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define UID1 "0f3a9c1e-5b7d-4e2f-8a6b-1c2d3e4f5a6b"
#define UID2 "0123456789abcdef0123456789abcdef"

static char directory[] = "/tmp/gwbpf-pods-XXXXXX";

static const char *const pods[] = {
	"fabric_org1-peer1-0_" UID1,
	"kube-system_etcd-n1_" UID2,
	/* What else may lie there names no pod. */
	"fabric",
	"fabric_org1-peer2-0",
	"fabric_org1-peer3-0_",
	"fabric_org1_peer4_0_" UID1,
};
#define PODS (sizeof(pods) / sizeof(*pods))

static const char *path_of(size_t i)
{
	static char path[sizeof(directory) + 128];

	snprintf(path, sizeof(path), "%s/%s", directory, pods[i]);
	return path;
}

static int start(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	for (size_t i = 0; i < PODS; i++)
		if (mkdir(path_of(i), 0700))
			return -1;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	for (size_t i = 0; i < PODS; i++)
		rmdir(path_of(i));
	return rmdir(directory);
}

static void test_a_pod_is_found_by_its_uid(void **state)
{
	const struct pod_name *name;
	struct pod_names names;

	(void)state;
	assert_int_equal(pod_names_read(directory, &names), 0);
	assert_int_equal(names.count, 2);
	name = pod_names_find(&names, UID1);
	assert_non_null(name);
	assert_string_equal(name->namespace, "fabric");
	assert_string_equal(name->name, "org1-peer1-0");
	name = pod_names_find(&names, UID2);
	assert_non_null(name);
	assert_string_equal(name->namespace, "kube-system");
	assert_string_equal(name->name, "etcd-n1");
	assert_null(pod_names_find(&names, "0f3a9c1e"));
	assert_null(pod_names_find(&names, ""));
	pod_names_done(&names);
}

static void test_no_directory_is_no_names(void **state)
{
	struct pod_names names;

	(void)state;
	assert_int_equal(pod_names_read("/nowhere/at/all", &names), 0);
	assert_int_equal(names.count, 0);
	assert_null(pod_names_find(&names, UID1));
	pod_names_done(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_pod_is_found_by_its_uid),
		cmocka_unit_test(test_no_directory_is_no_names),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
