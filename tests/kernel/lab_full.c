// SPDX-License-Identifier: Apache-2.0
/* A socket that has used up what it may hold of options (net.core.optmem_max, which older kernels
 * have once for all namespaces, so that a test must not change it): storage of other maps fills it. */
#include "kernel/lab.h"

#include <sys/socket.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#define BIGGEST 32768u
#define SMALLEST 8u

static int make_map(unsigned int bytes)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
	struct btf *btf = btf__new_empty();
	int element, fd;

	assert_non_null(btf);
	element = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	options.btf_key_type_id = (__u32)element;
	options.btf_value_type_id = (__u32)btf__add_array(btf, element, element, bytes / 4);
	assert_int_equal(btf__load_into_kernel(btf), 0);
	options.btf_fd = (__u32)btf__fd(btf);
	fd = bpf_map_create(BPF_MAP_TYPE_SK_STORAGE, "gw_lab_full", 4, bytes, 0, &options);
	btf__free(btf);
	assert_true(fd >= 0);
	return fd;
}

/* A map that is closed would give its memory back: this one stays open. */
static bool take(int fd, unsigned int bytes)
{
	static const char nothing[BIGGEST];

	return !bpf_map_update_elem(make_map(bytes), &fd, nothing, BPF_ANY);
}

int lab_full_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	for (unsigned int bytes = BIGGEST; bytes >= SMALLEST; bytes /= 2)
		while (take(fd, bytes))
			;
	return fd;
}
