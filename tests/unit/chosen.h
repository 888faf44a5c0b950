/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model with the Service "gateway", and what is chosen for it, as text: port name, address,
 * verdict, reason, then the members in order, with "*3" after one of weight 3 (not of weight 1).
 * The node is node1 in zone a.
 */
#ifndef GWBPF_TESTS_CHOSEN_H
#define GWBPF_TESTS_CHOSEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/choose.h"
#include "unit/objects.h"

#define TEXT_MAX 8192

struct fixture {
	struct model *model;
	struct place place;
	char text[TEXT_MAX];
};

static inline int setup(void **state)
{
	struct fixture *f = needed(calloc(1, sizeof(*f)));

	f->place = (struct place){.node = "node1", .zone = "a"};
	*state = f;
	return model_new(&f->model);
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	model_free(f->model);
	free(f);
	return 0;
}

static inline void put_service(struct fixture *f, struct service *service)
{
	assert_int_equal(model_put_service(f->model, service), 0);
}

static inline void put_slice(struct fixture *f, struct slice *slice)
{
	assert_int_equal(model_put_slice(f->model, slice), 0);
}

/* The usual Service, dialled at 10.96.0.1:7051, whose port has the name "grpc". */
static inline struct service *gateway(void)
{
	return make_service("gateway", "10.96.0.1", "grpc=7051");
}

static inline void add(struct fixture *f, const char *text)
{
	size_t length = strlen(f->text);

	snprintf(f->text + length, TEXT_MAX - length, "%s", text);
}

static inline void describe_member(struct fixture *f, const struct member *member)
{
	char text[ADDR_PORT_TEXT_MAX];
	char weight[16];

	add(f, " ");
	add(f, addr_port_format(&member->address, member->port, text));
	snprintf(weight, sizeof(weight), "*%u", member->weight);
	if (member->weight != 1)
		add(f, weight);
}

static inline void describe(struct fixture *f, const struct choice *choice)
{
	char text[ADDR_PORT_TEXT_MAX];

	add(f, f->text[0] ? "; " : "");
	add(f, choice->port_name);
	add(f, "@");
	add(f, addr_port_format(&choice->vip, choice->port, text));
	add(f, " ");
	add(f, verdict_name(choice->verdict));
	add(f, " ");
	add(f, choice_reason_name(choice->reason));
	for (size_t i = 0; i < choice->member_count; i++)
		describe_member(f, &choice->members[i]);
}

/* What the Service "gateway" means here: "grpc@10.96.0.1:7051 balance ready 10.0.0.1:7051". */
static inline const char *chosen(struct fixture *f)
{
	const struct service *service = model_find_service(f->model, "fabric", "gateway");
	struct choice *choices;
	size_t count;

	f->text[0] = '\0';
	assert_int_equal(choose(f->model, service, &f->place, &choices, &count), 0);
	for (size_t i = 0; i < count; i++) {
		assert_ptr_equal(choices[i].service, service);
		describe(f, &choices[i]);
	}
	choices_free(choices, count);
	return f->text;
}

/* The same for a Service with one port and address: "balance ready 10.0.0.1:7051". */
static inline const char *outcome(struct fixture *f)
{
	const char *text = chosen(f);

	assert_null(strchr(text, ';'));
	return strchr(text, ' ') + 1;
}

#define CHOOSE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
