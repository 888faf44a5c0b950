// SPDX-License-Identifier: Apache-2.0
/* v1 Pod, as a client: whose it is, and what its labels are. */
#include "source/decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "source/fields.h"

/* Of a pod that the kubelet has from a file: the UID that it gives its cgroup. */
#define MIRROR_ANNOTATION "kubernetes.io/config.mirror"

static const char *text_in(const json_t *value, const char *part, const char *key)
{
	return json_string_value(json_object_get(json_object_get(value, part), key));
}

static bool has_ended(const json_t *value)
{
	const char *phase = text_in(value, "status", "phase");

	return phase && (!strcmp(phase, "Succeeded") || !strcmp(phase, "Failed"));
}

static const char *uid_of(const json_t *value, bool *is_mirror)
{
	const json_t *metadata = json_object_get(value, "metadata");
	const char *uid = text_in(metadata, "annotations", MIRROR_ANNOTATION);

	*is_mirror = uid && *uid;
	return *is_mirror ? uid : json_string_value(json_object_get(metadata, "uid"));
}

static int decode_labels(const json_t *labels, struct labels **ret)
{
	struct label *items = calloc(json_object_size(labels) + 1, sizeof(*items));
	const char *key;
	size_t count = 0;
	json_t *label;

	if (!items)
		return -ENOMEM;
	json_object_foreach((json_t *)labels, key, label)
		if (json_is_string(label))
			items[count++] = (struct label){key, json_string_value(label)};
	*ret = labels_copy(items, count);
	free(items);
	return *ret ? 0 : -ENOMEM;
}

static int fill(const json_t *value, const struct metadata *metadata, struct pod *pod)
{
	const char *node = text_in(value, "spec", "nodeName");

	pod->namespace = strdup(metadata->namespace);
	pod->name = strdup(metadata->name);
	pod->uid = strdup(uid_of(value, &pod->is_mirror));
	pod->node = strdup(node ? node : "");
	if (!pod->namespace || !pod->name || !pod->uid || !pod->node)
		return -ENOMEM;
	return decode_labels(metadata->labels, &pod->labels);
}

int decode_pod(const json_t *value, decode_refuse refuse, void *arg, struct pod **ret)
{
	bool is_mirror;
	const char *uid = uid_of(value, &is_mirror);
	struct metadata metadata;
	struct report report;
	struct pod *pod;
	int err;

	if (!uid || !*uid || has_ended(value))
		return -ENOENT;
	pod = calloc(1, sizeof(*pod));
	if (!pod)
		return -ENOMEM;
	report_init(&report, refuse, arg);
	err = metadata_read(&report, value, "Pod", &name_subdomain, &metadata);
	if (!err)
		err = fill(value, &metadata, pod);
	report_done(&report);
	if (err)
		pod_free(pod);
	else
		*ret = pod;
	return err;
}
