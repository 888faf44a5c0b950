// SPDX-License-Identifier: Apache-2.0
#include "cli/wrap.h"

#include <string.h>

#include "base/text.h"

/* The next word, escaped; returns its length in bytes, and steps over it. */
static size_t take_word(const char **text, char *word, size_t size)
{
	char *to = word;

	while (**text && **text != ' ' && (size_t)(to - word) < size - TEXT_ESCAPE_MAX)
		to = text_escape(to, text);
	*to = '\0';
	return (size_t)(to - word);
}

void wrap_text(FILE *to, const char *text, const struct wrap *wrap)
{
	int column = wrap->column;
	char word[512];

	while (*text) {
		int spaces = (int)strspn(text, " ");
		size_t length;

		text += spaces;
		length = take_word(&text, word, sizeof(word));
		if (spaces && column > wrap->indent &&
		    column + spaces + (int)length > wrap->width) {
			fprintf(to, "\n%*s", wrap->indent, "");
			column = wrap->indent;
			spaces = 0;
		}
		fprintf(to, "%*s%s", spaces, "", word);
		column += spaces + (int)length;
	}
	fputc('\n', to);
}
