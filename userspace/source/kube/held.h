/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of the objects that a watch has delivered, so that a list that lacks one tells that it
 * is gone: also a Node, and what was refused, which the store has nothing of. Pure.
 */
#ifndef GWBPF_SOURCE_KUBE_HELD_H
#define GWBPF_SOURCE_KUBE_HELD_H

#include <stdbool.h>
#include <stddef.h>

struct kube_held;

int kube_held_new(struct kube_held **ret);   /* -ENOMEM */
void kube_held_free(struct kube_held *held); /* takes NULL */

/* namespace "" for what has none. Names hold no slash. */
int kube_held_add(struct kube_held *held, const char *namespace, const char *name); /* -ENOMEM */
bool kube_held_drop(struct kube_held *held, const char *namespace, const char *name);
bool kube_held_has(const struct kube_held *held, const char *namespace, const char *name);
size_t kube_held_count(const struct kube_held *held);

/* Add all that another one has, but not to a list that is under way. -ENOMEM */
int kube_held_inherit(struct kube_held *held, const struct kube_held *from);

/* A list begins, again if it did not come to its end: what is added from now on is in it. */
int kube_held_begin_list(struct kube_held *held); /* -ENOMEM */

typedef void (*kube_held_visit)(const char *namespace, const char *name, void *arg);
/* It is whole: drop and visit all that it lacks. */
void kube_held_end_list(struct kube_held *held, kube_held_visit visit, void *arg);

/* Drop and visit all, whether a list is under way or not. */
void kube_held_drop_all(struct kube_held *held, kube_held_visit visit, void *arg);

#endif
