// SPDX-License-Identifier: Apache-2.0
#include "soak/account.h"

#include <inttypes.h>
#include <stdio.h>

#include "kernel/lab.h"
#include "soak/agent.h"
#include "soak/crowd.h"
#include "soak/patience.h"
#include "soak/town.h"

static struct agent_peer counted[TOWN_PEERS];

static uint64_t attempts_of(const struct crowd_tally *tally)
{
	uint64_t attempts = 0;

	for (int end = 0; end < CROWD_END_MAX_; end++)
		attempts += tally->ends[end];
	return attempts;
}

static uint64_t open_of(const struct crowd_tally *tally)
{
	return tally->ends[CROWD_ESTABLISHED] - tally->closed;
}

static bool is_equal(const struct agent_peer *peer, const struct crowd_tally *tally)
{
	for (int end = 0; end < CROWD_END_MAX_; end++)
		if (peer->ends[end] != tally->ends[end])
			return false;
	return peer->attempts == attempts_of(tally) && peer->closed == tally->closed &&
	       peer->active == open_of(tally);
}

static bool are_equal(void *arg)
{
	const bool *is_over = arg;

	agent_peers(counted);
	for (int peer = 0; peer < TOWN_PEERS; peer++) {
		struct crowd_tally tally = crowd_tally(peer);

		if (!is_equal(&counted[peer], &tally) || (*is_over && open_of(&tally)))
			return false;
	}
	return true;
}

static void print_clients(int peer, const struct crowd_tally *tally)
{
	printf("# %4d clients %9" PRIu64, peer, attempts_of(tally));
	for (int end = 0; end < CROWD_END_MAX_; end++)
		printf(" %11" PRIu64, tally->ends[end]);
	printf(" %6" PRIu64 " %6" PRIu64 "\n", tally->closed, open_of(tally));
}

static void print_gwbpf(int peer, const struct agent_peer *values)
{
	printf("# %4d gwbpf   %9" PRIu64, peer, values->attempts);
	for (int end = 0; end < CROWD_END_MAX_; end++)
		printf(" %11" PRIu64, values->ends[end]);
	printf(" %6" PRIu64 " %6" PRIu64 "  %s, ejected %" PRIu64 " times; of the closed %" PRIu64
	       " reset, %" PRIu64 " lost\n",
	       values->closed, values->active, values->state, values->ejections, values->reset,
	       values->lost);
}

static void print_counts(void)
{
	printf("# peer          attempts established     refused   timed-out unreachable       other "
	       "   canceled closed active\n");
	for (int peer = 0; peer < TOWN_PEERS; peer++) {
		struct crowd_tally tally = crowd_tally(peer);

		print_clients(peer, &tally);
		print_gwbpf(peer, &counted[peer]);
	}
}

void account_compare(bool is_over)
{
	bool is_right = patience_becomes(are_equal, &is_over);

	print_counts();
	if (!is_right)
		fail_msg("what clients did and what gwbpf counted differ");
}

void account_compare_reasons(void)
{
	static const char *const never[] = {"no-record", "no-backends",  "stepped-aside",
					    "overtaken", "missed-close", "backend-gone"};
	uint64_t attempts = 0, no_route = 0;

	for (int peer = 0; peer < TOWN_PEERS; peer++) {
		struct crowd_tally tally = crowd_tally(peer);

		attempts += attempts_of(&tally);
		no_route += tally.no_route;
	}
	printf("# connects that had no route: %" PRIu64 " (gwbpf: %" PRIu64 ")\n", no_route,
	       agent_reason("no-syn"));
	assert_int_equal(agent_reason("no-syn"), no_route);
	assert_int_equal(agent_reason("balanced"), attempts + no_route);
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (agent_reason(never[i]))
			fail_msg("the reason '%s' was counted %" PRIu64 " times", never[i],
				 agent_reason(never[i]));
}
