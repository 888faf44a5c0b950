// SPDX-License-Identifier: Apache-2.0
#include "kernel/records.h"

#include <errno.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "kernel/memcg.h"

/* The kernel wants types, of which it makes nothing: any of the right size will do. */
int records_make(const char *name, size_t bytes)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
	struct btf *btf = btf__new_empty();
	int element, err, fd;

	if (!btf)
		return -errno;
	element = btf__add_int(btf, "int", sizeof(int), BTF_INT_SIGNED);
	options.btf_key_type_id = (__u32)element;
	options.btf_value_type_id =
		(__u32)btf__add_array(btf, element, element, (__u32)(bytes / sizeof(int)));
	err = btf__load_into_kernel(btf);
	if (!err) {
		options.btf_fd = (__u32)btf__fd(btf);
		fd = bpf_map_create(BPF_MAP_TYPE_SK_STORAGE, name, sizeof(int), (__u32)bytes, 0,
				    &options);
		err = fd < 0 ? -errno : fd;
	}
	btf__free(btf);
	return err;
}

struct wish {
	const char *name;
	size_t bytes;
};

static int make_wish(void *arg)
{
	const struct wish *wish = arg;

	return records_make(wish->name, wish->bytes);
}

int records_make_uncharged(const char *name, size_t bytes)
{
	struct wish wish = {name, bytes};

	return memcg_run_at_root(make_wish, &wish);
}
