// SPDX-License-Identifier: Apache-2.0
#include "report/commands.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_plain(const char *name)
{
	return *name && *name != '-' &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.")];
}

static const char *write(char buf[COMMANDS_MAX], const char *verb, const char *namespace,
			 const char *name, const char *what)
{
	*buf = '\0';
	if (is_plain(namespace) && is_plain(name))
		snprintf(buf, COMMANDS_MAX, "kubectl %s -n %s %s%s%s", verb, namespace, name,
			 *what ? " " : "", what);
	return buf;
}

const char *commands_pod(const char *verb, const char *namespace, const char *pod,
			 char buf[COMMANDS_MAX])
{
	return write(buf, verb, namespace, pod, "");
}

const char *commands_annotate(const char *namespace, const char *name, const char *what,
			      char buf[COMMANDS_MAX])
{
	return write(buf, "annotate --overwrite service", namespace, name, what);
}

const char *commands_unannotate(const char *namespace, const char *name, const char *message,
				char buf[COMMANDS_MAX])
{
	const char *begin = strstr(message, "'gwbpf.io/");
	size_t length = begin ? strspn(begin + 1, "abcdefghijklmnopqrstuvwxyz-./") : 0;
	char what[128];

	*buf = '\0';
	if (!length || begin[length + 1] != '\'' || length > sizeof(what) - 2)
		return buf;
	snprintf(what, sizeof(what), "%.*s-", (int)length, begin + 1);
	return commands_annotate(namespace, name, what, buf);
}

const char *commands_label(const char *namespace, const char *name, const char *what,
			   char buf[COMMANDS_MAX])
{
	return write(buf, "label --overwrite service", namespace, name, what);
}

const char *commands_service(const char *verb, const char *namespace, const char *name,
			     char buf[COMMANDS_MAX])
{
	*buf = '\0';
	if (is_plain(namespace) && is_plain(name))
		snprintf(buf, COMMANDS_MAX, "gwbpf %s %s/%s", verb, namespace, name);
	return buf;
}
