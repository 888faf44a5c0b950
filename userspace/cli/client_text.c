// SPDX-License-Identifier: Apache-2.0
#include "cli/client_text.h"

#include <stdio.h>

#include "report/json.h"

const char *client_text(const json_t *event, char buf[CLIENT_TEXT_BYTES_MAX])
{
	json_int_t pid = json_integer_value(json_object_get(event, "clientPid"));
	const char *namespace = json_text_of(event, "clientNamespace");
	const char *pod = json_text_of(event, "clientPod");
	const char *command = json_text_of(event, "clientCommand");
	const char *quote = *command ? "'" : "";
	char process[64] = "";

	if (pid)
		snprintf(process, sizeof(process), "process %lld%s%s%.32s%s", (long long)pid,
			 *command ? " " : "", quote, command, quote);
	snprintf(buf, CLIENT_TEXT_BYTES_MAX, "%s%s%s%s%s%s", *pod ? "pod " : "", namespace,
		 *namespace ? "/" : "", pod, pid && *pod ? ", " : "", process);
	return buf;
}
