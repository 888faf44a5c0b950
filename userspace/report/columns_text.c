// SPDX-License-Identifier: Apache-2.0
#include "report/columns_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/json.h"

#define FIELD_INDENT "      " /* of a field of an item, three steps in */

/* What stands in a string of JSON as it is. */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e || *text == '"' || *text == '\\')
			return false;
	return true;
}

/* Whatever is not written here: as jansson does, with its lines where they belong. */
static void write_tree(FILE *to, json_t *json)
{
	char *text =
		json ? json_dumps(json, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15))
		     : NULL;

	for (const char *at = text ? text : "null"; *at; at++) {
		fputc_unlocked(*at, to);
		if (*at == '\n')
			fputs_unlocked(FIELD_INDENT, to);
	}
	free(text);
	json_decref(json);
}

static void write_number(FILE *to, uint64_t number)
{
	char digits[24], *at = &digits[sizeof(digits) - 1];

	*at = '\0';
	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	fputs_unlocked(at, to);
}

/* To the microsecond, and always with a point. */
static void write_seconds(FILE *to, double seconds)
{
	uint64_t us = (uint64_t)(seconds * 1e6 + 0.5), part = us % 1000000;

	write_number(to, us / 1000000);
	fputc_unlocked('.', to);
	do {
		fputc_unlocked((int)('0' + part / 100000), to);
		part = part % 100000 * 10;
	} while (part);
}

/* As the tree of it; the bounds are the same in each. */
static void write_buckets(FILE *to, const struct gw_counters *counters)
{
	static const uint32_t bounds_us[] = GW_HISTOGRAM_US;
	uint64_t sum = 0;

	fputs_unlocked("[", to);
	for (size_t i = 0; i < GW_HISTOGRAM_MAX; i++) {
		fputs_unlocked(i ? ",\n" FIELD_INDENT "  {\n" : "\n" FIELD_INDENT "  {\n", to);
		fputs_unlocked(FIELD_INDENT "    \"le\": ", to);
		if (i < GW_HISTOGRAM_MAX - 1)
			write_seconds(to, bounds_us[i] / 1e6);
		else
			fputs_unlocked("\"+Inf\"", to);
		fputs_unlocked(",\n" FIELD_INDENT "    \"count\": ", to);
		sum += counters->connect_buckets[i];
		write_number(to, sum);
		fputs_unlocked("\n" FIELD_INDENT "  }", to);
	}
	fputs_unlocked("\n" FIELD_INDENT "]", to);
}

static void write_value(FILE *to, const struct value *value)
{
	char buf[VALUE_TEXT_MAX];
	const char *text;

	switch (value->kind) {
	case VALUE_UNKNOWN:
		fputs_unlocked("null", to);
		break;
	case VALUE_COUNT:
	case VALUE_BYTES:
		write_number(to, value->count);
		break;
	case VALUE_IDENTITY:
		fputc_unlocked('"', to);
		write_number(to, value->count);
		fputc_unlocked('"', to);
		break;
	case VALUE_SECONDS:
	case VALUE_LATENCY:
		write_seconds(to, value->number);
		break;
	case VALUE_TEXT:
	case VALUE_ADDRESS:
		text = value_print(value, buf);
		if (is_plain(text)) {
			fputc_unlocked('"', to);
			fputs_unlocked(text, to);
			fputc_unlocked('"', to);
		} else {
			write_tree(to, value_to_json(value));
		}
		break;
	case VALUE_BUCKETS:
		write_buckets(to, value->counters);
		break;
	default:
		write_tree(to, value_to_json(value));
	}
}

static void write_row(FILE *to, const struct columns *columns, const void *row)
{
	const char *separator = "\n";

	fputs_unlocked("    {", to);
	for (size_t i = 0; i < columns->count; i++) {
		const struct column *column = &columns->items[i];
		struct value value;

		if (!column->field)
			continue;
		value = column->read(row);
		fputs_unlocked(separator, to);
		fputs_unlocked(FIELD_INDENT "\"", to);
		fputs_unlocked(column->field, to);
		fputs_unlocked("\": ", to);
		write_value(to, &value);
		separator = ",\n";
	}
	fputs_unlocked("\n    }", to);
}

/* All that stands before the items. */
static void write_head(FILE *to, const struct columns *columns, const char *node)
{
	json_t *name = json_text(node);
	char *text = name ? json_dumps(name, JSON_ENCODE_ANY) : NULL;

	fprintf(to,
		"{\n  \"apiVersion\": \"gwbpf.io/v1\",\n  \"kind\": \"%s\",\n"
		"  \"observedBy\": %s,\n  \"items\": [",
		columns->list, text ? text : "null");
	free(text);
	json_decref(name);
}

char *columns_render(const struct columns *columns, const char *node, columns_row row,
		     const void *arg, size_t count)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	write_head(to, columns, node);
	for (size_t i = 0; i < count; i++) {
		fputs_unlocked(i ? ",\n" : "\n", to);
		write_row(to, columns, row(i, arg));
	}
	fputs_unlocked(count ? "\n  ]\n}\n" : "]\n}\n", to);
	if (!fclose(to))
		return text;
	free(text);
	return NULL;
}
