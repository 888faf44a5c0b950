// SPDX-License-Identifier: Apache-2.0
/* Manifests into a model, in the order of the arguments and of the names in a directory. */
#include "cli/plan_input.h"

#include <errno.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "source/manifests.h"

/* The file that an object comes from. */
struct origin {
	const char *kind;
	char *namespace;
	char *name;
	char *file;
};

static int compare_origins(const void *left, const void *right)
{
	const struct origin *a = left, *b = right;
	int order = strcmp(a->kind, b->kind);

	if (!order)
		order = strcmp(a->namespace, b->namespace);
	return order ? order : strcmp(a->name, b->name);
}

static void origin_free(void *arg)
{
	struct origin *origin = arg;

	free(origin->namespace);
	free(origin->name);
	free(origin->file);
	free(origin);
}

static struct origin *find_origin(const struct plan_input *input, const char *kind,
				  const char *namespace, const char *name)
{
	const struct origin key = {
		.kind = kind, .namespace = (char *)namespace, .name = (char *)name
	};
	struct origin **held = tfind(&key, &input->origins, compare_origins);

	return held ? *held : NULL;
}

const char *plan_input_file(const struct plan_input *input, const char *namespace,
			    const char *name)
{
	const struct origin *origin = find_origin(input, "Service", namespace, name);

	return origin ? origin->file : "";
}

/* kind must outlive the input. */
static int remember(struct plan_input *input, const char *kind, const char *namespace,
		    const char *name)
{
	struct origin *origin = calloc(1, sizeof(*origin));

	if (!origin)
		return -ENOMEM;
	origin->kind = kind;
	origin->namespace = strdup(namespace);
	origin->name = strdup(name);
	origin->file = strdup(input->file);
	if (origin->namespace && origin->name && origin->file &&
	    tsearch(origin, &input->origins, compare_origins))
		return 0;
	origin_free(origin);
	return -ENOMEM;
}

/* -EEXIST, and told, if an earlier file has the object: the agent too takes the first one. */
static int take_name(struct plan_input *input, const char *kind, const char *namespace,
		     const char *name)
{
	const struct origin *first = find_origin(input, kind, namespace, name);
	char object[640], message[512];
	int err;

	if (!first)
		return remember(input, kind, namespace, name);
	snprintf(object, sizeof(object), "%s '%s/%s'", kind, namespace, name);
	snprintf(message, sizeof(message),
		 "another file that comes first has it, too: remove it from one of them: '%.300s'",
		 first->file);
	err = refusals_add(&input->refusals, input->file, object, message);
	return err ? err : -EEXIST;
}

static void on_refuse(const char *object, const char *message, void *arg)
{
	struct plan_input *input = arg;

	if (!input->err)
		input->err = refusals_add(&input->refusals, input->file, object, message);
}

/* The model takes an object over, also when it fails. */
static int take_service(struct plan_input *input, struct service **service)
{
	struct service *taken = *service;
	int err = take_name(input, "Service", taken->namespace, taken->name);

	if (err)
		return err == -EEXIST ? 0 : err;
	*service = NULL;
	return model_put_service(input->model, taken);
}

static int take_slice(struct plan_input *input, struct slice **slice)
{
	struct slice *taken = *slice;
	int err = take_name(input, "EndpointSlice", taken->namespace, taken->name);

	if (err)
		return err == -EEXIST ? 0 : err;
	*slice = NULL;
	return model_put_slice(input->model, taken);
}

static int take_objects(struct plan_input *input, struct manifest *manifest)
{
	int err = 0;
	size_t i;

	for (i = 0; i < manifest->service_count && !err; i++)
		err = take_service(input, &manifest->services[i]);
	for (i = 0; i < manifest->slice_count && !err; i++)
		err = take_slice(input, &manifest->slices[i]);
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
	err = is_input ? manifest_read_input(on_refuse, input, &manifest) :
			 manifest_read(path, on_refuse, input, &manifest);
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
		return refusals_add(&input->refusals, path, "", message);
	}
	if (!count)
		err = refusals_add(&input->refusals, path, "",
				   "no file in it ends in .yaml, .yml or .json: rename the files");
	for (i = 0; i < count && !err; i++)
		err = read_file(input, files[i]);
	manifest_paths_free(files, count);
	return err;
}

int plan_input_init(struct plan_input *input)
{
	*input = (struct plan_input){ 0 };
	return model_new(&input->model);
}

void plan_input_done(struct plan_input *input)
{
	model_free(input->model);
	refusals_done(&input->refusals);
	tdestroy(input->origins, origin_free);
}
