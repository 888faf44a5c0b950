/* SPDX-License-Identifier: Apache-2.0 */
/* What the hooks tell of connections while somebody watches (gwbpf/sight.h). */
#ifndef GWBPF_KERNEL_MONITOR_H
#define GWBPF_KERNEL_MONITOR_H

#include <stddef.h>
#include <stdint.h>

#include <gwbpf/sight.h>

struct datapath;
struct monitor;

/* Those of this datapath's own programs. -ENOMEM, or what mmap(2) says. The datapath must outlive
 * it. */
int monitor_new(struct datapath *datapath, struct monitor **ret);
void monitor_free(struct monitor *monitor); /* takes NULL; nobody watches from then on */

/* The hooks tell until then, by CLOCK_MONOTONIC; 0: from now on they do not. */
void monitor_watch(struct monitor *monitor, uint64_t until_ns);

/* Whether the hooks tell: the time was not over when the last connection looked at it. */
uint64_t monitor_until_ns(const struct monitor *monitor);

/* Visit what they have told, the oldest first, `most` of it at most. Returns how many there were. */
typedef void (*monitor_visit)(const struct gw_sight *sight, void *arg);
size_t monitor_take(struct monitor *monitor, size_t most, monitor_visit visit, void *arg);

/* How many there was no room for. Only rises. */
uint64_t monitor_lost(const struct monitor *monitor);

const char *monitor_kind_name(uint32_t kind); /* "other" for one that is not known */

/* "refused", "timeout", "canceled", "no-route", …; NULL for 0. */
const char *monitor_error_name(uint32_t error);

#endif
