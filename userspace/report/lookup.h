/* SPDX-License-Identifier: Apache-2.0 */
/* Where a report comes from: the pins, or why they cannot be read, and the node. */
#ifndef GWBPF_REPORT_LOOKUP_H
#define GWBPF_REPORT_LOOKUP_H

#include <stddef.h>

#define LOOKUP_MESSAGE_MAX 512

struct view;

/* What an error of view_open() or conns_walk_once() means, and the remedy. Returns buf. */
const char *lookup_message(const char *pin_dir, int err, char buf[LOOKUP_MESSAGE_MAX]);

/* The node that the agent named, else this host. view may be NULL. */
const char *lookup_node(const struct view *view);

/* The name of this host; "unknown" if it has none. */
const char *lookup_host(void);

#endif
