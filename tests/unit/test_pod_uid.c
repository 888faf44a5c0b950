// SPDX-License-Identifier: Apache-2.0
/* The pod in a path of cgroups, as kubelets name it with either driver. */
#include "report/pod_uid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define UID "0f3a9c1e-5b7d-4e2f-8a6b-1c2d3e4f5a6b"

static void test_both_drivers(void **state)
{
	static const char *const paths[] = {
		"/sys/fs/cgroup/kubepods/burstable/pod" UID "/9f8e7d",
		"/sys/fs/cgroup/kubepods/pod" UID,
		"/sys/fs/cgroup/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-"
		"pod0f3a9c1e_5b7d_4e2f_8a6b_1c2d3e4f5a6b.slice/cri-containerd-9f8e.scope",
		"/sys/fs/cgroup/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-"
		"pod0f3a9c1e_5b7d_4e2f_8a6b_1c2d3e4f5a6b.slice",
	};
	char uid[POD_UID_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		assert_true(pod_uid_in(paths[i], uid));
		assert_string_equal(uid, UID);
	}
	assert_true(pod_uid_in("/kubepods/pod0123456789abcdef0123456789abcdef/x", uid));
	assert_string_equal(uid, "0123456789abcdef0123456789abcdef");
}

static void test_what_is_no_pod(void **state)
{
	static const char *const paths[] = {
		"",
		"/",
		"/sys/fs/cgroup/system.slice/podman.service",
		"/sys/fs/cgroup/kubepods",
		"/sys/fs/cgroup/kubepods/pod",
		"/sys/fs/cgroup/tripod" UID,
		"/sys/fs/cgroup/pod0f3a",
		"/sys/fs/cgroup/pod" UID UID,
	};
	char uid[POD_UID_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		assert_false(pod_uid_in(paths[i], uid));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_drivers),
		cmocka_unit_test(test_what_is_no_pod),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
