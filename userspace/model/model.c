// SPDX-License-Identifier: Apache-2.0
/*
 * Two trees by namespace and name: slices, and entries, which are Service names with what is known
 * of them: the Service, its slices, and whether it changed. An entry lives while it holds any of
 * the three. Knows nothing of what the objects mean.
 */
#include "model/model.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

struct object_name {
	const char *namespace;
	const char *name;
};

struct model_entry {
	struct object_name key; /* must be first: the trees compare keys */
	struct service *service;
	const struct slice **slices; /* ordered by name */
	size_t slice_count;
	size_t slice_room;
	bool slices_awaited; /* not read yet; ends with the Service */
	bool changed;
	char text[]; /* what key points to */
};

/* A slice in its tree. */
struct holder {
	struct object_name key; /* must be first; points into the slice */
	struct slice *slice;
	struct model_entry *entry;
};

/* A pod in its tree. */
struct lodger {
	struct object_name key; /* must be first; points into the pod */
	struct pod *pod;
	uint64_t cgroup; /* 0: not known */
};

struct model {
	void *entries; /* tsearch(3) */
	size_t entry_count;
	void *holders;
	size_t service_count;
	size_t slice_count;
	void *lodgers;
	size_t lodger_count;
	bool pods_awaited;
	/* Has room for every entry, so that a change can be noted without fail. */
	struct model_entry **changed;
	size_t changed_count;
	size_t changed_room;
};

static int compare_names(const void *a, const void *b)
{
	const struct object_name *left = a;
	const struct object_name *right = b;
	int order = strcmp(left->namespace, right->namespace);

	return order ? order : strcmp(left->name, right->name);
}

/* The older first: of two that claim one address it shall have it. */
static int compare_entries(const void *a, const void *b)
{
	static const struct service gone;
	const struct model_entry *left = *(struct model_entry *const *)a;
	const struct model_entry *right = *(struct model_entry *const *)b;
	int order = service_compare_ages(left->service ? left->service : &gone,
					 right->service ? right->service : &gone);

	return order ? order : compare_names(left, right);
}

static void *find(void *const *tree, const char *namespace, const char *name)
{
	struct object_name key = {namespace, name};
	void *const *found = tfind(&key, tree, compare_names);

	return found ? *found : NULL;
}

int model_new(struct model **ret)
{
	struct model *model = calloc(1, sizeof(*model));

	if (!model)
		return -ENOMEM;
	*ret = model;
	return 0;
}

static void free_entry(void *arg)
{
	struct model_entry *entry = arg;

	service_free(entry->service);
	free(entry->slices);
	free(entry);
}

static void free_holder(void *arg)
{
	struct holder *holder = arg;

	slice_free(holder->slice);
	free(holder);
}

static void free_lodger(void *arg)
{
	struct lodger *lodger = arg;

	pod_free(lodger->pod);
	free(lodger);
}

void model_free(struct model *model)
{
	if (!model)
		return;
	tdestroy(model->lodgers, free_lodger);
	tdestroy(model->holders, free_holder);
	tdestroy(model->entries, free_entry);
	free(model->changed);
	free(model);
}

/* An array of pointers with room for one more than count: items, or a larger copy of it. NULL if
 * out of memory; items is untouched then. */
static void *make_room(void *items, size_t count, size_t *room)
{
	size_t wanted = *room ? *room * 2 : 1;
	void *grown;

	if (count < *room)
		return items;
	grown = reallocarray(items, wanted, sizeof(void *));
	if (grown)
		*room = wanted;
	return grown;
}

static void mark_changed(struct model *model, struct model_entry *entry)
{
	if (entry->changed)
		return;
	entry->changed = true;
	model->changed[model->changed_count++] = entry;
}

static struct model_entry *new_entry(const char *namespace, const char *name)
{
	size_t namespace_size = strlen(namespace) + 1;
	size_t name_size = strlen(name) + 1;
	struct model_entry *entry = calloc(1, sizeof(*entry) + namespace_size + name_size);

	if (!entry)
		return NULL;
	entry->key.namespace = memcpy(entry->text, namespace, namespace_size);
	entry->key.name = memcpy(entry->text + namespace_size, name, name_size);
	return entry;
}

/* The entry of a Service name, made if there is none; NULL if out of memory. */
static struct model_entry *get_entry(struct model *model, const char *namespace, const char *name)
{
	struct model_entry *entry = find(&model->entries, namespace, name);
	struct model_entry **changed;

	if (entry)
		return entry;
	changed = make_room(model->changed, model->entry_count, &model->changed_room);
	if (!changed)
		return NULL;
	model->changed = changed;
	entry = new_entry(namespace, name);
	if (!entry)
		return NULL;
	if (!tsearch(entry, &model->entries, compare_names)) {
		free_entry(entry);
		return NULL;
	}
	model->entry_count++;
	return entry;
}

static void drop_if_empty(struct model *model, struct model_entry *entry)
{
	if (entry->service || entry->slice_count > 0 || entry->changed)
		return;
	tdelete(entry, &model->entries, compare_names);
	model->entry_count--;
	free_entry(entry);
}

/* A Service whose own settings are refused goes on with the last good ones. */
static int keep_settings(struct service *service, const struct service *old)
{
	if (service->invalid[0] == '\0' || !old)
		return 0;
	if (old->settings_good && service_copy_settings(service, old))
		return -ENOMEM;
	service->settings_good = old->settings_good;
	return 0;
}

int model_exchange_service(struct model *model, struct service *service, struct service **old)
{
	struct model_entry *entry = get_entry(model, service->namespace, service->name);

	*old = NULL;
	if (!entry || keep_settings(service, entry->service)) {
		service_free(service);
		return -ENOMEM;
	}
	if (!entry->service)
		model->service_count++;
	*old = entry->service;
	entry->service = service;
	mark_changed(model, entry);
	return 0;
}

int model_put_service(struct model *model, struct service *service)
{
	struct service *old;
	int err = model_exchange_service(model, service, &old);

	service_free(old);
	return err;
}

void model_remove_service(struct model *model, const char *namespace, const char *name)
{
	struct model_entry *entry = find(&model->entries, namespace, name);

	if (!entry || !entry->service)
		return;
	service_free(entry->service);
	entry->service = NULL;
	entry->slices_awaited = false;
	model->service_count--;
	mark_changed(model, entry);
}

void model_await_slices(struct model *model, const char *namespace, const char *name, bool awaited)
{
	struct model_entry *entry = find(&model->entries, namespace, name);

	if (!entry || !entry->service || entry->slices_awaited == awaited)
		return;
	entry->slices_awaited = awaited;
	mark_changed(model, entry);
}

bool model_awaits_slices(const struct model *model, const char *namespace, const char *name)
{
	const struct model_entry *entry = find(&model->entries, namespace, name);

	return entry && entry->slices_awaited;
}

/* Where in the entry's array the slice of this name stands, or would stand. */
static size_t slice_position(const struct model_entry *entry, const char *name)
{
	size_t low = 0;
	size_t high = entry->slice_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(entry->slices[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* There must be room for it. */
static void attach_slice(struct model *model, struct model_entry *entry, const struct slice *slice)
{
	size_t at = slice_position(entry, slice->name);

	memmove(&entry->slices[at + 1], &entry->slices[at],
		(entry->slice_count - at) * sizeof(entry->slices[0]));
	entry->slices[at] = slice;
	entry->slice_count++;
	mark_changed(model, entry);
}

static void detach_slice(struct model *model, struct model_entry *entry, const struct slice *slice)
{
	size_t at = slice_position(entry, slice->name);

	entry->slice_count--;
	memmove(&entry->slices[at], &entry->slices[at + 1],
		(entry->slice_count - at) * sizeof(entry->slices[0]));
	mark_changed(model, entry);
}

/* The holder of the slice's name, made if there is none; NULL if out of memory. */
static struct holder *get_holder(struct model *model, const struct slice *slice)
{
	struct holder *holder = find(&model->holders, slice->namespace, slice->name);

	if (holder)
		return holder;
	holder = calloc(1, sizeof(*holder));
	if (!holder)
		return NULL;
	holder->key = (struct object_name){slice->namespace, slice->name};
	if (!tsearch(holder, &model->holders, compare_names)) {
		free(holder);
		return NULL;
	}
	model->slice_count++;
	return holder;
}

int model_exchange_slice(struct model *model, struct slice *slice, struct slice **old)
{
	struct model_entry *entry = get_entry(model, slice->namespace, slice->service);
	const struct slice **slices;
	struct holder *holder;

	*old = NULL;
	if (!entry)
		goto fail;
	slices = make_room(entry->slices, entry->slice_count, &entry->slice_room);
	if (!slices)
		goto fail;
	entry->slices = slices;
	holder = get_holder(model, slice);
	if (!holder)
		goto fail;
	*old = holder->slice;
	if (*old)
		detach_slice(model, holder->entry, *old);
	slice_pack(slice);
	attach_slice(model, entry, slice);
	*holder = (struct holder){{slice->namespace, slice->name}, slice, entry};
	return 0;

fail:
	if (entry)
		drop_if_empty(model, entry);
	slice_free(slice);
	return -ENOMEM;
}

int model_put_slice(struct model *model, struct slice *slice)
{
	struct slice *old;
	int err = model_exchange_slice(model, slice, &old);

	slice_free(old);
	return err;
}

void model_remove_slice(struct model *model, const char *namespace, const char *name)
{
	struct holder *holder = find(&model->holders, namespace, name);

	if (!holder)
		return;
	tdelete(holder, &model->holders, compare_names);
	model->slice_count--;
	detach_slice(model, holder->entry, holder->slice);
	free_holder(holder);
}

const struct service *model_find_service(const struct model *model, const char *namespace,
					 const char *name)
{
	const struct model_entry *entry = find(&model->entries, namespace, name);

	return entry ? entry->service : NULL;
}

const struct slice *model_find_slice(const struct model *model, const char *namespace,
				     const char *name)
{
	const struct holder *holder = find(&model->holders, namespace, name);

	return holder ? holder->slice : NULL;
}

size_t model_slices(const struct model *model, const char *namespace, const char *name,
		    const struct slice *const **ret)
{
	const struct model_entry *entry = find(&model->entries, namespace, name);

	*ret = entry ? entry->slices : NULL;
	return entry ? entry->slice_count : 0;
}

void model_visit_changed(struct model *model, model_visit visit, void *arg)
{
	size_t count = model->changed_count;

	if (count == 0)
		return;
	/* Those to come back to move to the front, where they stay in order. */
	qsort(model->changed, count, sizeof(model->changed[0]), compare_entries);
	model->changed_count = 0;
	for (size_t i = 0; i < count; i++) {
		struct model_entry *entry = model->changed[i];

		if (!visit(entry->key.namespace, entry->key.name, arg)) {
			model->changed[model->changed_count++] = entry;
			continue;
		}
		entry->changed = false;
		drop_if_empty(model, entry);
	}
}

struct touch {
	struct model *model;
	const struct pod *pod; /* NULL: any */
};

static void touch_excepting(const void *node, VISIT which, void *arg)
{
	struct model_entry *entry = *(struct model_entry *const *)node;
	const struct touch *touch = arg;
	const struct selector *except = entry->service ? entry->service->except : NULL;

	if ((which == postorder || which == leaf) && except &&
	    (!touch->pod || selector_is_met(except, touch->pod->labels)))
		mark_changed(touch->model, entry);
}

/* The Services that leave this pod to kube-proxy. */
static void touch_services(struct model *model, const struct pod *pod)
{
	struct touch touch = {model, pod};

	twalk_r(model->entries, touch_excepting, &touch);
}

static struct lodger *get_lodger(struct model *model, const struct pod *pod)
{
	struct lodger *lodger = find(&model->lodgers, pod->namespace, pod->name);

	if (lodger)
		return lodger;
	lodger = calloc(1, sizeof(*lodger));
	if (!lodger)
		return NULL;
	lodger->key = (struct object_name){pod->namespace, pod->name};
	if (!tsearch(lodger, &model->lodgers, compare_names)) {
		free(lodger);
		return NULL;
	}
	model->lodger_count++;
	return lodger;
}

int model_exchange_pod(struct model *model, struct pod *pod, struct pod **old)
{
	struct lodger *lodger = get_lodger(model, pod);

	*old = lodger ? lodger->pod : NULL;
	if (!lodger) {
		pod_free(pod);
		return -ENOMEM;
	}
	if (!*old || strcmp((*old)->uid, pod->uid) != 0)
		lodger->cgroup = 0;
	lodger->key = (struct object_name){pod->namespace, pod->name};
	lodger->pod = pod;
	if (*old)
		touch_services(model, *old);
	touch_services(model, pod);
	return 0;
}

int model_put_pod(struct model *model, struct pod *pod)
{
	struct pod *old;
	int err = model_exchange_pod(model, pod, &old);

	pod_free(old);
	return err;
}

const struct pod *model_find_pod(const struct model *model, const char *namespace, const char *name)
{
	const struct lodger *lodger = find(&model->lodgers, namespace, name);

	return lodger ? lodger->pod : NULL;
}

void model_remove_pod(struct model *model, const char *namespace, const char *name)
{
	struct lodger *lodger = find(&model->lodgers, namespace, name);

	if (!lodger)
		return;
	tdelete(lodger, &model->lodgers, compare_names);
	model->lodger_count--;
	touch_services(model, lodger->pod);
	free_lodger(lodger);
}

struct housing {
	struct model *model;
	const char *uid;
	uint64_t cgroup;
	bool has_owner; /* a pod whose own UID it is */
	bool is_news;
};

static void look_for_owner(const void *node, VISIT which, void *arg)
{
	const struct pod *pod = (*(struct lodger *const *)node)->pod;
	struct housing *housing = arg;

	if (which == postorder || which == leaf)
		housing->has_owner |= !pod->is_mirror && !strcmp(pod->uid, housing->uid);
}

/* Who only says that it is the mirror of that pod does not get its cgroup. */
static void house(const void *node, VISIT which, void *arg)
{
	struct lodger *lodger = *(struct lodger *const *)node;
	struct housing *housing = arg;
	uint64_t cgroup = lodger->pod->is_mirror && housing->has_owner ? 0 : housing->cgroup;

	if ((which != postorder && which != leaf) || strcmp(lodger->pod->uid, housing->uid) != 0 ||
	    lodger->cgroup == cgroup)
		return;
	lodger->cgroup = cgroup;
	housing->is_news = true;
	touch_services(housing->model, lodger->pod);
}

bool model_set_pod_cgroup(struct model *model, const char *uid, uint64_t cgroup)
{
	struct housing housing = {.model = model, .uid = uid, .cgroup = cgroup};

	twalk_r(model->lodgers, look_for_owner, &housing);
	twalk_r(model->lodgers, house, &housing);
	return housing.is_news;
}

size_t model_pod_count(const struct model *model)
{
	return model->lodger_count;
}

struct homeless {
	const struct model *model;
	const struct pod *pod; /* that is being looked at */
	bool is_excepted;
	size_t count;
};

static void look_whether_excepted(const void *node, VISIT which, void *arg)
{
	const struct model_entry *entry = *(struct model_entry *const *)node;
	struct homeless *homeless = arg;

	if ((which == postorder || which == leaf) && entry->service)
		homeless->is_excepted |=
			selector_is_met(entry->service->except, homeless->pod->labels);
}

static void count_homeless(const void *node, VISIT which, void *arg)
{
	const struct lodger *lodger = *(struct lodger *const *)node;
	struct homeless *homeless = arg;

	if ((which != postorder && which != leaf) || lodger->cgroup)
		return;
	homeless->pod = lodger->pod;
	homeless->is_excepted = false;
	twalk_r(homeless->model->entries, look_whether_excepted, homeless);
	if (!homeless->is_excepted)
		return;
	homeless->count++;
}

size_t model_homeless(const struct model *model)
{
	struct homeless homeless = {.model = model};

	twalk_r(model->lodgers, count_homeless, &homeless);
	return homeless.count;
}

void model_await_pods(struct model *model, bool awaited)
{
	if (model->pods_awaited == awaited)
		return;
	model->pods_awaited = awaited;
	touch_services(model, NULL);
}

bool model_awaits_pods(const struct model *model)
{
	return model->pods_awaited;
}

struct excepted {
	const struct selector *except;
	uint64_t *cgroups; /* NULL: only count */
	size_t count;
};

static void add_excepted(const void *node, VISIT which, void *arg)
{
	const struct lodger *lodger = *(struct lodger *const *)node;
	struct excepted *excepted = arg;

	if ((which != postorder && which != leaf) || !lodger->cgroup ||
	    !selector_is_met(excepted->except, lodger->pod->labels))
		return;
	if (excepted->cgroups)
		excepted->cgroups[excepted->count] = lodger->cgroup;
	excepted->count++;
}

static int compare_cgroups(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

int model_excepted(const struct model *model, const struct service *service, uint64_t **ret,
		   size_t *count)
{
	struct excepted excepted = {.except = service->except};
	size_t kept = 0;

	*ret = NULL;
	*count = 0;
	if (!service->except)
		return 0;
	twalk_r(model->lodgers, add_excepted, &excepted);
	if (!excepted.count)
		return 0;
	excepted.cgroups = calloc(excepted.count, sizeof(excepted.cgroups[0]));
	if (!excepted.cgroups)
		return -ENOMEM;
	excepted.count = 0;
	twalk_r(model->lodgers, add_excepted, &excepted);
	qsort(excepted.cgroups, excepted.count, sizeof(excepted.cgroups[0]), compare_cgroups);
	for (size_t i = 0; i < excepted.count; i++)
		if (!kept || excepted.cgroups[kept - 1] != excepted.cgroups[i])
			excepted.cgroups[kept++] = excepted.cgroups[i];
	*ret = excepted.cgroups;
	*count = kept;
	return 0;
}

static void touch(const void *node, VISIT which, void *model)
{
	struct model_entry *entry = *(struct model_entry *const *)node;

	if ((which == postorder || which == leaf) && entry->service)
		mark_changed(model, entry);
}

void model_touch_all(struct model *model)
{
	twalk_r(model->entries, touch, model);
}

struct visitor {
	model_visit visit;
	void *arg;
};

static void visit_service(const void *node, VISIT which, void *arg)
{
	const struct model_entry *entry = *(struct model_entry *const *)node;
	const struct visitor *visitor = arg;

	if ((which == postorder || which == leaf) && entry->service)
		visitor->visit(entry->key.namespace, entry->key.name, visitor->arg);
}

void model_visit_all(const struct model *model, model_visit visit, void *arg)
{
	struct visitor visitor = {visit, arg};

	twalk_r(model->entries, visit_service, &visitor);
}

size_t model_service_count(const struct model *model)
{
	return model->service_count;
}

size_t model_slice_count(const struct model *model)
{
	return model->slice_count;
}
