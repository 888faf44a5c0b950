/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For how long the applications of one Service wait silently for an answer: the longest silence within
 * the last hour that ended with data received. A connection that has been quiet for clearly longer
 * waits for nothing, and may be moved. Pure: whoever calls it has the clock, and the waits
 * (kernel/waits.h).
 */
#ifndef GWBPF_MODEL_SILENCE_H
#define GWBPF_MODEL_SILENCE_H

#include <stdint.h>

#define SILENCE_SLOTS 13 /* of five minutes: the last hour, and the slot that is being filled */
/* Nothing is said before so much time, and so many looks at which data had come. */
#define SILENCE_LEARN_MS (10 * 60 * 1000)
#define SILENCE_LEARN_LOOKS 60
#define SILENCE_QUIET_MIN_MS 1000
#define SILENCE_QUIET_MAX_MS 30000

/* All zero: nothing is known. Times are milliseconds of a clock that does not jump. */
struct silence {
	uint64_t begun_ms; /* when data was first seen to come; 0: never */
	uint64_t noted_ms; /* when it was last */
	uint32_t looks;    /* at which it was */
	uint64_t slot;     /* the number of the newest one */
	uint32_t longest_ms[SILENCE_SLOTS];
};

/* Data has just come on connections of the Service, one of which had waited for so long; 0: none had
 * waited for long enough to be told. After an hour without, it begins anew. */
void silence_note(struct silence *silence, uint64_t now_ms, uint32_t waited_ms);

/* The longest wait of the last hour. */
uint32_t silence_longest_ms(const struct silence *silence, uint64_t now_ms);

/* For how long a connection must be quiet before it may be moved: half as long again as the longest
 * wait, within the bounds above; 0: that is not known yet, or not any more. */
uint32_t silence_quiet_ms(const struct silence *silence, uint64_t now_ms);

#endif
