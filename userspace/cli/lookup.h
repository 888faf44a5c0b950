/* SPDX-License-Identifier: Apache-2.0 */
/* Access to the pinned maps for commands that read, with what to say when there is none. */
#ifndef GWBPF_CLI_LOOKUP_H
#define GWBPF_CLI_LOOKUP_H

#include <stddef.h>

#define LOOKUP_MESSAGE_MAX 512

struct cli;
struct service_filter;
struct view;

/* view_open(), but it says what is wrong and the remedy. */
int lookup_open(const struct cli *cli, struct view **ret);

/* The Service that the command's first argument names; every one if it has none. Says it if there
 * is no such Service here. -EINVAL, -ENOENT, -ENOTUNIQ, -ENOMEM */
int lookup_service(const struct cli *cli, const struct view *view, struct service_filter *ret);

/* Says it if no backend of the Service has the name given by --backend. -ENOENT */
int lookup_backend(const struct cli *cli, const struct view *view,
		       const struct service_filter *filter);

/* What an error of view_open() or conns_walk() means, and the remedy. Returns buf. */
const char *lookup_message(const char *pin_dir, int err, char buf[LOOKUP_MESSAGE_MAX]);

/* The node that the agent named, else this host. view may be NULL. */
const char *lookup_node(const struct view *view);

/* The name of this host; "unknown" if it has none. */
const char *lookup_host(void);

#endif
