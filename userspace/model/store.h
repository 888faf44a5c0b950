/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the origins say: objects by name, and of each name which origin's object is in force. An
 * origin is a file, or a watch of the API server. What it no longer names goes; of two origins that
 * name the same object the one that ranks higher counts, and the other one's object is kept and
 * takes over when the first lets go. What says nothing new is no change. Also what is refused, and
 * why. Pure: reads no file and no clock.
 */
#ifndef GWBPF_MODEL_STORE_H
#define GWBPF_MODEL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"
#include "model/refused.h"

/* Each is a row of the table in store.c. */
enum store_kind {
	STORE_SERVICE, /* struct service */
	STORE_SLICE,   /* struct slice */
	STORE_POD,     /* struct pod */
	STORE_KIND_MAX_
};

/* Any of them may be NULL. They must not change the store. */
struct store_ops {
	/* An object is about to be looked at, and may be changed; held: the one in force under its
	 * name, or NULL. false: it is none of ours, and its origin does not name it. */
	bool (*admit)(enum store_kind kind, void *object, const void *held, void *arg);
	/* An object is in force, in place of old, or NULL. Both stay the store's. */
	void (*put)(enum store_kind kind, const void *object, const void *old, void *arg);
	void (*removed)(enum store_kind kind, const char *namespace, const char *name, void *arg);
	/* See store_refuse(), store_accept_at(). */
	void (*refused)(const char *place, const char *object, const char *message, void *arg);
	void (*accepted)(const char *place, void *arg);
};

struct store;
struct origin;

/* ops must outlive the store. -ENOMEM */
int store_new(const struct store_ops *ops, void *arg, struct store **ret);
void store_free(struct store *store); /* takes NULL; its origins too; tells nothing */

/* What is in force, by Service. */
struct model *store_model(struct store *store);

/* Whether anything came into force, or went, since the last call. */
bool store_take_changed(struct store *store);

struct origin_setup {
	const char *place; /* its name for people; need not outlive the call */
	size_t rank;       /* the lower counts; of equals the lesser place; else who spoke last */
	bool is_exclusive; /* an object that a higher origin has is refused here, with a message */
};

/* It names nothing yet. -ENOMEM */
int store_add_origin(struct store *store, const struct origin_setup *setup, struct origin **ret);

/* It names nothing any more, and is gone. What is refused there is accepted. What no other origin
 * names stays until store_expire() is called at until_ms or later; 0: it goes at once. Takes NULL. */
void store_drop_origin(struct origin *origin, uint64_t until_ms);

/* What nobody has named until now goes. Returns when to call again; 0: never. */
uint64_t store_expire(struct store *store, uint64_t now_ms);

/*
 * The origin tells all it has, from here to store_end(): what it does not name in between it names
 * no more; until_ms as of store_drop_origin(). What was refused there is accepted. Until
 * store_end() nothing goes: whoever cannot read on does not call it. An origin may also put and
 * drop single objects at any time.
 */
void store_begin(struct origin *origin);
void store_end(struct origin *origin, uint64_t until_ms);

/*
 * The origin names an object. The store owns it from then on, also on failure (-ENOMEM: what was in
 * force stays). It comes into force if no higher origin names it and if it says something new.
 */
int store_put(struct origin *origin, enum store_kind kind, void *object);

/* What it said of this object last stays. Returns whether it said anything. */
bool store_keep(struct origin *origin, enum store_kind kind, const char *namespace,
		const char *name);

/* It no longer names the object, which goes at once if nobody does. Of no effect if it did not. */
void store_drop(struct origin *origin, enum store_kind kind, const char *namespace,
		const char *name);

/* What `from` names and `origin` does not is named by `origin` from now on, as if told before its
 * store_begin(); from names nothing any more. Cannot fail. */
void store_inherit(struct origin *origin, struct origin *from);

/* The place of the origin whose object is in force; NULL: no origin names it. */
const char *store_find_place(const struct store *store, enum store_kind kind, const char *namespace,
			     const char *name);

/* object ("": all of it), or a part of it, is refused in this origin. message: why, and the remedy.
 * What the origin names stays as it is. */
void store_refuse(struct origin *origin, const char *object, const char *message);

/* Whether anything is. */
bool store_has_refusals(const struct origin *origin);

/* The same at a place that is no origin, or one object's alone; and that nothing is refused there
 * any more, which may change again at once. */
void store_refuse_at(struct store *store, const char *place, const char *object,
		     const char *message);
void store_accept_at(struct store *store, const char *place);
bool store_has_refusals_at(const struct store *store, const char *place);

/* What is refused now. */
size_t store_refusal_count(const struct store *store);
void store_visit_refusals(const struct store *store, refused_visit visit, void *arg);

#endif
