// SPDX-License-Identifier: Apache-2.0
/*
 * The endpoints of a Service port, put together from slices, and what kube-proxy's rules leave of
 * them. Knows nothing of policies or of what the kernel holds.
 */
#include "model/choose.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "model/rules.h"

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

static int compare_members(const struct member *a, const struct member *b)
{
	return addr_port_compare(&a->address, a->port, &b->address, b->port);
}

/* How many of the two it names: its pod and its node. */
static int count_names(const struct endpoint *endpoint)
{
	return (endpoint->pod[0] != '\0') + (endpoint->node[0] != '\0');
}

/* An endpoint of the Service, whatever its port. */
struct gathered {
	const struct endpoint *endpoint;
	size_t slice;
	uint16_t weight;
	bool is_named;
};

/* What a Service has, put together and sorted once for all its ports. */
struct gathering {
	const struct slice *const *slices;
	size_t slice_count;
	struct gathered *all;
	size_t count;
	uint16_t *ports; /* by slice: its number for the port that is looked at; 0: none */
	struct candidates members; /* room for those of one port */
};

/* By address; of those that are alike, the one to be kept comes first: an address that a new pod has
 * taken over may still stand in a slice as the old pod's. The rest is for a stable choice. */
static int compare_gathered(const void *a, const void *b)
{
	const struct endpoint *left = ((const struct gathered *)a)->endpoint;
	const struct endpoint *right = ((const struct gathered *)b)->endpoint;
	int order = addr_compare(&left->address, &right->address);

	if (order)
		return order;
	if (left->terminating != right->terminating)
		return left->terminating - right->terminating;
	if (left->ready != right->ready)
		return right->ready - left->ready;
	order = count_names(right) - count_names(left);
	if (order)
		return order;
	return strcmp(left->pod, right->pod);
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

static void gather_done(struct gathering *gathering)
{
	free(gathering->all);
	free(gathering->ports);
	free(gathering->members.members);
}

/* Endpoints objects count for a Service that has no slices, as Kubernetes mirrors them only then. */
static bool has_slices(const struct slice *const *slices, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!slices[i]->mirrored)
			return true;
	}
	return false;
}

/* The union of the Service's slices. An endpoint that moves from one to another stands in both for
 * a while, or changes with the second: the model forgets no slice before its source says so. */
static int gather(const struct model *model, const struct service *service,
		  struct gathering *gathering)
{
	size_t room = 1;
	bool any_slice;

	gathering->slice_count =
		model_slices(model, service->namespace, service->name, &gathering->slices);
	for (size_t i = 0; i < gathering->slice_count; i++)
		room += gathering->slices[i]->endpoint_count;
	gathering->all = calloc(room, sizeof(gathering->all[0]));
	gathering->ports = calloc(gathering->slice_count + 1, sizeof(gathering->ports[0]));
	gathering->members.members = calloc(room, sizeof(gathering->members.members[0]));
	if (!gathering->all || !gathering->ports || !gathering->members.members)
		return -ENOMEM;
	any_slice = has_slices(gathering->slices, gathering->slice_count);
	for (size_t i = 0; i < gathering->slice_count; i++) {
		const struct slice *slice = gathering->slices[i];

		if (slice->mirrored && any_slice)
			continue;
		for (size_t j = 0; j < slice->endpoint_count; j++)
			gathering->all[gathering->count++] = (struct gathered){
				.endpoint = &slice->endpoints[j],
				.slice = i,
				.weight = service_weight_of(service, slice->endpoints[j].pod),
				.is_named = service_names_drain(service, slice->endpoints[j].pod),
			};
	}
	qsort(gathering->all, gathering->count, sizeof(gathering->all[0]), compare_gathered);
	return 0;
}

static int compare_candidates(const void *a, const void *b)
{
	const struct member *left = a, *right = b;
	const struct gathered first = {.endpoint = left->endpoint};
	const struct gathered second = {.endpoint = right->endpoint};
	int order = compare_members(left, right);

	return order ? order : compare_gathered(&first, &second);
}

/* The endpoints of one port at one address. */
static const struct candidates *candidates_of(struct gathering *gathering,
					      const struct choice *choice)
{
	struct candidates *members = &gathering->members;
	bool is_sorted = true;

	for (size_t i = 0; i < gathering->slice_count; i++) {
		const struct slice *slice = gathering->slices[i];

		gathering->ports[i] =
			fits(slice, &choice->vip) ? find_port(slice, choice->port_name) : 0;
	}
	members->count = 0;
	for (size_t i = 0; i < gathering->count; i++) {
		const struct gathered *one = &gathering->all[i];

		if (!gathering->ports[one->slice] ||
		    !can_be_backend(&one->endpoint->address, &choice->vip))
			continue;
		members->members[members->count] = (struct member){
			.address = one->endpoint->address,
			.port = gathering->ports[one->slice],
			.weight = one->weight,
			.is_named = one->is_named,
			.endpoint = one->endpoint,
		};
		if (members->count && compare_members(&members->members[members->count - 1],
						      &members->members[members->count]) > 0)
			is_sorted = false;
		members->count++;
	}
	/* One address has several ports, as during a roll-out that changes them. */
	if (!is_sorted)
		qsort(members->members, members->count, sizeof(members->members[0]),
		      compare_candidates);
	drop_duplicates(members);
	return members;
}

static int fill_members(struct choice *choice, const struct candidates *all,
			const struct rule *rule, const struct place *place)
{
	size_t used = rules_count(rule, all, place, 0);
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

/* Draining what a rule uses must not refuse clients while a later rule has something for them. */
static int apply_rules(struct choice *choice, const struct candidates *all,
		       const struct place *place)
{
	const struct rule *rule = rules_find(choice->service->local_only, all, place, 1);
	bool local = choice->service->local_only;
	int err;

	if (rule)
		return fill_members(choice, all, rule, place);
	rule = rules_find(local, all, place, 0);
	if (rule) {
		err = fill_members(choice, all, rule, place);
		if (err)
			return err;
		choice->reason = CHOICE_DRAINED;
	} else {
		choice->reason = local && rules_are_met_anywhere(all) ? CHOICE_NO_LOCAL_ENDPOINTS
								      : CHOICE_NO_ENDPOINTS;
	}
	choice->verdict = VERDICT_REFUSE;
	return 0;
}

/* Why a Service is left alone; CHOICE_REASON_MAX_ if it is not. */
static enum choice_reason why_left_alone(const struct model *model, const struct service *service)
{
	const struct {
		bool holds;
		enum choice_reason reason;
	} reasons[] = {
		{!service->enabled, CHOICE_NOT_ENABLED},
		{service->external_name, CHOICE_EXTERNAL_NAME},
		{service->headless || service->vip_count == 0, CHOICE_HEADLESS},
		{service->other_proxy, CHOICE_OTHER_PROXY},
		{service->port_count == 0, CHOICE_NO_TCP_PORT},
		{!service->settings_good, CHOICE_INVALID},
		/* What has not been heard of must not be refused. */
		{model_awaits_slices(model, service->namespace, service->name),
		 CHOICE_SLICES_UNKNOWN},
		{service->except && model_awaits_pods(model), CHOICE_PODS_UNKNOWN},
	};

	for (size_t i = 0; i < COUNT(reasons); i++) {
		if (reasons[i].holds)
			return reasons[i].reason;
	}
	return CHOICE_REASON_MAX_;
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

/* All choices of a Service share one array, which the first one owns. */
static int fill_excepted(const struct model *model, const struct service *service,
			 struct choice *choices, size_t count)
{
	uint64_t *excepted;
	size_t excepted_count;
	int err = model_excepted(model, service, &excepted, &excepted_count);

	for (size_t i = 0; i < count && !err; i++) {
		choices[i].excepted = excepted;
		choices[i].excepted_count = excepted_count;
	}
	return err;
}

int choose(const struct model *model, const struct service *service, const struct place *place,
	   struct choice **ret, size_t *count)
{
	enum choice_reason reason = why_left_alone(model, service);
	struct gathering gathering = {0};
	struct choice *choices;
	size_t made;
	int err = 0;

	choices = new_choices(service, reason, &made);
	if (!choices)
		return -ENOMEM;
	if (reason == CHOICE_REASON_MAX_) {
		err = fill_excepted(model, service, choices, made);
		if (!err)
			err = gather(model, service, &gathering);
		for (size_t i = 0; i < made && !err; i++) {
			choices[i].reason = CHOICE_TOO_LARGE;
			if (i && i * gathering.count > CHOOSE_LOOKS_MAX)
				continue;
			err = apply_rules(&choices[i], candidates_of(&gathering, &choices[i]),
					  place);
		}
		gather_done(&gathering);
	}
	if (err) {
		choices_free(choices, made);
		return err;
	}
	*ret = choices;
	*count = made;
	return 0;
}

void choices_free(struct choice *choices, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(choices[i].members);
	if (choices)
		free((void *)choices[0].excepted);
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
