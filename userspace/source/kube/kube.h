/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Kubernetes source: labelled and named Services, their EndpointSlices, this node's zone, and
 * its pods while a Service asks for them (gwbpf.io/clients-except),
 * from the API server into the sink. Whatever happens there, what was delivered stays in force
 * until the API server itself says otherwise. Does not log, and knows nothing of what the sink
 * does.
 */
#ifndef GWBPF_SOURCE_KUBE_KUBE_H
#define GWBPF_SOURCE_KUBE_KUBE_H

#include <stdbool.h>
#include <stddef.h>

#include "source/sink.h"

struct event_base;
struct kube_source;
struct kube_timing;

struct kube_options {
	const char *kubeconfig;      /* a path; NULL: the service account of this pod */
	bool kubeconfig_is_list;     /* of paths, "a:b", as of $KUBECONFIG */
	const char *context;         /* NULL: the current one of the kubeconfig */
	const char *namespace;       /* NULL: all */
	const char *const *services; /* "NAMESPACE/NAME": followed though they have no label */
	size_t service_count;
	const char *node;
	const char *zone;                 /* NULL: the Node's label, watched */
	const struct kube_timing *timing; /* NULL: kube_timing_default */
	/* Called for each socket to the API server before it connects; NULL: nobody cares. */
	void (*own)(int fd, void *arg);
	void *own_arg;
};

/* Whether the options, and the configuration that they name, are such that one can start with them.
 * If not, the sink's failed() is told why; no other function of it is called. -EINVAL or what open(2)
 * says; -ENOMEM */
int kube_source_check(const struct kube_options *options, const struct sink *sink);

/*
 * Start to list and watch. options may go once this returns; sink must outlive the source. The sink
 * is called from base's loop, its failed() also from here; it must not stop the source from there.
 * commit() is called only once everything was listed, so always with complete == true.
 * -EINVAL or what open(2) says if the options or the configuration are unusable: failed() was told.
 * -ENOMEM, -EMFILE. Ignores SIGPIPE for the whole process: TLS writes to connections that are gone.
 */
int kube_source_start(struct event_base *base, const struct kube_options *options,
		      const struct sink *sink, struct kube_source **ret);
void kube_source_stop(struct kube_source *source); /* takes NULL */

/* Whether everything was listed at least once; it stays so. */
bool kube_source_is_synced(const struct kube_source *source);

/* What cannot be read at the moment: the last message of failed() that no recovered() followed. */
typedef void (*kube_visit_problem)(const char *origin, const char *message, void *arg);
void kube_source_visit_problems(const struct kube_source *source, kube_visit_problem visit,
				void *arg);

#endif
