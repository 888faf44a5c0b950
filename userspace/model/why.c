// SPDX-License-Identifier: Apache-2.0
#include "model/why.h"

#include <stdlib.h>
#include <string.h>

#include "base/addr.h"

static const char *const names[] = {
#define WHY_NAME(id, name, text) [WHY_##id] = name,
	WHY_REASONS(WHY_NAME)
#undef WHY_NAME
};

static const char *const texts[] = {
#define WHY_TEXT(id, name, text) [WHY_##id] = text,
	WHY_REASONS(WHY_TEXT)
#undef WHY_TEXT
};

/* The number that a slice has for a port of this name; 0 if it has none. */
static uint16_t find_port(const struct slice *slice, const char *name)
{
	for (size_t i = 0; i < slice->port_count; i++)
		if (!strcmp(slice->ports[i].name, name))
			return slice->ports[i].port;
	return 0;
}

static int compare_members(const void *a, const void *b)
{
	const struct member *left = a, *right = b;

	return addr_port_compare(&left->address, left->port, &right->address, right->port);
}

static const struct member *find_member(const struct choice *choice, const struct gw_addr *address,
					uint16_t port)
{
	const struct member key = {.address = *address, .port = port};

	if (!choice->member_count)
		return NULL;
	return bsearch(&key, choice->members, choice->member_count, sizeof(key), compare_members);
}

/* What the slice, not the endpoint, says. WHY_MAX_: nothing. */
static enum why why_of_slice(const struct slice *slice, const struct choice *choice, bool any_slice)
{
	enum address_family family = addr_is_ipv4(&choice->vip) ? FAMILY_IPV4 : FAMILY_IPV6;

	if (slice->mirrored && any_slice)
		return WHY_MIRRORED;
	if (slice->family != family)
		return WHY_OTHER_FAMILY;
	return find_port(slice, choice->port_name) ? WHY_MAX_ : WHY_NO_PORT;
}

/* It is ready: the rule that was applied passed it over. */
static enum why why_by_rule(const struct choice *choice)
{
	switch (choice->reason) {
	case CHOICE_SAME_NODE:
		return WHY_OTHER_NODE;
	case CHOICE_SAME_ZONE:
		return WHY_OTHER_ZONE;
	case CHOICE_LOCAL:
	case CHOICE_NO_LOCAL_ENDPOINTS:
		return WHY_NOT_LOCAL;
	default:
		break;
	}
	if (choice->service->local_only)
		return WHY_NOT_LOCAL;
	return choice->surplus ? WHY_SURPLUS : WHY_LEFT_ALONE;
}

static enum why why_of_endpoint(const struct endpoint *endpoint, const struct choice *choice,
				const struct member *member)
{
	if (addr_is_ipv4(&endpoint->address) != addr_is_ipv4(&choice->vip))
		return WHY_OTHER_FAMILY;
	if (addr_refusal(&endpoint->address))
		return WHY_REFUSED;
	if (member)
		return member->endpoint == endpoint ? WHY_USED : WHY_TWICE;
	if (choice->verdict == VERDICT_LEAVE_ALONE)
		return WHY_LEFT_ALONE;
	if (endpoint->terminating)
		return WHY_TERMINATING;
	return endpoint->ready ? why_by_rule(choice) : WHY_NOT_READY;
}

void why_visit_endpoints(const struct model *model, const struct choice *choice, why_visit visit,
			 void *arg)
{
	const struct slice *const *slices;
	size_t count =
		model_slices(model, choice->service->namespace, choice->service->name, &slices);
	bool any_slice = false;

	for (size_t i = 0; i < count; i++)
		any_slice = any_slice || !slices[i]->mirrored;
	for (size_t i = 0; i < count; i++) {
		enum why why = why_of_slice(slices[i], choice, any_slice);
		uint16_t port = find_port(slices[i], choice->port_name);

		for (size_t j = 0; j < slices[i]->endpoint_count; j++) {
			const struct endpoint *endpoint = &slices[i]->endpoints[j];
			const struct member *member =
				why == WHY_MAX_ ? find_member(choice, &endpoint->address, port)
						: NULL;
			struct why_endpoint one = {endpoint, port, why, member};

			if (why == WHY_MAX_)
				one.why = why_of_endpoint(endpoint, choice, member);
			visit(&one, arg);
		}
	}
}

const char *why_name(enum why why)
{
	return names[why];
}

const char *why_text(enum why why)
{
	return texts[why];
}
