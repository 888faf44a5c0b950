// SPDX-License-Identifier: Apache-2.0
#include "agent/changes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "model/settings.h"

#define LISTED_MAX 5 /* of one kind: a Service that is scaled to a hundred pods needs one line */

struct text {
	char *at;
	size_t room;
	size_t listed; /* of the present kind */
	size_t more;
};

static void append(struct text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void append(struct text *text, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text->at, text->room, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= text->room)
		length = text->room ? (int)text->room - 1 : 0;
	text->at += length;
	text->room -= (size_t)length;
}

/* A pod by its name, what is none by its address. */
static void list(struct text *text, const char *start, const char *kind, const char *pod,
		 const struct gw_addr *address, uint16_t port)
{
	char buf[ADDR_PORT_TEXT_MAX];

	if (text->listed == LISTED_MAX) {
		text->more++;
		return;
	}
	if (text->listed)
		append(text, " ");
	else
		append(text, "%s%s ", text->at == start ? "" : ", ", kind);
	append(text, "%s", *pod ? pod : addr_port_format(address, port, buf));
	text->listed++;
}

static void end_list(struct text *text)
{
	if (text->more)
		append(text, " and %zu more", text->more);
	text->listed = 0;
	text->more = 0;
}

static const struct present_member *find_old(const struct present *have, const struct member *new)
{
	for (size_t i = 0; have && i < have->member_count; i++)
		if (!addr_compare(&have->members[i].address, &new->address) &&
		    have->members[i].port == new->port)
			return &have->members[i];
	return NULL;
}

static bool is_kept(const struct choice *want, const struct present_member *old)
{
	for (size_t i = 0; i < want->member_count; i++)
		if (!addr_compare(&want->members[i].address, &old->address) &&
		    want->members[i].port == old->port)
			return true;
	return false;
}

enum kind {
	KIND_NEW,
	KIND_DRAINED,
	KIND_UNDRAINED,
	KIND_WEIGHT,
	KIND_MAX_,
};

/* What became of a member; KIND_MAX_: nothing. */
static enum kind kind_of(const struct present *have, const struct member *new)
{
	const struct present_member *old = find_old(have, new);

	if (!old)
		return KIND_NEW;
	if (old->weight == new->weight)
		return KIND_MAX_;
	if (!new->weight)
		return KIND_DRAINED;
	return old->weight ? KIND_WEIGHT : KIND_UNDRAINED;
}

static void describe_members(struct text *text, const char *start, const struct plan_step *step)
{
	static const char *const kinds[] = {
		[KIND_NEW] = "new",
		[KIND_DRAINED] = "drained",
		[KIND_UNDRAINED] = "no longer drained",
		[KIND_WEIGHT] = "other weight",
	};

	for (int kind = 0; kind < KIND_MAX_; kind++) {
		for (size_t i = 0; i < step->want->member_count; i++) {
			const struct member *new = &step->want->members[i];

			if (kind_of(step->have, new) == (enum kind)kind)
				list(text, start, kinds[kind], new->endpoint->pod, &new->address,
				     new->port);
		}
		end_list(text);
	}
	/* The name of one that is gone is gone with it. */
	for (size_t i = 0; step->have && i < step->have->member_count; i++) {
		const struct present_member *old = &step->have->members[i];

		if (!is_kept(step->want, old))
			list(text, start, "gone", "", &old->address, old->port);
	}
	end_list(text);
}

static void describe_settings(struct text *text, const char *start, const struct plan_step *step)
{
	const struct settings *old = &step->have->settings;
	const struct settings *new = &step->want->service->settings;
	const char *separator = text->at == start ? "" : ", ";

	if (step->have->excepted_count != step->want->excepted_count) {
		append(text, "%s%zu pods of this node excepted, before %zu", separator,
		       step->want->excepted_count, step->have->excepted_count);
		separator = ", ";
	}
	if (settings_equal(old, new))
		return;
	if (old->policy != new->policy)
		append(text, "%spolicy %s, before %s", separator, policy_name(new->policy),
		       policy_name(old->policy));
	else
		append(text, "%sother settings", separator);
}

void changes_describe(const struct plan_step *step, char ret[CHANGES_MAX])
{
	struct text text = {.at = ret, .room = CHANGES_MAX};

	*ret = '\0';
	if (!step->want)
		return;
	describe_members(&text, ret, step);
	if (step->have)
		describe_settings(&text, ret, step);
}
