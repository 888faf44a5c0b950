// SPDX-License-Identifier: Apache-2.0
#include "agent/control.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/explain.h"
#include "agent/rebalance.h"
#include "agent/rebalance_round.h"
#include "base/addr.h"
#include "base/log.h"
#include "kernel/mover.h"
#include "kernel/tables.h"
#include "report/json.h"

#define OK 200
#define BAD_REQUEST 400
#define NOT_FOUND 404
#define CONFLICT 409
#define FAILED 500
#define UNAVAILABLE 503

#define DEADLINE_MAX_MS 86400000 /* as parse_duration_ms() takes it */

/* A request on its way. */
struct job {
	const struct control *control;
	json_t *body;
	control_done done;
	void *arg;
	bool is_dry;
};

static void finish(const struct job *job, int status, json_t *answer)
{
	char *text = json_render(answer);

	job->done(text ? status : FAILED, text ? text : "{\"message\": \"out of memory\"}\n",
		  job->arg);
	free(text);
}

static void refuse(const struct job *job, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void refuse(const struct job *job, int status, const char *format, ...)
{
	char message[TABLES_BACKEND_TEXT_MAX + 256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	finish(job, status,
	       json_extend(json_answer("Refusal", job->control->node),
			   json_pack("{so}", "message", json_text(message))));
}

/* --- what a request says ------------------------------------------------------------------- */

static bool read_address(const json_t *body, const char *address_key, const char *port_key,
			 struct gw_addr *address, uint16_t *port)
{
	const char *text = json_string_value(json_object_get(body, address_key));
	json_int_t number = json_integer_value(json_object_get(body, port_key));

	if (!text || addr_parse(text, address) || number < 1 || number > UINT16_MAX)
		return false;
	*port = (uint16_t)number;
	return true;
}

/* Whether the number is there, and at most this. */
static bool read_number(const json_t *body, const char *key, json_int_t max, uint32_t *ret)
{
	const json_t *value = json_object_get(body, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) > max)
		return false;
	*ret = (uint32_t)json_integer_value(value);
	return true;
}

/* false: it has been refused. */
static bool read_backend(const struct job *job, struct backend_id *ret)
{
	struct tables_endpoint endpoint;
	char address[ADDR_PORT_TEXT_MAX];

	if (!read_address(job->body, "serviceAddress", "servicePort", &endpoint.vip,
			  &endpoint.vip_port) ||
	    !read_address(job->body, "address", "port", &endpoint.address, &endpoint.port)) {
		refuse(job, BAD_REQUEST,
		       "serviceAddress, servicePort, address and port must name a backend");
		return false;
	}
	if (tables_find_backend(job->control->tables, &endpoint, ret))
		return true;
	refuse(job, NOT_FOUND, "no backend %s is there: 'gwbpf backends' lists them",
	       addr_port_format(&endpoint.address, endpoint.port, address));
	return false;
}

/* --- backends ------------------------------------------------------------------------------ */

static void tell_steered(const struct job *job, const char *kind, struct backend_id backend)
{
	const struct control *control = job->control;
	char text[TABLES_BACKEND_TEXT_MAX];
	struct steering now = {0};

	tables_steering(control->tables, backend, &now);
	finish(job, OK,
	       json_extend(json_answer(kind, control->node),
			   json_pack("{so sb so so sI}", "backend",
				     json_text(tables_backend_text(control->tables, backend.id,
								   backend.generation, text)),
				     "drained", now.is_drained, "deadlineSeconds",
				     now.deadline_ms ? json_seconds(now.deadline_ms / 1e3)
						     : json_null(),
				     "weight", now.weight ? json_integer(now.weight) : json_null(),
				     "takers",
				     (json_int_t)tables_takers(control->tables, backend))));
}

static void steer(const struct job *job, const char *kind, struct backend_id backend,
		  const struct steering *want)
{
	const struct control *control = job->control;
	char text[TABLES_BACKEND_TEXT_MAX];
	int err = tables_steer(control->tables, backend, want);

	tables_backend_text(control->tables, backend.id, backend.generation, text);
	if (err == -ENOSPC) {
		refuse(job, UNAVAILABLE, "no room is left for another set: raise --max-services");
	} else if (err) {
		refuse(job, FAILED, "%s", strerror(-err));
	} else {
		log_info("%s by command: %s: weight %u, drained: %s, deadline %.1f s", kind, text,
			 want->weight, want->is_drained ? "yes" : "no", want->deadline_ms / 1e3);
		tell_steered(job, kind, backend);
	}
}

/* What is asked of it now, to change a part of it. */
static bool read_steering(const struct job *job, struct backend_id *backend, struct steering *ret)
{
	return read_backend(job, backend) && !tables_steering(job->control->tables, *backend, ret);
}

static void drain(struct job *job)
{
	struct backend_id backend;
	struct steering want;

	if (!read_steering(job, &backend, &want))
		return;
	want.is_drained = true;
	want.deadline_ms = 0;
	if (json_object_get(job->body, "deadlineMilliseconds") &&
	    !read_number(job->body, "deadlineMilliseconds", DEADLINE_MAX_MS, &want.deadline_ms)) {
		refuse(job, BAD_REQUEST, "deadlineMilliseconds must be from 0 to %d",
		       DEADLINE_MAX_MS);
		return;
	}
	steer(job, "Drain", backend, &want);
}

static void undrain(struct job *job)
{
	char text[TABLES_BACKEND_TEXT_MAX];
	struct backend_id backend;
	struct steering want;

	if (!read_steering(job, &backend, &want))
		return;
	if (!want.is_drained) {
		tables_backend_text(job->control->tables, backend.id, backend.generation, text);
		refuse(job, CONFLICT,
		       "no command drains %s: if its Service does, change gwbpf.io/drain or "
		       "gwbpf.io/weights",
		       text);
		return;
	}
	want.is_drained = false;
	want.deadline_ms = 0;
	steer(job, "Undrain", backend, &want);
}

static void weigh(struct job *job)
{
	struct backend_id backend;
	struct steering want;
	uint32_t weight;

	if (!read_steering(job, &backend, &want))
		return;
	if (!read_number(job->body, "weight", UINT16_MAX, &weight)) {
		refuse(job, BAD_REQUEST, "weight must be from 1 to %d, or 0 for the Service's",
		       UINT16_MAX);
		return;
	}
	want.weight = (uint16_t)weight;
	steer(job, "Weight", backend, &want);
}

/* --- rounds -------------------------------------------------------------------------------- */

static json_t *move_to_json(const struct tables *tables, const struct moved *moved)
{
	char from[TABLES_BACKEND_TEXT_MAX], to[TABLES_BACKEND_TEXT_MAX] = "";

	tables_backend_text(tables, moved->from, moved->from_generation, from);
	if (moved->to != ROUND_NOWHERE)
		tables_backend_text(tables, moved->to, moved->to_generation, to);
	return json_pack("{so so sI so so ss so sb}", "from", json_text(from), "to",
			 json_text_or_null(to), "clientPid", (json_int_t)moved->tgid, "clientPod",
			 json_text_or_null(moved->pod), "cookie", json_identity(moved->cookie),
			 "result", move_result_name(moved->result), "quietSeconds",
			 json_seconds(moved->quiet_ms / 1e3), "drain", moved->is_drain);
}

static void on_round(int err, const struct moved *moved, size_t count, void *arg)
{
	struct job *job = arg;
	json_t *moves = json_array();

	if (err == -EBUSY) {
		refuse(job, UNAVAILABLE, "too many rounds are asked for already: ask again");
	} else if (err == -ECANCELED) {
		refuse(job, UNAVAILABLE, "the agent ends");
	} else if (err) {
		refuse(job, FAILED, "cannot look at the connections: %s", strerror(-err));
	} else {
		for (size_t i = 0; i < count; i++)
			json_add(&moves, move_to_json(job->control->tables, &moved[i]));
		finish(job, OK,
		       json_extend(json_answer("Rebalance", job->control->node),
				   json_pack("{sb sO}", "dryRun", job->is_dry, "moves", moves)));
	}
	json_decref(moves);
	free(job);
}

static void rebalance(struct job *request)
{
	struct job *job = malloc(sizeof(*job));
	uint32_t service;
	struct gw_addr vip;
	uint16_t port;

	if (!read_address(request->body, "serviceAddress", "servicePort", &vip, &port)) {
		refuse(request, BAD_REQUEST, "serviceAddress and servicePort must name a Service");
	} else if (!tables_find_service(request->control->tables, &vip, port, &service)) {
		refuse(request, NOT_FOUND,
		       "no such Service is balanced: 'gwbpf services' lists them");
	} else if (!job) {
		refuse(request, FAILED, "out of memory");
	} else {
		*job = *request;
		job->body = NULL; /* it goes when this returns */
		job->is_dry = json_is_true(json_object_get(request->body, "dryRun"));
		rebalance_ask(request->control->rebalance,
			      &(struct rebalance_asked){service, job->is_dry, on_round, job});
		/* cppcheck-suppress memleak; on_round() frees it */
		return;
	}
	free(job);
}

/* --- what is made of a Service ------------------------------------------------------------- */

static void explain(struct job *job)
{
	json_t *answer = explain_asked(job->control->sync, job->body);

	if (answer)
		finish(job, OK,
		       json_extend(json_answer("Explanation", job->control->node), answer));
	else
		refuse(job, BAD_REQUEST,
		       "namespace and name, or address and port, must name a Service");
}

static const struct action {
	const char *path;
	void (*run)(struct job *job);
	const char *summary;
} actions[] = {
	{"/api/v1/drain", drain, "Give a backend no new connections on this node"},
	{"/api/v1/undrain", undrain, "Take a drain back"},
	{"/api/v1/weight", weigh, "Give a backend a weight on this node, or take it back"},
	{"/api/v1/rebalance", rebalance,
	 "Make one round of moves of a Service's connections, or say what it would move"},
	{"/api/v1/explain", explain, "What the agent makes of a Service, and why"},
};

#define ACTIONS (sizeof(actions) / sizeof(*actions))

const char *control_path(size_t i, const char **summary)
{
	if (i >= ACTIONS)
		return NULL;
	*summary = actions[i].summary;
	return actions[i].path;
}

static const struct action *find_action(const char *path)
{
	for (size_t i = 0; i < ACTIONS; i++)
		if (!strcmp(actions[i].path, path))
			return &actions[i];
	return NULL;
}

bool control_has(const char *path)
{
	return find_action(path);
}

void control_run(const struct control *control, const char *path,
		 const struct control_request *request)
{
	struct job job = {
		.control = control,
		.body = json_loadb(request->body, request->length, JSON_REJECT_DUPLICATES, NULL),
		.done = request->done,
		.arg = request->arg,
	};

	if (!control->tables || !control->rebalance)
		refuse(&job, UNAVAILABLE, "the agent is still starting: ask again");
	else if (!json_is_object(job.body))
		refuse(&job, BAD_REQUEST, "the body must be a JSON object");
	else
		find_action(path)->run(&job);
	json_decref(job.body);
}
