// SPDX-License-Identifier: Apache-2.0
#include "kernel/view_order.h"

#include <stdlib.h>
#include <string.h>

#include "base/addr.h"

static int compare_services(const void *a, const void *b)
{
	const struct view_service *x = a, *y = b;
	int order = strcmp(x->namespace, y->namespace);

	if (!order)
		order = strcmp(x->name, y->name);
	if (!order)
		order = (x->port > y->port) - (x->port < y->port);
	return order ? order : addr_compare(&x->address, &y->address);
}

static int compare_backends(const void *a, const void *b)
{
	const struct view_backend *x = a, *y = b;
	int order = strcmp(x->namespace, y->namespace);

	if (!order)
		order = strcmp(x->service, y->service);
	if (!order)
		order = (x->service_port > y->service_port) - (x->service_port < y->service_port);
	if (!order)
		order = addr_compare(&x->service_address, &y->service_address);
	return order ? order : addr_port_compare(&x->address, x->port, &y->address, y->port);
}

void view_order_services(struct view_service *services, size_t count)
{
	qsort(services, count, sizeof(*services), compare_services);
}

void view_order_backends(struct view_backend *backends, size_t count)
{
	qsort(backends, count, sizeof(*backends), compare_backends);
}
