/* SPDX-License-Identifier: Apache-2.0 */
/* What log and events say of drains that begin, end and are taken back. */
#ifndef GWBPF_AGENT_DRAIN_LOG_H
#define GWBPF_AGENT_DRAIN_LOG_H

struct drain_log;
struct tables;

/* -ENOMEM. The tables must outlive it. */
int drain_log_new(struct tables *tables, struct drain_log **ret);
void drain_log_free(struct drain_log *log); /* takes NULL */

/* Tell what has changed since the last time. To be called once a second. */
void drain_log_tick(struct drain_log *log);

#endif
