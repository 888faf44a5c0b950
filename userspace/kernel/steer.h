/* SPDX-License-Identifier: Apache-2.0 */
/* Leaving Services to kube-proxy by hand: written into the maps, so that it needs no agent. */
#ifndef GWBPF_KERNEL_STEER_H
#define GWBPF_KERNEL_STEER_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/view.h"

/*
 * From now on new connections to this Service (NULL: to all) are left alone, or balanced again.
 * Connections that exist live on. Errors as view_open(); -ESTALE: the entry was given to another
 * Service meanwhile.
 */
int steer_suspend(const char *pin_dir, const struct view_service *service, bool suspend);

#endif
