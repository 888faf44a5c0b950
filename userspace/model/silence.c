// SPDX-License-Identifier: Apache-2.0
#include "model/silence.h"

#include <stdbool.h>
#include <string.h>

#define SLOT_MS (5 * 60 * 1000)
#define FORGET_MS ((SILENCE_SLOTS - 1) * SLOT_MS)

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

static bool is_fresh(const struct silence *silence, uint64_t now_ms)
{
	return silence->begun_ms && now_ms - silence->noted_ms < FORGET_MS;
}

void silence_note(struct silence *silence, uint64_t now_ms, uint32_t waited_ms)
{
	uint32_t *longest_ms;

	if (!is_fresh(silence, now_ms))
		*silence = (struct silence){.begun_ms = now_ms};
	silence->noted_ms = now_ms;
	silence->looks++;
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

	if (!is_fresh(silence, now_ms) || now_ms - silence->begun_ms < SILENCE_LEARN_MS ||
	    silence->looks < SILENCE_LEARN_LOOKS)
		return 0;
	quiet_ms = silence_longest_ms(silence, now_ms) * 3ull / 2;
	if (quiet_ms < SILENCE_QUIET_MIN_MS)
		return SILENCE_QUIET_MIN_MS;
	return quiet_ms < SILENCE_QUIET_MAX_MS ? (uint32_t)quiet_ms : SILENCE_QUIET_MAX_MS;
}
