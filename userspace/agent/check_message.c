// SPDX-License-Identifier: Apache-2.0
#include "agent/check_message.h"

#include <errno.h>
#include <string.h>

/* The child writes its texts itself, in English. */
static int check_text(const char text[GW_SEEN_TEXT_MAX])
{
	const char *end = memchr(text, '\0', GW_SEEN_TEXT_MAX);

	if (!end)
		return -EPROTO;
	for (const char *at = text; at < end; at++)
		if (*at < ' ' || *at > '~')
			return -EPROTO;
	return 0;
}

int check_answer_read(const void *bytes, size_t size, struct check_answer *ret)
{
	struct check_answer answer;
	int err;

	if (size != sizeof(answer))
		return -EPROTO;
	memcpy(&answer, bytes, sizeof(answer));
	if (answer.seen == GW_SEEN_NONE || answer.seen >= GW_SEEN_MAX_)
		return -EPROTO;
	err = check_text(answer.text);
	if (!err)
		*ret = answer;
	return err;
}
