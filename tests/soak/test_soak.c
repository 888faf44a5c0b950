// SPDX-License-Identifier: Apache-2.0
/*
 * The agent as it is shipped, under load from several clients, while peers are killed, stopped,
 * cut off and brought back, the manifests change, and the agent itself is killed, all as chance has
 * it. In the end as few connects have failed as is promised, and every count is exact.
 *
 * SOAK_SECONDS is how long (60), SOAK_SEED what chance begins with (as the clock says).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "kernel/lab.h"
#include "soak/account.h"
#include "soak/agent.h"
#include "soak/crowd.h"
#include "soak/judge.h"
#include "soak/patience.h"
#include "soak/town.h"

#define LOSSES_MAX 20000
#define FAILED_MAX 65536
#define LOSS_MIN_MS 300
#define LOSS_MAX_MS 9000
#define REST_MAX_MS 500 /* between two events */
#define AWAY_MAX_MS 3000
#define USABLE_MIN 4 /* or no further peer is lost: a client must have somewhere else to go */

enum kind { KILLED, STOPPED, UNPLUGGED, CUT, KINDS };

static const char *const kind_names[] = {"killed", "stopped", "unplugged", "cut off from a client"};

/* Of each peer: what ails it now. */
static struct trouble {
	bool is_on;
	enum kind kind;
	int client; /* who is cut off */
	uint64_t until_ns;
	struct judge_loss *loss;
} troubles[TOWN_PEERS];

static struct judge_loss losses[LOSSES_MAX];
static size_t loss_count;
static size_t kind_counts[KINDS], agent_kills, publications;
static uint64_t agent_back_ns, started_ns;
static int absent = -1, client_cut = -1;
static struct agent_peer shown[TOWN_PEERS]; /* when last looked at */

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What happens, to be read when something went wrong. */
static void say(const char *format, ...)
{
	static FILE *diary;
	va_list arguments;

	if (!diary)
		diary = fopen("build/test-logs/soak-events.log", "we");
	if (!diary)
		return;
	fprintf(diary, "%8.3f ", (double)(clock_now_ns() - started_ns) / 1e9);
	va_start(arguments, format);
	vfprintf(diary, format, arguments);
	va_end(arguments);
	fputc('\n', diary);
	fflush(diary);
}

static uint64_t after_ms(int min_ms, int max_ms)
{
	return clock_now_ns() + (uint64_t)(min_ms + rand() % (max_ms - min_ms)) * 1000000u;
}

static bool is_usable(int peer)
{
	return !troubles[peer].is_on && peer != absent &&
	       (!strcmp(shown[peer].state, "usable") || !strcmp(shown[peer].state, "suspect"));
}

/* A peer that may be lost now, or -1: those that are left must be enough. */
static int draw_peer(void)
{
	int usable[TOWN_PEERS], count = 0;

	agent_peers(shown);
	for (int peer = 0; peer < TOWN_PEERS; peer++)
		if (is_usable(peer))
			usable[count++] = peer;
	/* cppcheck-suppress uninitvar ; USABLE_MIN of them are set */
	return count < USABLE_MIN ? -1 : usable[rand() % count];
}

static void lose_peer(void)
{
	int peer = draw_peer();
	struct trouble *trouble = &troubles[peer < 0 ? 0 : peer];
	enum kind kind = (enum kind)(rand() % KINDS);
	int client = rand() % TOWN_CLIENTS;

	if (peer < 0 || loss_count == LOSSES_MAX || (kind == CUT && client_cut >= 0))
		return;
	*trouble = (struct trouble){true, kind, client, after_ms(LOSS_MIN_MS, LOSS_MAX_MS),
				    &losses[loss_count++]};
	*trouble->loss = (struct judge_loss){peer, kind == CUT ? client : JUDGE_ALL, clock_now_ns(),
					     UINT64_MAX};
	kind_counts[kind]++;
	say("peer %d: %s (client %d)", peer, kind_names[kind], trouble->loss->client);
	if (kind == KILLED)
		town_kill(peer);
	else if (kind == STOPPED)
		town_pause(peer);
	else if (kind == UNPLUGGED)
		town_unplug(peer);
	if (kind != CUT)
		return;
	client_cut = client;
	crowd_note_cut(client, peer);
	town_cut(client, peer);
}

static void bring_back(int peer)
{
	struct trouble *trouble = &troubles[peer];

	if (trouble->kind == KILLED)
		town_revive(peer);
	else if (trouble->kind == STOPPED)
		town_resume(peer);
	else if (trouble->kind == UNPLUGGED)
		town_plug(peer);
	else
		town_join(trouble->client, peer);
	town_await(peer);
	if (trouble->kind == CUT)
		client_cut = -1;
	trouble->is_on = false;
	trouble->loss->ended_ns = clock_now_ns();
	say("peer %d: back", peer);
}

static void bring_back_some(bool all)
{
	for (int peer = 0; peer < TOWN_PEERS; peer++)
		if (troubles[peer].is_on && (all || troubles[peer].until_ns <= clock_now_ns()))
			bring_back(peer);
	if (!agent_is_running() && (all || agent_back_ns <= clock_now_ns())) {
		say("agent: started");
		agent_start();
	}
}

static void kill_agent(void)
{
	if (!agent_is_running())
		return;
	say("agent: killed");
	agent_kill();
	agent_kills++;
	agent_back_ns = after_ms(0, AWAY_MAX_MS);
}

static void publish(void)
{
	static const char *const policies[] = {"lc",  "wlc",    "sed", "nq", "rr",
					       "wrr", "random", "p2c", "mh"};
	const char *policy = policies[(size_t)rand() % (sizeof(policies) / sizeof(policies[0]))];

	absent = absent < 0 ? draw_peer() : -1;
	say("manifests: %s without peer %d", policy, absent);
	agent_publish(policy, absent);
	publications++;
}

static void (*const events[])(void) = {lose_peer, lose_peer, lose_peer, publish, kill_agent};

static void rest(void)
{
	const struct timespec pause = {.tv_nsec = rand() % REST_MAX_MS * 1000000l};

	nanosleep(&pause, NULL);
}

static void soak(uint64_t seconds)
{
	const uint64_t until_ns = started_ns + seconds * 1000000000u;

	while (clock_now_ns() < until_ns) {
		rest();
		bring_back_some(false);
		if (rand() % 3 == 0)
			events[(size_t)rand() % (sizeof(events) / sizeof(events[0]))]();
	}
}

static bool is_healthy(void *arg)
{
	(void)arg;
	return agent_is_healthy();
}

static bool all_are_back(void *arg)
{
	(void)arg;
	agent_peers(shown);
	for (int peer = 0; peer < TOWN_PEERS; peer++)
		if (!is_usable(peer))
			return false;
	return true;
}

/* Under load: a peer that was ejected comes back by a connection that tries it. */
static void restore_all(void)
{
	bring_back_some(true);
	absent = -1;
	agent_publish("lc", absent);
	patience_wait(is_healthy, NULL, "an agent that is well");
	patience_wait(all_are_back, NULL, "all peers to be used again");
}

static void print_events(void)
{
	printf("# peers lost: %zu (", loss_count);
	for (int kind = 0; kind < KINDS; kind++)
		printf("%s%s %zu", kind ? ", " : "", kind_names[kind], kind_counts[kind]);
	printf("); agent killed %zu times; manifests changed %zu times\n", agent_kills,
	       publications);
}

static const char *const judge_texts[] = {
#define JUDGE_KIND_TEXT(id, text) text,
	JUDGE_KINDS(JUDGE_KIND_TEXT)
#undef JUDGE_KIND_TEXT
};

static void print_verdict(const struct judge_verdict *verdict)
{
	uint64_t ejections = 0;

	for (int peer = 0; peer < TOWN_PEERS; peer++)
		ejections += shown[peer].ejections;
	printf("# connects that failed (at most %" PRIu64
	       " meetings of a client and a loss, %" PRIu64 " ejections):\n",
	       verdict->meetings, ejections);
	for (int kind = 0; kind < JUDGE_KIND_MAX_; kind++)
		printf("# %6" PRIu64 " %s\n", verdict->kinds[kind], judge_texts[kind]);
}

static void say_failed(const struct crowd_failed *failed)
{
	say("client %d, peer %d: failed (%d) from %.3f to %.3f: %s", failed->client, failed->peer,
	    failed->end, (double)(failed->start_ns - started_ns) / 1e9,
	    (double)(failed->end_ns - started_ns) / 1e9, judge_texts[failed->judged]);
}

/* More trials than ejections allow, or an ejection for which nothing failed? */
static void expect_ejections(const struct judge_verdict *verdict)
{
	for (int peer = 0; peer < TOWN_PEERS; peer++) {
		uint64_t ejections = shown[peer].ejections;

		if (ejections < verdict->ejections[peer] || ejections > verdict->counted[peer])
			fail_msg("peer %d was ejected %" PRIu64 " times: expected are %" PRIu64
				 " at least, and %" PRIu64 " at most",
				 peer, ejections, verdict->ejections[peer], verdict->counted[peer]);
	}
}

static void expect_few_failures(void)
{
	struct crowd_failed *failed = calloc(FAILED_MAX, sizeof(*failed));
	size_t count;
	struct judge_verdict verdict;

	assert_non_null(failed);
	count = crowd_failed(failed, FAILED_MAX);
	assert_in_range(count, 0, FAILED_MAX);
	agent_peers(shown);
	verdict = judge(losses, loss_count, failed, count, AGENT_EJECTION_MS);
	for (size_t i = 0; i < count; i++)
		say_failed(&failed[i]);
	free(failed);
	print_verdict(&verdict);
	expect_ejections(&verdict);
	assert_int_equal(verdict.kinds[JUDGE_EARLY], 0);
	assert_int_equal(verdict.kinds[JUDGE_UNEXPLAINED], 0);
}

static unsigned setting(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text && *text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static void test_few_connects_fail_and_all_is_counted(void **state)
{
	unsigned seed = setting("SOAK_SEED", (unsigned)time(NULL));
	unsigned seconds = setting("SOAK_SECONDS", 60);

	(void)state;
	printf("# SOAK_SEED=%u SOAK_SECONDS=%u\n", seed, seconds);
	srand(seed);
	town_open();
	agent_open();
	agent_publish("lc", absent);
	agent_start();
	patience_wait(is_healthy, NULL, "an agent that is well");
	crowd_start(AGENT_VIP, seed);
	started_ns = clock_now_ns();
	soak(seconds);
	restore_all();
	crowd_tell(CROWD_HOLDS);
	assert_string_equal(crowd_problem(), "");
	print_events();
	account_compare(false);
	crowd_tell(CROWD_CLOSES);
	account_compare(true);
	account_compare_reasons();
	crowd_stop();
	expect_few_failures();
	agent_kill();
	town_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few_connects_fail_and_all_is_counted),
	};

	return lab_main(tests, 1, NULL, NULL);
}
