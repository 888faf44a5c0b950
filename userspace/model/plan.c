// SPDX-License-Identifier: Apache-2.0
/*
 * What is wanted and what stands there, sorted together: those of one key meet side by side. Knows
 * nothing of how a step is carried out.
 */
#include "model/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"

/* A choice or an entry; the other pointer is NULL. */
struct item {
	const char *port_name;
	const struct gw_addr *vip;
	uint16_t port;
	const struct choice *want;
	const struct present *have;
};

static int compare_keys(const struct item *a, const struct item *b)
{
	int order = strcmp(a->port_name, b->port_name);

	return order ? order : addr_port_compare(a->vip, a->port, b->vip, b->port);
}

/* By key; what is wanted before what there is; else as they were given. */
static int compare_items(const void *a, const void *b)
{
	const struct item *left = a;
	const struct item *right = b;
	int order = compare_keys(left, right);

	if (!order)
		order = !left->want - !right->want;
	if (!order && left->want)
		return (left->want > right->want) - (left->want < right->want);
	return order ? order : (left->have > right->have) - (left->have < right->have);
}

/* Withdrawals first, which the enum is ordered for; else as they were given. */
static int compare_steps(const void *a, const void *b)
{
	const struct plan_step *left = a;
	const struct plan_step *right = b;

	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	if (left->want != right->want)
		return left->want < right->want ? -1 : 1;
	return (left->have > right->have) - (left->have < right->have);
}

static bool is_published(const struct choice *want)
{
	return want->verdict != VERDICT_LEAVE_ALONE;
}

static bool is_wanted(const struct choice *want)
{
	return is_published(want) || want->reason == CHOICE_INVALID;
}

static bool has_members(const struct present *have, const struct choice *want)
{
	if (have->member_count != want->member_count)
		return false;
	for (size_t i = 0; i < have->member_count; i++) {
		const struct present_member *old = &have->members[i];
		const struct member *new = &want->members[i];
		const struct endpoint *endpoint = new->endpoint;

		if (addr_compare(&old->address, &new->address) != 0 || old->port != new->port ||
		    old->weight != new->weight || old->is_named != new->is_named)
			return false;
		if (old->names !=
		    endpoint_names_hash(endpoint->pod, endpoint->node, endpoint->zone))
			return false;
	}
	return true;
}

/* The kernel's table may have cut the message. */
static bool has_message(const struct present *have, const char *message)
{
	return strncmp(have->message, message, GW_MESSAGE_MAX - 1) == 0;
}

static bool has_excepted(const struct present *have, const struct choice *want)
{
	return have->excepted_count == want->excepted_count &&
	       (!want->excepted_count ||
		memcmp(have->excepted, want->excepted,
		       want->excepted_count * sizeof(want->excepted[0])) == 0);
}

static bool is_as_wanted(const struct present *have, const struct choice *want)
{
	return !have->withdrawn && !have->is_lacking && have->published == is_published(want) &&
	       settings_equal(&have->settings, &want->service->settings) &&
	       have->affinity_timeout_s == service_affinity_s(want->service) &&
	       has_message(have, want->service->invalid) && has_members(have, want) &&
	       has_excepted(have, want);
}

static void add_step(struct plan *plan, enum plan_kind kind, const struct choice *want,
		     const struct present *have)
{
	plan->steps[plan->count++] = (struct plan_step){
		.kind = kind,
		.publish = want && is_published(want),
		.want = want,
		.have = have,
	};
}

/* The steps for the items of one key. More than one of either kind is nothing that Kubernetes or
 * the tables would give; then the first counts, and entries beyond it go. */
static void add_steps(struct plan *plan, const struct item *items, size_t count)
{
	const struct choice *want = items[0].want;
	bool is_settled = !want;

	for (size_t i = 0; i < count; i++) {
		const struct present *have = items[i].have;

		if (!have)
			continue;
		if (is_settled && !have->withdrawn)
			add_step(plan, PLAN_WITHDRAW, NULL, have);
		else if (!is_settled && !is_as_wanted(have, want))
			add_step(plan, PLAN_CHANGE, want, have);
		is_settled = true;
	}
	if (!is_settled)
		add_step(plan, PLAN_ADD, want, NULL);
}

static size_t fill_items(struct item *items, const struct choice *want, size_t want_count,
			 const struct present *have, size_t have_count)
{
	size_t count = 0;

	for (size_t i = 0; i < want_count; i++) {
		if (is_wanted(&want[i]))
			items[count++] = (struct item){want[i].port_name, &want[i].vip,
						       want[i].port, &want[i], NULL};
	}
	for (size_t i = 0; i < have_count; i++)
		items[count++] = (struct item){have[i].port_name, &have[i].vip, have[i].port, NULL,
					       &have[i]};
	qsort(items, count, sizeof(items[0]), compare_items);
	return count;
}

int plan_make(const struct choice *want, size_t want_count, const struct present *have,
	      size_t have_count, struct plan *ret)
{
	size_t room = want_count + have_count + 1;
	struct item *items = calloc(room, sizeof(items[0]));
	struct plan plan = {.steps = calloc(room, sizeof(plan.steps[0]))};
	size_t count, first, next;

	if (!items || !plan.steps)
		goto fail;
	count = fill_items(items, want, want_count, have, have_count);
	for (first = 0; first < count; first = next) {
		next = first + 1;
		while (next < count && compare_keys(&items[first], &items[next]) == 0)
			next++;
		add_steps(&plan, &items[first], next - first);
	}
	qsort(plan.steps, plan.count, sizeof(plan.steps[0]), compare_steps);
	free(items);
	*ret = plan;
	return 0;

fail:
	plan_done(&plan);
	free(items);
	return -ENOMEM;
}

void plan_done(struct plan *plan)
{
	free(plan->steps);
	*plan = (struct plan){0};
}

/* Continue a hash over what the tables have room for of text, and its final zero. */
static uint32_t hash_text(uint32_t hash, const char *text, size_t size)
{
	size_t length = strnlen(text, size - 1);

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (uint8_t)text[i]) * 16777619u;
	return hash * 16777619u;
}

uint32_t endpoint_names_hash(const char *pod, const char *node, const char *zone)
{
	uint32_t hash = 2166136261u;

	hash = hash_text(hash, pod, GW_LONG_NAME_MAX);
	hash = hash_text(hash, node, GW_LONG_NAME_MAX);
	return hash_text(hash, zone, GW_NAME_MAX);
}
