// SPDX-License-Identifier: Apache-2.0
/* Manifests into a model. An object that is defined again replaces the earlier one, as for kubectl. */
#include "cli/plan_input.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "source/manifests.h"

struct origin {
	char *namespace;
	char *name;
	char *file;
};

static int compare_origins(const void *left, const void *right)
{
	const struct origin *a = left, *b = right;
	int order = strcmp(a->namespace, b->namespace);

	return order ? order : strcmp(a->name, b->name);
}

static void origin_free(void *arg)
{
	struct origin *origin = arg;

	if (!origin)
		return;
	free(origin->namespace);
	free(origin->name);
	free(origin->file);
	free(origin);
}

static int remember_origin(struct plan_input *input, const struct service *service)
{
	struct origin *origin = calloc(1, sizeof(*origin));
	struct origin **held;

	if (!origin)
		return -ENOMEM;
	origin->namespace = strdup(service->namespace);
	origin->name = strdup(service->name);
	origin->file = strdup(input->file);
	if (!origin->namespace || !origin->name || !origin->file)
		goto no_memory;
	held = tsearch(origin, &input->origins, compare_origins);
	if (!held)
		goto no_memory;
	if (*held != origin) {
		origin_free(*held);
		*held = origin;
	}
	return 0;

no_memory:
	origin_free(origin);
	return -ENOMEM;
}

const char *plan_input_file(const struct plan_input *input, const char *namespace,
			    const char *name)
{
	struct origin key = { .namespace = (char *)namespace, .name = (char *)name };
	struct origin **held = tfind(&key, &input->origins, compare_origins);

	return held ? (*held)->file : "";
}

static void on_refuse(const char *object, const char *message, void *arg)
{
	struct plan_input *input = arg;

	if (!input->err)
		input->err = refusals_add(&input->refusals, input->file, object, message);
}

/* The model takes the objects over, also when it fails. */
static int take_objects(struct plan_input *input, struct manifest *manifest)
{
	int err = 0;
	size_t i;

	for (i = 0; i < manifest->service_count && !err; i++) {
		err = remember_origin(input, manifest->services[i]);
		if (err)
			break;
		err = model_put_service(input->model, manifest->services[i]);
		manifest->services[i] = NULL;
	}
	for (i = 0; i < manifest->slice_count && !err; i++) {
		err = model_put_slice(input->model, manifest->slices[i]);
		manifest->slices[i] = NULL;
	}
	return err;
}

static int read_file(struct plan_input *input, const char *path)
{
	struct manifest manifest;
	int err;

	input->file = path;
	err = manifest_read(path, on_refuse, input, &manifest);
	if (err == -ENOMEM || input->err)
		return err == -ENOMEM ? err : input->err;
	if (err)
		return 0; /* told to on_refuse() */
	input->files_read++;
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
