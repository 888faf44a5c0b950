/* SPDX-License-Identifier: Apache-2.0 */
/* Where a source delivers what it finds: the agent's side of every source. */
#ifndef GWBPF_SOURCE_SINK_H
#define GWBPF_SOURCE_SINK_H

#include "model/object.h"

struct sink {
	/* An object is new or changed; the sink owns it from then on. */
	void (*put_service)(struct service *service, void *arg);
	void (*put_slice)(struct slice *slice, void *arg);
	void (*remove_service)(const char *namespace, const char *name, void *arg);
	void (*remove_slice)(const char *namespace, const char *name, void *arg);
	/* origin: a file, or a resource of the API. An object refused there. All that origin had
	 * refused before counts as mended once accept_all(origin) is called. */
	void (*refuse)(const char *origin, const char *object, const char *message, void *arg);
	void (*accept_all)(const char *origin, void *arg);
	/* All that belongs together has been delivered: program it now. complete: everything that
	 * there is has been delivered at least once. */
	void (*commit)(bool complete, void *arg);
	void *arg;
};

#endif
