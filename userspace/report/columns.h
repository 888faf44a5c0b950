/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told of each thing of a kind (a Service port, a backend, a connection): one table of
 * columns a kind. The tables of the commands, JSON, --sort, the completions, the help and the list in
 * the man page come from it. To add a column, add a row.
 */
#ifndef GWBPF_REPORT_COLUMNS_H
#define GWBPF_REPORT_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gwbpf/abi.h>

#include "report/json.h"

#define VALUE_TEXT_MAX 200 /* three names with signs between */

enum value_kind {
	VALUE_UNKNOWN, /* null in JSON, "-" in a table */
	VALUE_TEXT,
	VALUE_COUNT,
	VALUE_IDENTITY, /* 64 bits; text in JSON */
	VALUE_BYTES,
	VALUE_SECONDS,
	VALUE_AGO,     /* seconds ago; in JSON the instant by RFC 3339 */
	VALUE_LATENCY, /* seconds, in a table in ms */
	VALUE_SHARE,   /* 0 to 1 */
	VALUE_PART,    /* "2/3" */
	VALUE_TRUTH,
	VALUE_ADDRESS,
	VALUE_ADDRESS_PORT,
	VALUE_JSON,    /* of parts; not for tables */
	VALUE_BUCKETS, /* how long connects took; not for tables */
};

/* What a column says of one row. It lives as long as the row does. */
struct value {
	enum value_kind kind;
	uint16_t port;  /* of VALUE_ADDRESS_PORT */
	uint32_t whole; /* of VALUE_PART */
	union {
		const char *text;
		uint64_t count;
		double number;
		struct gw_addr address;
		json_t *json;                       /* whoever reads the value owns it */
		const struct gw_counters *counters; /* of VALUE_BUCKETS */
	};
	char buffer[VALUE_TEXT_MAX]; /* the text, if text is NULL */
};

/* Each makes a value; NULL, and a number below 0, is unknown. */
struct value value_text(const char *text);
struct value value_name(const char *text); /* "" is unknown too */
struct value value_count(uint64_t count);
struct value value_identity(uint64_t identity);
struct value value_bytes(uint64_t bytes);
struct value value_seconds(double seconds);
struct value value_ago(double seconds);
struct value value_latency(double seconds);
struct value value_share(double part, double whole); /* unknown if whole is 0 */
struct value value_part(uint32_t part, uint32_t whole);
struct value value_truth(bool truth);
struct value value_address(const struct gw_addr *address);
struct value value_address_port(const struct gw_addr *address, uint16_t port);
struct value value_json(json_t *json);
struct value value_buckets(const struct gw_counters *counters);
struct value value_unknown(void);
struct value value_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As text for people; "" if it is unknown. It is in value itself or in buf. */
const char *value_print(const struct value *value, char buf[VALUE_TEXT_MAX]);

json_t *value_to_json(const struct value *value);

/* The order of --sort: the largest number first, text by the alphabet, what is unknown last. */
int value_compare(const struct value *a, const struct value *b);

/* Which tables have a column. */
enum column_shown {
	COLUMN_MAIN = 1 << 0,     /* what people get who ask for nothing more */
	COLUMN_FAILURES = 1 << 1, /* --wide failures, and so on */
	COLUMN_TRAFFIC = 1 << 2,
	COLUMN_CHECKS = 1 << 3,
	COLUMN_ALL = 1 << 4,    /* -o wide */
	COLUMN_PLAIN = 1 << 5,  /* without headers, for scripts: never shortened */
	COLUMN_KEY = 1 << 6,    /* the name of the row: for scripts in every table */
	COLUMN_PEOPLE = 1 << 7, /* made of others: never for scripts */
	COLUMN_NUMBER = 1 << 8, /* to the right */
	COLUMN_MOOD = 1 << 9,   /* in the colour of how well the row is */
};

struct column {
	const char *title; /* NULL: only JSON has it */
	const char *field; /* NULL: only tables have it */
	unsigned int shown;
	unsigned int width; /* where room is short, people get so many letters; 0: all */
	const char *help;
	struct value (*read)(const void *row);
};

/*
 * A kind: its columns in the order of JSON, whose names and order are a promise.
 *
 * A list of columns is a macro of rows X(id, title, field, shown, width, help, reading), where reading is
 * an expression of the row. Its file makes a reader read_ID of each, COLUMN_ROW the row that holds it.
 */
struct columns {
	const char *list; /* the kind of its JSON: "BackendList" */
	const struct column *items;
	size_t count;
};

/* By its title, in small letters or capitals; NULL: there is none. */
const struct column *columns_find(const struct columns *columns, const char *title);

/* A row as an object. */
json_t *columns_to_json(const struct columns *columns, const void *row);

#define COLUMN_ROW(id, title, field, shown, width, help, reading)                                  \
	{title, field, shown, width, help, read_##id},

#endif
