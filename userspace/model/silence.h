/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For how long the applications of one Service wait silently for an answer: the longest time between
 * data sent and data received that was seen within the last hour. A connection that has been quiet
 * for clearly longer waits for nothing, and may be moved. Pure: whoever calls it has the clock.
 */
#ifndef GWBPF_MODEL_SILENCE_H
#define GWBPF_MODEL_SILENCE_H

#include <stdint.h>

#define SILENCE_SLOTS 13 /* of five minutes: the last hour, and the slot that is being filled */
#define SILENCE_LEARN_MS (10 * 60 * 1000) /* nothing is said before */
#define SILENCE_QUIET_MIN_MS 1000
#define SILENCE_QUIET_MAX_MS 30000

/* All zero: nothing is known. Times are milliseconds of a clock that does not jump. */
struct silence {
	uint64_t begun_ms; /* when the first connection was looked at; 0: never */
	uint64_t slot;     /* the number of the newest one */
	uint32_t longest_ms[SILENCE_SLOTS];
};

/* When a connection last sent and received data, and in how many segments so far. */
struct glance {
	uint64_t cookie;
	uint64_t sent_ms;
	uint64_t received_ms;
	uint32_t segments_sent;
	uint32_t segments_received;
};

/*
 * The longest wait that two looks at the same connection show; 0: none. Between them it may be too
 * long by as much as they are apart. Who had an answer, and sent first thereafter, waited for
 * nothing. Whether it sent or received first is told by the number of segments: with one for each
 * message that is exact; a long answer makes for a wait that was none, and a long question can
 * hide one.
 */
uint32_t silence_between(const struct glance *before, const struct glance *now);

/* A connection of the Service was looked at, and has waited for so long. */
void silence_note(struct silence *silence, uint64_t now_ms, uint32_t waited_ms);

/* The longest wait of the last hour. */
uint32_t silence_longest_ms(const struct silence *silence, uint64_t now_ms);

/* For how long a connection must be quiet before it may be moved: half as long again as the longest
 * wait, within the bounds above; 0: that is not known yet. */
uint32_t silence_quiet_ms(const struct silence *silence, uint64_t now_ms);

#endif
