// SPDX-License-Identifier: Apache-2.0
/* Paths of the Kubernetes API. */
#include "source/kube/resource.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <event2/buffer.h>
#include <event2/http.h>

const struct kube_resource kube_services = {"/api/v1", "", "v1", "services", "Service"};
const struct kube_resource kube_slices = {"/apis/discovery.k8s.io/v1", "discovery.k8s.io",
					  "discovery.k8s.io/v1", "endpointslices", "EndpointSlice"};
const struct kube_resource kube_nodes = {"/api/v1", "", "v1", "nodes", "Node"};
const struct kube_resource kube_pods_resource = {"/api/v1", "", "v1", "pods", "Pod"};

static int add(struct evbuffer *path, const char *prefix, const char *text)
{
	char *escaped = evhttp_uriencode(text, -1, 0);
	int added;

	if (!escaped)
		return -ENOMEM;
	added = evbuffer_add_printf(path, "%s%s", prefix, escaped);
	free(escaped);
	return added < 0 ? -ENOMEM : 0;
}

static int add_collection(struct evbuffer *path, const struct kube_selection *selection)
{
	const struct kube_resource *resource = selection->resource;
	int err = 0;

	if (evbuffer_add_printf(path, "%s", resource->path) < 0)
		return -ENOMEM;
	if (selection->namespace)
		err = add(path, "/namespaces/", selection->namespace);
	if (!err)
		err = add(path, "/", resource->plural);
	return err;
}

static int add_selectors(struct evbuffer *path, const struct kube_selection *selection)
{
	int err = 0;

	if (selection->labels)
		err = add(path, "&labelSelector=", selection->labels);
	if (!err && selection->fields)
		err = add(path, "&fieldSelector=", selection->fields);
	if (!err && selection->name)
		err = add(path, "&fieldSelector=metadata.name%3D", selection->name);
	return err;
}

/* Take the text out of path, which is freed; err: of what was added to it. */
static int finish(struct evbuffer *path, int err, char **ret)
{
	size_t length = evbuffer_get_length(path);
	char *text = err ? NULL : malloc(length + 1);

	if (text) {
		evbuffer_remove(path, text, length);
		text[length] = '\0';
		*ret = text;
	}
	evbuffer_free(path);
	return text ? 0 : -ENOMEM;
}

int kube_list_path(const struct kube_selection *selection, uint32_t limit, const char *next,
		   char **ret)
{
	struct evbuffer *path = evbuffer_new();
	int err;

	if (!path)
		return -ENOMEM;
	err = add_collection(path, selection);
	if (!err && selection->get)
		return finish(path, add(path, "/", selection->name), ret);
	if (!err && evbuffer_add_printf(path, "?limit=%u", limit) < 0)
		err = -ENOMEM;
	if (!err)
		err = add_selectors(path, selection);
	if (!err && next[0])
		err = add(path, "&continue=", next);
	return finish(path, err, ret);
}

int kube_watch_path(const struct kube_selection *selection, const char *position,
		    uint32_t timeout_s, char **ret)
{
	struct evbuffer *path = evbuffer_new();
	int err;

	if (!path)
		return -ENOMEM;
	err = add_collection(path, selection);
	if (!err && evbuffer_add_printf(path, "?watch=true&timeoutSeconds=%u", timeout_s) < 0)
		err = -ENOMEM;
	if (!err)
		err = add_selectors(path, selection);
	/*
	 * The version of one object is no position: it may be older than all that is remembered.
	 * 0 is what is remembered now; bookmarks would make it a request that old etcds refuse.
	 */
	if (!err)
		err = selection->get
			      ? add(path, "&resourceVersion=", "0")
			      : add(path, "&allowWatchBookmarks=true&resourceVersion=", position);
	return finish(path, err, ret);
}
