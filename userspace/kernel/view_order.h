/* SPDX-License-Identifier: Apache-2.0 */
/* In which order people read Services and backends. */
#ifndef GWBPF_KERNEL_VIEW_ORDER_H
#define GWBPF_KERNEL_VIEW_ORDER_H

#include <stddef.h>

#include "kernel/view.h"

void view_order_services(struct view_service *services, size_t count);
void view_order_backends(struct view_backend *backends, size_t count);

#endif
