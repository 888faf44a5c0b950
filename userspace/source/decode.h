/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From JSON to objects, for every source. Knows the shape of v1 Service, Endpoints and Pod, and of
 * discovery.k8s.io/v1 and v1beta1 EndpointSlice; knows nothing of files or HTTP.
 */
#ifndef GWBPF_SOURCE_DECODE_H
#define GWBPF_SOURCE_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "model/object.h"

#define DECODE_MESSAGE_MAX 512
#define DECODE_ENDPOINTS_MAX 1000 /* of one slice: what the API server allows */
#define DECODE_PORTS_MAX 1000

enum object_kind {
	OBJECT_OTHER, /* not ours: skip it */
	OBJECT_LIST,
	OBJECT_SERVICE,
	OBJECT_SLICE,
	OBJECT_ENDPOINTS, /* from before EndpointSlices: one becomes several slices */
	OBJECT_POD,
	OBJECT_UNREADABLE, /* it says what a Service or its endpoints are, in a way we cannot read */
};

/* What one JSON value is, by apiVersion and kind. */
enum object_kind decode_kind(const json_t *value);

/* What an item of a list is. One of a typed list ("ServiceList") that lacks both apiVersion and
 * kind, as the API server sends them, is of the kind that the list names. */
enum object_kind decode_item_kind(const json_t *list, const json_t *item);

/*
 * The name that an object goes by, also of one that was refused whole, so that what was known under
 * it before can be told from what is gone. A missing namespace is "default". Both are value's.
 * -EINVAL if there is no valid name.
 */
int decode_name(const json_t *value, const char **namespace, const char **name);

/* An object, or one part of it, that is refused. object: "Service 'fabric/org1-peer-gateway-svc'",
 * or "" where not even a name can be told. message: what is wrong and the remedy. Of one object
 * at most 21 are told, the last one saying how many more there are. */
typedef void (*decode_refuse)(const char *object, const char *message, void *arg);

/*
 * Decode one object. Parts that can be refused alone (one endpoint, one port, one annotation) are:
 * each is told to refuse, the rest is returned. -EINVAL if the whole is refused (also told),
 * -ENOMEM. The object belongs to the caller.
 *
 * -ENOENT, which is not told: a slice that is none of any Service's here, as it names none
 * (KEP-6116) or has the label service.kubernetes.io/headless, by which kube-proxy leaves it out; a
 * pod that has no process: it has ended, or was never made and so has no UID.
 *
 * A bad annotation leaves its reason in the Service's invalid. A slice of addressType FQDN, which
 * kube-proxy ignores, comes back without ports and endpoints.
 */
int decode_service(const json_t *value, decode_refuse refuse, void *arg, struct service **ret);
int decode_slice(const json_t *value, decode_refuse refuse, void *arg, struct slice **ret);
int decode_pod(const json_t *value, decode_refuse refuse, void *arg, struct pod **ret);

/*
 * The slices that Kubernetes' mirroring controller makes of a v1 Endpoints object, with names that
 * no real slice can have: "name/0", "name/1" and so on. None for one that it leaves out. Array and
 * slices belong to the caller. Errors as above; on error there are none.
 */
int decode_endpoints(const json_t *value, decode_refuse refuse, void *arg, struct slice ***ret,
		     size_t *count);

#endif
