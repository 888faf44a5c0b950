// SPDX-License-Identifier: Apache-2.0
#include "agent/certificates.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "agent/asked.h"
#include "agent/backend_event.h"
#include "agent/backend_log.h"
#include "agent/checker.h"
#include "agent/repeats.h"
#include "base/addr.h"
#include "base/clock.h"
#include "kernel/checks.h"
#include "kernel/route.h"
#include "kernel/tables.h"
#include "model/certificate_judge.h"
#include "model/tls_names.h"
#include "report/certificates.h"

#define SECOND_NS 1000000000ull
#define MINUTE_NS (60 * SECOND_NS)
#define DAY_NS (1440 * MINUTE_NS)
#define USED_NS (10 * MINUTE_NS) /* a Service that nobody has used for so long is let alone */
#define BEGIN_NS (5 * SECOND_NS) /* within this a new backend is looked at for the first time */
#define PACE_NS (10 * MINUTE_NS) /* while it is good, */
#define AGAIN_NS MINUTE_NS       /* and while it is not, or was not seen */
#define RENEWALS 3               /* looks without which an exclusion ends */
#define TIMEOUT_MS 3000
#define STUCK_NS (10 * SECOND_NS) /* by then an answer has to be there */
#define ASKED_MAX 64              /* at a time */
#define LINE_TEXT_MAX (TABLES_BACKEND_TEXT_MAX + CERTIFICATES_TEXT_MAX + 256)

/* Seconds before the end at which it is told: a month, a week. */
static const int64_t told_before[] = {30 * 86400, 7 * 86400};

/* A backend, by its id. */
struct look {
	uint32_t generation;
	bool is_asked;
	uint16_t place; /* of its namespace, in asked */
	uint64_t asked_ns;
	uint64_t next_ns;
	uint64_t attempts; /* what its counters said last */
};

struct certificates {
	struct tables *tables;
	struct check_maps maps;
	struct checker *checker;
	struct route *route;
	struct look *looks; /* NULL until a Service asks for it */
	uint64_t *used_ns;  /* by service index: when a client was last seen there */
	struct asked asked;
	uint64_t asked_ns; /* the last time */
	struct repeats repeats;
	unsigned short random[3];
};

static void on_answer(const struct check_answer *answer, void *arg);
static void on_lost(void *arg);

int certificates_new(struct event_base *base, struct tables *tables, struct certificates **ret)
{
	struct certificates *certificates = calloc(1, sizeof(*certificates));
	const struct checker_calls calls = {on_answer, on_lost, certificates};
	int err;

	if (!certificates)
		return -ENOMEM;
	certificates->tables = tables;
	certificates->asked = (struct asked){.most = ASKED_MAX, .pace = ASKED_MAX};
	certificates->maps = check_maps_of(tables);
	repeats_init(&certificates->repeats);
	err = checker_new(base, tables, &calls, &certificates->checker);
	if (!err && getrandom(certificates->random, sizeof(certificates->random), 0) < 0)
		err = -errno;
	if (!err)
		err = route_open(&certificates->route);
	if (err)
		certificates_free(certificates);
	else
		*ret = certificates;
	return err;
}

void certificates_free(struct certificates *certificates)
{
	if (!certificates)
		return;
	checker_free(certificates->checker);
	route_close(certificates->route);
	repeats_done(&certificates->repeats);
	free(certificates->looks);
	free(certificates->used_ns);
	free(certificates);
}

/* --- what is wanted ------------------------------------------------------------------------ */

static const struct gw_tls *tls_of(const struct certificates *certificates, uint32_t id)
{
	return &certificates->maps.tls[certificates->maps.backends[id].service];
}

static bool has_names(const struct certificates *certificates, uint32_t service)
{
	const struct check_maps *maps = &certificates->maps;

	return maps->services[service].use == GW_USE_TAKEN &&
	       !(maps->services[service].flags & GW_SERVICE_WITHDRAWN) && *maps->tls[service].names;
}

/* Without names there is nothing to look for; and checks by TLS look often enough. */
static bool looks_itself(const struct certificates *certificates, uint32_t service)
{
	return has_names(certificates, service) &&
	       certificates->maps.checks[service].kind != GW_CHECK_TLS;
}

static void wanted_of(const struct certificates *certificates, uint32_t id, struct tls_names *ret)
{
	char reason[WEIGHTS_REASON_MAX];
	struct tables_names service;
	struct tls_names names;

	ret->count = 0;
	if (tables_name_service(certificates->tables, certificates->maps.backends[id].service,
				&service) &&
	    !tls_names_parse(tls_of(certificates, id)->names, &names, reason))
		tls_names_expand(&names, service.service.namespace, service.service.name, ret);
}

void certificates_fill(struct certificates *certificates, uint32_t id, struct check_order *order)
{
	struct tls_names wanted;
	struct gw_addr address;
	size_t length = 0;

	if (!has_names(certificates, certificates->maps.backends[id].service))
		return;
	wanted_of(certificates, id, &wanted);
	for (size_t i = 0; i < wanted.count; i++)
		length += (size_t)snprintf(order->names + length, sizeof(order->names) - length,
					   "%s%s", i ? "," : "", wanted.text[i]);
	/* A client asks for the name that it dials, but never for an address. */
	if (wanted.count && addr_parse(wanted.text[0], &address))
		snprintf(order->server_name, sizeof(order->server_name), "%s", wanted.text[0]);
}

/* --- what is logged ------------------------------------------------------------------------ */

static void tell(struct certificates *certificates, uint32_t id, const char *kind, const char *text)
{
	char backend[TABLES_BACKEND_TEXT_MAX], line[LINE_TEXT_MAX];
	uint32_t generation = certificates->maps.backends[id].generation;

	tables_backend_text(certificates->tables, id, generation, backend);
	snprintf(line, sizeof(line), "%s: the certificate of backend %s: %s", kind, backend, text);
	backend_log_tell(&certificates->repeats, certificates->tables, id, generation, kind, line);
}

/* How many of the times before its end at which it is told have come. */
static size_t count_told(const struct gw_certificate *certificate, int64_t now)
{
	size_t count = 0;

	for (size_t i = 0; i < sizeof(told_before) / sizeof(*told_before); i++)
		count += certificate->read == GW_CERTIFICATE_READ &&
			 certificate->not_after - now < told_before[i];
	return count;
}

static void tell_expiry(struct certificates *certificates, uint32_t id,
			const struct gw_certificate *before, const struct gw_certificate *seen)
{
	uint64_t passed_ns = seen->time_ns - before->time_ns;
	int64_t now = time(NULL), then = now - (int64_t)(passed_ns / SECOND_NS);
	char text[128];

	if (seen->not_after < now ||
	    count_told(seen, now) ==
		    (before->not_after == seen->not_after ? count_told(before, then) : 0))
		return;
	snprintf(text, sizeof(text), "it expires in %lld days: enrol the peer again",
		 (long long)((seen->not_after - now) / 86400));
	tell(certificates, id, "certificate-expires", text);
}

static void tell_change(struct certificates *certificates, uint32_t id,
			const struct gw_certificate *before, const struct gw_certificate *seen)
{
	char was[CERTIFICATES_TEXT_MAX], is[CERTIFICATES_TEXT_MAX],
		text[CERTIFICATES_TEXT_MAX + 64];
	struct tls_names wanted;

	wanted_of(certificates, id, &wanted);
	*was = '\0';
	if (before->wanted == seen->wanted)
		certificates_fault(before, &wanted, was);
	certificates_fault(seen, &wanted, is);
	tell_expiry(certificates, id, before, seen);
	if (!strcmp(was, is))
		return;
	snprintf(text, sizeof(text), "%s: 'gwbpf tls' shows how to enrol the peer again", is);
	tell(certificates, id, *is ? "certificate-wrong" : "certificate-right",
	     *is ? text : "it carries every name, and is valid");
}

/* --- what was seen ------------------------------------------------------------------------- */

/* What was seen of the id's former owner is not this one's. */
static struct gw_certificate seen_before(const struct certificates *certificates, uint32_t id)
{
	const struct gw_certificate *certificate = &certificates->maps.certificates[id];

	if (certificate->generation != certificates->maps.backends[id].generation)
		return (struct gw_certificate){0};
	return *certificate;
}

/* Checks may have their own reason to keep connections away. */
static void include(struct certificates *certificates, uint32_t id, uint64_t now_ns)
{
	certificates->maps.certificates[id].excluded_until_ns = 0;
	if (!certificates->maps.checked[id].is_down)
		checks_set_down(certificates->tables, id, now_ns);
}

static void exclude(struct certificates *certificates, uint32_t id, uint64_t until_ns)
{
	certificates->maps.certificates[id].excluded_until_ns = until_ns;
	checks_set_down(certificates->tables, id, until_ns);
}

static void tell_excluded(struct certificates *certificates, uint32_t id, bool excludes)
{
	const struct backend_event event = {
		.kind = excludes ? EVENTS_DOWN : EVENTS_BACK,
		.backend = id,
		.generation = certificates->maps.backends[id].generation,
	};
	char fault[CERTIFICATES_TEXT_MAX];
	struct tls_names wanted;

	wanted_of(certificates, id, &wanted);
	certificates_fault(&certificates->maps.certificates[id], &wanted, fault);
	backend_event_add(certificates->tables, &event, "its certificate: %s",
			  *fault ? fault : "it carries every name, and is valid");
	tell(certificates, id, excludes ? "certificate-excludes" : "certificate-includes",
	     excludes ? "it gets no new connections for it" : "it gets new connections again");
}

static void act(struct certificates *certificates, uint32_t id, bool was_excluded, bool excludes,
		uint64_t every_ns)
{
	uint64_t now_ns = clock_now_ns();

	if (excludes)
		exclude(certificates, id,
			now_ns + RENEWALS * (every_ns > AGAIN_NS ? every_ns : AGAIN_NS));
	else if (was_excluded)
		include(certificates, id, now_ns);
	if (excludes != was_excluded)
		tell_excluded(certificates, id, excludes);
}

/* Where each look costs the peer a line in its log, there is none often enough to go by. */
static bool may_exclude(const struct certificates *certificates, uint32_t id,
			const struct gw_certificate *seen)
{
	return tls_of(certificates, id)->excludes && !(seen->flags & GW_CERTIFICATE_ASKS);
}

void certificates_take(struct certificates *certificates, uint32_t id,
		       const struct check_answer *answer, uint64_t every_ns)
{
	const struct check_certificate *shown = &answer->certificate;
	struct gw_certificate before = seen_before(certificates, id), seen = {0};
	bool was_excluded = before.excluded_until_ns > clock_now_ns(), excludes;
	struct tls_names wanted;

	if (shown->read == GW_CERTIFICATE_NONE ||
	    !has_names(certificates, certificates->maps.backends[id].service))
		return;
	wanted_of(certificates, id, &wanted);
	seen.generation = certificates->maps.backends[id].generation;
	seen.wanted = tls_names_fingerprint(tls_of(certificates, id)->names);
	seen.read = (uint16_t)shown->read;
	seen.flags = answer->seen == GW_SEEN_CLIENT_CERTIFICATE ? GW_CERTIFICATE_ASKS : 0;
	seen.missing = shown->missing & ((1u << wanted.count) - 1);
	seen.time_ns = clock_now_ns();
	seen.not_before = shown->not_before;
	seen.not_after = shown->not_after;
	memcpy(seen.issuer, shown->issuer, sizeof(seen.issuer));
	excludes = certificate_judge_excludes(&before, &seen, was_excluded, time(NULL)) &&
		   may_exclude(certificates, id, &seen);
	seen.excluded_until_ns = before.excluded_until_ns;
	certificates->maps.certificates[id] = seen;
	tell_change(certificates, id, &before, &seen);
	act(certificates, id, was_excluded, excludes, every_ns);
}

/* --- looking ------------------------------------------------------------------------------- */

/* 80 to 120 percent of it: not all at once. */
static uint64_t about(struct certificates *certificates, uint64_t ns)
{
	return (uint64_t)((0.8 + 0.4 * erand48(certificates->random)) * (double)ns);
}

/* How long until the next look, by what is known. */
static uint64_t pace_of(const struct certificates *certificates, uint32_t id)
{
	const struct gw_certificate seen = seen_before(certificates, id);
	const struct gw_tls *tls = tls_of(certificates, id);

	if (seen.flags & GW_CERTIFICATE_ASKS)
		return DAY_NS;
	if (!seen.time_ns || seen.wanted != tls_names_fingerprint(tls->names))
		return AGAIN_NS;
	switch (certificate_judge(&seen, time(NULL))) {
	case CERTIFICATE_FAULT_NONE:
	case CERTIFICATE_FAULT_UNKNOWN:
		return PACE_NS;
	default:
		return AGAIN_NS;
	}
}

static void on_answer(const struct check_answer *answer, void *arg)
{
	uint32_t id = (uint32_t)answer->ticket;
	struct certificates *certificates = arg;
	struct look *look;

	if (!certificates->looks || id >= certificates->maps.backend_count)
		return;
	look = &certificates->looks[id];
	if (!look->is_asked || look->generation != answer->ticket >> 32)
		return;
	look->is_asked = false;
	asked_end(&certificates->asked, look->place);
	if (certificates->maps.backends[id].generation != look->generation ||
	    !looks_itself(certificates, certificates->maps.backends[id].service))
		return;
	certificates_take(certificates, id, answer, AGAIN_NS);
	/* The second of two looks that must say the same must not come too early. */
	look->next_ns = look->asked_ns + pace_of(certificates, id);
	if (pace_of(certificates, id) == PACE_NS)
		look->next_ns = look->asked_ns + about(certificates, PACE_NS);
	else
		look->next_ns += SECOND_NS;
}

static void on_lost(void *arg)
{
	struct certificates *certificates = arg;

	for (size_t i = 0; certificates->looks && i < certificates->maps.backend_count; i++)
		certificates->looks[i].is_asked = false;
	asked_clear(&certificates->asked);
}

/* Addresses of this node, of many, and those that no connection may be sent to, are never dialled,
 * whoever says that they are a pod's. */
static bool may_be_dialled(struct certificates *certificates, const struct gw_addr *address)
{
	return !addr_refusal(address) &&
	       route_is_elsewhere(certificates->route, address) != -EADDRNOTAVAIL;
}

static void ask(struct certificates *certificates, uint32_t id, uint64_t now_ns)
{
	const struct gw_backend *backend = &certificates->maps.backends[id];
	struct look *look = &certificates->looks[id];
	struct check_order order = {
		.ticket = (uint64_t)backend->generation << 32 | id,
		.address = backend->address,
		.kind = GW_CHECK_TLS,
		.port = ntohs(backend->port),
		.timeout_ms = TIMEOUT_MS,
	};

	look->next_ns = now_ns + about(certificates, AGAIN_NS);
	if (!may_be_dialled(certificates, &backend->address))
		return;
	certificates_fill(certificates, id, &order);
	if (checker_ask(certificates->checker, &order))
		return;
	look->is_asked = true;
	look->asked_ns = now_ns;
	certificates->asked_ns = now_ns;
	asked_begin(&certificates->asked, look->place);
}

/* What an earlier agent has seen holds, if it was compared with the same names; and for a peer that
 * must not be asked so often, whatever the names. */
static void begin(struct certificates *certificates, uint32_t id, uint64_t now_ns)
{
	const struct gw_certificate seen = seen_before(certificates, id);
	bool is_known = seen.time_ns &&
			(seen.flags & GW_CERTIFICATE_ASKS ||
			 seen.wanted == tls_names_fingerprint(tls_of(certificates, id)->names));
	struct look *look = &certificates->looks[id];
	struct tables_names names;

	if (look->is_asked)
		asked_end(&certificates->asked, look->place);
	tables_name_service(certificates->tables, certificates->maps.backends[id].service, &names);
	*look = (struct look){
		.generation = certificates->maps.backends[id].generation,
		.place = asked_place(names.service.namespace),
		.next_ns = now_ns + (uint64_t)(erand48(certificates->random) * BEGIN_NS),
		.attempts = certificates->maps.counters[id].attempts,
	};
	if (is_known && seen.time_ns + pace_of(certificates, id) > look->next_ns)
		look->next_ns = seen.time_ns + pace_of(certificates, id);
}

/* Whether a client of this node has it, or asked for it since the last look. */
static bool is_used(struct certificates *certificates, uint32_t id)
{
	uint64_t attempts = certificates->maps.counters[id].attempts;
	bool is_new = attempts != certificates->looks[id].attempts;

	certificates->looks[id].attempts = attempts;
	return is_new || GW_LOAD_ACTIVE(certificates->maps.loads[id]);
}

/* Which Services clients use. */
static void survey(struct certificates *certificates, uint64_t now_ns)
{
	const struct check_maps *maps = &certificates->maps;

	for (uint32_t id = 0; id < maps->backend_count; id++) {
		const struct gw_backend *backend = &maps->backends[id];

		if (backend->use != GW_USE_TAKEN || !looks_itself(certificates, backend->service))
			continue;
		if (certificates->looks[id].generation != backend->generation)
			begin(certificates, id, now_ns);
		if (is_used(certificates, id))
			certificates->used_ns[backend->service] = now_ns;
	}
}

/* A list of other names is compared anew at once, but for a peer that must not be asked so often. */
static bool is_due(const struct certificates *certificates, uint32_t id, uint64_t now_ns)
{
	const struct gw_certificate seen = seen_before(certificates, id);
	const struct look *look = &certificates->looks[id];

	if (seen.time_ns && !(seen.flags & GW_CERTIFICATE_ASKS) &&
	    seen.wanted != tls_names_fingerprint(tls_of(certificates, id)->names))
		return now_ns >= look->asked_ns + BEGIN_NS;
	return now_ns >= look->next_ns;
}

static void look_at_all(struct certificates *certificates, uint64_t now_ns)
{
	const struct check_maps *maps = &certificates->maps;

	asked_turn(&certificates->asked);
	for (uint32_t id = 0; id < maps->backend_count; id++) {
		const struct gw_backend *backend = &maps->backends[id];
		const struct look *look = &certificates->looks[id];
		uint64_t used_ns;

		if (look->is_asked && now_ns - look->asked_ns > STUCK_NS) {
			checker_restart(certificates->checker, "did not answer, and was ended");
			return;
		}
		if (backend->use != GW_USE_TAKEN || !backend->weight || look->is_asked ||
		    !looks_itself(certificates, backend->service))
			continue;
		used_ns = certificates->used_ns[backend->service];
		if (used_ns && now_ns - used_ns < USED_NS && is_due(certificates, id, now_ns) &&
		    asked_may(&certificates->asked, look->place))
			ask(certificates, id, now_ns);
	}
}

/* Whoever is excluded by a wish that is no longer in force is back at once. */
static void release(struct certificates *certificates, uint64_t now_ns)
{
	const struct check_maps *maps = &certificates->maps;

	for (uint32_t id = 0; id < maps->backend_count; id++) {
		const struct gw_backend *backend = &maps->backends[id];
		const struct gw_certificate *seen = &maps->certificates[id];

		if (seen->excluded_until_ns <= now_ns ||
		    (backend->use == GW_USE_TAKEN && backend->generation == seen->generation &&
		     has_names(certificates, backend->service) &&
		     tls_of(certificates, id)->excludes &&
		     seen->wanted == tls_names_fingerprint(tls_of(certificates, id)->names)))
			continue;
		include(certificates, id, now_ns);
	}
}

static bool any_look(const struct certificates *certificates)
{
	for (size_t i = 0; i < certificates->maps.service_count; i++)
		if (looks_itself(certificates, (uint32_t)i))
			return true;
	return false;
}

static int make_room(struct certificates *certificates)
{
	const struct check_maps *maps = &certificates->maps;

	if (!certificates->looks)
		certificates->looks = calloc(maps->backend_count, sizeof(*certificates->looks));
	if (!certificates->used_ns)
		certificates->used_ns = calloc(maps->service_count, sizeof(*certificates->used_ns));
	return certificates->looks && certificates->used_ns ? 0 : -ENOMEM;
}

void certificates_tick(struct certificates *certificates)
{
	uint64_t now_ns = clock_now_ns();

	release(certificates, now_ns);
	backend_log_sum_up(&certificates->repeats);
	if (!any_look(certificates) || make_room(certificates)) {
		checker_rest(certificates->checker);
		on_lost(certificates);
		return;
	}
	survey(certificates, now_ns);
	look_at_all(certificates, now_ns);
	/* Looks at a few backends are minutes apart: no child is kept for them. */
	if (!certificates->asked.count && now_ns - certificates->asked_ns > MINUTE_NS)
		checker_rest(certificates->checker);
}
