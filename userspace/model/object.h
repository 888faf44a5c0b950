/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Kubernetes objects that matter here, as plain values: what a source decodes and the model
 * keeps. Every string and array belongs to its object; a missing string is "", never NULL.
 */
#ifndef GWBPF_MODEL_OBJECT_H
#define GWBPF_MODEL_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gwbpf/abi.h>

#include "model/selector.h"
#include "model/settings.h"
#include "model/weights.h"

#define SERVICE_VIPS_MAX 2 /* one per address family */

struct service_port {
	char *name; /* "" for the only, unnamed port */
	uint16_t port;
};

struct service {
	char *namespace;
	char *name;
	bool enabled;       /* label gwbpf.io/enabled: "true" */
	bool headless;      /* cluster IP "None", none at all, or the headless label */
	bool external_name; /* type ExternalName */
	bool other_proxy;   /* label service.kubernetes.io/service-proxy-name */
	bool local_only;    /* internalTrafficPolicy: Local */
	bool client_ip_affinity;
	uint32_t affinity_timeout_s; /* 10800 unless the Service says otherwise */
	struct gw_addr vips[SERVICE_VIPS_MAX];
	size_t vip_count;
	struct service_port *ports; /* TCP only */
	size_t port_count;
	struct settings settings;
	struct weights *weights; /* of its pods; 1 where nothing matches */
	struct weights *drain;   /* pods of weight 0, whatever weights says */
	struct selector *except; /* pods whose connects are left to kube-proxy */
	uint32_t
		annotated; /* which annotations they come from, a bit for each row (annotations.h) */
	bool settings_good;  /* they are its own, or kept from the object that this one replaced */
	char *invalid;       /* why its own settings are refused; "": they are not */
	double created_time; /* since 1970; 0: not known */
};

struct slice_port {
	char *name;
	uint16_t port;
};

struct endpoint {
	struct gw_addr address; /* addresses[0] */
	bool ready;
	bool serving;
	bool terminating;
	char *node;
	char *zone;
	char *pod;        /* the name of a targetRef of kind Pod */
	char *zone_hints; /* names, each followed by '\n' */
	char *node_hints; /* likewise */
};

enum address_family {
	FAMILY_IPV4 = 4,
	FAMILY_IPV6 = 6,
};

struct slice {
	char *namespace;
	char *name;
	char *service; /* label kubernetes.io/service-name */
	enum address_family family;
	struct slice_port *ports; /* TCP only, with a name and a port from 1 on */
	size_t port_count;
	struct endpoint *endpoints;
	size_t endpoint_count;
	bool mirrored; /* made of an Endpoints object: counts where the Service has no other */
	double changed_time; /* of what made it change, since 1970; 0: not known. Says nothing else */
	char *text;          /* NULL, or what holds every string of the slice: slice_pack() */
};

/* A pod, as a client. */
struct pod {
	char *namespace;
	char *name;
	char *uid;      /* as the kubelet names its cgroup by it */
	bool is_mirror; /* uid is what an annotation says, which anybody may write who makes pods */
	char *node;     /* "": it has none */
	struct labels *labels; /* NULL: none */
};

/* The timeout of its session affinity in seconds; 0: it has none. */
uint32_t service_affinity_s(const struct service *service);

/* The older first; what has no known age comes last. 0: nothing tells them apart. */
int service_compare_ages(const struct service *a, const struct service *b);

/* Give a Service what annotations set on another one: settings, weights, drain, except. -ENOMEM:
 * nothing has changed. */
int service_copy_settings(struct service *service, const struct service *from);

/*
 * Whether an object that was read says nothing that the held one of its name does not say, so that
 * it need not be taken in. A Service whose settings are refused, as those of the held one are for
 * the same reason, goes on with the settings of the held one: its own do not count.
 */
bool service_says_same(const struct service *service, const struct service *held);
bool slice_says_same(const struct slice *slice, const struct slice *held);
bool pod_says_same(const struct pod *pod, const struct pod *held);

/* How much one of its pods gets, in relation to the others; 0: no new connections. */
uint16_t service_weight_of(const struct service *service, const char *pod);
bool service_names_drain(const struct service *service, const char *pod); /* gwbpf.io/drain does */

void service_free(struct service *service); /* takes NULL */
void slice_free(struct slice *slice);       /* takes NULL */
void pod_free(struct pod *pod);             /* takes NULL */

/* Move all strings into one block, which takes half the memory. Of no effect without memory. */
void slice_pack(struct slice *slice);

#endif
