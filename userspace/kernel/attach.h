/* SPDX-License-Identifier: Apache-2.0 */
/* Every program of the loaded object at its hook: put there, and looked for. */
#ifndef GWBPF_KERNEL_ATTACH_H
#define GWBPF_KERNEL_ATTACH_H

#include <stdint.h>

struct gwbpf_bpf;

/* What links_attach() says of the first hook that fails; message says why, and the remedy. */
int attach_hooks(const char *pin_dir, const struct gwbpf_bpf *object, int cgroup_fd, char *message);

/* The hooks that do not run the object's programs at this cgroup, 1 << enum gw_hook. */
int attach_lost(const char *pin_dir, const struct gwbpf_bpf *object, int cgroup_fd);

#endif
