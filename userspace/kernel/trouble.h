/* SPDX-License-Identifier: Apache-2.0 */
/* What changes in the health of backends: who accuses, who is ejected, who is back. */
#ifndef GWBPF_KERNEL_TROUBLE_H
#define GWBPF_KERNEL_TROUBLE_H

#include <stdint.h>

#include <gwbpf/abi.h>
#include <gwbpf/origin.h>

struct datapath;
struct tables;
struct trouble;

/* What is so when this is called is no change. -ENOMEM, or what bpf(2) says. The datapath, whose
 * programs tell who the clients are, and the tables must outlive it. */
int trouble_new(struct datapath *datapath, struct tables *tables, struct trouble **ret);
void trouble_free(struct trouble *trouble); /* takes NULL */

enum trouble_kind {
	TROUBLE_ACCUSED,      /* by one client; a second one would have it ejected */
	TROUBLE_CONTRADICTED, /* somebody reached it in spite of the accusation */
	TROUBLE_EJECTED,      /* anew, too, by a trial that failed */
	TROUBLE_RETURNING,    /* the time of its ejection is over: it waits for a trial */
	TROUBLE_RETURNED,     /* a trial succeeded */
	TROUBLE_FORGOTTEN,    /* the endpoint went and came back */
	TROUBLE_KIND_MAX_,
};

struct trouble_change {
	enum trouble_kind kind;
	uint32_t backend;
	uint32_t generation;
	uint32_t times;          /* since the last look */
	uint64_t client;         /* its netns cookie, of the last time; 0: nobody's doing */
	struct gw_origin origin; /* of that client's connection; all 0: not known */
	uint64_t ejected_ms;     /* how long it is ejected from now on */
	struct gw_health health;
};

/*
 * Visit what has changed since the last call. To be called about once a second: it reads the health
 * of those only that have failed since, or are in trouble, and else one counter of each.
 */
typedef void (*trouble_visit)(const struct trouble_change *change, void *arg);
void trouble_look(struct trouble *trouble, trouble_visit visit, void *arg);

#endif
