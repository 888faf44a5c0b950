// SPDX-License-Identifier: Apache-2.0
/* As kubectl reads them: "!!binary" is base64 of text. */
#include "source/yaml_tags.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "source/scalar.h"

static const char prefix[] = "tag:yaml.org,2002:";

/* "str" of "tag:yaml.org,2002:str"; "!", which stands for no kind, as it is. */
static bool is_tag(const char *tag, size_t length, const char *name)
{
	size_t skipped = strlen(prefix);

	if (length < skipped || memcmp(tag, prefix, skipped) != 0)
		skipped = 0;
	return length - skipped == strlen(name) && memcmp(tag + skipped, name, strlen(name)) == 0;
}

static int decode_binary(const char *text, size_t length, json_t **ret)
{
	EVP_ENCODE_CTX *context = EVP_ENCODE_CTX_new();
	unsigned char *bytes = malloc(length + 1);
	int used = 0, rest = 0, err = -ENOMEM;

	if (!context || !bytes)
		goto out;
	EVP_DecodeInit(context);
	err = -EINVAL;
	if (EVP_DecodeUpdate(context, bytes, &used, (const unsigned char *)text, (int)length) < 0 ||
	    EVP_DecodeFinal(context, bytes + used, &rest) < 0 ||
	    memchr(bytes, '\0', (size_t)(used + rest)))
		goto out;
	*ret = json_stringn((const char *)bytes, (size_t)(used + rest));
	err = *ret ? 0 : -EINVAL;
out:
	EVP_ENCODE_CTX_free(context);
	free(bytes);
	return err;
}

static int read_typed(const char *tag, size_t tag_length, const char *text, size_t length,
		      json_t **ret)
{
	static const char *const names[] = {"int", "float", "bool", "null"};
	json_t *value = scalar_value(text, length);
	const bool fits[] = {json_is_integer(value), json_is_number(value), json_is_boolean(value),
			     json_is_null(value)};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!is_tag(tag, tag_length, names[i]) || !fits[i])
			continue;
		*ret = value;
		return 0;
	}
	json_decref(value);
	return -EINVAL;
}

int yaml_tags_scalar(const char *tag, size_t tag_length, const char *text, size_t length,
		     json_t **ret)
{
	static const char *const names[] = {"!", "str", "timestamp"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!is_tag(tag, tag_length, names[i]))
			continue;
		*ret = json_stringn(text, length);
		return *ret ? 0 : -EINVAL;
	}
	if (is_tag(tag, tag_length, "binary"))
		return decode_binary(text, length, ret);
	return read_typed(tag, tag_length, text, length, ret);
}

bool yaml_tags_fit(const char *tag, size_t tag_length, const json_t *container)
{
	return is_tag(tag, tag_length, "!") ||
	       is_tag(tag, tag_length, json_is_object(container) ? "map" : "seq");
}
