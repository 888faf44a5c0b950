// SPDX-License-Identifier: Apache-2.0
#include "model/check_judge.h"

enum check_change check_judge(const struct gw_check *check, bool is_good, struct check_state *state)
{
	if (is_good != state->is_down) {
		state->in_a_row = 0;
		return CHECK_CHANGE_NONE;
	}
	if (++state->in_a_row < (state->is_down ? check->rise : check->fall))
		return CHECK_CHANGE_NONE;
	state->is_down = !state->is_down;
	state->in_a_row = 0;
	return state->is_down ? CHECK_CHANGE_DOWN : CHECK_CHANGE_UP;
}
