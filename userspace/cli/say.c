// SPDX-License-Identifier: Apache-2.0
/* Messages to a person, with everything that could command a terminal made visible. */
#include "cli/say.h"

#include <stdarg.h>

#include "base/text.h"

void say_text(FILE *file, const char *text)
{
	char escaped[TEXT_ESCAPE_MAX];

	while (*text) {
		const char *end = text_escape(escaped, &text);

		fwrite(escaped, 1, (size_t)(end - escaped), file);
	}
}

void say_error(const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fputs("gwbpf: ", stderr);
	say_text(stderr, text);
	fputc('\n', stderr);
}
