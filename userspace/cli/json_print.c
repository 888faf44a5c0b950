// SPDX-License-Identifier: Apache-2.0
#include "cli/json_print.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/say.h"
#include "report/json.h"

int json_print(json_t *answer)
{
	char *text = json_render(answer);
	int err;

	if (!text) {
		say_error("cannot print the answer: out of memory");
		return EXIT_FAILURE;
	}
	err = fputs(text, stdout) < 0;
	free(text);
	if (!err)
		return EXIT_SUCCESS;
	say_error("cannot print the answer: standard output is closed");
	return EXIT_FAILURE;
}
