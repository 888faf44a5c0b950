// SPDX-License-Identifier: Apache-2.0
#include "cli/shorten.h"

#include <langinfo.h>
#include <string.h>
#include <wchar.h>

bool shorten_is_utf8(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

/* The character at text, which is not at its end: its bytes, and its columns to width. The locale
 * says how wide it is; where that knows no UTF-8, one column. */
static size_t step(const char *text, size_t *width)
{
	mbstate_t state = {0};
	wchar_t letter;
	size_t length = 1;
	int columns;

	*width = 1;
	if ((unsigned char)*text < 0x80)
		return 1;
	if (shorten_is_utf8()) {
		length = mbrtowc(&letter, text, strlen(text), &state);
		if (length == (size_t)-1 || length == (size_t)-2)
			return 1;
		columns = wcwidth(letter);
		*width = columns < 0 ? 1 : (size_t)columns;
		return length;
	}
	while (((unsigned char)text[length] & 0xc0) == 0x80)
		length++;
	return length;
}

size_t shorten_width(const char *text)
{
	size_t sum = 0, width;

	while (*text) {
		text += step(text, &width);
		sum += width;
	}
	return sum;
}

const char *shorten_middle(const char *text, size_t width, char *buf)
{
	const char *sign = shorten_is_utf8() ? "\xe2\x80\xa6" : "..";
	size_t sign_width = shorten_is_utf8() ? 1 : 2;
	size_t whole = shorten_width(text), head, tail, before = 0, columns;
	const char *from, *head_end = text;
	char *to = buf;

	if (whole <= width || width <= sign_width)
		return text;
	tail = (width - sign_width) / 2;
	head = width - sign_width - tail;
	for (from = text; *from && whole - before > tail; before += columns) {
		from += step(from, &columns);
		if (before + columns <= head)
			head_end = from;
	}
	to = mempcpy(to, text, (size_t)(head_end - text));
	to = stpcpy(to, sign);
	strcpy(to, from);
	return buf;
}

void shorten_fit(size_t *widths, const size_t *least, size_t count, size_t room)
{
	size_t sum = 0, i;

	for (i = 0; i < count; i++)
		sum += widths[i];
	while (sum > room) {
		size_t widest = count;

		for (i = 0; i < count; i++)
			if (widths[i] > least[i] &&
			    (widest == count ||
			     widths[i] - least[i] > widths[widest] - least[widest]))
				widest = i;
		if (widest == count)
			return;
		widths[widest]--;
		sum--;
	}
}
