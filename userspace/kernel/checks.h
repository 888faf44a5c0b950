/* SPDX-License-Identifier: Apache-2.0 */
/* The maps as the agent's checks need them: what to look at, and where to write what was seen. */
#ifndef GWBPF_KERNEL_CHECKS_H
#define GWBPF_KERNEL_CHECKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gwbpf/abi.h>

struct tables;

/* Valid as long as the tables; each array by its index. */
struct check_maps {
	const struct gw_service *services;
	const struct gw_check *checks;
	size_t service_count;
	const struct gw_backend *backends;
	const struct gw_counters *counters;
	const __u64 *loads;
	struct gw_checked *checked;
	const struct gw_tls *tls;
	struct gw_certificate *certificates;
	size_t backend_count;
};

struct check_maps check_maps_of(const struct tables *tables);

/* Until then the hooks pass this backend over, and after that its share grows. A time that is not in
 * the future: it is back. 0: it never was away. If its certificate excludes it for longer, that
 * counts. */
void checks_set_down(struct tables *tables, uint32_t id, uint64_t until_ns);

/* Whether searches of this Service must look at the state of each backend. */
void checks_set_look(struct tables *tables, uint32_t service, bool looks);

#endif
