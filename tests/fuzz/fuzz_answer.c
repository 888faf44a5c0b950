// SPDX-License-Identifier: Apache-2.0
/* Any bytes as an answer of the child that checks backends, which a peer may have taken over. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "agent/check_message.h"

static void check_answer(const void *bytes, size_t size)
{
	struct check_answer answer;
	int err;

	memset(&answer, 0xff, sizeof(answer));
	err = check_answer_read(bytes, size, &answer);
	must(!err || err == -EPROTO);
	if (err)
		return;
	must(size == sizeof(answer));
	must(answer.seen > GW_SEEN_NONE && answer.seen < GW_SEEN_MAX_);
	must(memchr(answer.text, '\0', sizeof(answer.text)) != NULL);
	for (const char *at = answer.text; *at; at++)
		must(*at >= ' ' && *at <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char whole[sizeof(struct check_answer)] = {0};

	check_answer(data, size);
	/* The right size is seldom hit. */
	memcpy(whole, data, size < sizeof(whole) ? size : sizeof(whole));
	check_answer(whole, sizeof(whole));
	return 0;
}
