// SPDX-License-Identifier: Apache-2.0
#include "base/der.h"

#include <string.h>
#include <time.h>

#define LENGTH_BYTES_MAX 4
#define TAG_LONG 0x1f

/* The header at the front: how long it is, and the content behind it. */
static bool read_header(const struct der *from, size_t *header, size_t *length)
{
	size_t bytes, value = 0;

	if (from->left < 2 || (from->at[0] & TAG_LONG) == TAG_LONG)
		return false;
	*header = 2;
	*length = from->at[1];
	if (!(from->at[1] & 0x80))
		return true;
	bytes = from->at[1] & 0x7f;
	if (!bytes || bytes > LENGTH_BYTES_MAX || from->left < 2 + bytes || !from->at[2])
		return false;
	for (size_t i = 0; i < bytes; i++)
		value = value << 8 | from->at[2 + i];
	*header = 2 + bytes;
	*length = value;
	return value >= 0x80;
}

bool der_next(struct der *from, uint8_t *tag, struct der *ret)
{
	size_t header, length;

	if (!read_header(from, &header, &length) || length > from->left - header)
		return false;
	*tag = from->at[0];
	*ret = (struct der){from->at + header, length};
	from->at += header + length;
	from->left -= header + length;
	return true;
}

bool der_has(const struct der *from, uint8_t tag)
{
	return from->left && from->at[0] == tag;
}

bool der_take(struct der *from, uint8_t tag, struct der *ret)
{
	return der_has(from, tag) && der_next(from, &tag, ret);
}

bool der_skip(struct der *from, uint8_t tag)
{
	struct der content;

	return !der_has(from, tag) || der_next(from, &tag, &content);
}

bool der_is(const struct der *a, const void *bytes, size_t size)
{
	return a->left == size && !memcmp(a->at, bytes, size);
}

bool der_equal(const struct der *a, const struct der *b)
{
	return der_is(a, b->at, b->left);
}

bool der_is_natural(const struct der *integer)
{
	if (!integer->left || integer->at[0] & 0x80)
		return false;
	return integer->left == 1 || integer->at[0] || integer->at[1] & 0x80;
}

/* So many decimal digits. */
static bool take_digits(struct der *text, size_t count, int *ret)
{
	int value = 0;

	if (text->left < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (text->at[i] < '0' || text->at[i] > '9')
			return false;
		value = value * 10 + (text->at[i] - '0');
	}
	text->at += count;
	text->left -= count;
	*ret = value;
	return true;
}

/* "Z", or "+0130": how far ahead of UTC. Zero is written Z. */
static bool take_zone(struct der *text, int *seconds)
{
	int sign, hours, minutes;

	if (der_is(text, "Z", 1)) {
		*seconds = 0;
		return true;
	}
	if (text->left != 5 || (text->at[0] != '+' && text->at[0] != '-'))
		return false;
	sign = text->at[0] == '-' ? -1 : 1;
	text->at++;
	text->left--;
	if (!take_digits(text, 2, &hours) || !take_digits(text, 2, &minutes))
		return false;
	if (hours > 23 || minutes > 59 || hours + minutes == 0)
		return false;
	*seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

/* timegm(3) takes the 30th of February for the first of March: such a day does not exist here. */
static bool is_real(const struct tm *given, time_t time)
{
	struct tm real;

	return gmtime_r(&time, &real) && real.tm_year == given->tm_year &&
	       real.tm_mon == given->tm_mon && real.tm_mday == given->tm_mday &&
	       real.tm_hour == given->tm_hour && real.tm_min == given->tm_min &&
	       real.tm_sec == given->tm_sec;
}

/* UTCTime has two digits of the year, for 1950 to 2049 (RFC 5280), and may lack the seconds. */
bool der_take_time(struct der *from, int64_t *ret)
{
	bool is_short = der_has(from, DER_UTC_TIME);
	struct tm given = {0}, copy;
	struct der text;
	int year, zone;
	time_t time;

	if (!is_short && !der_has(from, DER_GENERALIZED_TIME))
		return false;
	if (!der_take(from, is_short ? DER_UTC_TIME : DER_GENERALIZED_TIME, &text))
		return false;
	if (!take_digits(&text, is_short ? 2 : 4, &year) || !take_digits(&text, 2, &given.tm_mon) ||
	    !take_digits(&text, 2, &given.tm_mday) || !take_digits(&text, 2, &given.tm_hour) ||
	    !take_digits(&text, 2, &given.tm_min))
		return false;
	if (!take_digits(&text, 2, &given.tm_sec) && !is_short)
		return false;
	if (!take_zone(&text, &zone))
		return false;
	if (is_short)
		year += year >= 50 ? 1900 : 2000;
	given.tm_year = year - 1900;
	given.tm_mon--;
	copy = given;
	time = timegm(&copy);
	if (!is_real(&given, time))
		return false;
	*ret = (int64_t)time - zone;
	return true;
}
