/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of text, hundreds of thousands of them: what printf() takes for each would be most of the
 * time of a large scrape. Knows nothing of what the lines say.
 */
#ifndef GWBPF_AGENT_LINES_H
#define GWBPF_AGENT_LINES_H

#include <stddef.h>
#include <stdint.h>

struct evbuffer;

#define LINES_ROOM 16384

/* What is in room is not in the buffer yet. */
struct lines {
	struct evbuffer *to;
	size_t used;
	int err; /* 0 or -ENOMEM: then lines are missing */
	char room[LINES_ROOM];
};

void lines_init(struct lines *lines, struct evbuffer *to);

void lines_add(struct lines *lines, const char *text, size_t length);
void lines_add_text(struct lines *lines, const char *text);
void lines_add_number(struct lines *lines, uint64_t value);

/* As "%.9f" of the seconds prints it, to the last nanosecond. */
void lines_add_seconds(struct lines *lines, uint64_t ns);

/* All is in the buffer afterwards. 0 or -ENOMEM, also of an earlier one. */
int lines_flush(struct lines *lines);

#endif
