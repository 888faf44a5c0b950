// SPDX-License-Identifier: Apache-2.0
/*
 * A tree of names for each kind. A name has a list of those who name it, in the order in which they
 * count. What the first of them says is in the model; what the others say waits in the list.
 */
#include "model/store.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct naming;
TAILQ_HEAD(naming_list, naming);

struct name {
	const char *namespace; /* must be first: the trees compare these two */
	const char *name;
	enum store_kind kind;
	struct naming_list namings; /* in the order in which they count */
	struct naming *in_force;    /* of whom the model has the object */
	bool is_orphan;             /* nobody names it: in the store's list */
	uint64_t until_ms;          /* then */
	TAILQ_ENTRY(name) orphan;
	char text[];
};

TAILQ_HEAD(name_list, name);

/* That an origin names an object. */
struct naming {
	struct origin *origin;
	struct name *name;
	uint64_t round; /* of the origin, when it last did so */
	void *object;   /* NULL: the one in the model */
	bool is_second; /* it is refused, because another origin has the object */
	TAILQ_ENTRY(naming) of_name;
	TAILQ_ENTRY(naming) of_origin;
};

struct origin {
	struct store *store;
	size_t rank;
	bool is_exclusive;
	uint64_t round;
	bool has_refusals;
	size_t seconds; /* namings that are second */
	struct naming_list namings;
	TAILQ_ENTRY(origin) entry;
	char place[];
};
TAILQ_HEAD(origin_list, origin);

struct store {
	const struct store_ops *ops;
	void *arg;
	struct model *model;
	void *names[STORE_KIND_MAX_]; /* tsearch(3) */
	struct origin_list origins;
	struct name_list orphans;
	struct refused refused;
	size_t seconds;
	bool changed;
};

/* How a kind is kept. */
struct kind {
	const char *title;
	void (*read_name)(const void *object, const char **namespace, const char **name);
	const void *(*find)(const struct model *model, const char *namespace, const char *name);
	int (*exchange)(struct model *model, void *object, void **old);
	void (*remove)(struct model *model, const char *namespace, const char *name);
	bool (*says_same)(const void *object, const void *held);
	void (*free)(void *object);
};

#define KIND(type)                                                                                 \
	static void read_##type##_name(const void *object, const char **namespace,                 \
				       const char **name)                                          \
	{                                                                                          \
		const struct type *named = object;                                                 \
		*namespace = named->namespace;                                                     \
		*name = named->name;                                                               \
	}                                                                                          \
	static const void *find_##type(const struct model *model, const char *namespace,           \
				       const char *name)                                           \
	{                                                                                          \
		return model_find_##type(model, namespace, name);                                  \
	}                                                                                          \
	static int exchange_##type(struct model *model, void *object, void **old)                  \
	{                                                                                          \
		struct type *replaced;                                                             \
		int err = model_exchange_##type(model, object, &replaced);                         \
		*old = replaced;                                                                   \
		return err;                                                                        \
	}                                                                                          \
	static bool type##_is_same(const void *object, const void *held)                           \
	{                                                                                          \
		return type##_says_same(object, held);                                             \
	}                                                                                          \
	static void free_##type(void *object)                                                      \
	{                                                                                          \
		type##_free(object);                                                               \
	}

KIND(service)
KIND(slice)
KIND(pod)

#define KIND_ROW(title, type)                                                                      \
	{                                                                                          \
		title, read_##type##_name, find_##type, exchange_##type, model_remove_##type,      \
			type##_is_same, free_##type                                                \
	}
static const struct kind kinds[STORE_KIND_MAX_] = {
	[STORE_SERVICE] = KIND_ROW("Service", service),
	[STORE_SLICE] = KIND_ROW("EndpointSlice", slice),
	[STORE_POD] = KIND_ROW("Pod", pod),
};

static int compare_names(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int order = strcmp(x->namespace, y->namespace);

	return order ? order : strcmp(x->name, y->name);
}

static struct name *find_name(const struct store *store, enum store_kind kind,
			      const char *namespace, const char *name)
{
	struct name key = {.namespace = namespace, .name = name};
	struct name **found = tfind(&key, &store->names[kind], compare_names);

	return found ? *found : NULL;
}

static struct name *add_name(struct store *store, enum store_kind kind, const char *namespace,
			     const char *name)
{
	size_t length = strlen(namespace) + 1;
	struct name *added = calloc(1, sizeof(*added) + length + strlen(name) + 1);

	if (!added)
		return NULL;
	added->namespace = memcpy(added->text, namespace, length);
	added->name = strcpy(added->text + length, name);
	added->kind = kind;
	TAILQ_INIT(&added->namings);
	if (tsearch(added, &store->names[kind], compare_names))
		return added;
	free(added);
	return NULL;
}

int store_new(const struct store_ops *ops, void *arg, struct store **ret)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return -ENOMEM;
	if (model_new(&store->model)) {
		free(store);
		return -ENOMEM;
	}
	store->ops = ops;
	store->arg = arg;
	TAILQ_INIT(&store->origins);
	TAILQ_INIT(&store->orphans);
	*ret = store;
	return 0;
}

void store_free(struct store *store)
{
	struct naming *naming;
	struct origin *origin;

	if (!store)
		return;
	while ((origin = TAILQ_FIRST(&store->origins))) {
		TAILQ_REMOVE(&store->origins, origin, entry);
		while ((naming = TAILQ_FIRST(&origin->namings))) {
			TAILQ_REMOVE(&origin->namings, naming, of_origin);
			kinds[naming->name->kind].free(naming->object);
			free(naming);
		}
		free(origin);
	}
	for (int kind = 0; kind < STORE_KIND_MAX_; kind++)
		tdestroy(store->names[kind], free);
	refused_done(&store->refused);
	model_free(store->model);
	free(store);
}

struct model *store_model(struct store *store)
{
	return store->model;
}

bool store_take_changed(struct store *store)
{
	bool changed = store->changed;

	store->changed = false;
	return changed;
}

int store_add_origin(struct store *store, const struct origin_setup *setup, struct origin **ret)
{
	size_t size = strlen(setup->place) + 1;
	struct origin *origin = calloc(1, sizeof(*origin) + size);

	if (!origin)
		return -ENOMEM;
	origin->store = store;
	origin->rank = setup->rank;
	origin->is_exclusive = setup->is_exclusive;
	memcpy(origin->place, setup->place, size);
	TAILQ_INIT(&origin->namings);
	TAILQ_INSERT_TAIL(&store->origins, origin, entry);
	*ret = origin;
	return 0;
}

/* As strcmp: the one that counts comes first. */
static int compare_origins(const struct origin *a, const struct origin *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return strcmp(a->place, b->place);
}

static void forget_second(struct naming *naming)
{
	if (!naming->is_second)
		return;
	naming->is_second = false;
	naming->origin->seconds--;
	naming->origin->store->seconds--;
}

#define SECOND_TEXT_MAX 640

static void describe_second(const struct naming *naming, char *object, char *message)
{
	const struct name *name = naming->name;

	snprintf(object, SECOND_TEXT_MAX, "%s '%s/%s'", kinds[name->kind].title, name->namespace,
		 name->name);
	snprintf(message, SECOND_TEXT_MAX,
		 "another file that comes first has it, too: remove it from one of them: '%.500s'",
		 TAILQ_FIRST(&name->namings)->origin->place);
}

/* Another origin has the object that this one names. */
static void tell_second(struct naming *naming)
{
	struct origin *origin = naming->origin;
	const struct store *store = origin->store;
	char object[SECOND_TEXT_MAX], message[SECOND_TEXT_MAX];

	if (!origin->is_exclusive)
		return;
	if (!naming->is_second) {
		naming->is_second = true;
		origin->seconds++;
		origin->store->seconds++;
	}
	if (!store->ops->refused)
		return;
	describe_second(naming, object, message);
	store->ops->refused(origin->place, object, message, store->arg);
}

static void tell_accepted(const struct store *store, const char *place)
{
	if (store->ops->accepted)
		store->ops->accepted(place, store->arg);
}

/* What an origin says is in force. Without memory what was in force stays so, in its name. */
static int enforce(struct naming *naming, void *object)
{
	struct store *store = naming->origin->store;
	struct name *name = naming->name;
	const struct kind *kind = &kinds[name->kind];
	const void *held = kind->find(store->model, name->namespace, name->name);
	struct naming *before = name->in_force;
	void *replaced = object;
	int err = 0;

	name->in_force = naming;
	if (object && (!held || !kind->says_same(object, held))) {
		err = kind->exchange(store->model, object, &replaced);
		if (!err) {
			store->changed = true;
			if (store->ops->put)
				store->ops->put(name->kind, object, replaced, store->arg);
		}
	}
	if (before && before != naming) {
		before->object = replaced;
		tell_second(before);
	} else {
		kind->free(replaced);
	}
	return err;
}

/* The one that counts first now may be another one than before. */
static int settle(struct name *name)
{
	struct naming *first = TAILQ_FIRST(&name->namings);
	void *object;

	if (first == name->in_force)
		return 0;
	if (first->is_second) {
		forget_second(first);
		tell_accepted(first->origin->store, first->origin->place);
	}
	object = first->object;
	first->object = NULL;
	return enforce(first, object);
}

/* At its place in the order. Of equals the one that spoke last comes first. */
static void insert_naming(struct naming *naming)
{
	struct naming_list *list = &naming->name->namings;
	struct naming *next = TAILQ_FIRST(list);

	while (next && compare_origins(next->origin, naming->origin) < 0)
		next = TAILQ_NEXT(next, of_name);
	if (next)
		TAILQ_INSERT_BEFORE(next, naming, of_name);
	else
		TAILQ_INSERT_TAIL(list, naming, of_name);
}

static void move_naming(struct naming *naming)
{
	TAILQ_REMOVE(&naming->name->namings, naming, of_name);
	insert_naming(naming);
}

static struct naming *find_naming(const struct origin *origin, const struct name *name)
{
	struct naming *naming = name ? TAILQ_FIRST(&name->namings) : NULL;

	while (naming && naming->origin != origin)
		naming = TAILQ_NEXT(naming, of_name);
	return naming;
}

static struct naming *add_naming(struct origin *origin, struct name *name)
{
	struct naming *naming = calloc(1, sizeof(*naming));

	if (!naming)
		return NULL;
	naming->origin = origin;
	naming->name = name;
	TAILQ_INSERT_TAIL(&origin->namings, naming, of_origin);
	insert_naming(naming);
	if (name->is_orphan)
		TAILQ_REMOVE(&origin->store->orphans, name, orphan);
	name->is_orphan = false;
	return naming;
}

static void remove_name(struct store *store, struct name *name)
{
	const struct kind *kind = &kinds[name->kind];

	tdelete(name, &store->names[name->kind], compare_names);
	if (kind->find(store->model, name->namespace, name->name)) {
		kind->remove(store->model, name->namespace, name->name);
		store->changed = true;
		if (store->ops->removed)
			store->ops->removed(name->kind, name->namespace, name->name, store->arg);
	}
	free(name);
}

/* until_ms as of store_drop_origin(). */
static void end_naming(struct naming *naming, uint64_t until_ms)
{
	struct store *store = naming->origin->store;
	struct name *name = naming->name;

	forget_second(naming);
	TAILQ_REMOVE(&naming->origin->namings, naming, of_origin);
	TAILQ_REMOVE(&name->namings, naming, of_name);
	if (name->in_force == naming)
		name->in_force = NULL;
	kinds[name->kind].free(naming->object);
	free(naming);
	if (!TAILQ_EMPTY(&name->namings)) {
		settle(name);
	} else if (until_ms) {
		name->is_orphan = true;
		name->until_ms = until_ms;
		TAILQ_INSERT_TAIL(&store->orphans, name, orphan);
	} else {
		remove_name(store, name);
	}
}

static bool admit(const struct store *store, enum store_kind kind, void *object)
{
	const char *namespace, *name;

	if (!store->ops->admit)
		return true;
	kinds[kind].read_name(object, &namespace, &name);
	return store->ops->admit(kind, object, kinds[kind].find(store->model, namespace, name),
				 store->arg);
}

int store_put(struct origin *origin, enum store_kind kind, void *object)
{
	struct store *store = origin->store;
	const char *namespace, *text;
	struct naming *naming;
	struct name *name;

	kinds[kind].read_name(object, &namespace, &text);
	if (!admit(store, kind, object)) {
		store_drop(origin, kind, namespace, text);
		kinds[kind].free(object);
		return 0;
	}
	name = find_name(store, kind, namespace, text);
	if (!name)
		name = add_name(store, kind, namespace, text);
	naming = find_naming(origin, name);
	if (name && !naming)
		naming = add_naming(origin, name);
	else if (naming)
		move_naming(naming);
	if (!naming) {
		kinds[kind].free(object);
		if (name && TAILQ_EMPTY(&name->namings) && !name->is_orphan)
			remove_name(store, name);
		return -ENOMEM;
	}
	naming->round = origin->round;
	kinds[kind].free(naming->object);
	naming->object = NULL;
	if (TAILQ_FIRST(&name->namings) == naming)
		return enforce(naming, object);
	naming->object = object;
	tell_second(naming);
	return 0;
}

bool store_keep(struct origin *origin, enum store_kind kind, const char *namespace,
		const char *name)
{
	const struct name *found = find_name(origin->store, kind, namespace, name);
	struct naming *naming = find_naming(origin, found);

	if (naming)
		naming->round = origin->round;
	return naming;
}

void store_drop(struct origin *origin, enum store_kind kind, const char *namespace,
		const char *name)
{
	const struct name *found = find_name(origin->store, kind, namespace, name);
	struct naming *naming = find_naming(origin, found);

	if (naming)
		end_naming(naming, 0);
}

void store_inherit(struct origin *origin, struct origin *from)
{
	struct naming *naming;

	while ((naming = TAILQ_FIRST(&from->namings))) {
		if (find_naming(origin, naming->name)) {
			end_naming(naming, 0);
			continue;
		}
		forget_second(naming);
		TAILQ_REMOVE(&from->namings, naming, of_origin);
		TAILQ_INSERT_TAIL(&origin->namings, naming, of_origin);
		naming->origin = origin;
		naming->round = origin->round - 1;
		move_naming(naming);
		settle(naming->name);
	}
}

bool store_has_refusals(const struct origin *origin)
{
	return origin->seconds || origin->has_refusals;
}

static void accept_all(struct origin *origin)
{
	struct naming *naming;

	if (!store_has_refusals(origin))
		return;
	if (origin->seconds)
		TAILQ_FOREACH(naming, &origin->namings, of_origin)
			forget_second(naming);
	origin->has_refusals = false;
	refused_mend(&origin->store->refused, origin->place);
	tell_accepted(origin->store, origin->place);
}

void store_begin(struct origin *origin)
{
	origin->round++;
	accept_all(origin);
}

void store_end(struct origin *origin, uint64_t until_ms)
{
	struct naming *naming, *next;

	for (naming = TAILQ_FIRST(&origin->namings); naming; naming = next) {
		next = TAILQ_NEXT(naming, of_origin);
		if (naming->round != origin->round)
			end_naming(naming, until_ms);
	}
}

void store_drop_origin(struct origin *origin, uint64_t until_ms)
{
	struct naming *naming;

	if (!origin)
		return;
	accept_all(origin);
	while ((naming = TAILQ_FIRST(&origin->namings)))
		end_naming(naming, until_ms);
	TAILQ_REMOVE(&origin->store->origins, origin, entry);
	free(origin);
}

uint64_t store_expire(struct store *store, uint64_t now_ms)
{
	struct name *name, *next;
	uint64_t next_ms = 0;

	for (name = TAILQ_FIRST(&store->orphans); name; name = next) {
		next = TAILQ_NEXT(name, orphan);
		if (name->until_ms <= now_ms) {
			TAILQ_REMOVE(&store->orphans, name, orphan);
			remove_name(store, name);
		} else if (!next_ms || name->until_ms < next_ms) {
			next_ms = name->until_ms;
		}
	}
	return next_ms;
}

const char *store_find_place(const struct store *store, enum store_kind kind, const char *namespace,
			     const char *name)
{
	const struct name *found = find_name(store, kind, namespace, name);

	return found && !found->is_orphan ? TAILQ_FIRST(&found->namings)->origin->place : NULL;
}

void store_refuse_at(struct store *store, const char *place, const char *object,
		     const char *message)
{
	char text[GW_NOTE_TEXT_MAX];

	snprintf(text, sizeof(text), "%s%s%s", object, *object ? ": " : "", message);
	refused_add(&store->refused, place, text);
	if (store->ops->refused)
		store->ops->refused(place, object, message, store->arg);
}

void store_refuse(struct origin *origin, const char *object, const char *message)
{
	origin->has_refusals = true;
	store_refuse_at(origin->store, origin->place, object, message);
}

void store_accept_at(struct store *store, const char *place)
{
	if (refused_mend(&store->refused, place))
		tell_accepted(store, place);
}

bool store_has_refusals_at(const struct store *store, const char *place)
{
	const struct origin *origin;

	if (store->seconds)
		TAILQ_FOREACH(origin, &store->origins, entry)
			if (origin->seconds && !strcmp(origin->place, place))
				return true;
	return refused_has(&store->refused, place);
}

size_t store_refusal_count(const struct store *store)
{
	return store->refused.count + store->seconds;
}

static void visit_seconds(const struct origin *origin, refused_visit visit, void *arg)
{
	char object[SECOND_TEXT_MAX], message[SECOND_TEXT_MAX];
	char text[sizeof(object) + sizeof(message) + 2];
	const struct naming *naming;
	size_t count = 0;

	TAILQ_FOREACH(naming, &origin->namings, of_origin) {
		if (!naming->is_second)
			continue;
		if (count++ == REFUSED_TEXTS_MAX)
			return;
		describe_second(naming, object, message);
		snprintf(text, sizeof(text), "%s: %s", object, message);
		visit(origin->place, text, arg);
	}
}

void store_visit_refusals(const struct store *store, refused_visit visit, void *arg)
{
	const struct origin *origin;

	refused_visit_all(&store->refused, visit, arg);
	if (store->seconds)
		TAILQ_FOREACH(origin, &store->origins, entry)
			if (origin->seconds)
				visit_seconds(origin, visit, arg);
}
