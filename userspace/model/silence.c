// SPDX-License-Identifier: Apache-2.0
#include "model/silence.h"

#include <stdbool.h>
#include <string.h>

#define SLOT_MS (5 * 60 * 1000)
#define SAME_MS 20 /* two looks at one time differ by no more than the kernel's clock does */

static bool is_later(uint64_t time_ms, uint64_t than_ms)
{
	return time_ms > than_ms + SAME_MS;
}

/* Messages alternate: who received first received as many as it sent, and one more if it received
 * last as well. */
static bool received_first(const struct glance *before, const struct glance *now)
{
	uint32_t sent = now->segments_sent - before->segments_sent;
	uint32_t received = now->segments_received - before->segments_received;

	return received >= sent + (now->received_ms > now->sent_ms);
}

uint32_t silence_between(const struct glance *before, const struct glance *now)
{
	bool is_waiting = before->sent_ms > before->received_ms;
	uint64_t since_ms = is_waiting ? before->sent_ms : before->received_ms;
	uint64_t answer_ms = now->received_ms;

	if (!is_later(now->received_ms, before->received_ms))
		return 0;
	if (is_later(now->sent_ms, before->sent_ms)) {
		if (!is_waiting || !received_first(before, now))
			return 0;
		/* What it sent, it sent after the answer. */
		if (now->sent_ms < answer_ms)
			answer_ms = now->sent_ms;
	}
	return answer_ms > since_ms ? (uint32_t)(answer_ms - since_ms) : 0;
}

/* Forget what is older than an hour. */
static void turn_to(struct silence *silence, uint64_t now_ms)
{
	uint64_t slot = now_ms / SLOT_MS;

	if (slot - silence->slot >= SILENCE_SLOTS)
		memset(silence->longest_ms, 0, sizeof(silence->longest_ms));
	else
		while (silence->slot < slot)
			silence->longest_ms[++silence->slot % SILENCE_SLOTS] = 0;
	silence->slot = slot;
}

void silence_note(struct silence *silence, uint64_t now_ms, uint32_t waited_ms)
{
	uint32_t *longest_ms;

	if (!silence->begun_ms)
		silence->begun_ms = now_ms;
	turn_to(silence, now_ms);
	longest_ms = &silence->longest_ms[silence->slot % SILENCE_SLOTS];
	if (*longest_ms < waited_ms)
		*longest_ms = waited_ms;
}

uint32_t silence_longest_ms(const struct silence *silence, uint64_t now_ms)
{
	struct silence now = *silence;
	uint32_t longest_ms = 0;

	turn_to(&now, now_ms);
	for (int i = 0; i < SILENCE_SLOTS; i++)
		if (now.longest_ms[i] > longest_ms)
			longest_ms = now.longest_ms[i];
	return longest_ms;
}

uint32_t silence_quiet_ms(const struct silence *silence, uint64_t now_ms)
{
	uint64_t quiet_ms;

	if (!silence->begun_ms || now_ms - silence->begun_ms < SILENCE_LEARN_MS)
		return 0;
	quiet_ms = silence_longest_ms(silence, now_ms) * 3ull / 2;
	if (quiet_ms < SILENCE_QUIET_MIN_MS)
		return SILENCE_QUIET_MIN_MS;
	return quiet_ms < SILENCE_QUIET_MAX_MS ? (uint32_t)quiet_ms : SILENCE_QUIET_MAX_MS;
}
