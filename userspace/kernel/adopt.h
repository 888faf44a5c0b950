/* SPDX-License-Identifier: Apache-2.0 */
/* Reading back what an earlier agent left. */
#ifndef GWBPF_KERNEL_ADOPT_H
#define GWBPF_KERNEL_ADOPT_H

#include "kernel/registry.h"

/* Read what the maps hold into the state. */
int tables_adopt(struct tables *tables);

#endif
