/* SPDX-License-Identifier: Apache-2.0 */
/* Which pod a connection comes from, by its cgroup. */
#ifndef GWBPF_REPORT_CLIENTS_H
#define GWBPF_REPORT_CLIENTS_H

#include <gwbpf/abi.h>
#include <gwbpf/walk.h>

#include "kernel/view.h"

/*
 * The name of the client's pod where it is itself a backend of some Service here, whose address it
 * has; else the pod's UID; "" if it is no pod, or its cgroup is gone.
 */
void clients_name_pod(const struct view *view, const struct gw_walk_conn *walk,
		      char ret[GW_LONG_NAME_MAX]);

#endif
