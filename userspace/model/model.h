/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All Services and EndpointSlices as the source last told them, by name, and which Services have
 * changed since they were last looked at. No I/O.
 */
#ifndef GWBPF_MODEL_MODEL_H
#define GWBPF_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "model/object.h"

struct model;

int model_new(struct model **ret);    /* -ENOMEM */
void model_free(struct model *model); /* takes NULL */

/*
 * Take an object in, in place of the one with the same namespace and name. The model owns it from
 * then on, also on failure (-ENOMEM; then the old object stays). The Service that it belongs to
 * becomes changed; a slice that moves to another Service changes both.
 *
 * A Service whose settings are refused (invalid) keeps settings, weights and drain of the object it
 * replaces, and stays invalid; one that replaces none keeps those that it comes with.
 */
int model_put_service(struct model *model, struct service *service);
int model_put_slice(struct model *model, struct slice *slice);

/* The same, but the object that was there is the caller's: NULL if there was none. */
int model_exchange_service(struct model *model, struct service *service, struct service **old);
int model_exchange_slice(struct model *model, struct slice *slice, struct slice **old);
int model_exchange_pod(struct model *model, struct pod *pod, struct pod **old);

/*
 * Whether the slices of a Service are still to be read from its source. Until they are, what they
 * say is not known, which is another thing than that there are none. Of no effect on a
 * name without a Service, and over when the Service is removed. Changes the Service.
 */
void model_await_slices(struct model *model, const char *namespace, const char *name, bool awaited);
bool model_awaits_slices(const struct model *model, const char *namespace, const char *name);

/*
 * The pods of this node, as clients, and in which cgroup each runs, once that is known. A change
 * of one changes the Services whose clients-except it meets or has met. Nothing is said of a pod
 * whose cgroup is not known (0). pod is the model's from then on, also on failure (-ENOMEM); one that
 * takes another one's name with the same UID keeps its cgroup.
 */
int model_put_pod(struct model *model, struct pod *pod);
bool model_set_pod_cgroup(struct model *model, const char *uid, uint64_t cgroup); /* it is news */
size_t model_pod_count(const struct model *model);

/* How many pods some Service excepts whose cgroup is not known. */
size_t model_homeless(const struct model *model);

/* Whether the pods of this node are still to be read: then a Service with clients-except is none of
 * ours yet. Changes these Services. */
void model_await_pods(struct model *model, bool awaited);
bool model_awaits_pods(const struct model *model);

/* The cgroups of the pods that a Service excepts, in order, the caller's; NULL: there are none.
 * -ENOMEM */
int model_excepted(const struct model *model, const struct service *service, uint64_t **ret,
		   size_t *count);

/* Forget an object. One that is not there is no error. */
void model_remove_service(struct model *model, const char *namespace, const char *name);
void model_remove_slice(struct model *model, const char *namespace, const char *name);
void model_remove_pod(struct model *model, const char *namespace, const char *name);

/* NULL if there is none. Valid until the model changes. */
const struct service *model_find_service(const struct model *model, const char *namespace,
					 const char *name);
const struct slice *model_find_slice(const struct model *model, const char *namespace,
				     const char *name);
const struct pod *model_find_pod(const struct model *model, const char *namespace,
				 const char *name);

/* The slices of a Service, ordered by name; valid until the model changes. */
size_t model_slices(const struct model *model, const char *namespace, const char *name,
		    const struct slice *const **ret);

/*
 * Call visit for every Service name that changed since the last call, existing or gone, in order
 * of age (service_compare_ages), then of namespace and name; then none is changed. visit must not
 * change the model, and returns whether it is done with the name: one that it is not done with
 * stays changed.
 */
typedef bool (*model_visit)(const char *namespace, const char *name, void *arg);
void model_visit_changed(struct model *model, model_visit visit, void *arg);

/* Mark every Service changed: after the node's zone changed. */
void model_touch_all(struct model *model);

/* Call visit for every Service in order of namespace and name. */
void model_visit_all(const struct model *model, model_visit visit, void *arg);

size_t model_service_count(const struct model *model);
size_t model_slice_count(const struct model *model);

#endif
