// SPDX-License-Identifier: Apache-2.0
#include "soak/judge.h"

#include <stdbool.h>
#include <stdlib.h>

/* A connect that began as the peer was lost may be contradicted by one that just got through. */
#define SETTLED_NS 100000000u

/* What one client has seen of one loss. */
struct meeting {
	bool is_met;
	bool is_answer;    /* the peer refused, or a router; silence may be contradicted for long */
	uint64_t start_ns; /* of the connect that told it last */
	uint64_t end_ns;
};

/* What is known of one loss, while its failed connects are looked at in their order. */
struct course {
	const struct judge_loss *loss;
	struct meeting meetings[TOWN_CLIENTS];
	uint64_t ejected_ns; /* from then on it was surely ejected; 0: not yet */
	int tried; /* 1 + the client whose trial failed and counted last; 0: none did yet */
};

static int compare_ends(const void *a, const void *b)
{
	const struct crowd_failed *x = a, *y = b;

	return (x->end_ns > y->end_ns) - (x->end_ns < y->end_ns);
}

static bool belongs_to(const struct crowd_failed *failed, const struct judge_loss *loss)
{
	return failed->peer == loss->peer && failed->end_ns >= loss->began_ns &&
	       failed->start_ns <= loss->ended_ns &&
	       (loss->client == JUDGE_ALL || loss->client == failed->client);
}

static bool is_answer(const struct course *course, const struct crowd_failed *failed)
{
	return (failed->end == CROWD_REFUSED || failed->end == CROWD_UNREACHABLE) &&
	       failed->start_ns >= course->loss->began_ns + SETTLED_NS;
}

/* Two clients that were answered so within the base time: while one still suspects it, the other
 * one is. All have reached all peers before. What began before the last ejection, which may belong
 * to an earlier loss, says nothing new. */
static bool is_ejected_by(const struct course *course, const struct crowd_failed *failed,
			  uint64_t base_ns, uint64_t last_ns)
{
	if (failed->start_ns <= last_ns || !is_answer(course, failed))
		return false;
	for (int client = 0; client < TOWN_CLIENTS; client++) {
		const struct meeting *meeting = &course->meetings[client];

		if (client != failed->client && meeting->is_answer && meeting->start_ns > last_ns &&
		    failed->end_ns < meeting->start_ns + base_ns)
			return true;
	}
	return false;
}

static enum judge_kind kind_of(const struct course *course, const struct crowd_failed *failed,
			       uint64_t base_ns)
{
	const struct meeting *meeting = &course->meetings[failed->client];

	if (failed->end == CROWD_NO_ROUTE)
		return JUDGE_UNSENT;
	if (meeting->is_met && failed->start_ns <= meeting->end_ns)
		return JUDGE_TOGETHER;
	if (meeting->is_met && failed->sent_ns < meeting->start_ns + base_ns)
		return JUDGE_EARLY;
	if (course->ejected_ns && failed->start_ns > course->ejected_ns)
		return JUDGE_TRIAL;
	return meeting->is_met ? JUDGE_AGAIN : JUDGE_FIRST;
}

/* A trial that fails ejects anew, unless it is the same client that failed the last one. */
static bool is_new_opinion(struct course *course, const struct crowd_failed *failed)
{
	if (course->tried == failed->client + 1)
		return false;
	course->tried = failed->client + 1;
	return true;
}

static void note_ejection(const struct crowd_failed *failed, struct judge_verdict *verdict)
{
	verdict->ejections[failed->peer]++;
	verdict->ejected_ns[failed->peer] = failed->end_ns;
}

static enum judge_kind take(struct course *course, const struct crowd_failed *failed,
			    uint64_t base_ns, struct judge_verdict *verdict)
{
	enum judge_kind kind = kind_of(course, failed, base_ns);

	if (kind == JUDGE_TOGETHER || kind == JUDGE_UNSENT)
		return kind;
	verdict->counted[failed->peer]++;
	if (kind == JUDGE_TRIAL && is_new_opinion(course, failed))
		note_ejection(failed, verdict);
	course->meetings[failed->client] =
		(struct meeting){true, is_answer(course, failed), failed->start_ns, failed->end_ns};
	if (!course->ejected_ns &&
	    is_ejected_by(course, failed, base_ns, verdict->ejected_ns[failed->peer])) {
		course->ejected_ns = failed->end_ns;
		note_ejection(failed, verdict);
	}
	return kind;
}

struct judge_verdict judge(const struct judge_loss *losses, size_t loss_count,
			   struct crowd_failed *failed, size_t failed_count, uint64_t base_ms)
{
	struct course *courses = calloc(loss_count + 1, sizeof(*courses));
	struct judge_verdict verdict = {0};
	size_t i, j;

	if (!courses)
		abort();
	for (j = 0; j < loss_count; j++) {
		courses[j].loss = &losses[j];
		verdict.meetings += losses[j].client == JUDGE_ALL ? TOWN_CLIENTS : 1;
	}
	qsort(failed, failed_count, sizeof(*failed), compare_ends);
	for (i = 0; i < failed_count; i++) {
		enum judge_kind kind = JUDGE_UNEXPLAINED;

		for (j = 0; j < loss_count && !belongs_to(&failed[i], &losses[j]); j++)
			;
		if (j < loss_count)
			kind = take(&courses[j], &failed[i], base_ms * 1000000, &verdict);
		failed[i].judged = kind;
		verdict.kinds[kind]++;
	}
	free(courses);
	return verdict;
}
