/* SPDX-License-Identifier: Apache-2.0 */
/* The tags that YAML itself has. Knows nothing of how text is parsed. */
#ifndef GWBPF_SOURCE_YAML_TAGS_H
#define GWBPF_SOURCE_YAML_TAGS_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/*
 * What text is by its tag, of length tag_length and in full ("tag:yaml.org,2002:str"). -EINVAL if
 * the tag is none of YAML's for scalars, or text is nothing of this kind; -ENOMEM.
 */
int yaml_tags_scalar(const char *tag, size_t tag_length, const char *text, size_t length,
		     json_t **ret);

/* Whether the tag says of an object or array what it is anyway. */
bool yaml_tags_fit(const char *tag, size_t tag_length, const json_t *container);

#endif
