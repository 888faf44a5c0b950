// SPDX-License-Identifier: Apache-2.0
#include "agent/client_names.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <gwbpf/origin.h>

#include "report/clients.h"

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

/* A process calls itself as it likes: that must neither leave its quotes nor begin another line. */
static void copy_quotable(char *to, size_t size, const char *from)
{
	copy(to, size, from);
	for (; *to; to++)
		if (strchr("'\"\\", *to) || iscntrl((unsigned char)*to))
			*to = '?';
}

static bool may_look(struct client_names *names)
{
	if (!names->clients && !names->err)
		names->err = clients_new(NULL, &names->clients);
	return names->clients && clients_looks(names->clients) < CLIENT_NAMES_LOOKS;
}

void client_names_find(struct client_names *names, uint64_t cookie, const struct gw_origin *origin,
		       struct client_name *ret)
{
	struct client client;

	*ret = (struct client_name){.cookie = cookie, .pid = origin->tgid};
	if (!origin->cgroup_id || !may_look(names) ||
	    clients_find_origin(names->clients, origin->cgroup_id, origin->tgid, &client))
		return;
	copy(ret->namespace, sizeof(ret->namespace), client.namespace);
	copy(ret->pod, sizeof(ret->pod), client.pod);
	copy_quotable(ret->command, sizeof(ret->command), client.command);
}

void client_names_done(struct client_names *names)
{
	clients_free(names->clients);
	*names = (struct client_names){0};
}

const char *client_name_text(const struct client_name *name, char buf[CLIENT_TEXT_MAX])
{
	if (*name->pod)
		snprintf(buf, CLIENT_TEXT_MAX, "pod %s%s%s", name->namespace,
			 *name->namespace ? "/" : "", name->pod);
	else if (*name->command)
		snprintf(buf, CLIENT_TEXT_MAX, "process %u '%s'", name->pid, name->command);
	else
		snprintf(buf, CLIENT_TEXT_MAX, "a client (network namespace cookie %llu)",
			 (unsigned long long)name->cookie);
	return buf;
}
