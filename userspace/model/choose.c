// SPDX-License-Identifier: Apache-2.0
/*
 * kube-proxy's rules, one row of a table each: the first rule that leaves an endpoint decides.
 * Knows nothing of policies or of what the kernel holds.
 */
#include "model/choose.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const verdict_names[] = {
	[VERDICT_BALANCE] = "balance",
	[VERDICT_REFUSE] = "refuse",
	[VERDICT_LEAVE_ALONE] = "leave-alone",
};

static const char *const reason_names[] = {
#define REASON_NAME(id, name, text) [CHOICE_##id] = name,
	CHOICE_REASONS(REASON_NAME)
#undef REASON_NAME
};

/* Every endpoint behind one Service port and address family. */
struct candidates {
	struct member *members; /* ordered by address and port, no two alike */
	size_t count;
};

/* Is name one of hints, each of which ends in '\n'? An unknown name never is. */
static bool has_hint(const char *hints, const char *name)
{
	size_t length = strlen(name);
	const char *end;

	if (length == 0)
		return false;
	while ((end = strchr(hints, '\n'))) {
		if ((size_t)(end - hints) == length && memcmp(hints, name, length) == 0)
			return true;
		hints = end + 1;
	}
	return false;
}

static bool is_local(const struct endpoint *endpoint, const struct place *place)
{
	return place->node[0] != '\0' && strcmp(endpoint->node, place->node) == 0;
}

static bool is_leaving(const struct endpoint *endpoint)
{
	return endpoint->serving && endpoint->terminating;
}

/* The questions of the rules. */

static bool use_ready(const struct endpoint *endpoint, const struct place *place)
{
	(void)place;
	return endpoint->ready;
}

static bool use_leaving(const struct endpoint *endpoint, const struct place *place)
{
	(void)place;
	return is_leaving(endpoint);
}

static bool use_hinted_node(const struct endpoint *endpoint, const struct place *place)
{
	return endpoint->ready && has_hint(endpoint->node_hints, place->node);
}

static bool use_hinted_zone(const struct endpoint *endpoint, const struct place *place)
{
	return endpoint->ready && has_hint(endpoint->zone_hints, place->zone);
}

static bool use_local_ready(const struct endpoint *endpoint, const struct place *place)
{
	return endpoint->ready && is_local(endpoint, place);
}

static bool use_local_leaving(const struct endpoint *endpoint, const struct place *place)
{
	return is_leaving(endpoint) && is_local(endpoint, place);
}

static bool has_node_hints(const struct endpoint *endpoint)
{
	return endpoint->node_hints[0] != '\0';
}

static bool has_zone_hints(const struct endpoint *endpoint)
{
	return endpoint->zone_hints[0] != '\0';
}

struct rule {
	enum choice_reason reason;
	bool (*use)(const struct endpoint *endpoint, const struct place *place);
	/* What must be so of every ready endpoint, or else the rule does not apply. */
	bool (*require)(const struct endpoint *endpoint);
};

static const struct rule cluster_rules[] = {
	{ CHOICE_SAME_NODE, use_hinted_node, has_node_hints },
	{ CHOICE_SAME_ZONE, use_hinted_zone, has_zone_hints },
	{ CHOICE_READY, use_ready, NULL },
	{ CHOICE_TERMINATING_FALLBACK, use_leaving, NULL },
};

static const struct rule local_rules[] = {
	{ CHOICE_LOCAL, use_local_ready, NULL },
	{ CHOICE_TERMINATING_FALLBACK, use_local_leaving, NULL },
};

/* How many of the candidates the rule uses. */
static size_t count_used(const struct candidates *all, const struct rule *rule,
			 const struct place *place)
{
	size_t used = 0;

	for (size_t i = 0; i < all->count; i++) {
		const struct endpoint *endpoint = all->members[i].endpoint;

		if (rule->require && endpoint->ready && !rule->require(endpoint))
			return 0;
		used += rule->use(endpoint, place);
	}
	return used;
}

static int compare_members(const struct member *a, const struct member *b)
{
	int order = addr_compare(&a->address, &b->address);

	return order ? order : (a->port > b->port) - (a->port < b->port);
}

/* By address and port; of those that are alike, the one to be kept comes first: an address that a
 * new pod has taken over may still stand in a slice as the old pod's. The rest is for a stable
 * choice. */
static int compare_candidates(const void *a, const void *b)
{
	const struct member *left = a;
	const struct member *right = b;
	int order = compare_members(left, right);

	if (order)
		return order;
	if (left->endpoint->terminating != right->endpoint->terminating)
		return left->endpoint->terminating - right->endpoint->terminating;
	if (left->endpoint->ready != right->endpoint->ready)
		return right->endpoint->ready - left->endpoint->ready;
	return strcmp(left->endpoint->pod, right->endpoint->pod);
}

static void drop_duplicates(struct candidates *all)
{
	size_t kept = 0;

	for (size_t i = 0; i < all->count; i++) {
		if (kept > 0 && compare_members(&all->members[kept - 1], &all->members[i]) == 0)
			continue;
		all->members[kept++] = all->members[i];
	}
	all->count = kept;
}

/* The number that a slice has for a port of this name; 0 if it has none. */
static uint16_t find_port(const struct slice *slice, const char *name)
{
	for (size_t i = 0; i < slice->port_count; i++) {
		if (strcmp(slice->ports[i].name, name) == 0)
			return slice->ports[i].port;
	}
	return 0;
}

static bool fits(const struct slice *slice, const struct gw_addr *vip)
{
	return slice->family == (addr_is_ipv4(vip) ? FAMILY_IPV4 : FAMILY_IPV6);
}

/* Whoever may write EndpointSlices must not reach through this what only the node can. */
static bool can_be_backend(const struct gw_addr *address, const struct gw_addr *vip)
{
	return addr_is_ipv4(address) == addr_is_ipv4(vip) && !addr_refusal(address);
}

static void add_endpoints(struct candidates *all, const struct slice *slice,
			  const struct choice *choice)
{
	uint16_t port = find_port(slice, choice->port_name);

	if (port == 0 || !fits(slice, &choice->vip))
		return;
	for (size_t i = 0; i < slice->endpoint_count; i++) {
		const struct endpoint *endpoint = &slice->endpoints[i];

		if (!can_be_backend(&endpoint->address, &choice->vip))
			continue;
		all->members[all->count++] = (struct member){
			.address = endpoint->address,
			.port = port,
			.weight = 1,
			.endpoint = endpoint,
		};
	}
}

/* The union of the Service's slices. An endpoint that moves from one to another stands in both for
 * a while, or changes with the second: the model forgets no slice before its source says so. */
static int gather(const struct model *model, const struct choice *choice, struct candidates *ret)
{
	const struct slice *const *slices;
	struct candidates all = { 0 };
	size_t slice_count;
	size_t room = 0;

	slice_count = model_slices(model, choice->service->namespace, choice->service->name,
				   &slices);
	for (size_t i = 0; i < slice_count; i++)
		room += slices[i]->endpoint_count;
	all.members = calloc(room ? room : 1, sizeof(all.members[0]));
	if (!all.members)
		return -ENOMEM;
	for (size_t i = 0; i < slice_count; i++)
		add_endpoints(&all, slices[i], choice);
	qsort(all.members, all.count, sizeof(all.members[0]), compare_candidates);
	drop_duplicates(&all);
	*ret = all;
	return 0;
}

static int fill_members(struct choice *choice, const struct candidates *all,
			const struct rule *rule, const struct place *place)
{
	size_t used = count_used(all, rule, place);
	size_t count = used < GW_SET_MAX ? used : GW_SET_MAX;
	struct member *members = calloc(count, sizeof(members[0]));

	if (!members)
		return -ENOMEM;
	for (size_t i = 0; choice->member_count < count; i++) {
		if (rule->use(all->members[i].endpoint, place))
			members[choice->member_count++] = all->members[i];
	}
	choice->members = members;
	choice->surplus = used - count;
	choice->verdict = VERDICT_BALANCE;
	choice->reason = rule->reason;
	return 0;
}

static bool is_usable_anywhere(const struct candidates *all)
{
	for (size_t i = 0; i < all->count; i++) {
		if (all->members[i].endpoint->ready || is_leaving(all->members[i].endpoint))
			return true;
	}
	return false;
}

static int apply_rules(struct choice *choice, const struct candidates *all,
		       const struct place *place)
{
	bool local = choice->service->local_only;
	const struct rule *rules = local ? local_rules : cluster_rules;
	size_t count = local ? COUNT(local_rules) : COUNT(cluster_rules);

	for (size_t i = 0; i < count; i++) {
		if (count_used(all, &rules[i], place) > 0)
			return fill_members(choice, all, &rules[i], place);
	}
	choice->verdict = VERDICT_REFUSE;
	choice->reason = local && is_usable_anywhere(all) ? CHOICE_NO_LOCAL_ENDPOINTS :
							     CHOICE_NO_ENDPOINTS;
	return 0;
}

/* Why a Service is left alone; CHOICE_REASON_MAX_ if it is not. */
static enum choice_reason why_left_alone(const struct service *service)
{
	const struct {
		bool holds;
		enum choice_reason reason;
	} reasons[] = {
		{ !service->enabled, CHOICE_NOT_ENABLED },
		{ service->external_name, CHOICE_EXTERNAL_NAME },
		{ service->headless || service->vip_count == 0, CHOICE_HEADLESS },
		{ service->other_proxy, CHOICE_OTHER_PROXY },
		{ service->port_count == 0, CHOICE_NO_TCP_PORT },
		{ !service->settings_good, CHOICE_INVALID },
	};

	for (size_t i = 0; i < COUNT(reasons); i++) {
		if (reasons[i].holds)
			return reasons[i].reason;
	}
	return CHOICE_REASON_MAX_;
}

static int choose_one(const struct model *model, const struct place *place, struct choice *choice)
{
	struct candidates all;
	int err;

	err = gather(model, choice, &all);
	if (err)
		return err;
	err = apply_rules(choice, &all, place);
	free(all.members);
	return err;
}

/* An array with one choice for each port and address, at least one. */
static struct choice *new_choices(const struct service *service, enum choice_reason reason,
				  size_t *count)
{
	size_t combinations = service->port_count * service->vip_count;
	struct choice *choices = calloc(combinations ? combinations : 1, sizeof(choices[0]));

	if (!choices)
		return NULL;
	choices[0].port_name = "";
	for (size_t i = 0; i < combinations; i++) {
		const struct service_port *port = &service->ports[i / service->vip_count];

		choices[i].port_name = port->name;
		choices[i].port = port->port;
		choices[i].vip = service->vips[i % service->vip_count];
	}
	*count = combinations ? combinations : 1;
	for (size_t i = 0; i < *count; i++) {
		choices[i].service = service;
		choices[i].verdict = VERDICT_LEAVE_ALONE;
		choices[i].reason = reason;
	}
	return choices;
}

int choose(const struct model *model, const struct service *service, const struct place *place,
	   struct choice **ret, size_t *count)
{
	enum choice_reason reason = why_left_alone(service);
	struct choice *choices;
	size_t made;
	int err;

	choices = new_choices(service, reason, &made);
	if (!choices)
		return -ENOMEM;
	for (size_t i = 0; i < made && reason == CHOICE_REASON_MAX_; i++) {
		err = choose_one(model, place, &choices[i]);
		if (err)
			goto fail;
	}
	*ret = choices;
	*count = made;
	return 0;

fail:
	choices_free(choices, made);
	return err;
}

void choices_free(struct choice *choices, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(choices[i].members);
	free(choices);
}

const char *verdict_name(enum verdict verdict)
{
	return verdict_names[verdict];
}

const char *choice_reason_name(enum choice_reason reason)
{
	return reason_names[reason];
}
