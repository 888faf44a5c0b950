// SPDX-License-Identifier: Apache-2.0
#include "agent/check_message.h"

#include <errno.h>
#include <string.h>

/* The child writes its texts itself, in English, and replaces what it cannot write so. */
static int check_text(const char *text, size_t size)
{
	const char *end = memchr(text, '\0', size);

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
	if (answer.certificate.read >= GW_CERTIFICATE_MAX_)
		return -EPROTO;
	err = check_text(answer.text, sizeof(answer.text));
	if (!err)
		err = check_text(answer.certificate.issuer, sizeof(answer.certificate.issuer));
	if (!err)
		*ret = answer;
	return err;
}
