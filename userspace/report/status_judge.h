/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a judgement on a node, for the files that it is made of. */
#ifndef GWBPF_REPORT_STATUS_JUDGE_H
#define GWBPF_REPORT_STATUS_JUDGE_H

#include "report/status.h"

/* The agent, and what it can read and take in. */
void status_judge_agent(struct status *status);

/* What clients get: each Service and each backend. */
void status_judge_services(struct status *status);

/* What their connections show: peers that hang, packets that get lost, clients that reach nobody. */
void status_judge_connections(struct status *status, const char *pin_dir);

#endif
