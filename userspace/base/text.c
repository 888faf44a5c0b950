// SPDX-License-Identifier: Apache-2.0
/* A message quotes what a stranger wrote, but no more of it than leaves room for the remedy. */
#include "base/text.h"

#include <string.h>

const char *text_excerpt(const char *text, char buf[TEXT_EXCERPT_MAX])
{
	size_t length = strnlen(text, TEXT_EXCERPT_MAX);

	if (length < TEXT_EXCERPT_MAX) {
		memcpy(buf, text, length + 1);
		return buf;
	}
	length = TEXT_EXCERPT_MAX - sizeof("...");
	while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	memcpy(buf, text, length);
	strcpy(buf + length, "...");
	return buf;
}
