// SPDX-License-Identifier: Apache-2.0
#include "agent/uneven.h"

#include <errno.h>
#include <stdlib.h>

void uneven_done(struct uneven_list *list)
{
	free(list->all);
	*list = (struct uneven_list){0};
}

static int compare(const void *a, const void *b)
{
	const struct uneven *left = a, *right = b;

	return (left->service > right->service) - (left->service < right->service);
}

static uint64_t since_ms(const struct uneven_list *list, const struct uneven *uneven,
			 uint64_t now_ms)
{
	const struct uneven *before =
		list->count ? bsearch(uneven, list->all, list->count, sizeof(*uneven), compare)
			    : NULL;

	if (!before || before->port != uneven->port || addr_compare(&before->vip, &uneven->vip))
		return now_ms;
	return before->since_ms;
}

int uneven_replace(struct uneven_list *list, const struct uneven *now, size_t count,
		   uint64_t now_ms)
{
	struct uneven *all = calloc(count + 1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		all[i] = now[i];
		all[i].since_ms = since_ms(list, &now[i], now_ms);
	}
	qsort(all, count, sizeof(*all), compare);
	free(list->all);
	list->all = all;
	list->count = count;
	return 0;
}

void uneven_visit(const struct uneven_list *list, uint64_t now_ms,
		  void (*visit)(const struct uneven *uneven, void *arg), void *arg)
{
	for (size_t i = 0; i < list->count; i++)
		if (now_ms - list->all[i].since_ms >= UNEVEN_TELL_MS)
			visit(&list->all[i], arg);
}
