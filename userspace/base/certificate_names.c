// SPDX-License-Identifier: Apache-2.0
/*
 * Names compared as Go's x509.Certificate.VerifyHostname does. A pattern is what the certificate
 * has, a host what a client dials. Both are spans, for a NUL may be in a pattern.
 */
#include "base/certificate.h"

#include <stdio.h>
#include <string.h>

#include "base/addr.h"

static struct der span(const char *text)
{
	return (struct der){(const uint8_t *)text, strlen(text)};
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static bool is_same(const struct der *a, const struct der *b)
{
	if (a->left != b->left)
		return false;
	for (size_t i = 0; i < a->left; i++)
		if (lower(a->at[i]) != lower(b->at[i]))
			return false;
	return true;
}

/* The label at the front, without its dot, is stepped over. has_dot: another one follows. */
static struct der take_label(struct der *name, bool *has_dot)
{
	struct der label = {name->at, 0};

	while (label.left < name->left && name->at[label.left] != '.')
		label.left++;
	*has_dot = label.left < name->left;
	name->at += label.left + *has_dot;
	name->left -= label.left + *has_dot;
	return label;
}

static bool is_label(const struct der *label)
{
	for (size_t i = 0; i < label->left; i++) {
		uint8_t c = lower(label->at[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' &&
		    !(c == '-' && i))
			return false;
	}
	return label->left > 0;
}

static struct der without_dot(struct der host)
{
	if (host.left && host.at[host.left - 1] == '.')
		host.left--;
	return host;
}

/* A "*" may stand for the whole first label of a pattern, but not alone. */
static bool is_valid(struct der name, bool is_pattern)
{
	bool has_dot = true, is_first = true;

	if (der_is(&name, "*", 1))
		return false;
	for (; has_dot; is_first = false) {
		struct der label = take_label(&name, &has_dot);

		if (!(is_pattern && is_first && der_is(&label, "*", 1)) && !is_label(&label))
			return false;
	}
	return true;
}

/* Label by label; both are valid, so that a "*" is the first. */
static bool matches(struct der pattern, struct der host)
{
	bool has_dot = true, host_has_dot;

	while (has_dot) {
		struct der left = take_label(&pattern, &has_dot);
		struct der right = take_label(&host, &host_has_dot);

		if (has_dot != host_has_dot)
			return false;
		if (!der_is(&left, "*", 1) && !is_same(&left, &right))
			return false;
	}
	return true;
}

/* What is no valid name may still be equal, letter by letter. */
static bool is_exactly(const struct der *pattern, const struct der *host)
{
	return host->left && !der_is(host, ".", 1) && is_same(pattern, host);
}

static bool carries_host(const struct certificate *certificate, struct der host)
{
	bool is_host = is_valid(without_dot(host), false);

	for (size_t i = 0; i < certificate->name_count; i++) {
		const struct certificate_name *name = &certificate->names[i];

		if (name->is_address)
			continue;
		if (is_host && is_valid(name->text, true) ? matches(name->text, without_dot(host))
							  : is_exactly(&name->text, &host))
			return true;
	}
	return false;
}

/* IPv4 in its mapped form is the same address. */
static struct gw_addr address_of(const struct certificate_name *name)
{
	struct gw_addr address = {0};
	uint8_t *bytes = (uint8_t *)&address;

	if (name->text.left == 4)
		memset(bytes + 10, 0xff, 2);
	memcpy(bytes + sizeof(address) - name->text.left, name->text.at, name->text.left);
	return address;
}

static bool carries_address(const struct certificate *certificate, const struct gw_addr *address)
{
	for (size_t i = 0; i < certificate->name_count; i++) {
		struct gw_addr own;

		if (!certificate->names[i].is_address)
			continue;
		own = address_of(&certificate->names[i]);
		if (!addr_compare(&own, address))
			return true;
	}
	return false;
}

/* Also "[fd00::1]". */
static bool read_address(const char *name, struct gw_addr *ret)
{
	size_t length = strlen(name);
	char inner[ADDR_TEXT_MAX];

	if (length < 3 || name[0] != '[' || name[length - 1] != ']')
		return !addr_parse(name, ret);
	if (length - 2 >= sizeof(inner))
		return false;
	memcpy(inner, name + 1, length - 2);
	inner[length - 2] = '\0';
	return !addr_parse(inner, ret);
}

bool certificate_carries(const struct certificate *certificate, const char *name)
{
	struct gw_addr address;

	if (read_address(name, &address))
		return carries_address(certificate, &address);
	return carries_host(certificate, span(name));
}

bool certificate_is_name(const char *name)
{
	struct gw_addr address;

	return read_address(name, &address) || is_valid(without_dot(span(name)), false);
}

const char *certificate_name_text(const struct certificate_name *name,
				  char buf[CERTIFICATE_TEXT_MAX])
{
	size_t length = name->text.left;

	if (name->is_address) {
		struct gw_addr address = address_of(name);

		return addr_format(&address, buf);
	}
	if (length >= CERTIFICATE_TEXT_MAX)
		length = CERTIFICATE_TEXT_MAX - 1;
	for (size_t i = 0; i < length; i++) {
		uint8_t c = name->text.at[i];

		buf[i] = c > ' ' && c < 0x7f ? (char)c : '?';
	}
	buf[length] = '\0';
	return buf;
}
