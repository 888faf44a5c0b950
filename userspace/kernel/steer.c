// SPDX-License-Identifier: Apache-2.0
#include "kernel/steer.h"

#include <arpa/inet.h>
#include <errno.h>

#include "base/addr.h"
#include "kernel/maps.h"

static int suspend_service(struct maps *maps, const struct view_service *service, bool suspend)
{
	struct gw_service *entry = &maps->services[service->index];

	if (service->index >= maps->services_count || entry->use != GW_USE_TAKEN ||
	    entry->port != htons(service->port) || addr_compare(&entry->vip, &service->address))
		return -ESTALE;
	entry->suspended = suspend;
	return 0;
}

int steer_suspend(const char *pin_dir, const struct view_service *service, bool suspend)
{
	struct maps maps;
	int err;

	err = maps_open(pin_dir, true, &maps);
	if (err)
		return err;
	if (service)
		err = suspend_service(&maps, service, suspend);
	else
		maps.meta->suspended = suspend;
	maps_close(&maps);
	return err;
}
