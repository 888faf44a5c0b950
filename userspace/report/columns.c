// SPDX-License-Identifier: Apache-2.0
/* Values of columns: how they are made, written and compared. Which there are, their kinds say. */
#include "report/columns.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/addr.h"
#include "report/format.h"

struct value value_unknown(void)
{
	return (struct value){.kind = VALUE_UNKNOWN};
}

struct value value_text(const char *text)
{
	if (!text)
		return value_unknown();
	return (struct value){.kind = VALUE_TEXT, .text = text};
}

struct value value_name(const char *text)
{
	return value_text(text && *text ? text : NULL);
}

struct value value_format(const char *format, ...)
{
	struct value value = {.kind = VALUE_TEXT};
	va_list args;

	va_start(args, format);
	vsnprintf(value.buffer, sizeof(value.buffer), format, args);
	va_end(args);
	return value;
}

struct value value_count(uint64_t count)
{
	return (struct value){.kind = VALUE_COUNT, .count = count};
}

struct value value_identity(uint64_t identity)
{
	return (struct value){.kind = VALUE_IDENTITY, .count = identity};
}

struct value value_bytes(uint64_t bytes)
{
	return (struct value){.kind = VALUE_BYTES, .count = bytes};
}

static struct value number(enum value_kind kind, double number)
{
	if (number < 0)
		return value_unknown();
	return (struct value){.kind = kind, .number = number};
}

struct value value_seconds(double seconds)
{
	return number(VALUE_SECONDS, seconds);
}

struct value value_ago(double seconds)
{
	return number(VALUE_AGO, seconds);
}

struct value value_latency(double seconds)
{
	return number(VALUE_LATENCY, seconds);
}

struct value value_share(double part, double whole)
{
	return number(VALUE_SHARE, whole > 0 ? part / whole : -1);
}

struct value value_part(uint32_t part, uint32_t whole)
{
	return (struct value){.kind = VALUE_PART, .whole = whole, .count = part};
}

struct value value_truth(bool truth)
{
	return (struct value){.kind = VALUE_TRUTH, .count = truth};
}

struct value value_address(const struct gw_addr *address)
{
	return (struct value){.kind = VALUE_ADDRESS, .address = *address};
}

struct value value_address_port(const struct gw_addr *address, uint16_t port)
{
	return (struct value){.kind = VALUE_ADDRESS_PORT, .port = port, .address = *address};
}

struct value value_json(json_t *json)
{
	return (struct value){.kind = VALUE_JSON, .json = json};
}

struct value value_buckets(const struct gw_counters *counters)
{
	return (struct value){.kind = VALUE_BUCKETS, .counters = counters};
}

/* Cumulative, as in Prometheus: so many connections took le seconds at most. */
static json_t *buckets_to_json(const struct gw_counters *counters)
{
	static const uint32_t bounds_us[] = GW_HISTOGRAM_US;
	json_t *buckets = json_array();
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < GW_HISTOGRAM_MAX; i++) {
		bool open = i == sizeof(bounds_us) / sizeof(bounds_us[0]);
		json_t *le = open ? json_string("+Inf") : json_seconds(bounds_us[i] / 1e6);

		sum += counters->connect_buckets[i];
		json_add(&buckets, json_pack("{so so}", "le", le, "count", json_count(sum)));
	}
	return buckets;
}

static const char *text_of(const struct value *value)
{
	return value->text ? value->text : value->buffer;
}

const char *value_print(const struct value *value, char buf[VALUE_TEXT_MAX])
{
	_Static_assert(VALUE_TEXT_MAX >= FORMAT_MAX && VALUE_TEXT_MAX >= ADDR_PORT_TEXT_MAX,
		       "room");

	switch (value->kind) {
	case VALUE_TEXT:
		return text_of(value);
	case VALUE_COUNT:
	case VALUE_IDENTITY:
		snprintf(buf, VALUE_TEXT_MAX, "%llu", (unsigned long long)value->count);
		return buf;
	case VALUE_BYTES:
		return format_bytes(value->count, buf);
	case VALUE_SECONDS:
	case VALUE_AGO:
		return format_age(value->number, buf);
	case VALUE_LATENCY:
		return format_rtt((uint32_t)(value->number * 1e6 + 0.5), buf);
	case VALUE_SHARE:
		snprintf(buf, VALUE_TEXT_MAX, "%.0f%%", value->number * 100);
		return buf;
	case VALUE_PART:
		snprintf(buf, VALUE_TEXT_MAX, "%llu/%u", (unsigned long long)value->count,
			 value->whole);
		return buf;
	case VALUE_TRUTH:
		return value->count ? "yes" : "no";
	case VALUE_ADDRESS:
		return addr_format(&value->address, buf);
	case VALUE_ADDRESS_PORT:
		return addr_port_format(&value->address, value->port, buf);
	case VALUE_UNKNOWN:
	case VALUE_JSON:
	case VALUE_BUCKETS:
		break;
	}
	return "";
}

json_t *value_to_json(const struct value *value)
{
	char buf[VALUE_TEXT_MAX];

	switch (value->kind) {
	case VALUE_TEXT:
		return json_text(text_of(value));
	case VALUE_COUNT:
	case VALUE_BYTES:
	case VALUE_PART:
		return json_count(value->count);
	case VALUE_IDENTITY:
		return json_identity(value->count);
	case VALUE_SECONDS:
	case VALUE_LATENCY:
		return json_seconds(value->number);
	case VALUE_AGO:
		return json_instant(value->number);
	case VALUE_SHARE:
		return json_real(value->number);
	case VALUE_TRUTH:
		return json_boolean(value->count);
	case VALUE_ADDRESS:
	case VALUE_ADDRESS_PORT:
		return json_string(value_print(value, buf));
	case VALUE_JSON:
		return value->json;
	case VALUE_BUCKETS:
		return buckets_to_json(value->counters);
	case VALUE_UNKNOWN:
		break;
	}
	return json_null();
}

static int compare_known(const struct value *a, const struct value *b)
{
	switch (a->kind) {
	case VALUE_TEXT:
		return strcmp(text_of(a), text_of(b));
	case VALUE_ADDRESS:
	case VALUE_ADDRESS_PORT:
		return addr_port_compare(&a->address, a->port, &b->address, b->port);
	case VALUE_SECONDS:
	case VALUE_AGO:
	case VALUE_LATENCY:
	case VALUE_SHARE:
		return (a->number < b->number) - (a->number > b->number);
	case VALUE_COUNT:
	case VALUE_IDENTITY:
	case VALUE_BYTES:
	case VALUE_PART:
	case VALUE_TRUTH:
		return (a->count < b->count) - (a->count > b->count);
	case VALUE_UNKNOWN:
	case VALUE_JSON:
	case VALUE_BUCKETS:
		break;
	}
	return 0;
}

/* A column's values have one kind, or are unknown. */
int value_compare(const struct value *a, const struct value *b)
{
	if (a->kind != b->kind)
		return (a->kind == VALUE_UNKNOWN) - (b->kind == VALUE_UNKNOWN);
	return compare_known(a, b);
}

const struct column *columns_find(const struct columns *columns, const char *title)
{
	for (size_t i = 0; i < columns->count; i++) {
		const char *own = columns->items[i].title;

		if (own && !strcasecmp(own, title))
			return &columns->items[i];
	}
	return NULL;
}

json_t *columns_to_json(const struct columns *columns, const void *row)
{
	json_t *object = json_object();

	for (size_t i = 0; i < columns->count && object; i++) {
		const struct column *column = &columns->items[i];
		struct value value;

		if (!column->field)
			continue;
		value = column->read(row);
		if (!json_object_set_new_nocheck(object, column->field, value_to_json(&value)))
			continue;
		json_decref(object);
		object = NULL;
	}
	return object;
}
