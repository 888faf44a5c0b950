/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other processes of a test, which do their part all at once. They hold no descriptor of the test's
 * and must not use cmocka: what goes wrong they write down, and it fails the test when it asks.
 */
#ifndef GWBPF_TESTS_CREW_H
#define GWBPF_TESTS_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In memory that the test and the process share. */
struct crew_member {
	uint32_t number;     /* 0, 1, … */
	uint64_t done;       /* for the work to count in */
	char problem[160];   /* "": none */
	volatile bool stop;  /* the test wants no more of it */
	volatile bool rests; /* in crew_rest() */
	int stop_fd;
};

struct crew;

typedef void (*crew_work)(struct crew_member *me, void *arg);

/* Begin the work in count processes; they all set out at the same time. */
struct crew *crew_start(size_t count, crew_work work, void *arg);

/* Tell them that their work is over; those that rest then go on resting. */
void crew_tell(struct crew *crew);

/* Tell them to stop; wait for their end; fail the test if one had a problem. The sum of done. */
uint64_t crew_stop(struct crew *crew);

/* Wait until all have ended by themselves, then the same. */
uint64_t crew_wait(struct crew *crew);

/* Wait until each of them rests. */
void crew_await_rest(struct crew *crew);

/* For the work: write down what went wrong (the first thing counts); wait to be told to stop. */
void crew_problem(struct crew_member *me, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void crew_rest(struct crew_member *me);

/* Memory that this process and those that it makes from now on share, all zero. */
void *crew_memory(size_t size);

#endif
