// SPDX-License-Identifier: Apache-2.0
/*
 * Typed access to members of JSON objects. What comes in was written by strangers: every type is
 * looked at, and nothing of theirs reaches a message at full length.
 */
#include "source/fields.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/text.h"

void report_init(struct report *report, decode_refuse refuse, void *arg)
{
	*report = (struct report){.refuse = refuse, .arg = arg};
}

void report_say(struct report *report, const char *format, ...)
{
	char text[DECODE_MESSAGE_MAX], message[DECODE_MESSAGE_MAX];
	va_list args;

	if (report->count++ >= REPORT_TOLD_MAX)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!report->array)
		snprintf(message, sizeof(message), "%s", text);
	else
		snprintf(message, sizeof(message), "%s[%zu]%s%.440s", report->array, report->index,
			 *text == ' ' ? "" : ".", text);
	report->refuse(report->object, message, report->arg);
}

void report_done(struct report *report)
{
	char message[DECODE_MESSAGE_MAX];

	if (report->count <= REPORT_TOLD_MAX)
		return;
	snprintf(message, sizeof(message), "and %zu more", report->count - REPORT_TOLD_MAX);
	report->refuse(report->object, message, report->arg);
}

const char *quote(char *buf, const char *text)
{
	size_t room = QUOTE_MAX - sizeof("..."), used = 0, length;
	bool is_shown;

	while (*text) {
		is_shown = text_is_shown(text, &length);
		if (used + (is_shown ? length : 1) > room)
			break;
		if (is_shown)
			memcpy(buf + used, text, length);
		else
			buf[used] = '?';
		used += is_shown ? length : 1;
		text += length;
	}
	strcpy(buf + used, *text ? "..." : "");
	return buf;
}

static const char a_text[] = "text";

static const char *type_word(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return a_text;
	case JSON_INTEGER:
		return "a number";
	case JSON_REAL:
		return "a number with a fraction, an exponent or too many digits";
	case JSON_TRUE:
	case JSON_FALSE:
		return "true or false";
	case JSON_NULL:
		break;
	}
	return "null";
}

static const json_t *find_member(const json_t *parent, const char *path)
{
	const char *dot = strrchr(path, '.');
	const json_t *value = json_object_get(parent, dot ? dot + 1 : path);

	return json_is_null(value) ? NULL : value;
}

/* What to do about text where something else is wanted. */
static const char *advise(const char *wanted, const json_t *value)
{
	const char *text = json_string_value(value);

	if (wanted == a_text)
		return json_is_object(value) || json_is_array(value) ? "" : ": put it in quotes";
	if (!text || !*text || text[strspn(text, "0123456789")])
		return "";
	return *text == '0'
		       ? ": leave out the zeros before the number, which YAML 1.1 and 1.2 read "
			 "in different ways"
		       : ": leave out the quotes";
}

static int refuse_type(struct report *report, const char *path, const char *wanted,
		       const json_t *value)
{
	report_say(report, "%s%smust be %s, not %s%s", path, *path == ' ' ? "" : " ", wanted,
		   type_word(value), advise(wanted, value));
	return -EINVAL;
}

int field_object(struct report *report, const json_t *parent, const char *path, const json_t **ret)
{
	const json_t *value = find_member(parent, path);

	if (value && !json_is_object(value))
		return refuse_type(report, path, "an object", value);
	*ret = value;
	return 0;
}

int field_array(struct report *report, const json_t *parent, const char *path, const json_t **ret)
{
	const json_t *value = find_member(parent, path);

	if (value && !json_is_array(value))
		return refuse_type(report, path, "an array", value);
	*ret = value;
	return 0;
}

int field_text(struct report *report, const json_t *parent, const char *path, const char **ret)
{
	const json_t *value = find_member(parent, path);

	if (value && !json_is_string(value))
		return refuse_type(report, path, a_text, value);
	*ret = value ? json_string_value(value) : "";
	return 0;
}

int field_bool(struct report *report, const json_t *parent, const char *path, bool fallback,
	       bool *ret)
{
	const json_t *value = find_member(parent, path);

	if (json_is_string(value) && parse_yaml_bool(json_string_value(value), ret))
		return 0;
	if (value && !json_is_boolean(value))
		return refuse_type(report, path, "true or false", value);
	*ret = value ? json_is_true(value) : fallback;
	return 0;
}

int field_element(struct report *report, const json_t *array, size_t index, const char *path,
		  const json_t **ret)
{
	const json_t *value = json_array_get(array, index);

	if (!json_is_object(value))
		return refuse_type(report, path, "an object", value);
	*ret = value;
	return 0;
}

int field_each(struct report *report, const json_t *array, const char *path, field_read read,
	       void *arg)
{
	const json_t *element = NULL;
	int err = 0;

	report->array = path;
	for (size_t i = 0; i < json_array_size(array) && err != -ENOMEM; i++) {
		report->index = i;
		err = field_element(report, array, i, " ", &element);
		if (!err)
			err = read(report, element, arg);
	}
	report->array = NULL;
	return err == -ENOMEM ? err : 0;
}

int field_word(struct report *report, const json_t *parent, const char *path,
	       const char *const *words, size_t *ret)
{
	char allowed[128] = "", quoted[QUOTE_MAX];
	const char *text = "";
	size_t i, used = 0;
	int err;

	err = field_text(report, parent, path, &text);
	if (err)
		return err;
	for (i = 0; words[i]; i++) {
		if (!strcmp(text, words[i]) || !*text)
			break;
		used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%s",
					 i ? ", " : "", words[i]);
	}
	if (words[i]) {
		*ret = i;
		return 0;
	}
	report_say(report, "%s '%s' is not known: use one of %s", path, quote(quoted, text),
		   allowed);
	return -EINVAL;
}

int field_port(struct report *report, const json_t *parent, const char *path, uint16_t *ret)
{
	const json_t *value = find_member(parent, path);
	json_int_t port;

	if (value && !json_is_integer(value))
		return refuse_type(report, path, "a whole number from 1 to 65535", value);
	port = json_integer_value(value);
	if (port < 0 || port > UINT16_MAX) {
		report_say(report, "%s %" JSON_INTEGER_FORMAT " is not from 1 to 65535", path,
			   port);
		return -EINVAL;
	}
	*ret = (uint16_t)port;
	return 0;
}

static bool is_alphanumeric(char c, bool upper)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (upper && c >= 'A' && c <= 'Z');
}

/* Letters and digits, at most max of them; others only between them. */
static bool is_word(const char *text, size_t length, size_t max, bool upper, const char *others)
{
	size_t i;

	if (!length || length > max || !is_alphanumeric(text[0], upper) ||
	    !is_alphanumeric(text[length - 1], upper))
		return false;
	for (i = 0; i < length; i++) {
		if (!is_alphanumeric(text[i], upper) && !strchr(others, text[i]))
			return false;
	}
	return true;
}

static bool is_label(const char *text, size_t length)
{
	return is_word(text, length, GW_NAME_MAX - 1, false, "-");
}

static bool is_subdomain(const char *text, size_t length)
{
	return is_word(text, length, GW_LONG_NAME_MAX - 1, false, "-.");
}

static bool is_zone(const char *text, size_t length)
{
	return is_word(text, length, GW_NAME_MAX - 1, true, "-._");
}

const struct name_rule name_label =
	{is_label, "at most 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit"};
const struct name_rule name_subdomain =
	{is_subdomain,
	 "at most 253 of a-z, 0-9, '-' and '.', beginning and ending with a letter or digit"};
const struct name_rule name_zone = {
	is_zone,
	"at most 63 of A-Z, a-z, 0-9, '-', '_' and '.', beginning and ending with a letter or digit"};

int field_name(struct report *report, const json_t *parent, const char *path,
	       const struct name_rule *rule, const char **ret)
{
	char quoted[QUOTE_MAX];
	const char *text = "";
	int err;

	err = field_text(report, parent, path, &text);
	if (err)
		return err;
	if (*text && !rule->is_valid(text, strlen(text))) {
		report_say(report, "%s '%s' is not a valid name: use %s", path, quote(quoted, text),
			   rule->remedy);
		return -EINVAL;
	}
	*ret = text;
	return 0;
}

static void name_object(struct report *report, const json_t *value, const char *kind)
{
	const json_t *metadata = json_object_get(value, "metadata");
	const char *name = json_string_value(json_object_get(metadata, "name"));
	const char *namespace = json_string_value(json_object_get(metadata, "namespace"));
	char name_quoted[QUOTE_MAX], namespace_quoted[QUOTE_MAX];

	if (!name || !*name)
		return;
	if (!namespace || !*namespace)
	namespace = "default";
	/* In full where it can be: a name may be longer than what is quoted. */
	if (!name_subdomain.is_valid(name, strlen(name)))
		name = quote(name_quoted, name);
	snprintf(report->object, sizeof(report->object), "%s '%s/%s'", kind,
		 quote(namespace_quoted, namespace), name);
}

int metadata_read(struct report *report, const json_t *value, const char *kind,
		  const struct name_rule *rule, struct metadata *ret)
{
	const json_t *metadata = NULL;
	int err;

	name_object(report, value, kind);
	err = field_object(report, value, "metadata", &metadata);
	if (!err)
		err = field_name(report, metadata, "metadata.namespace", &name_label,
				 &ret->namespace);
	if (!err)
		err = field_name(report, metadata, "metadata.name", rule, &ret->name);
	if (!err)
		err = field_object(report, metadata, "metadata.labels", &ret->labels);
	if (!err && !*ret->name) {
		report_say(report, "%s without a name: set metadata.name", kind);
		err = -EINVAL;
	}
	if (!err && !*ret->namespace)
		ret->namespace = "default";
	return err;
}

int field_label(struct report *report, const struct metadata *metadata, const char *key,
		const char **ret)
{
	const json_t *value = json_object_get(metadata->labels, key);
	char path[64];

	if (value && !json_is_string(value)) {
		snprintf(path, sizeof(path), "label '%s'", key);
		return refuse_type(report, path, a_text, value);
	}
	*ret = value ? json_string_value(value) : "";
	return 0;
}
