/* SPDX-License-Identifier: Apache-2.0 */
/* Access to the pinned maps for commands that read, with what to say when there is none. */
#ifndef GWBPF_CLI_LOOKUP_H
#define GWBPF_CLI_LOOKUP_H

#include "report/lookup.h"

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

/* Open the maps, find the Service that the first argument names, and run the rest of a command with
 * both. Returns what that returns: the exit status. */
typedef int (*lookup_command)(const struct cli *cli, const struct view *view,
			      const struct service_filter *filter);
int lookup_run(const struct cli *cli, lookup_command command);

#endif
