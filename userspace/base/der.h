/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader of DER, the encoding of certificates (X.690). It allocates nothing, and never reads
 * beyond the bytes that it was given. Each call looks at one header, so that a walk costs as many
 * steps as there are elements.
 */
#ifndef GWBPF_BASE_DER_H
#define GWBPF_BASE_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_OID = 0x06,
	DER_UTF8_STRING = 0x0c,
	DER_PRINTABLE_STRING = 0x13,
	DER_T61_STRING = 0x14,
	DER_IA5_STRING = 0x16,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT = 0x80, /* or'ed with a number: [0], [1] … */
	DER_CONSTRUCTED = 0x20,
};

/* What is left to read. The bytes are somebody else's. */
struct der {
	const uint8_t *at;
	size_t left;
};

/* Step over the next element; ret is what is in it. false, and nothing is stepped over, at the end
 * and for what is no DER: a length that is longer than it must be, that has more than four bytes,
 * or that goes beyond the end, or a tag of several bytes. */
bool der_next(struct der *from, uint8_t *tag, struct der *ret);

/* The same; false also if the next element has another tag. */
bool der_take(struct der *from, uint8_t tag, struct der *ret);

/* Step over the next element if it has this tag. false only for what is no DER. */
bool der_skip(struct der *from, uint8_t tag);

bool der_has(const struct der *from, uint8_t tag); /* whether the next element has this tag */
bool der_equal(const struct der *a, const struct der *b);
bool der_is(const struct der *a, const void *bytes, size_t size);

/* Whether the content of an INTEGER is as short as it must be and not below zero. */
bool der_is_natural(const struct der *integer);

/* An UTCTime or GeneralizedTime, in seconds since 1970. false also for a day that does not exist. */
bool der_take_time(struct der *from, int64_t *ret);

#endif
