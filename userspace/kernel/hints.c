// SPDX-License-Identifier: Apache-2.0
#include "kernel/hints.h"

#include <errno.h>

#include <bpf/bpf.h>

#include "kernel/maps.h"

int hints_open(const char *pin_dir)
{
	return maps_open_one(pin_dir, "gw_hints");
}

int hints_write(int fd, struct gw_service *service, const struct gw_hint_key *key,
		const struct gw_hint *hint)
{
	if (bpf_map_update_elem(fd, key, hint, BPF_ANY))
		return -errno;
	__atomic_store_n(&service->hints_until_ns, hint->until_ns, __ATOMIC_RELEASE);
	return 0;
}
