// SPDX-License-Identifier: Apache-2.0
#include "agent/checks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "agent/asked.h"
#include "agent/backend_event.h"
#include "agent/backend_log.h"
#include "agent/certificates.h"
#include "agent/checker.h"
#include "agent/repeats.h"
#include "base/addr.h"
#include "base/clock.h"
#include "kernel/checks.h"
#include "kernel/route.h"
#include "kernel/tables.h"
#include "kernel/view.h"
#include "model/check_judge.h"

#define MS_NS 1000000ull
#define SECOND_NS 1000000000ull
#define USED_NS (600 * SECOND_NS) /* a Service that nobody has used for so long is let alone */
#define AGAIN_NS SECOND_NS        /* after a failed connect, at most so often */
#define DAY_NS (86400 * SECOND_NS)
#define STUCK_NS (5 * SECOND_NS) /* beyond its timeout an answer has to be there */
#define STEP_MS 100
#define ASKED_MAX 256 /* at a time: the socket pair has room for as many answers */
#define PACE 50       /* of one namespace in one step: each may cost a handshake */
#define LINE_TEXT_MAX (TABLES_BACKEND_TEXT_MAX + 384)

/* A backend, by its id. */
struct probe {
	uint32_t generation;
	uint8_t kind;   /* enum gw_check_kind: how it is looked at */
	uint16_t place; /* of its namespace, in asked */
	bool is_asked;
	uint64_t asked_ns;
	uint64_t next_ns;
	uint64_t attempts; /* what its counters said last */
	uint64_t failures;
};

struct checks {
	struct event_base *base;
	struct tables *tables;
	struct certificates *certificates;
	struct check_maps maps;
	struct checker *checker;
	struct route *route;
	struct event *step;   /* while somebody is to be looked at */
	struct probe *probes; /* NULL until a Service asks for checks */
	uint64_t *used_ns;    /* by service index: when a client was last seen there */
	uint32_t *wanted;     /* ids of those that are to be looked at */
	size_t wanted_count;
	size_t first; /* of these, in the next step: if there are too many, none always comes last */
	struct asked asked;
	struct repeats repeats;
	unsigned short random[3];
};

static void on_answer(const struct check_answer *answer, void *arg);
static void on_lost(void *arg);
static void on_step(evutil_socket_t fd, short what, void *arg);

int checks_new(struct event_base *base, struct tables *tables, struct certificates *certificates,
	       struct checks **ret)
{
	struct checks *checks = calloc(1, sizeof(*checks));
	const struct checker_calls calls = {on_answer, on_lost, checks};
	int err;

	if (!checks)
		return -ENOMEM;
	checks->base = base;
	checks->tables = tables;
	checks->certificates = certificates;
	checks->asked = (struct asked){.most = ASKED_MAX, .pace = PACE};
	checks->maps = check_maps_of(tables);
	repeats_init(&checks->repeats);
	err = checker_new(base, tables, &calls, &checks->checker);
	checks->step = event_new(base, -1, EV_PERSIST, on_step, checks);
	if (!err && (!checks->step || getrandom(checks->random, sizeof(checks->random), 0) < 0))
		err = -ENOMEM;
	if (!err)
		err = route_open(&checks->route);
	if (err) {
		checks_free(checks);
		return err;
	}
	*ret = checks;
	return 0;
}

void checks_free(struct checks *checks)
{
	if (!checks)
		return;
	checker_free(checks->checker);
	route_close(checks->route);
	if (checks->step)
		event_free(checks->step);
	repeats_done(&checks->repeats);
	free(checks->probes);
	free(checks->used_ns);
	free(checks->wanted);
	free(checks);
}

static const struct gw_check *check_of(const struct checks *checks, uint32_t id)
{
	return &checks->maps.checks[checks->maps.backends[id].service];
}

/* --- what is logged ------------------------------------------------------------------------ */

static void tell(struct checks *checks, uint32_t id, const char *kind, const char *line)
{
	backend_log_tell(&checks->repeats, checks->tables, id, checks->maps.backends[id].generation,
			 kind, line);
}

static void tell_change(struct checks *checks, uint32_t id, enum check_change change)
{
	const struct gw_checked *checked = &checks->maps.checked[id];
	const struct gw_check *check = check_of(checks, id);
	const struct backend_event event = {
		.kind = change == CHECK_CHANGE_UP ? EVENTS_BACK : EVENTS_DOWN,
		.backend = id,
		.generation = checks->maps.backends[id].generation,
	};
	char backend[TABLES_BACKEND_TEXT_MAX], line[LINE_TEXT_MAX];

	backend_event_add(checks->tables, &event, "check (%s): %s%s%s",
			  view_check_kind_name(check->kind), view_seen_text(checked->seen),
			  *checked->text ? ": " : "", checked->text);
	tables_backend_text(checks->tables, id, event.generation, backend);
	if (change == CHECK_CHANGE_UP)
		snprintf(line, sizeof(line),
			 "up: backend %s: its check (%s) succeeded %u times in a row", backend,
			 view_check_kind_name(check->kind), check->rise);
	else
		snprintf(line, sizeof(line),
			 "down: backend %s: its check (%s) failed %u times in a row: %s%s%s",
			 backend, view_check_kind_name(check->kind), check->fall,
			 view_seen_text(checked->seen), *checked->text ? ": " : "", checked->text);
	tell(checks, id, change == CHECK_CHANGE_UP ? "up" : "down", line);
}

static void tell_forbidden(struct checks *checks, uint32_t id, const char *why)
{
	char backend[TABLES_BACKEND_TEXT_MAX], line[LINE_TEXT_MAX];

	tables_backend_text(checks->tables, id, checks->maps.backends[id].generation, backend);
	snprintf(line, sizeof(line), "not checked: backend %s: checks never dial %s", backend, why);
	tell(checks, id, "forbidden", line);
}

/* --- what was seen ------------------------------------------------------------------------- */

/* What was seen of the id's former owner is not this one's. */
static struct gw_checked *checked_of(struct checks *checks, uint32_t id)
{
	struct gw_checked *checked = &checks->maps.checked[id];

	if (checked->generation != checks->maps.backends[id].generation)
		*checked = (struct gw_checked){
			.generation = checks->maps.backends[id].generation,
		};
	return checked;
}

/* A mark that was not renewed is over, whoever made it. */
static void judge(struct checks *checks, uint32_t id, struct gw_checked *checked)
{
	const struct gw_check *check = check_of(checks, id);
	uint64_t now_ns = clock_now_ns();
	bool was_down = checked->is_down && checks->maps.backends[id].down_until_ns > now_ns;
	struct check_state state = {
		.is_down = was_down,
		.in_a_row = was_down == !!checked->is_down ? checked->in_a_row : 0,
	};
	enum check_change change = check_judge(check, view_seen_is_good(checked->seen), &state);

	checked->is_down = state.is_down;
	checked->in_a_row = state.in_a_row;
	if (state.is_down)
		checks_set_down(checks->tables, id,
				now_ns + CHECK_JUDGE_RENEWALS * check->inter_ms * MS_NS);
	else if (change == CHECK_CHANGE_UP)
		checks_set_down(checks->tables, id, now_ns);
	if (change == CHECK_CHANGE_NONE)
		return;
	checked->changed_ns = now_ns;
	tell_change(checks, id, change);
}

static void note(struct checks *checks, uint32_t id, const struct check_answer *answer)
{
	struct gw_checked *checked = checked_of(checks, id);

	checked->seen = answer->seen;
	checked->time_ns = clock_now_ns();
	checked->duration_ns = answer->duration_us * 1000ull;
	checked->count[answer->seen]++;
	memcpy(checked->text, answer->text, sizeof(checked->text));
	if (view_seen_speaks(answer->seen))
		judge(checks, id, checked);
}

static void on_answer(const struct check_answer *answer, void *arg)
{
	uint32_t id = (uint32_t)answer->ticket;
	struct checks *checks = arg;
	struct probe *probe;

	if (!checks->probes || id >= checks->maps.backend_count)
		return;
	probe = &checks->probes[id];
	if (!probe->is_asked || probe->generation != answer->ticket >> 32)
		return;
	probe->is_asked = false;
	asked_end(&checks->asked, probe->place);
	if (checks->maps.backends[id].use != GW_USE_TAKEN ||
	    checks->maps.backends[id].generation != probe->generation ||
	    check_of(checks, id)->kind == GW_CHECK_OFF)
		return;
	if (answer->seen == GW_SEEN_CLIENT_CERTIFICATE)
		probe->next_ns = probe->asked_ns + DAY_NS;
	note(checks, id, answer);
	certificates_take(checks->certificates, id, answer, check_of(checks, id)->inter_ms * MS_NS);
}

static void on_lost(void *arg)
{
	struct checks *checks = arg;

	for (size_t i = 0; i < checks->maps.backend_count; i++)
		checks->probes[i].is_asked = false;
	asked_clear(&checks->asked);
}

/* --- looking ------------------------------------------------------------------------------- */

/* What checks never dial, whoever says that it is a pod's address; NULL: they may. */
static const char *refusal_of(struct checks *checks, const struct gw_addr *address)
{
	const char *refusal = addr_refusal(address);

	if (!refusal && route_is_elsewhere(checks->route, address) == -EADDRNOTAVAIL)
		refusal = "an address of this node, or of many";
	return refusal;
}

static void refuse(struct checks *checks, uint32_t id, const char *why)
{
	struct check_answer answer = {.seen = GW_SEEN_FORBIDDEN};

	if (checked_of(checks, id)->seen != GW_SEEN_FORBIDDEN)
		tell_forbidden(checks, id, why);
	snprintf(answer.text, sizeof(answer.text), "%s", why);
	note(checks, id, &answer);
}

static struct check_order order_for(const struct checks *checks, uint32_t id)
{
	const struct gw_backend *backend = &checks->maps.backends[id];
	const struct gw_check *check = check_of(checks, id);
	char service[TABLES_SERVICE_TEXT_MAX];
	struct check_order order = {
		.ticket = (uint64_t)backend->generation << 32 | id,
		.address = backend->address,
		.kind = check->kind,
		.port = check->kind == GW_CHECK_HTTP ? check->port : ntohs(backend->port),
		.timeout_ms = check->timeout_ms,
	};

	/* The name by which clients of the same namespace dial it. */
	tables_service_text(checks->tables, backend->service, service);
	snprintf(order.server_name, sizeof(order.server_name), "%s", strchr(service, '/') + 1);
	memcpy(order.path, check->path, sizeof(order.path));
	if (check->kind == GW_CHECK_TLS)
		certificates_fill(checks->certificates, id, &order);
	return order;
}

static void ask(struct checks *checks, uint32_t id, uint64_t now_ns)
{
	struct probe *probe = &checks->probes[id];
	const struct gw_backend *backend = &checks->maps.backends[id];
	const struct check_order order = order_for(checks, id);
	const char *refusal = refusal_of(checks, &backend->address);

	if (refusal) {
		refuse(checks, id, refusal);
	} else {
		if (checker_ask(checks->checker, &order))
			return;
		probe->is_asked = true;
		asked_begin(&checks->asked, probe->place);
	}
	probe->asked_ns = now_ns;
	probe->next_ns = now_ns + check_of(checks, id)->inter_ms * MS_NS;
}

/* What was asked about the id's former owner may take an hour: many such would fill the child. */
static void cancel(struct checks *checks, uint32_t id)
{
	struct probe *probe = &checks->probes[id];
	const struct check_order order = {
		.ticket = (uint64_t)probe->generation << 32 | id,
		.kind = GW_CHECK_OFF,
	};

	probe->is_asked = false;
	asked_end(&checks->asked, probe->place);
	checker_ask(checks->checker, &order);
}

static uint64_t failures_of(const struct gw_counters *counters)
{
	return counters->refused + counters->timed_out + counters->unreachable +
	       counters->other_failed;
}

/* A client could not reach it: now is the time to look. */
static void hurry(struct checks *checks, uint32_t id)
{
	struct probe *probe = &checks->probes[id];
	uint64_t failures = failures_of(&checks->maps.counters[id]);
	uint64_t soon_ns = probe->asked_ns + AGAIN_NS;

	if (failures == probe->failures)
		return;
	probe->failures = failures;
	if (soon_ns < probe->next_ns && checks->maps.checked[id].seen != GW_SEEN_CLIENT_CERTIFICATE)
		probe->next_ns = soon_ns;
}

static void on_step(evutil_socket_t fd, short what, void *arg)
{
	struct checks *checks = arg;
	uint64_t now_ns = clock_now_ns();

	(void)fd;
	(void)what;
	asked_turn(&checks->asked);
	for (size_t i = 0, first = checks->first; i < checks->wanted_count; i++) {
		size_t at = (first + i) % checks->wanted_count;
		uint32_t id = checks->wanted[at];
		struct probe *probe = &checks->probes[id];

		hurry(checks, id);
		if (!probe->is_asked && now_ns >= probe->next_ns &&
		    asked_may(&checks->asked, probe->place)) {
			ask(checks, id, now_ns);
			checks->first = at + 1;
		}
		if (probe->is_asked &&
		    now_ns - probe->asked_ns >
			    check_of(checks, id)->timeout_ms * MS_NS + STUCK_NS) {
			checker_restart(checks->checker, "did not answer, and was ended");
			return;
		}
	}
}

/* --- who is looked at ---------------------------------------------------------------------- */

static bool has_check(const struct checks *checks, uint32_t service)
{
	return checks->maps.services[service].use == GW_USE_TAKEN &&
	       !(checks->maps.services[service].flags & GW_SERVICE_WITHDRAWN) &&
	       checks->maps.checks[service].kind != GW_CHECK_OFF;
}

static bool any_check(const struct checks *checks)
{
	for (size_t i = 0; i < checks->maps.service_count; i++)
		if (has_check(checks, (uint32_t)i))
			return true;
	return false;
}

static int make_room(struct checks *checks)
{
	if (!checks->probes)
		checks->probes = calloc(checks->maps.backend_count, sizeof(*checks->probes));
	if (!checks->used_ns)
		checks->used_ns = calloc(checks->maps.service_count, sizeof(*checks->used_ns));
	if (!checks->wanted)
		checks->wanted = calloc(checks->maps.backend_count, sizeof(*checks->wanted));
	return checks->probes && checks->used_ns && checks->wanted ? 0 : -ENOMEM;
}

/* Each look costs such a peer a line in its log, and tells nothing new. */
static bool rests(const struct checks *checks, uint32_t id)
{
	return check_of(checks, id)->kind == GW_CHECK_TLS &&
	       checks->maps.checked[id].seen == GW_SEEN_CLIENT_CERTIFICATE;
}

/*
 * Not all at once, whenever they come. When clients came before this is not known, so it counts as
 * lately: a backend that one of them failed to reach is looked at without delay. What an earlier
 * agent has seen holds.
 */
static void begin(struct checks *checks, uint32_t id, uint64_t now_ns)
{
	const struct gw_checked *checked = checked_of(checks, id);
	uint64_t inter_ns = check_of(checks, id)->inter_ms * MS_NS;
	struct probe *probe = &checks->probes[id];
	struct tables_names names;

	if (probe->is_asked)
		cancel(checks, id);
	tables_name_service(checks->tables, checks->maps.backends[id].service, &names);
	*probe = (struct probe){
		.generation = checks->maps.backends[id].generation,
		.kind = check_of(checks, id)->kind,
		.place = asked_place(names.service.namespace),
		.next_ns = now_ns + (uint64_t)(erand48(checks->random) * (double)inter_ns),
	};
	if (rests(checks, id) && checked->time_ns + DAY_NS > now_ns)
		probe->next_ns = checked->time_ns + DAY_NS;
}

/* Whether a client of this node has it, or asked for it since the last look. */
static bool is_used(struct checks *checks, uint32_t id)
{
	uint64_t attempts = checks->maps.counters[id].attempts;
	bool is_new = attempts != checks->probes[id].attempts;

	checks->probes[id].attempts = attempts;
	return is_new || GW_LOAD_ACTIVE(checks->maps.loads[id]);
}

/* One that lay idle begins anew, too: its turn is long past, as are those of all its Service's. */
static void want(struct checks *checks, uint32_t id, uint64_t now_ns)
{
	struct probe *probe = &checks->probes[id];
	uint64_t inter_ns = check_of(checks, id)->inter_ms * MS_NS;

	if (!probe->is_asked && probe->next_ns + inter_ns + SECOND_NS < now_ns &&
	    asked_may(&checks->asked, probe->place))
		begin(checks, id, now_ns);
	/* By an annotation that is no longer in force. */
	if (probe->next_ns > now_ns + inter_ns && !rests(checks, id))
		probe->next_ns = now_ns + inter_ns;
	checks->wanted[checks->wanted_count++] = id;
}

/* Which Services clients use, and so whom to look at. */
static void survey(struct checks *checks, uint64_t now_ns)
{
	const struct check_maps *maps = &checks->maps;

	checks->wanted_count = 0;
	for (uint32_t id = 0; id < maps->backend_count; id++) {
		const struct gw_backend *backend = &maps->backends[id];

		if (backend->use != GW_USE_TAKEN || !has_check(checks, backend->service))
			continue;
		if (checks->probes[id].generation != backend->generation ||
		    checks->probes[id].kind != check_of(checks, id)->kind)
			begin(checks, id, now_ns);
		if (is_used(checks, id))
			checks->used_ns[backend->service] = now_ns;
	}
	for (uint32_t id = 0; id < maps->backend_count; id++) {
		const struct gw_backend *backend = &maps->backends[id];
		uint64_t used_ns;

		if (backend->use != GW_USE_TAKEN || !backend->weight ||
		    !has_check(checks, backend->service))
			continue;
		used_ns = checks->used_ns[backend->service];
		if (used_ns && now_ns - used_ns < USED_NS)
			want(checks, id, now_ns);
	}
}

/* --- what is over -------------------------------------------------------------------------- */

/* Whoever is no longer to be looked at by its Service's will is back at once. */
static void release(struct checks *checks, uint64_t now_ns)
{
	const struct check_maps *maps = &checks->maps;

	for (uint32_t id = 0; id < maps->backend_count; id++) {
		const struct gw_backend *backend = &maps->backends[id];

		if (backend->down_until_ns <= now_ns ||
		    (backend->use == GW_USE_TAKEN && has_check(checks, backend->service)))
			continue;
		checked_of(checks, id)->is_down = 0;
		checks_set_down(checks->tables, id, 0);
	}
}

static bool any_looks(const struct check_maps *maps)
{
	for (uint32_t i = 0; i < maps->service_count; i++)
		if (maps->services[i].flags & GW_SERVICE_LOOK)
			return true;
	return false;
}

/* Searches look at each backend of a Service as long as one is down, or its share grows. */
static void settle(struct checks *checks, uint64_t now_ns)
{
	const struct check_maps *maps = &checks->maps;
	bool *needs = any_looks(maps) ? calloc(maps->service_count, sizeof(*needs)) : NULL;

	if (!needs)
		return;
	for (uint32_t id = 0; id < maps->backend_count; id++) {
		const struct gw_backend *backend = &maps->backends[id];

		if (backend->use != GW_USE_TAKEN || !backend->down_until_ns)
			continue;
		if (backend->down_until_ns +
			    maps->services[backend->service].eject_base_ms * MS_NS >
		    now_ns)
			needs[backend->service] = true;
	}
	for (uint32_t i = 0; i < maps->service_count; i++)
		if (maps->services[i].flags & GW_SERVICE_LOOK && !needs[i])
			checks_set_look(checks->tables, i, false);
	free(needs);
}

static void rest(struct checks *checks)
{
	event_del(checks->step);
	checker_rest(checks->checker);
	checks->wanted_count = 0;
	if (checks->probes)
		on_lost(checks);
}

void checks_tick(struct checks *checks)
{
	static const struct timeval step = {.tv_usec = STEP_MS * 1000};
	uint64_t now_ns = clock_now_ns();

	release(checks, now_ns);
	settle(checks, now_ns);
	backend_log_sum_up(&checks->repeats);
	if (!any_check(checks) || make_room(checks)) {
		rest(checks);
		return;
	}
	survey(checks, now_ns);
	if (!checks->wanted_count)
		rest(checks);
	else if (!event_pending(checks->step, EV_TIMEOUT, NULL))
		event_add(checks->step, &step);
}
