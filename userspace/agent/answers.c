// SPDX-License-Identifier: Apache-2.0
#include "agent/answers.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "agent/events.h"
#include "agent/metrics.h"
#include "agent/page.h"
#include "kernel/view.h"
#include "report/backends.h"
#include "report/columns_text.h"
#include "report/connections.h"
#include "report/lookup.h"
#include "report/services.h"
#include "report/status.h"

int answer_metrics(struct evbuffer *to, void *arg)
{
	const struct answers_input *input = arg;
	struct metrics_input metrics = {
		.stats = input->stats,
		.process = &input->process,
		.backends_max = input->metrics_backends,
	};
	struct view *view = NULL;
	int err = view_open(input->pin_dir, &view);

	metrics.view = view;
	if (!err)
		err = metrics_write(&metrics, to);
	view_close(view);
	return err;
}

/* answer is taken over. */
static int write_json(struct evbuffer *to, json_t *answer)
{
	char *text = json_render(answer);
	int err = text ? evbuffer_add(to, text, strlen(text)) : -1;

	free(text);
	return err ? -ENOMEM : 0;
}

static int with_status(const struct answers_input *input, struct evbuffer *to,
		       int (*write)(struct evbuffer *to, const struct status *status))
{
	char message[LOOKUP_MESSAGE_MAX];
	struct status status = {0};
	int err = status_open(input->pin_dir, &status, message);

	if (err)
		return err;
	err = write(to, &status);
	status_close(&status);
	return err;
}

static int write_status(struct evbuffer *to, const struct status *status)
{
	return write_json(to, status_to_json(status));
}

int answer_status(struct evbuffer *to, void *arg)
{
	return with_status(arg, to, write_status);
}

int answer_page(struct evbuffer *to, void *arg)
{
	return with_status(arg, to, page_write);
}

/* Rows of one kind, one behind the other. */
struct rows {
	const void *first;
	size_t size;
};

static const void *row_at(size_t place, const void *arg)
{
	const struct rows *rows = arg;

	return (const char *)rows->first + place * rows->size;
}

static int write_rows(struct evbuffer *to, const struct columns *columns, const char *node,
		      const struct rows *rows, size_t count)
{
	char *text = columns_render(columns, node, row_at, rows, count);
	int err = text ? evbuffer_add(to, text, strlen(text)) : -1;

	free(text);
	return err ? -ENOMEM : 0;
}

static int write_services(struct evbuffer *to, const struct view *view)
{
	const struct view_service *services;
	size_t count = view_services(view, &services);
	const struct rows rows = {services, sizeof(*services)};

	return write_rows(to, &services_columns, lookup_node(view), &rows, count);
}

static int write_backends(struct evbuffer *to, const struct view *view)
{
	struct backend_row *backends;
	struct rows rows = {.size = sizeof(*backends)};
	size_t count;
	int err = backends_rows(view, NULL, NULL, &backends, &count);

	if (err)
		return err;
	rows.first = backends;
	err = write_rows(to, &backends_columns, lookup_node(view), &rows, count);
	free(backends);
	return err;
}

static int with_view(const struct answers_input *input, struct evbuffer *to,
		     int (*write)(struct evbuffer *to, const struct view *view))
{
	struct view *view;
	int err = view_open(input->pin_dir, &view);

	if (err)
		return err;
	err = write(to, view);
	view_close(view);
	return err;
}

int answer_services(struct evbuffer *to, void *arg)
{
	return with_view(arg, to, write_services);
}

int answer_backends(struct evbuffer *to, void *arg)
{
	return with_view(arg, to, write_backends);
}

int answer_connections(struct evbuffer *to, void *arg)
{
	const struct answers_input *input = arg;
	struct connections connections;
	int err = connections_open(input->pin_dir, &connections);

	if (err)
		return err;
	err = connections_select(&connections, NULL, NULL);
	if (!err)
		err = write_rows(to, &connections_columns, lookup_node(connections.view),
				 &(struct rows){connections.items, sizeof(*connections.items)},
				 connections.count);
	connections_close(&connections);
	return err;
}

int answer_events(struct evbuffer *to, void *arg)
{
	const struct answers_input *input = arg;

	return write_json(to, events_to_json(input->node, false));
}

int answer_events_with_clients(struct evbuffer *to, void *arg)
{
	const struct answers_input *input = arg;

	return write_json(to, events_to_json(input->node, true));
}
