// SPDX-License-Identifier: Apache-2.0
#include "kernel/monitor.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/libbpf.h>
#include <gwbpf.skel.h>

#include "kernel/datapath.h"
#include "kernel/view.h"

struct monitor {
	struct gwbpf_bpf *object; /* the datapath's */
	struct ring_buffer *ring;
	monitor_visit visit; /* of the call that goes on */
	void *arg;
	size_t left;
};

/* What is other than 0 ends the reading; that one has been read then. */
static int on_sight(void *arg, void *data, size_t size)
{
	struct monitor *monitor = arg;

	if (size >= sizeof(struct gw_sight))
		monitor->visit(data, monitor->arg);
	return --monitor->left ? 0 : -EAGAIN;
}

int monitor_new(struct datapath *datapath, struct monitor **ret)
{
	struct monitor *monitor = calloc(1, sizeof(*monitor));
	int err;

	if (!monitor)
		return -ENOMEM;
	monitor->object = datapath_object(datapath);
	monitor->ring = ring_buffer__new(bpf_map__fd(monitor->object->maps.monitor_sights),
					 on_sight, monitor, NULL);
	if (!monitor->ring) {
		err = -errno;
		free(monitor);
		return err;
	}
	*ret = monitor;
	return 0;
}

void monitor_free(struct monitor *monitor)
{
	if (!monitor)
		return;
	monitor_watch(monitor, 0);
	ring_buffer__free(monitor->ring);
	free(monitor);
}

void monitor_watch(struct monitor *monitor, uint64_t until_ns)
{
	__atomic_store_n(&monitor->object->bss->monitor_until_ns, until_ns, __ATOMIC_RELAXED);
}

uint64_t monitor_until_ns(const struct monitor *monitor)
{
	return __atomic_load_n(&monitor->object->bss->monitor_until_ns, __ATOMIC_RELAXED);
}

size_t monitor_take(struct monitor *monitor, size_t most, monitor_visit visit, void *arg)
{
	monitor->visit = visit;
	monitor->arg = arg;
	monitor->left = most;
	ring_buffer__consume(monitor->ring);
	return most - monitor->left;
}

uint64_t monitor_lost(const struct monitor *monitor)
{
	return __atomic_load_n(&monitor->object->bss->monitor_lost, __ATOMIC_RELAXED);
}

const char *monitor_kind_name(uint32_t kind)
{
	static const char *const names[] = {
#define NAME(id, name) [GW_SIGHT_##id] = name,
		GW_SIGHT_KINDS(NAME)
#undef NAME
	};

	return kind < GW_SIGHT_KIND_MAX_ ? names[kind] : "other";
}

const char *monitor_error_name(uint32_t error)
{
	switch (error) {
	case GW_SIGHT_CANCELED:
		return "canceled";
	case GW_SIGHT_NO_SYN:
		return view_reason_name(GW_REASON_NO_SYN);
	case GW_SIGHT_NO_BACKENDS:
		return view_reason_name(GW_REASON_NO_BACKENDS);
	case ECONNRESET:
	case EPIPE:
		return "reset";
	default:
		return view_error_name(error);
	}
}
