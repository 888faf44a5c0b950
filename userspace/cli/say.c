// SPDX-License-Identifier: Apache-2.0
/* Messages to a person, with everything that could command a terminal made visible. */
#include "cli/say.h"

#include <stdarg.h>

void say_text(FILE *file, const char *text)
{
	const unsigned char *at;

	for (at = (const unsigned char *)text; *at; at++) {
		if (*at < 0x20 || *at == 0x7f)
			fprintf(file, "\\x%02x", *at);
		else
			fputc(*at, file);
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
