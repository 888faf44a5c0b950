// SPDX-License-Identifier: Apache-2.0
/* The core schema of YAML 1.2 (chapter 10.3.2), but for numbers that YAML 1.1 reads in another way.
 * Knows nothing of how text is quoted. */
#include "source/scalar.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 64

static size_t skip_digits(const char *text, size_t at, const char *digits)
{
	return at + strspn(text + at, digits);
}

/* Whether all of text is a number of the core schema with a fraction or an exponent. */
static bool is_real(const char *text)
{
	static const char digits[] = "0123456789";
	size_t start = *text == '-' || *text == '+', whole = skip_digits(text, start, digits);
	size_t at = whole;

	if (text[at] == '.')
		at = skip_digits(text, at + 1, digits);
	if (at == start || (at == start + 1 && text[start] == '.'))
		return false;
	if (text[at] == 'e' || text[at] == 'E') {
		at++;
		at += text[at] == '-' || text[at] == '+';
		if (!strchr(digits, text[at]) || !text[at])
			return false;
		at = skip_digits(text, at, digits);
	}
	return !text[at];
}

/* Whether all of text is a whole number of the core schema, and its base. */
static bool is_integer(const char *text, int *base)
{
	size_t start = *text == '-' || *text == '+';

	*base = 10;
	if (!strncmp(text, "0x", 2) || !strncmp(text, "0o", 2)) {
		*base = text[1] == 'x' ? 16 : 8;
		start = 2;
	}
	if (!text[start])
		return false;
	return !text[skip_digits(text, start,
				 *base == 16   ? "0123456789abcdefABCDEF"
				 : *base == 10 ? "0123456789"
					       : "01234567")];
}

/* 010 is eight in YAML 1.1, which kubectl reads, and ten in 1.2: whoever wants a number there has to
 * be asked which one. */
static bool is_ambiguous(const char *text)
{
	text += *text == '-' || *text == '+';
	return text[0] == '0' && text[1] && !text[strspn(text, "0123456789")];
}

/* NULL if it is no number, or one of two. One beyond 64 bits is real, as everywhere in Kubernetes. */
static json_t *number_value(const char *text, size_t length)
{
	char copy[NUMBER_MAX];
	long long number;
	int base;

	if (length >= sizeof(copy) || !strchr("-+.0123456789", *text))
		return NULL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (is_ambiguous(copy))
		return NULL;
	if (is_integer(copy, &base)) {
		errno = 0;
		number = strtoll(base == 8 ? copy + 2 : copy, NULL, base);
		if (errno)
			return base == 8 ? NULL : json_real(strtod(copy, NULL));
		return json_integer(number);
	}
	/* Beyond the range of a double json_real() gives NULL, and it stays text. */
	return is_real(copy) ? json_real(strtod(copy, NULL)) : NULL;
}

static json_t *word_value(const char *text, size_t length)
{
	static const struct {
		const char *word;
		json_type type;
	} words[] = {
		{"", JSON_NULL},       {"~", JSON_NULL},      {"null", JSON_NULL},
		{"Null", JSON_NULL},   {"NULL", JSON_NULL},   {"true", JSON_TRUE},
		{"True", JSON_TRUE},   {"TRUE", JSON_TRUE},   {"false", JSON_FALSE},
		{"False", JSON_FALSE}, {"FALSE", JSON_FALSE},
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strlen(words[i].word) != length || memcmp(words[i].word, text, length))
			continue;
		return words[i].type == JSON_NULL ? json_null()
						  : json_boolean(words[i].type == JSON_TRUE);
	}
	return NULL;
}

json_t *scalar_value(const char *text, size_t length)
{
	json_t *value = word_value(text, length);

	return value ? value : number_value(text, length);
}
