// SPDX-License-Identifier: Apache-2.0
/* JSON is YAML already: only objects and arrays change their form, and plain words lose their quotes. */
#include "report/yaml.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define STEP 2
#define DIGITS 15 /* as in JSON */

/* Whether text is a string also without quotes: a word that some reader takes for something else has
 * them, and so has everything that does not look like a name. */
static bool is_plain(const char *text)
{
	static const char *const others[] = {"true", "false", "yes", "no",  "on",
					     "off",  "y",     "n",   "null"};
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char more[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-";

	if (!*text || !strchr(letters, *text) || text[strspn(text, more)])
		return false;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strcasecmp(text, others[i]))
			return false;
	return true;
}

static bool is_block(const json_t *value)
{
	return json_object_size(value) || json_array_size(value);
}

/* On one line. */
static void put_scalar(FILE *file, const json_t *value)
{
	const char *text = json_string_value(value);

	if (text && is_plain(text) && strlen(text) == json_string_length(value))
		fputs(text, file);
	else
		json_dumpf(value, file, JSON_ENCODE_ANY | JSON_REAL_PRECISION(DIGITS));
}

static void put_block(FILE *file, const json_t *value, int indent, bool is_begun);

/* What follows "key:". Arrays begin at the column of their key, as kubectl has it. */
static void put_member(FILE *file, const json_t *value, int indent)
{
	if (is_block(value)) {
		fputc('\n', file);
		put_block(file, value, json_is_array(value) ? indent : indent + STEP, false);
		return;
	}
	fputc(' ', file);
	put_scalar(file, value);
	fputc('\n', file);
}

static void put_item(FILE *file, const json_t *value, int indent)
{
	fputs("- ", file);
	if (is_block(value)) {
		put_block(file, value, indent + STEP, true);
		return;
	}
	put_scalar(file, value);
	fputc('\n', file);
}

/* is_begun: the first line has its indentation already. */
static void put_block(FILE *file, const json_t *value, int indent, bool is_begun)
{
	const json_t *member;
	const char *key;
	size_t i;

	json_object_foreach((json_t *)value, key, member) {
		fprintf(file, is_plain(key) ? "%*s%s:" : "%*s\"%s\":", is_begun ? 0 : indent, "",
			key);
		put_member(file, member, indent);
		is_begun = false;
	}
	json_array_foreach(value, i, member) {
		fprintf(file, "%*s", is_begun ? 0 : indent, "");
		put_item(file, member, indent);
		is_begun = false;
	}
}

char *yaml_render(json_t *answer)
{
	char *text = NULL;
	size_t size;
	FILE *file = answer ? open_memstream(&text, &size) : NULL;
	bool is_bad;

	if (file) {
		put_block(file, answer, 0, false);
		is_bad = ferror(file);
		if (fclose(file) || is_bad) {
			free(text);
			text = NULL;
		}
	}
	json_decref(answer);
	return text;
}
