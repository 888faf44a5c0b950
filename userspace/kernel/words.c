// SPDX-License-Identifier: Apache-2.0
#include "kernel/words.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SIZE 65536

struct words_page {
	struct words_page *before;
	size_t used;
	char text[];
};

static struct words_page *add_page(struct words *words, size_t size)
{
	struct words_page *page = malloc(sizeof(*page) + (size > PAGE_SIZE ? size : PAGE_SIZE));

	if (!page)
		return NULL;
	page->before = words->page;
	page->used = 0;
	words->page = page;
	return page;
}

const char *words_add(struct words *words, const char *text)
{
	struct words_page *page = words->page;
	size_t size = strlen(text) + 1;
	char *copy;

	if (size == 1)
		return "";
	if (!page || page->used + size > PAGE_SIZE)
		page = add_page(words, size);
	if (!page)
		return NULL;
	copy = memcpy(page->text + page->used, text, size);
	page->used += size;
	return copy;
}

void words_done(struct words *words)
{
	while (words->page) {
		struct words_page *page = words->page;

		words->page = page->before;
		free(page);
	}
}
