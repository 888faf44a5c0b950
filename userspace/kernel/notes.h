/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent tells people of beside the tables: what it cannot read or take in now. */
#ifndef GWBPF_KERNEL_NOTES_H
#define GWBPF_KERNEL_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gwbpf/abi.h>

struct tables;

/* Put these in the place of those before; more of them are there, which the caller left out. What is
 * there already is not written again. count: GW_NOTES_MAX at most. */
void notes_write(struct tables *tables, const struct gw_note *notes, size_t count, uint32_t more);

/* Whether one of this kind is there: also of an earlier agent. */
bool notes_have(const struct tables *tables, enum gw_note_kind kind);

/* Note for each Service whether connects to it were refused since the last call, for want of a usable
 * backend: the counter has no time. To be called about once a second. */
void notes_date_refusals(struct tables *tables);

#endif
