/* SPDX-License-Identifier: Apache-2.0 */
/* What the log says of backends that clients accuse, and that are ejected and come back. */
#ifndef GWBPF_AGENT_HEALTH_LOG_H
#define GWBPF_AGENT_HEALTH_LOG_H

struct datapath;
struct health_log;
struct tables;

/* -ENOMEM, or what bpf(2) says. The datapath and the tables must outlive it. */
int health_log_new(struct datapath *datapath, struct tables *tables, struct health_log **ret);
void health_log_free(struct health_log *log); /* takes NULL */

/* Log what has changed since the last time, or count it if it was logged within a minute. To be
 * called once a second. */
void health_log_tick(struct health_log *log);

#endif
