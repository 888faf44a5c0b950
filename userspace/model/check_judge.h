/* SPDX-License-Identifier: Apache-2.0 */
/* When a backend that is looked at goes down, and when it comes back. */
#ifndef GWBPF_MODEL_CHECK_JUDGE_H
#define GWBPF_MODEL_CHECK_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include <gwbpf/abi.h>

/* A result that has not been renewed for so many times inter is unknown. */
#define CHECK_JUDGE_RENEWALS 3

struct check_state {
	bool is_down;
	uint32_t in_a_row; /* results that speak against it */
};

enum check_change {
	CHECK_CHANGE_NONE,
	CHECK_CHANGE_DOWN,
	CHECK_CHANGE_UP,
};

/* One more result, good or bad; what is no result of the backend is not given here. As HAProxy's
 * fall and rise: one that fits the state ends the row of those that speak against it. */
enum check_change check_judge(const struct gw_check *check, bool is_good,
			      struct check_state *state);

#endif
