// SPDX-License-Identifier: Apache-2.0
#include "base/distinguished.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define PARTS_MAX 32 /* more are not shown */
#define HEX_MAX 16   /* bytes of what cannot be shown as text */

struct writer {
	char *at;
	size_t room; /* without the NUL */
	bool is_cut;
};

static const struct {
	uint8_t oid[10];
	size_t length;
	const char *name;
} kinds[] = {
	{{0x55, 0x04, 0x03}, 3, "CN"},
	{{0x55, 0x04, 0x07}, 3, "L"},
	{{0x55, 0x04, 0x08}, 3, "ST"},
	{{0x55, 0x04, 0x0a}, 3, "O"},
	{{0x55, 0x04, 0x0b}, 3, "OU"},
	{{0x55, 0x04, 0x06}, 3, "C"},
	{{0x55, 0x04, 0x05}, 3, "SERIALNUMBER"},
	{{0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19}, 10, "DC"},
};

/* All of it, or nothing more from here on. */
static void put(struct writer *to, const char *text, size_t length)
{
	if (to->is_cut || length > to->room) {
		to->is_cut = true;
		return;
	}
	memcpy(to->at, text, length);
	to->at += length;
	to->room -= length;
	*to->at = '\0';
}

static void put_text(struct writer *to, const char *text)
{
	put(to, text, strlen(text));
}

static void put_hex(struct writer *to, const struct der *value)
{
	char digits[3];

	put_text(to, "#");
	for (size_t i = 0; i < value->left && i < HEX_MAX; i++) {
		snprintf(digits, sizeof(digits), "%02x", value->at[i]);
		put_text(to, digits);
	}
}

static bool is_text(uint8_t tag)
{
	return tag == DER_UTF8_STRING || tag == DER_PRINTABLE_STRING || tag == DER_IA5_STRING ||
	       tag == DER_T61_STRING;
}

/* How many bytes the character at the front of value has; 0: it is no UTF-8, or a NUL. A copy with
 * a NUL behind it is what can be asked. */
static size_t character(const struct der *value)
{
	char copy[5] = "";
	size_t length;

	memcpy(copy, value->at, value->left < 4 ? value->left : 4);
	if (!*copy)
		return 0;
	if (!(*copy & 0x80))
		return 1;
	text_is_shown(copy, &length);
	return length > 1 ? length : 0;
}

static bool is_utf8(struct der value)
{
	size_t length;

	for (; value.left; value.at += length, value.left -= length) {
		length = character(&value);
		if (!length)
			return false;
	}
	return true;
}

/* A space is special at either end, a "#" at the beginning. */
static bool needs_escape(const struct der *value, bool is_first)
{
	uint8_t c = value->at[0];

	if (c == ' ')
		return is_first || value->left == 1;
	return (c == '#' && is_first) || strchr(",+\"\\<>;", c) != NULL;
}

static void put_value(struct writer *to, uint8_t tag, struct der value)
{
	bool is_first = true;
	size_t length;

	if (!is_text(tag) || !is_utf8(value)) {
		put_hex(to, &value);
		return;
	}
	for (; value.left; value.at += length, value.left -= length, is_first = false) {
		bool is_special = needs_escape(&value, is_first);
		char escaped[8] = "\\";

		length = character(&value);
		memcpy(escaped + is_special, value.at, length);
		put(to, escaped, length + is_special);
	}
}

static void put_kind(struct writer *to, const struct der *oid)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!der_is(oid, kinds[i].oid, kinds[i].length))
			continue;
		put_text(to, kinds[i].name);
		return;
	}
	put_hex(to, oid);
}

/* A part has a kind and a value, or several: "OU=a+CN=b". */
static bool put_part(struct writer *to, struct der part)
{
	struct der pair, kind, value;
	uint8_t tag;
	bool is_first = true;

	for (; part.left; is_first = false) {
		if (!der_take(&part, DER_SEQUENCE, &pair) || !der_take(&pair, DER_OID, &kind) ||
		    !der_next(&pair, &tag, &value))
			return false;
		if (!is_first)
			put_text(to, "+");
		put_kind(to, &kind);
		put_text(to, "=");
		put_value(to, tag, value);
	}
	return true;
}

bool distinguished_text(struct der name, char *buf, size_t size)
{
	struct writer to = {.at = buf, .room = size - 1};
	struct der parts[PARTS_MAX];
	size_t count = 0;

	*buf = '\0';
	while (name.left) {
		if (!der_take(&name, DER_SET, &parts[count % PARTS_MAX]))
			return false;
		count++;
	}
	for (size_t i = 0; i < count && i < PARTS_MAX; i++) {
		if (i)
			put_text(&to, ",");
		if (!put_part(&to, parts[(count - 1 - i) % PARTS_MAX]))
			return false;
	}
	return true;
}
