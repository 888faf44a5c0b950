// SPDX-License-Identifier: Apache-2.0
/* Any bytes as JSON: cut into pieces it must be exactly what it is as a whole. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *cut = NULL, *whole = NULL;
	const struct document_visitor visitor = {.document = keep, .arg = &cut};
	char message[JSON_TEXT_MESSAGE_MAX];
	size_t at = 0;
	int err;

	err = json_text_parse((const char *)data, size, &at, &visitor, message);
	must(!err == !!cut && !err == !*message && at <= size);
	if (!err)
		whole = go_json_load((const char *)data, at, JSON_REJECT_DUPLICATES, NULL);
	else if (!strstr(message, "nested"))
		whole = go_json_load((const char *)data, size,
				     JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, NULL);
	must(err ? !json_is_object(whole) : json_equal(whole, cut));
	json_decref(whole);
	json_decref(cut);
	return 0;
}
