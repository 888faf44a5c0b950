/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wanted, what there is, and the plan between them as text: "withdraw 1; change 2; add
 * ops@10.96.0.1:9443", where the numbers are the entries' and "unpublished" follows if it is so.
 */
#ifndef GWBPF_TESTS_PLANNED_H
#define GWBPF_TESTS_PLANNED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/plan.h"
#include "unit/objects.h"

#define ENTRIES_MAX 8
#define MEMBERS_MAX 4
#define TEXT_MAX 1024

struct fixture {
	struct service *service;
	struct slice *slice; /* whose endpoints the members are */
	struct choice wants[ENTRIES_MAX];
	struct member members[ENTRIES_MAX][MEMBERS_MAX];
	size_t want_count;
	struct present haves[ENTRIES_MAX];
	struct present_member stored[ENTRIES_MAX][MEMBERS_MAX];
	size_t have_count;
	char text[TEXT_MAX];
};

static inline int setup(void **state)
{
	struct fixture *f = needed(calloc(1, sizeof(*f)));

	f->service = make_service("gateway", "10.96.0.1", "grpc=7051");
	f->slice = make_slice("one", "grpc=7051", "10.0.0.1 pod=peer1 node=node1 zone=a",
			      "10.0.0.2 pod=peer2 node=node2 zone=b", "10.0.0.3", "10.0.0.4", NULL);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	service_free(f->service);
	slice_free(f->slice);
	free(f);
	return 0;
}

/* A choice of the first count endpoints. */
static inline struct choice *want(struct fixture *f, const char *port_name, const char *vip,
				  uint16_t port, size_t count)
{
	struct member *members = f->members[f->want_count];
	struct choice *choice = &f->wants[f->want_count++];

	for (size_t i = 0; i < count; i++)
		members[i] = (struct member){
			.address = f->slice->endpoints[i].address,
			.port = 7051,
			.weight = 1,
			.endpoint = &f->slice->endpoints[i],
		};
	*choice = (struct choice){
		.service = f->service,
		.port_name = port_name,
		.vip = address(vip),
		.port = port,
		.verdict = count ? VERDICT_BALANCE : VERDICT_REFUSE,
		.reason = count ? CHOICE_READY : CHOICE_NO_ENDPOINTS,
		.members = members,
		.member_count = count,
	};
	return choice;
}

static inline void want_invalid(struct fixture *f, struct choice *choice)
{
	choice->verdict = VERDICT_LEAVE_ALONE;
	choice->reason = CHOICE_INVALID;
	choice->member_count = 0;
	f->service->settings_good = false;
	replace_text(&f->service->invalid, "a typo");
}

/* What the tables hold in slot i once a choice is in force. */
static inline void store(struct fixture *f, size_t i, const struct choice *choice)
{
	f->haves[i] = (struct present){
		.index = (uint32_t)i + 1,
		.port_name = choice->port_name,
		.vip = choice->vip,
		.port = choice->port,
		.published = choice->verdict != VERDICT_LEAVE_ALONE,
		.settings = choice->service->settings,
		.message = choice->service->invalid,
		.members = f->stored[i],
		.member_count = choice->member_count,
	};
	for (size_t m = 0; m < choice->member_count; m++) {
		const struct member *member = &choice->members[m];

		f->stored[i][m] = (struct present_member){
			.address = member->address,
			.port = member->port,
			.weight = member->weight,
			.is_named = member->is_named,
			.names = endpoint_names_hash(member->endpoint->pod, member->endpoint->node,
						     member->endpoint->zone),
		};
	}
}

static inline struct present *have(struct fixture *f, const struct choice *choice)
{
	store(f, f->have_count, choice);
	return &f->haves[f->have_count++];
}

/* The usual case: one choice of two members, which is in force. */
static inline struct present *in_force(struct fixture *f)
{
	return have(f, want(f, "grpc", "10.96.0.1", 7051, 2));
}

static inline void describe(struct fixture *f, const struct plan_step *step)
{
	size_t length = strlen(f->text);
	char *end = f->text + length;
	char vip[ADDR_PORT_TEXT_MAX];

	if (length)
		end = stpcpy(end, "; ");
	if (step->kind == PLAN_WITHDRAW)
		end += sprintf(end, "withdraw %u", step->have->index);
	else if (step->kind == PLAN_CHANGE)
		end += sprintf(end, "change %u", step->have->index);
	else
		end += sprintf(end, "add %s@%s", step->want->port_name,
			       addr_port_format(&step->want->vip, step->want->port, vip));
	if (step->kind != PLAN_WITHDRAW && !step->publish)
		strcpy(end, " unpublished");
}

static inline void check_step(const struct plan_step *step)
{
	assert_int_equal(step->want == NULL, step->kind == PLAN_WITHDRAW);
	assert_int_equal(step->have == NULL, step->kind == PLAN_ADD);
	assert_false(step->kind == PLAN_WITHDRAW && step->publish);
	if (step->kind == PLAN_CHANGE)
		assert_string_equal(step->want->port_name, step->have->port_name);
}

static inline const char *planned(struct fixture *f)
{
	struct plan plan;

	f->text[0] = '\0';
	assert_int_equal(plan_make(f->wants, f->want_count, f->haves, f->have_count, &plan), 0);
	for (size_t i = 0; i < plan.count; i++) {
		check_step(&plan.steps[i]);
		describe(f, &plan.steps[i]);
	}
	plan_done(&plan);
	assert_null(plan.steps);
	return f->text;
}

#define PLAN_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
