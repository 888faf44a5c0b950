// SPDX-License-Identifier: Apache-2.0
#include "agent/pods.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "kernel/pod_cgroups.h"
#include "report/pod_uid.h"

#define OFTEN_NS 5000000000ull

bool pods_are_here(const struct pods *pods, const struct pod *pod)
{
	return !*pod->node || !strcmp(pod->node, pods->node);
}

void pods_note_new(struct pods *pods)
{
	pods->often_until_ns = clock_now_ns() + OFTEN_NS;
}

struct finding {
	struct model *model;
	bool has_changed;
};

static bool found(const char *name, uint64_t cgroup, void *arg)
{
	struct finding *finding = arg;
	char uid[POD_UID_MAX];

	if (!pod_uid_in(name, uid))
		return false;
	finding->has_changed |= model_set_pod_cgroup(finding->model, uid, cgroup);
	return true;
}

/* Without their names: who may read the status need not know a Service's clients. */
static void note_homeless(struct pods *pods)
{
	size_t count = model_homeless(pods->model);

	*pods->homeless = '\0';
	if (!count)
		return;
	snprintf(pods->homeless, sizeof(pods->homeless),
		 "gwbpf.io/clients-except names %zu pods of this node whose cgroup is not found, "
		 "and which are balanced: let the agent see the cgroups of the kubelet's pods",
		 count);
}

bool pods_look(struct pods *pods)
{
	struct finding finding = {.model = pods->model};

	if (model_pod_count(pods->model))
		pod_cgroups_visit(found, &finding);
	note_homeless(pods);
	return finding.has_changed;
}

bool pods_are_moving_in(const struct pods *pods)
{
	return *pods->homeless && clock_now_ns() < pods->often_until_ns;
}
