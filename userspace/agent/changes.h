/* SPDX-License-Identifier: Apache-2.0 */
/* What a step of a plan changes, in words for the log. Pure. */
#ifndef GWBPF_AGENT_CHANGES_H
#define GWBPF_AGENT_CHANGES_H

#include "model/plan.h"

#define CHANGES_MAX 512

/* "new: org1-peer2, drained: org1-peer1, policy lc before rr"; "" if nothing of that kind changed.
 * What has no room is counted. */
void changes_describe(const struct plan_step *step, char ret[CHANGES_MAX]);

#endif
