// SPDX-License-Identifier: Apache-2.0
/* What clients get: Services that refuse them, and backends that are passed over. */
#include "report/status_judge.h"

#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "report/certificates.h"
#include "report/commands.h"
#include "report/format.h"
#include "report/status_texts.h"

#define CLIENTS_SECONDS 300 /* a Service that nobody has dialled for longer has no clients */

static bool has_clients(const struct view_service *service)
{
	return service->is_refusing || (service->refused_age_seconds >= 0 &&
					service->refused_age_seconds < CLIENTS_SECONDS);
}

static void judge_unusable(struct status *status, const struct view_service *service)
{
	char address[ADDR_PORT_TEXT_MAX], age[FORMAT_MAX];

	if (service->usable || !has_clients(service))
		return;
	addr_port_format(&service->address, service->port, address);
	format_age(service->is_refusing ? 0 : service->refused_age_seconds, age);
	status_add_problem(status,
			   "service '%s/%s' (%s) has clients and no usable backend: %llu of their "
			   "connects were refused, the last one %s ago: see that pods of it are "
			   "ready: kubectl get endpointslices -n %s "
			   "-l kubernetes.io/service-name=%s",
			   service->namespace, service->name, address,
			   (unsigned long long)service->no_backends, age, service->namespace,
			   service->name);
}

static void judge_invalid(struct status *status, const struct view_service *service)
{
	char command[COMMANDS_MAX];
	const char *remedy =
		commands_unannotate(service->namespace, service->name, service->message, command);
	const char *before = *remedy ? ": correct it, or take it away: " : "";

	if (service->is_in_force)
		status_add_warning(status,
				   "settings of service '%s/%s' are refused, and the last good "
				   "ones stay in force: %s%s%s",
				   service->namespace, service->name, service->message, before,
				   remedy);
	else
		status_add_problem(status,
				   "settings of service '%s/%s' are refused, and there were no "
				   "good ones before, so that kube-proxy serves it: %s%s%s",
				   service->namespace, service->name, service->message, before,
				   remedy);
}

static void judge_service(struct status *status, const struct view_service *service, bool is_first)
{
	switch (service->state) {
	case VIEW_SERVICE_SUSPENDED:
		if (is_first && !status->meta->suspended)
			status_add_warning(status,
					   "service '%s/%s' is left to kube-proxy by 'gwbpf "
					   "suspend': 'gwbpf resume %s/%s' ends that",
					   service->namespace, service->name, service->namespace,
					   service->name);
		break;
	case VIEW_SERVICE_INVALID:
		if (is_first)
			judge_invalid(status, service);
		if (service->is_in_force)
			judge_unusable(status, service);
		break;
	case VIEW_SERVICE_READY:
	case VIEW_SERVICE_NO_BACKENDS:
		judge_unusable(status, service);
		break;
	case VIEW_SERVICE_NO_ROOM:
		if (is_first)
			status_add_problem(status,
					   "no room for the backends of service '%s/%s', which "
					   "is left to kube-proxy: %s",
					   service->namespace, service->name, service->message);
		break;
	case VIEW_SERVICE_STEPPED_ASIDE:
	case VIEW_SERVICE_STATE_MAX_:
		break;
	}
}

static void judge_down(struct status *status, const struct view_backend *backend)
{
	char address[ADDR_PORT_TEXT_MAX];
	bool has_pod = *backend->pod;

	addr_port_format(&backend->address, backend->port, address);
	status_add_warning(status,
			   "backend %s%s%s%s of service '%s/%s' is down by its check (%s: "
			   "%s): see its log; it comes back when the check succeeds",
			   address, has_pod ? " (pod '" : "", backend->pod, has_pod ? "')" : "",
			   backend->namespace, backend->service,
			   view_check_kind_name(backend->check->kind),
			   view_seen_text(backend->checked.seen));
}

/* What somebody asked for, so that it is not forgotten. */
static void judge_steered(struct status *status, const struct view_backend *backend)
{
	bool by_command = backend->drained_by == VIEW_DRAIN_COMMAND;
	bool has_pod = *backend->pod;
	char address[ADDR_PORT_TEXT_MAX];

	addr_port_format(&backend->address, backend->port, address);
	if (by_command || backend->drained_by == VIEW_DRAIN_ANNOTATION)
		status_add_warning(status,
				   "backend %s%s%s%s of service '%s/%s' is drained by %s, and has "
				   "%u connections left: %s%s%s ends that",
				   address, has_pod ? " (pod '" : "", backend->pod,
				   has_pod ? "')" : "", backend->namespace, backend->service,
				   by_command ? "command on this node" : "gwbpf.io/drain",
				   backend->active,
				   by_command ? "'gwbpf undrain " : "another value of it",
				   by_command ? address : "", by_command ? "'" : "");
}

static void judge_backend(struct status *status, const struct view_backend *backend)
{
	char address[ADDR_PORT_TEXT_MAX], age[FORMAT_MAX];
	bool has_pod = *backend->pod, is_timed = backend->ejected_remaining_seconds > 0;

	judge_steered(status, backend);
	if (backend->state == VIEW_BACKEND_DOWN && !backend->is_excluded)
		judge_down(status, backend);
	if (backend->state != VIEW_BACKEND_EJECTED && backend->state != VIEW_BACKEND_PROBING)
		return;
	addr_port_format(&backend->address, backend->port, address);
	status_add_warning(status,
			   "backend %s%s%s%s of service '%s/%s' is ejected, as several clients "
			   "could not reach it, %s%s: see its log, and what 'gwbpf backends "
			   "--wide failures %s/%s' counts; 'gwbpf drain %s' keeps trials away",
			   address, has_pod ? " (pod '" : "", backend->pod, has_pod ? "')" : "",
			   backend->namespace, backend->service,
			   is_timed ? "for the next " : "until a connection reaches it again",
			   is_timed ? format_age(backend->ejected_remaining_seconds, age) : "",
			   backend->namespace, backend->service, address);
}

void status_judge_services(struct status *status)
{
	const struct view_service *services;
	const struct view_backend *backends;
	size_t service_count = view_services(status->view, &services);
	size_t backend_count = view_backends(status->view, &backends);

	for (size_t i = 0; i < service_count; i++) {
		const struct view_service *service = &services[i];
		/* Of several ports and addresses, what is the same of all is said once. */
		bool is_first = !i || strcmp(service->namespace, service[-1].namespace) ||
				strcmp(service->name, service[-1].name) ||
				service->state != service[-1].state;

		judge_service(status, service, is_first);
	}
	for (size_t i = 0; i < backend_count; i++) {
		judge_backend(status, &backends[i]);
		certificates_judge(status, &backends[i]);
	}
}
