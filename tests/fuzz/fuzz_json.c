// SPDX-License-Identifier: Apache-2.0
/* Any bytes as JSON: cut into pieces it must be what go_json_load() says of the whole. */
#include "fuzz.h"

#include <string.h>

#include "source/go_json.h"
#include "source/json_text.h"

static int keep(const json_t *document, void *arg)
{
	json_t **kept = arg;

	must(!*kept);
	*kept = json_incref((json_t *)document);
	return 0;
}

/* One number of more than 64 bits makes all of the text that has it real ones, a piece or the whole. */
static bool is_same(const json_t *a, const json_t *b)
{
	const json_t *value;
	const char *key;
	size_t i;

	if (json_is_number(a) && json_is_number(b))
		return json_number_value(a) == json_number_value(b);
	if (json_is_array(a) && json_array_size(a) == json_array_size(b)) {
		json_array_foreach((json_t *)a, i, value) {
			if (!is_same(value, json_array_get(b, i)))
				return false;
		}
		return true;
	}
	if (!json_is_object(a) || json_object_size(a) != json_object_size(b))
		return json_equal(a, b);
	json_object_foreach((json_t *)a, key, value) {
		if (!is_same(value, json_object_get(b, key)))
			return false;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *cut = NULL, *whole = NULL;
	const struct document_visitor visitor = {.document = keep, .arg = &cut};
	char message[JSON_TEXT_MESSAGE_MAX];
	json_error_t error;
	size_t at = 0;
	int err;

	err = json_text_parse((const char *)data, size, &at, &visitor, message);
	must(!err == !!cut && !err == !*message && at <= size);
	if (!err)
		whole = go_json_load((const char *)data, at, JSON_REJECT_DUPLICATES, &error);
	else if (!strstr(message, "nested"))
		whole = go_json_load((const char *)data, size,
				     JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &error);
	must(err ? !json_is_object(whole) : is_same(whole, cut));
	json_decref(whole);
	json_decref(cut);
	return 0;
}
