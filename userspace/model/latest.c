// SPDX-License-Identifier: Apache-2.0
#include "model/latest.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define SIZE_MIN 64

void latest_done(struct latest *latest)
{
	free(latest->entries);
	latest->entries = NULL;
	latest->size = latest->count = 0;
}

static bool is_same(struct latest_key left, struct latest_key right)
{
	return left.a == right.a && left.b == right.b;
}

/* The mixing steps of splitmix64. */
static uint64_t mix(uint64_t number)
{
	number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9ull;
	number = (number ^ number >> 27) * 0x94d049bb133111ebull;
	return number ^ number >> 31;
}

/* The place of the key, or the free one where it belongs: one in two is free at least. */
static struct latest_entry *place_of(const struct latest *latest, struct latest_key key)
{
	size_t place = mix(mix(key.a ^ latest->seed) ^ key.b);

	for (;; place++) {
		struct latest_entry *entry = &latest->entries[place & (latest->size - 1)];

		if (!entry->time || is_same(entry->key, key))
			return entry;
	}
}

static int make_room(struct latest *latest)
{
	struct latest larger = *latest;

	if (2 * (latest->count + 1) <= latest->size)
		return 0;
	larger.size = latest->size ? 2 * latest->size : SIZE_MIN;
	larger.entries = calloc(larger.size, sizeof(*larger.entries));
	if (!larger.entries)
		return -ENOMEM;
	for (size_t i = 0; i < latest->size; i++)
		if (latest->entries[i].time)
			*place_of(&larger, latest->entries[i].key) = latest->entries[i];
	free(latest->entries);
	*latest = larger;
	return 0;
}

int latest_note(struct latest *latest, struct latest_key key, uint64_t time)
{
	int err = make_room(latest);
	struct latest_entry *entry;

	if (err)
		return err;
	entry = place_of(latest, key);
	latest->count += !entry->time;
	entry->key = key;
	if (entry->time < time)
		entry->time = time;
	return 0;
}

uint64_t latest_of(const struct latest *latest, struct latest_key key)
{
	return latest->size ? place_of(latest, key)->time : 0;
}
