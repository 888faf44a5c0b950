/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From JSON to objects, for every source. Knows the shape of v1 Service and discovery.k8s.io/v1
 * EndpointSlice; knows nothing of files or HTTP.
 */
#ifndef GWBPF_SOURCE_DECODE_H
#define GWBPF_SOURCE_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "model/object.h"

#define DECODE_MESSAGE_MAX 512

enum object_kind {
	OBJECT_OTHER, /* not ours: skip it */
	OBJECT_LIST,
	OBJECT_SERVICE,
	OBJECT_SLICE,
};

/* What one JSON value is, by apiVersion and kind. An item of a typed list ("ServiceList") that
 * lacks both is of the kind that the list names. */
enum object_kind decode_kind(const json_t *value);

/* An object, or one part of it, that is refused. object: "Service 'fabric/org1-peer-gateway-svc'",
 * or "" where not even a name can be told. message: what is wrong and the remedy. */
typedef void (*decode_refuse)(const char *object, const char *message, void *arg);

/*
 * Decode one object. Parts that can be refused alone (one endpoint, one annotation) are: each is
 * told to refuse, the rest is returned. -EINVAL if the whole is refused (also told), -ENOMEM.
 * The object belongs to the caller.
 */
int decode_service(const json_t *value, decode_refuse refuse, void *arg, struct service **ret);
int decode_slice(const json_t *value, decode_refuse refuse, void *arg, struct slice **ret);

#endif
