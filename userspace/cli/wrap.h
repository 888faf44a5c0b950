/* SPDX-License-Identifier: Apache-2.0 */
/* Text in lines that fit a terminal. */
#ifndef GWBPF_CLI_WRAP_H
#define GWBPF_CLI_WRAP_H

#include <stdio.h>

struct wrap {
	int column; /* where the text begins: so much stands in the line already */
	int indent; /* of the lines after the first */
	int width;
};

/* Write text, broken between words, and end the line. Its control characters are escaped; a word that
 * is longer than a line stays whole. */
void wrap_text(FILE *to, const char *text, const struct wrap *wrap);

#endif
