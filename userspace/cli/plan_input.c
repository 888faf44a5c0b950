// SPDX-License-Identifier: Apache-2.0
/*
 * Manifests into a store, in the order of the arguments and of the names in a directory: each file
 * is an origin, as in the agent.
 */
#include "cli/plan_input.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/store.h"
#include "source/manifests.h"

static int make_room(struct refusals *refusals)
{
	size_t room = refusals->room ? 2 * refusals->room : 16;
	struct refusal *items;

	if (refusals->count < refusals->room)
		return 0;
	items = reallocarray(refusals->items, room, sizeof(*items));
	if (!items)
		return -ENOMEM;
	refusals->items = items;
	refusals->room = room;
	return 0;
}

static void refusal_done(struct refusal *refusal)
{
	free(refusal->file);
	free(refusal->object);
	free(refusal->message);
}

int plan_input_refuse(struct plan_input *input, const char *file, const char *object,
		      const char *message)
{
	struct refusals *refusals = &input->refusals;
	struct refusal refusal = {
		.file = strdup(file),
		.object = strdup(object),
		.message = strdup(message),
	};

	if (!refusal.file || !refusal.object || !refusal.message || make_room(refusals)) {
		refusal_done(&refusal);
		return -ENOMEM;
	}
	refusals->items[refusals->count++] = refusal;
	return 0;
}

const char *plan_input_file(const struct plan_input *input, const char *namespace, const char *name)
{
	return store_find_place(input->store, STORE_SERVICE, namespace, name);
}

/* Of the store. */
static void on_refused(const char *place, const char *object, const char *message, void *arg)
{
	struct plan_input *input = arg;

	if (!input->err)
		input->err = plan_input_refuse(input, place, object, message);
}

/* Of a file. */
static void on_refuse(const char *object, const char *message, void *arg)
{
	struct plan_input *input = arg;

	store_refuse_at(input->store, input->file, object, message);
}

static int take_objects(struct plan_input *input, struct manifest *manifest)
{
	const struct origin_setup setup = {
		.place = input->file,
		.rank = input->rank++,
		.is_exclusive = true,
	};
	struct origin *origin;
	size_t i;
	int err;

	err = store_add_origin(input->store, &setup, &origin);
	for (i = 0; i < manifest->service_count && !err; i++) {
		err = store_put(origin, STORE_SERVICE, manifest->services[i]);
		manifest->services[i] = NULL;
	}
	for (i = 0; i < manifest->slice_count && !err; i++) {
		err = store_put(origin, STORE_SLICE, manifest->slices[i]);
		manifest->slices[i] = NULL;
	}
	return err;
}

static void take_skipped(struct plan_input *input, const struct manifest *manifest)
{
	input->skipped += manifest->skipped_count;
	if (!*input->skipped_kinds)
		snprintf(input->skipped_kinds, sizeof(input->skipped_kinds), "%s",
			 manifest->skipped_kinds);
}

static int read_file(struct plan_input *input, const char *path)
{
	bool is_input = !strcmp(path, PLAN_INPUT_STANDARD);
	struct manifest manifest;
	int err;

	input->file = is_input ? "standard input" : path;
	err = is_input ? manifest_read_input(on_refuse, input, &manifest)
		       : manifest_read(path, on_refuse, input, &manifest);
	if (err == -ENOMEM || input->err)
		return err == -ENOMEM ? err : input->err;
	if (err)
		return 0; /* told to on_refuse() */
	input->files_read++;
	take_skipped(input, &manifest);
	err = take_objects(input, &manifest);
	manifest_done(&manifest);
	return err ? err : input->err;
}

int plan_input_read(struct plan_input *input, const char *path)
{
	char message[256];
	char **files;
	size_t count, i;
	int err;

	if (!strcmp(path, PLAN_INPUT_STANDARD))
		return read_file(input, path);
	err = manifest_paths(path, &files, &count);
	if (err == -ENOMEM)
		return err;
	if (err) {
		snprintf(message, sizeof(message),
			 "cannot read it: %s: give a file that exists, or a directory of them",
			 strerror(-err));
		return plan_input_refuse(input, path, "", message);
	}
	if (!count)
		err = plan_input_refuse(input, path, "",
					"no file in it ends in .yaml, .yml or .json: rename the "
					"files");
	for (i = 0; i < count && !err; i++)
		err = read_file(input, files[i]);
	manifest_paths_free(files, count);
	return err;
}

int plan_input_init(struct plan_input *input)
{
	static const struct store_ops ops = {.refused = on_refused};

	*input = (struct plan_input){0};
	return store_new(&ops, input, &input->store);
}

void plan_input_done(struct plan_input *input)
{
	size_t i;

	store_free(input->store);
	for (i = 0; i < input->refusals.count; i++)
		refusal_done(&input->refusals.items[i]);
	free(input->refusals.items);
}
