// SPDX-License-Identifier: Apache-2.0
/* Bytes of an API server into objects, events and refusals. */
#include "source/kube/intake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "source/kube/held.h"
#include "source/kube/reply.h"

#define REFUSAL_BYTES_MAX (64u << 10)
#define PAGES_MAX 1000

static int out_of_memory(struct kube_intake *intake)
{
	return kube_failure_set(&intake->failure, SOURCE_ERROR_INTERNAL, "out of memory");
}

static int set_text(struct kube_intake *intake, char **text, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return out_of_memory(intake);
	free(*text);
	*text = copy;
	return 0;
}

static void drop_text(char **text)
{
	free(*text);
	*text = NULL;
}

int kube_intake_init(struct kube_intake *intake, const struct kube_selection *selection,
		     const struct kube_watch_ops *ops, void *arg)
{
	*intake = (struct kube_intake){.selection = selection, .ops = ops, .arg = arg};
	intake->input = evbuffer_new();
	if (!intake->input)
		return -ENOMEM;
	return kube_held_new(&intake->held);
}

void kube_intake_done(struct kube_intake *intake)
{
	if (intake->input)
		evbuffer_free(intake->input);
	kube_held_free(intake->held);
	free(intake->position);
	free(intake->next);
}

int kube_intake_begin(struct kube_intake *intake)
{
	evbuffer_drain(intake->input, evbuffer_get_length(intake->input));
	intake->failure = (struct kube_failure){0};
	intake->progressed = false;
	if (intake->position || intake->next)
		return 0;
	intake->pages = 0;
	return kube_held_begin_list(intake->held) ? out_of_memory(intake) : 0;
}

void kube_intake_interrupt(struct kube_intake *intake, bool restart)
{
	drop_text(&intake->next);
	if (restart)
		drop_text(&intake->position);
}

static int deliver(struct kube_intake *intake, const json_t *object)
{
	const char *namespace, *name;
	int held;

	if (!kube_object_fits(object, intake->selection->resource) ||
	    kube_object_name(object, &namespace, &name)) {
		intake->ops->refuse("it is of another kind, or has no usable name", intake->arg);
		return 0;
	}
	if (kube_held_count(intake->held) >= KUBE_OBJECTS_MAX &&
	    !kube_held_has(intake->held, namespace, name)) {
		intake->ops->refuse("there are too many objects", intake->arg);
		return 0;
	}
	held = intake->ops->put(object, namespace, name, intake->arg);
	if (held == 0)
		kube_held_drop(intake->held, namespace, name);
	else if (held < 0 || kube_held_add(intake->held, namespace, name))
		return out_of_memory(intake);
	return 0;
}

static void forget(struct kube_intake *intake, const json_t *object)
{
	const char *namespace, *name;

	if (kube_object_name(object, &namespace, &name) == 0 &&
	    kube_held_drop(intake->held, namespace, name))
		intake->ops->remove(namespace, name, intake->arg);
}

static int refuse_event(struct kube_intake *intake, const json_t *object)
{
	struct kube_status status;

	kube_status_read(object, &status);
	kube_failure_set_status(&intake->failure, &status, intake->selection->resource, "watch",
				"");
	return -1;
}

/* Whether a position comes before another one: they are numbers (KEP-5504), else nobody can tell. */
static bool is_before(const char *position, const char *other)
{
	size_t length = strlen(position), other_length = strlen(other);

	if (strspn(position, "0123456789") != length || strspn(other, "0123456789") != other_length)
		return false;
	return length != other_length ? length < other_length : strcmp(position, other) < 0;
}

/* An etcd that was restored goes on from an earlier time, with another history. */
static int check_position(struct kube_intake *intake, const char *position)
{
	if (!intake->position || !is_before(position, intake->position))
		return 0;
	return kube_failure_set(&intake->failure, SOURCE_ERROR_GONE,
				"the resource version goes back, from %.40s to %.40s: the API "
				"server's data was restored, all is listed again",
				intake->position, position);
}

static int take_event(struct kube_intake *intake, const struct kube_event *event)
{
	bool moved = !intake->position || strcmp(intake->position, event->position) != 0;
	int err = 0;

	/* An object that is got by its name says when it changed itself, which may be any time. */
	if (event->type != KUBE_EVENT_ERROR && !intake->selection->get &&
	    check_position(intake, event->position))
		return -1;
	switch (event->type) {
	case KUBE_EVENT_ERROR:
		return refuse_event(intake, event->object);
	case KUBE_EVENT_ADDED:
	case KUBE_EVENT_MODIFIED:
		err = deliver(intake, event->object);
		break;
	case KUBE_EVENT_DELETED:
		forget(intake, event->object);
		break;
	case KUBE_EVENT_BOOKMARK:
		break;
	}
	if (!err)
		err = set_text(intake, &intake->position, event->position);
	if (err)
		return err;
	intake->progressed = intake->progressed || moved;
	intake->ops->heard(intake->arg);
	return 0;
}

static int take_line(struct kube_intake *intake, const char *line, size_t size)
{
	char message[KUBE_MESSAGE_MAX];
	struct kube_event event;
	int err;

	if (kube_event_parse(line, size, intake->selection, message, &event))
		return kube_failure_set(&intake->failure, SOURCE_ERROR_PROTOCOL,
					"an event makes no sense: %.800s", message);
	err = take_event(intake, &event);
	json_decref(event.root);
	return err;
}

/* Between JSON texts blanks mean nothing: proxies send them so that a connection is not idle. */
static bool is_blank(const char *line)
{
	return !line[strspn(line, " \t\r")];
}

static int take_lines(struct kube_intake *intake)
{
	char *line;
	size_t size;
	int err = 0;

	while (!err && (line = evbuffer_readln(intake->input, &size, EVBUFFER_EOL_LF))) {
		if (!is_blank(line))
			err = take_line(intake, line, size);
		free(line);
	}
	intake->ops->settle(false, intake->arg);
	return err;
}

int kube_intake_add(struct kube_intake *intake, const char *bytes, size_t size)
{
	if (evbuffer_add(intake->input, bytes, size) < 0)
		return out_of_memory(intake);
	if (evbuffer_get_length(intake->input) > KUBE_BODY_BYTES_MAX)
		return kube_failure_set(&intake->failure, SOURCE_ERROR_TOO_LARGE,
					"the answer is longer than %u MiB",
					KUBE_BODY_BYTES_MAX >> 20);
	return 0;
}

int kube_intake_add_lines(struct kube_intake *intake, const char *bytes, size_t size)
{
	int err = kube_intake_add(intake, bytes, size);

	if (!err && memchr(bytes, '\n', size))
		err = take_lines(intake);
	return err;
}

int kube_intake_add_refusal(struct kube_intake *intake, const char *bytes, size_t size)
{
	/* What a refusal says at greater length can be done without. */
	if (evbuffer_get_length(intake->input) + size > REFUSAL_BYTES_MAX)
		return 0;
	return kube_intake_add(intake, bytes, size);
}

static int deliver_page(struct kube_intake *intake, const struct kube_page *page)
{
	size_t count = json_array_size(page->items);

	if (!page->items)
		return deliver(intake, page->root);
	for (size_t i = 0; i < count; i++)
		if (deliver(intake, json_array_get(page->items, i)))
			return -1;
	return 0;
}

static void end_list(struct kube_intake *intake)
{
	drop_text(&intake->next);
	kube_held_end_list(intake->held, intake->ops->remove, intake->arg);
	intake->ops->settle(true, intake->arg);
}

static int take_page(struct kube_intake *intake, const struct kube_page *page)
{
	if (deliver_page(intake, page))
		return -1;
	if (page->next[0]) {
		if (++intake->pages >= PAGES_MAX)
			return kube_failure_set(&intake->failure, SOURCE_ERROR_PROTOCOL,
						"the list does not end after %u pages", PAGES_MAX);
		return set_text(intake, &intake->next, page->next);
	}
	if (set_text(intake, &intake->position, page->position))
		return -1;
	end_list(intake);
	return 0;
}

/* All that has come; "" and 0 if nothing did. */
static const char *input_of(struct kube_intake *intake, size_t *size)
{
	const unsigned char *bytes = evbuffer_pullup(intake->input, -1);

	*size = evbuffer_get_length(intake->input);
	return bytes ? (const char *)bytes : "";
}

static int parse_page(struct kube_intake *intake, struct kube_page *ret)
{
	char message[KUBE_MESSAGE_MAX];
	size_t size;
	const char *bytes = input_of(intake, &size);

	if (kube_page_parse(bytes, size, intake->selection, message, ret))
		return kube_failure_set(&intake->failure, SOURCE_ERROR_PROTOCOL,
					"the answer makes no sense: %.800s", message);
	evbuffer_drain(intake->input, size);
	intake->ops->heard(intake->arg);
	return 0;
}

int kube_intake_end_page(struct kube_intake *intake)
{
	struct kube_page page;
	int err = parse_page(intake, &page);

	if (err)
		return err;
	err = take_page(intake, &page);
	json_decref(page.root);
	return err;
}

int kube_intake_end_probe(struct kube_intake *intake)
{
	struct kube_page page;
	int err = parse_page(intake, &page);

	if (err)
		return err;
	err = check_position(intake, page.position);
	json_decref(page.root);
	return err;
}

int kube_intake_end_refusal(struct kube_intake *intake, long code, const char *verb,
			    const char *instead, bool absent)
{
	struct kube_status status;
	size_t size;
	const char *bytes = input_of(intake, &size);

	kube_status_parse(bytes, size, &status);
	status.code = code;
	kube_failure_set_status(&intake->failure, &status, intake->selection->resource, verb,
				instead);
	if (absent)
		end_list(intake);
	return -1;
}
