// SPDX-License-Identifier: Apache-2.0
/*
 * The pods whose connects are left to kube-proxy, by their cgroups (gw_excepted). An entry that has
 * none costs the hook nothing: it looks here only where the entry's flag says so.
 */
#include "kernel/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

static int compare_cgroups(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static bool has_cgroup(const uint64_t *cgroups, size_t count, uint64_t cgroup)
{
	return count && bsearch(&cgroup, cgroups, count, sizeof(cgroup), compare_cgroups);
}

static bool add(struct tables *tables, const struct table_entry *entry, uint64_t cgroup)
{
	const struct gw_excepted_key key = {.cgroup_id = cgroup, .service = entry->index};
	const __u8 value = 1;

	if (!shares_may_take(&tables->shares, entry->share, SHARE_EXCEPTED, 1) ||
	    bpf_map_update_elem(tables->maps.excepted_fd, &key, &value, BPF_ANY))
		return false;
	shares_take(&tables->shares, entry->share, SHARE_EXCEPTED, 1);
	return true;
}

static void drop(struct tables *tables, const struct table_entry *entry, uint64_t cgroup)
{
	const struct gw_excepted_key key = {.cgroup_id = cgroup, .service = entry->index};

	bpf_map_delete_elem(tables->maps.excepted_fd, &key);
	shares_give(&tables->shares, entry->share, SHARE_EXCEPTED, 1);
	tables->releases++;
}

int tables_add_excepted(struct tables *tables, struct table_entry *entry, const struct choice *want,
			struct stale_excepted *stale, uint32_t *missing)
{
	uint64_t *cgroups = calloc(want->excepted_count + 1, sizeof(*cgroups));
	size_t count = 0;

	if (!cgroups)
		return -ENOMEM;
	*missing = 0;
	for (size_t i = 0; i < want->excepted_count; i++) {
		uint64_t cgroup = want->excepted[i];

		if (has_cgroup(entry->excepted, entry->excepted_count, cgroup) ||
		    add(tables, entry, cgroup))
			cgroups[count++] = cgroup;
		else
			++*missing;
	}
	*stale = (struct stale_excepted){entry->excepted, entry->excepted_count};
	entry->excepted = cgroups;
	entry->excepted_count = count;
	return 0;
}

void tables_remove_excepted(struct tables *tables, const struct table_entry *entry,
			    struct stale_excepted *stale)
{
	for (size_t i = 0; i < stale->count; i++)
		if (!has_cgroup(entry->excepted, entry->excepted_count, stale->cgroups[i]))
			drop(tables, entry, stale->cgroups[i]);
	free(stale->cgroups);
}

void tables_forget_excepted(struct tables *tables, struct table_entry *entry)
{
	tables->maps.services[entry->index].flags &= ~GW_SERVICE_EXCEPTS;
	for (size_t i = 0; i < entry->excepted_count; i++)
		drop(tables, entry, entry->excepted[i]);
	entry->excepted_count = 0;
}

static int adopt(struct tables *tables, struct table_entry *entry, uint64_t cgroup)
{
	uint64_t *larger =
		reallocarray(entry->excepted, entry->excepted_count + 1, sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	entry->excepted = larger;
	larger[entry->excepted_count++] = cgroup;
	shares_take(&tables->shares, entry->share, SHARE_EXCEPTED, 1);
	return 0;
}

/* The earlier agent may have been killed between an element and the flag. */
static void settle(struct tables *tables, struct table_entry *entry)
{
	struct gw_service *service = &tables->maps.services[entry->index];

	if (!entry->excepted_count) {
		service->flags &= ~GW_SERVICE_EXCEPTS;
		return;
	}
	qsort(entry->excepted, entry->excepted_count, sizeof(*entry->excepted), compare_cgroups);
	service->flags |= GW_SERVICE_EXCEPTS;
}

int tables_adopt_excepted(struct tables *tables, struct table_entry *const *entries)
{
	int fd = tables->maps.excepted_fd, err = 0;
	struct gw_excepted_key key, next;
	bool has_next = !bpf_map_get_next_key(fd, NULL, &next);

	while (has_next && !err) {
		key = next;
		has_next = !bpf_map_get_next_key(fd, &key, &next);
		if (key.service < tables->maps.services_count && entries[key.service])
			err = adopt(tables, entries[key.service], key.cgroup_id);
		else
			bpf_map_delete_elem(fd, &key);
	}
	for (size_t i = 0; i < tables->maps.services_count && !err; i++)
		if (entries[i])
			settle(tables, entries[i]);
	return err;
}
