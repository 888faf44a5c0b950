// SPDX-License-Identifier: Apache-2.0
#include "report/pod_uid.h"

#include <ctype.h>
#include <string.h>

#define UID_MIN 32 /* of a static pod, whose UID is a hash without dashes */

bool pod_uid_in(const char *path, char ret[POD_UID_MAX])
{
	const char *at = path;

	while ((at = strstr(at, "pod"))) {
		bool is_start = at == path || at[-1] == '/' || at[-1] == '-';
		size_t length = 0;

		at += strlen("pod");
		if (!is_start)
			continue;
		/* In the names of systemd's slices a dash stands for a level, so '_' for a dash. */
		while (length < POD_UID_MAX - 1 &&
		       (isxdigit((unsigned char)at[length]) || strchr("-_", at[length])) &&
		       at[length]) {
			ret[length] = at[length];
			if (ret[length] == '_')
				ret[length] = '-';
			length++;
		}
		ret[length] = '\0';
		if (length >= UID_MIN && (at[length] == '/' || at[length] == '.' || !at[length]))
			return true;
	}
	return false;
}
