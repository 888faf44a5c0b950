/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An API server on loopback that answers as it is told, in the event loop of the test. A request
 * that no answer fits waits until one is given.
 */
#ifndef GWBPF_TESTS_UNIT_FAKE_API_H
#define GWBPF_TESTS_UNIT_FAKE_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct fake_api;

enum fake_end {
	FAKE_WHOLE,   /* the body has its length */
	FAKE_OPEN,    /* in chunks; more may follow */
	FAKE_ENDED,   /* in chunks, and the last of them: what a watch looks like that timed out */
	FAKE_CUT,     /* in chunks, then the connection is closed */
	FAKE_RESET,   /* likewise, with a RST */
	FAKE_NOTHING, /* the connection is closed instead */
};

struct fake_answer {
	const char *path;   /* what the request contains; and does not, after a '!' */
	const char *status; /* "200 OK"; NULL: that */
	const char *header; /* "Retry-After: 7\r\n"; NULL: none */
	const char *body;   /* NULL: none */
	size_t size;        /* 0: strlen(body) */
	enum fake_end end;
	bool has_bare_ends; /* the lines of its header end without carriage returns, if FAKE_WHOLE */
};

struct fake_api *fake_api_new(struct event_base *base);
void fake_api_free(struct fake_api *api);
uint16_t fake_api_port(const struct fake_api *api);

/* Answer a request whose path fits: the youngest that waits, or the next. Answers are used up in
 * the order in which they are given. */
void fake_api_answer(struct fake_api *api, const struct fake_answer *answer);

/* More of the answer on the last connection that was answered with FAKE_OPEN for that path. */
void fake_api_send(struct fake_api *api, const char *path, const char *bytes, size_t size,
		   enum fake_end end);

/* What was asked for so far: "PATH AUTHORIZATION". NULL beyond. */
const char *fake_api_request(const struct fake_api *api, size_t index);
size_t fake_api_count(const struct fake_api *api, const char *path);

/* Run the loop until is_done says so; false if that takes longer than 60 s. */
bool fake_api_run(struct fake_api *api, bool (*is_done)(void *arg), void *arg);

/* A file of tests/data, the caller's. */
char *fake_api_data(const char *name, size_t *size);

#endif
