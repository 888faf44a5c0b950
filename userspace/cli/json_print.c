// SPDX-License-Identifier: Apache-2.0
#include "cli/json_print.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/say.h"
#include "report/json.h"
#include "report/yaml.h"

/* JSON and YAML have the escapes that are wanted here, and what needs them stands in strings only. */
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

int json_print(const struct cli *cli, json_t *answer)
{
	/* It is not taken apart where the command ends here: of a long list that took a quarter of the
	 * time. */
	json_t *kept = cli->is_watching ? answer : json_incref(answer);
	char *text = cli->is_yaml ? yaml_render(kept) : json_render(kept);
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
