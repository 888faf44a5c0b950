// SPDX-License-Identifier: Apache-2.0
/* An alias becomes a copy, whose size is known before it is made. */
#include "source/yaml_anchors.h"

#include <errno.h>
#include <string.h>

#define VALUE_BYTES 64 /* that a value takes besides its text */

int yaml_anchors_set(struct yaml_anchors *anchors, const char *name, size_t length, json_t *value)
{
	if (!anchors->values)
		anchors->values = json_object();
	return json_object_setn_new_nocheck(anchors->values, name, length, json_incref(value))
		       ? -ENOMEM
		       : 0;
}

json_t *yaml_anchors_find(const struct yaml_anchors *anchors, const char *name, size_t length)
{
	return json_object_getn(anchors->values, name, length);
}

/* Add the size of value to *bytes, which stays about where it was once it is beyond the limit. */
static int measure(const json_t *value, size_t depth, size_t *bytes)
{
	const json_t *member;
	const char *key;
	size_t i;
	int err = 0;

	*bytes += VALUE_BYTES + json_string_length(value);
	if (*bytes > YAML_COPIED_BYTES_MAX)
		return -E2BIG;
	if ((json_is_object(value) || json_is_array(value)) && depth-- == 0)
		return -E2BIG;
	json_array_foreach((json_t *)value, i, member) {
		err = measure(member, depth, bytes);
		if (err)
			return err;
	}
	json_object_foreach((json_t *)value, key, member) {
		*bytes += strlen(key);
		err = measure(member, depth, bytes);
		if (err)
			return err;
	}
	return 0;
}

int yaml_anchors_copy(struct yaml_anchors *anchors, const json_t *value, size_t depth, json_t **ret)
{
	int err = measure(value, depth, &anchors->copied);

	if (err)
		return err;
	*ret = json_deep_copy(value);
	return *ret ? 0 : -ENOMEM;
}

void yaml_anchors_clear(struct yaml_anchors *anchors)
{
	json_decref(anchors->values);
	anchors->values = NULL;
}
