// SPDX-License-Identifier: Apache-2.0
/*
 * Each policy against a plain model of what IPVS computes: random weights, loads, drains and
 * ejections, and after each of them the choice that the model allows.
 */
#include "kernel/lab.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/clock.h"
#include "kernel/maps.h"
#include "kernel/stand.h"

#define SEED 3
#define STEPS 150
#define ROUNDS 2
#define KEEP_PERCENT 50

/* What the test itself has opened, and said. */
struct peer {
	uint64_t active;
	uint64_t weight;
	bool is_ejected;
};

/* A Service, and the connections to it. */
struct run {
	enum gw_policy policy;
	const char *vip;
	struct peer peers[STAND_BACKENDS];
	uint32_t ids[STAND_BACKENDS];
	int fds[STEPS];
	int owners[STEPS];
	int open;
	int last; /* who got the last connection; -1: nobody yet */
	int home; /* whom sh and mh prefer with these weights; -1: not known yet */
};

typedef bool (*is_less)(const struct peer *a, const struct peer *b);

static bool less_lc(const struct peer *a, const struct peer *b)
{
	return a->active < b->active;
}

static bool less_wlc(const struct peer *a, const struct peer *b)
{
	return a->active * b->weight < b->active * a->weight;
}

static bool less_sed(const struct peer *a, const struct peer *b)
{
	return (a->active + 1) * b->weight < (b->active + 1) * a->weight;
}

static bool less_nq(const struct peer *a, const struct peer *b)
{
	if (!a->active || !b->active)
		return !a->active && b->active;
	return less_sed(a, b);
}

static bool less_fo(const struct peer *a, const struct peer *b)
{
	return a->weight > b->weight;
}

/* If all are beyond their weight IPVS refuses; here the highest weight is taken. */
static bool less_ovf(const struct peer *a, const struct peer *b)
{
	bool a_over = a->active > a->weight, b_over = b->active > b->weight;

	return a_over == b_over ? a->weight > b->weight : b_over;
}

/* Weight 0 takes nothing; nor does who is ejected, unless fewer than the kept share would be left. */
static bool may_be_chosen(const struct run *run, int who)
{
	int ejected = 0, others = 0;

	for (int i = 0; i < STAND_BACKENDS; i++) {
		ejected += run->peers[i].weight && run->peers[i].is_ejected;
		others += run->peers[i].weight && !run->peers[i].is_ejected;
	}
	if (!run->peers[who].weight)
		return false;
	if (!others || (STAND_BACKENDS - ejected) * 100 < KEEP_PERCENT * STAND_BACKENDS)
		return true;
	return !run->peers[who].is_ejected;
}

static void expect_least(const struct run *run, int who, is_less less)
{
	for (int i = 0; i < STAND_BACKENDS; i++)
		if (may_be_chosen(run, i))
			assert_false(less(&run->peers[i], &run->peers[who]));
}

static void expect_next(const struct run *run, int who)
{
	int next = run->last;

	if (next < 0)
		return;
	do
		next = (next + 1) % STAND_BACKENDS;
	while (!may_be_chosen(run, next));
	assert_int_equal(who, next);
}

static void expect_home(struct run *run, int who)
{
	bool is_known = true;

	for (int i = 0; i < STAND_BACKENDS; i++)
		is_known = is_known && !run->peers[i].is_ejected;
	if (is_known && run->home < 0)
		run->home = who;
	if (run->home >= 0 && may_be_chosen(run, run->home))
		assert_int_equal(who, run->home);
}

static void fail_because(const struct run *run, int who)
{
	for (int i = 0; i < STAND_BACKENDS; i++)
		print_message("# backend %d: weight %d, %d active%s\n", i,
			      (int)run->peers[i].weight, (int)run->peers[i].active,
			      run->peers[i].is_ejected ? ", ejected" : "");
	fail_msg("policy %d chose %d behind %d", run->policy, who, run->last);
}

static void expect_by_policy(struct run *run, int who)
{
	static const is_less scores[GW_POLICY_MAX_] = {
		[GW_POLICY_LC] = less_lc, [GW_POLICY_WLC] = less_wlc, [GW_POLICY_SED] = less_sed,
		[GW_POLICY_NQ] = less_nq, [GW_POLICY_FO] = less_fo,   [GW_POLICY_OVF] = less_ovf,
	};

	if (!may_be_chosen(run, who))
		fail_because(run, who);
	if (scores[run->policy])
		expect_least(run, who, scores[run->policy]);
	else if (run->policy == GW_POLICY_RR)
		expect_next(run, who);
	else if (run->policy == GW_POLICY_SH || run->policy == GW_POLICY_MH)
		expect_home(run, who);
}

static struct stand stand;

static void open_one(struct run *run)
{
	int who = stand_connect(&stand, run->vip, &run->fds[run->open]);

	assert_true(who >= 0);
	lab_forgive(); /* that it hung up so soon */
	expect_by_policy(run, who);
	run->last = who;
	run->peers[who].active++;
	run->owners[run->open++] = who;
}

static void close_one(struct run *run, int which)
{
	lab_abort(run->fds[which]);
	lab_forgive(); /* that it ended so soon */
	run->peers[run->owners[which]].active--;
	run->open--;
	run->fds[which] = run->fds[run->open];
	run->owners[which] = run->owners[run->open];
}

static void write_weights(struct run *run)
{
	uint16_t weights[STAND_BACKENDS];

	for (int i = 0; i < STAND_BACKENDS; i++)
		weights[i] = (uint16_t)run->peers[i].weight;
	stand_change(run->vip, run->policy, weights);
	run->home = -1;
}

/* At least one of them is not 0. */
static void draw_weights(struct run *run)
{
	for (int i = 0; i < STAND_BACKENDS; i++)
		run->peers[i].weight = (uint64_t)(random() % 3 ? random() % 12 : 0);
	run->peers[random() % STAND_BACKENDS].weight = (uint64_t)(1 + random() % 12);
}

static void read_ids(struct run *run)
{
	struct view *view = lab_view();

	for (int i = 0; i < STAND_BACKENDS; i++)
		run->ids[i] = lab_backend(view, stand_addresses[i])->id;
	view_close(view);
}

static void write_map(const char *name, uint32_t key, const void *value)
{
	int fd = maps_open_one(LAB_PINS, name);

	assert_true(fd >= 0);
	assert_int_equal(bpf_map_update_elem(fd, &key, value, BPF_EXIST), 0);
	close(fd);
}

/* As the hooks write it when two clients have failed; for an hour, or no longer. */
static void eject_or_restore(struct run *run, int who)
{
	struct gw_health health = {0};
	struct gw_cursor cursor;
	struct view *view = lab_view();
	uint32_t service = lab_find_service(view, "peers")->index;
	int fd = maps_open_one(LAB_PINS, "gw_cursors");

	view_close(view);
	run->peers[who].is_ejected = !run->peers[who].is_ejected;
	health.is_ejected = run->peers[who].is_ejected;
	health.ejected_until_ns = clock_now_ns() + 3600 * 1000000000ull;
	/* No connection that is made in spite of it says that it is back. */
	health.changed_ns = health.ejected_until_ns;
	write_map("gw_health", run->ids[who], &health);
	assert_int_equal(bpf_map_lookup_elem(fd, &service, &cursor), 0);
	close(fd);
	cursor.ejected++;
	write_map("gw_cursors", service, &cursor);
}

static void step(struct run *run)
{
	switch (random() % 16) {
	case 0:
		draw_weights(run);
		write_weights(run);
		break;
	case 1:
	case 2:
		eject_or_restore(run, (int)(random() % STAND_BACKENDS));
		break;
	case 3:
	case 4:
	case 5:
	case 6:
	case 7:
		if (run->open)
			close_one(run, (int)(random() % run->open));
		break;
	default:
		open_one(run);
	}
}

static void run_against(enum gw_policy policy)
{
	static const uint16_t equal[STAND_BACKENDS] = {1, 1, 1, 1, 1};
	struct run run = {.policy = policy, .last = -1, .home = -1};

	run.vip = stand_serve(policy, equal);
	read_ids(&run);
	draw_weights(&run);
	write_weights(&run);
	for (int i = 0; i < STEPS; i++)
		step(&run);
	while (run.open)
		close_one(&run, 0);
}

static void test_each_choice_is_one_that_the_model_allows(void **state)
{
	(void)state;
	print_message("# seed %d\n", SEED);
	srandom(SEED);
	for (int policy = 0; policy < GW_POLICY_MAX_; policy++)
		for (int round = 0; round < ROUNDS; round++)
			run_against((enum gw_policy)policy);
}

static int open_stand(void **state)
{
	lab.settings = (struct settings){.keep_percent = KEEP_PERCENT};
	stand_open(&stand);
	return lab_start(state);
}

static int close_stand(void **state)
{
	stand_close(&stand);
	return lab_stop(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_choice_is_one_that_the_model_allows),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), open_stand, close_stand);
}
