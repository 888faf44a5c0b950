// SPDX-License-Identifier: Apache-2.0
#include "cli/json_print.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "cli/say.h"
#include "report/json.h"

/* JSON has the escapes that are wanted here, and what needs them stands in strings only. */
int json_print_text(const char *text)
{
	char escaped[TEXT_ESCAPE_MAX];
	const char *end;
	size_t length;

	while (*text) {
		for (length = 0; text[length] && (unsigned char)text[length] < 0x7f;)
			length++;
		fwrite(text, 1, length, stdout);
		text += length;
		if (!*text)
			break;
		end = text_escape(escaped, &text);
		fwrite(escaped, 1, (size_t)(end - escaped), stdout);
	}
	return ferror(stdout);
}

int json_print(json_t *answer)
{
	/* It is not taken apart: the command ends here, and of a long list that took a quarter of the
	 * time. */
	char *text = json_render(json_incref(answer));
	int err;

	if (!text) {
		say_error("cannot print the answer: out of memory");
		return EXIT_FAILURE;
	}
	err = json_print_text(text);
	free(text);
	if (!err)
		return EXIT_SUCCESS;
	say_error("cannot print the answer: standard output is closed");
	return EXIT_FAILURE;
}
