/* SPDX-License-Identifier: Apache-2.0 */
/* The pinned links: which program runs at which hook of the cgroup. */
#ifndef GWBPF_KERNEL_LINKS_H
#define GWBPF_KERNEL_LINKS_H

#include <stdint.h>

#include "kernel/datapath.h"

/*
 * Make the pinned link of a hook run program at cgroup: put the program under the link that is
 * there, without a gap, or attach it anew where there is none or it belongs to another cgroup.
 * -EPERM: another program holds the hook exclusively, or no root.
 */
int links_attach(const char *pin_dir, enum gw_hook hook, int program_fd, int cgroup_fd);

/* Detach a hook at once and remove its pin. 0 also if there was none. */
int links_detach(const char *pin_dir, enum gw_hook hook);

/* "connect4" */
const char *links_hook_name(enum gw_hook hook);

#define LINKS_NAMES_MAX 128

/* Those of a set of hooks, 1 << enum gw_hook, with commas between. Returns buf. */
const char *links_hook_names(int set, char buf[LINKS_NAMES_MAX]);

/* The kernel's enum bpf_attach_type. */
int links_hook_type(enum gw_hook hook);

#endif
