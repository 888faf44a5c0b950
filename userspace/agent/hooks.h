/* SPDX-License-Identifier: Apache-2.0 */
/* Keeping the hooks alive: attached, tested by the canary, attached again, and counts mended. */
#ifndef GWBPF_AGENT_HOOKS_H
#define GWBPF_AGENT_HOOKS_H

#include <stdbool.h>

#include "kernel/datapath.h"
#include "kernel/tables.h"
#include "report/lookup.h"

struct event_base;
struct hooks;

/* All three must outlive it. -ENOMEM */
int hooks_new(struct event_base *base, struct datapath *datapath, struct tables *tables,
	      struct hooks **ret);
void hooks_free(struct hooks *hooks); /* takes NULL; the hooks stay attached */

/* Put the programs at the hooks, count again what may have been missed, and begin to test. On
 * failure message says why. */
int hooks_attach(struct hooks *hooks, char message[DATAPATH_MESSAGE_MAX]);

/* Whether the last canary passed every hook. */
bool hooks_are_live(const struct hooks *hooks);

/* Why they are not, in the words of `gwbpf status`. Returns buf. */
const char *hooks_tell_dead(const struct hooks *hooks, char buf[LOOKUP_MESSAGE_MAX]);

/* The Services' addresses that a program of somebody else takes before the hooks see them, in words. */
typedef void (*hooks_visit)(const char *service, const char *text, void *arg);
void hooks_visit_taken(const struct hooks *hooks, hooks_visit visit, void *arg);

/* Test them, attach again those that are gone, and move them to where they see connects first. Logs
 * what changed. */
void hooks_check(struct hooks *hooks);

/* Begin to compare the counts of connections with those that exist; hooks_go_on(), to be called about
 * once a second, goes on with it. Logs what was wrong, and mends it. */
void hooks_audit(struct hooks *hooks);
void hooks_go_on(struct hooks *hooks);

#endif
