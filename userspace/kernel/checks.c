// SPDX-License-Identifier: Apache-2.0
#include "kernel/checks.h"

#include "base/clock.h"
#include "kernel/registry.h"

struct check_maps check_maps_of(const struct tables *tables)
{
	const struct maps *maps = &tables->maps;

	return (struct check_maps){
		.services = maps->services,
		.checks = maps->checks,
		.service_count = maps->services_count,
		.backends = maps->backends,
		.counters = maps->counters,
		.loads = maps->loads,
		.checked = maps->checked,
		.tls = maps->tls,
		.certificates = maps->certificates,
		.backend_count = maps->backends_count,
	};
}

/* First those who search are told to look; they stop when nothing is to be seen any more. */
void checks_set_down(struct tables *tables, uint32_t id, uint64_t until_ns)
{
	struct gw_backend *backend = &tables->maps.backends[id];
	const struct gw_certificate *certificate = &tables->maps.certificates[id];

	if (certificate->generation == backend->generation &&
	    certificate->excluded_until_ns > clock_now_ns() &&
	    certificate->excluded_until_ns > until_ns)
		until_ns = certificate->excluded_until_ns;
	if (until_ns)
		checks_set_look(tables, backend->service, true);
	__atomic_store_n(&backend->down_until_ns, until_ns, __ATOMIC_RELEASE);
}

void checks_set_look(struct tables *tables, uint32_t service, bool looks)
{
	uint32_t *flags = &tables->maps.services[service].flags;

	__atomic_store_n(flags, looks ? *flags | GW_SERVICE_LOOK : *flags & ~GW_SERVICE_LOOK,
			 __ATOMIC_RELEASE);
}
