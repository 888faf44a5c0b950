/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the members of a Kubernetes object one by one, and telling what is wrong with them in
 * words that name the member. Only for the decoders; knows no kind of object.
 */
#ifndef GWBPF_SOURCE_FIELDS_H
#define GWBPF_SOURCE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "source/decode.h"

#define REPORT_OBJECT_MAX 512
#define REPORT_TOLD_MAX 20 /* refusals of one object; the rest are only counted */
#define QUOTE_MAX 96

/* What is told about one object. */
struct report {
	decode_refuse refuse;
	void *arg;
	char object[REPORT_OBJECT_MAX];
	const char *array; /* with index: the element that is being read; NULL for none */
	size_t index;
	size_t count;
};

void report_init(struct report *report, decode_refuse refuse, void *arg);
void report_say(struct report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void report_done(struct report *report); /* tells how many were not told */

/* Text of a stranger, short and printable. Returns buf, of QUOTE_MAX bytes. */
const char *quote(char *buf, const char *text);

/*
 * The member of parent that the last word of path names ("spec.ports": "ports"). Absent and null
 * are alike: NULL, and "" for a text. -EINVAL, told, for one of another type. parent may be NULL.
 */
int field_object(struct report *report, const json_t *parent, const char *path, const json_t **ret);
int field_array(struct report *report, const json_t *parent, const char *path, const json_t **ret);
int field_text(struct report *report, const json_t *parent, const char *path, const char **ret);
int field_bool(struct report *report, const json_t *parent, const char *path, bool fallback,
	       bool *ret);

/*
 * Call read for each element of an array, which must be objects; the report goes by the element
 * meanwhile. What is refused, and what read does not take (-ENOENT), is left out; -ENOMEM ends it.
 */
typedef int (*field_read)(struct report *report, const json_t *element, void *arg);
int field_each(struct report *report, const json_t *array, const char *path, field_read read,
	       void *arg);

/* An element of an array, which must be an object. With report->array set, path is " ". */
int field_element(struct report *report, const json_t *array, size_t index, const char *path,
		  const json_t **ret);

/* A text that must be one of words, an array that ends with NULL; absent and "": the first one.
 * ret is its position. */
int field_word(struct report *report, const json_t *parent, const char *path,
	       const char *const *words, size_t *ret);

/* A port from 1 on, or 0 where it is absent, null or 0. */
int field_port(struct report *report, const json_t *parent, const char *path, uint16_t *ret);

/* What a text must be; field_name takes "" for absent, where the check is not made. */
struct name_rule {
	bool (*is_valid)(const char *text, size_t length);
	const char *remedy;
};

extern const struct name_rule name_label;     /* a namespace, a Service, a port */
extern const struct name_rule name_subdomain; /* a pod, a node, an EndpointSlice */
extern const struct name_rule name_zone;      /* what the value of a label may be */

int field_name(struct report *report, const json_t *parent, const char *path,
	       const struct name_rule *rule, const char **ret);

/* What every object has. The texts are the value's. */
struct metadata {
	const char *namespace; /* "default" if it is missing */
	const char *name;
	const json_t *labels;
};

/* Read it; from then on the report goes by the object's name. -EINVAL, told */
int metadata_read(struct report *report, const json_t *value, const char *kind,
		  const struct name_rule *rule, struct metadata *ret);

/* The value of a label, "" for absent. -EINVAL, told, if it is no text. */
int field_label(struct report *report, const struct metadata *metadata, const char *key,
		const char **ret);

#endif
