/* SPDX-License-Identifier: Apache-2.0 */
/* A recount that goes on, beside what tables.h says. */
#ifndef GWBPF_KERNEL_RECOUNT_H
#define GWBPF_KERNEL_RECOUNT_H

#include "kernel/registry.h"

/* Forget an audit that goes on. */
void tables_end_audit(struct tables *tables);

#endif
