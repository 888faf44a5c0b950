// SPDX-License-Identifier: Apache-2.0
/*
 * Addresses as text and back, and which of them can be no connection's destination. Knows nothing
 * of Services or endpoints.
 */
#include "base/addr.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

#define MAPPED 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff /* what IPv4 addresses begin with */
#define MAPPED_BITS 96

/* What no connection may be sent to. */
static const struct {
	uint8_t prefix[16];
	unsigned int bits;
	const char *text;
} refused[] = {
	{{MAPPED}, MAPPED_BITS + 32, "the unspecified address"},
	{{0}, 128, "the unspecified address"},
	{{MAPPED, 127}, MAPPED_BITS + 8, "a loopback address"},
	{{[15] = 1}, 128, "a loopback address"},
	{{MAPPED, 169, 254}, MAPPED_BITS + 16, "a link-local address"},
	{{0xfe, 0x80}, 10, "a link-local address"},
	{{MAPPED, 224}, MAPPED_BITS + 4, "a multicast address"},
	{{MAPPED, 255, 255, 255, 255}, MAPPED_BITS + 32, "the broadcast address"},
	{{0xff}, 8, "a multicast address"},
};

int addr_parse(const char *text, struct gw_addr *ret)
{
	struct gw_addr addr = {.word = {0, 0, htonl(0xffff), 0}};

	if (inet_pton(AF_INET, text, &addr.word[3]) != 1 && inet_pton(AF_INET6, text, &addr) != 1)
		return -EINVAL;
	*ret = addr;
	return 0;
}

/* Behind the zeros with which a number begins, except the one before its end. */
static const char *skip_zeros(const char *text)
{
	while (text[0] == '0' && isxdigit((unsigned char)text[1]))
		text++;
	return text;
}

int addr_parse_sloppy(const char *text, struct gw_addr *ret)
{
	char plain[ADDR_TEXT_MAX];
	size_t length = 0;

	for (text = skip_zeros(text); *text; length++) {
		if (length + 1 == sizeof(plain))
			return -EINVAL;
		plain[length] = *text++;
		if (plain[length] == '.' || plain[length] == ':')
			text = skip_zeros(text);
	}
	plain[length] = '\0';
	return addr_parse(plain, ret);
}

bool addr_is_ipv4(const struct gw_addr *addr)
{
	return addr->word[0] == 0 && addr->word[1] == 0 && addr->word[2] == htonl(0xffff);
}

bool addr_is_loopback(const struct gw_addr *addr)
{
	if (addr_is_ipv4(addr))
		return ntohl(addr->word[3]) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(addr);
}

const char *addr_format(const struct gw_addr *addr, char *buf)
{
	if (addr_is_ipv4(addr))
		return inet_ntop(AF_INET, &addr->word[3], buf, ADDR_TEXT_MAX);
	return inet_ntop(AF_INET6, addr, buf, ADDR_TEXT_MAX);
}

const char *addr_port_format(const struct gw_addr *addr, uint16_t port, char *buf)
{
	char text[ADDR_TEXT_MAX];

	addr_format(addr, text);
	if (addr_is_ipv4(addr))
		snprintf(buf, ADDR_PORT_TEXT_MAX, "%s:%u", text, (unsigned int)port);
	else
		snprintf(buf, ADDR_PORT_TEXT_MAX, "[%s]:%u", text, (unsigned int)port);
	return buf;
}

/* Cut text at its last colon: the address without its brackets goes to host. The port's text, or
 * NULL if this is no address with a port. */
static const char *split_port(const char *text, char host[ADDR_TEXT_MAX])
{
	const char *colon = strrchr(text, ':');
	bool bracketed = text[0] == '[';
	size_t length;

	if (!colon)
		return NULL;
	length = (size_t)(colon - text);
	if (bracketed) {
		if (length < 2 || colon[-1] != ']')
			return NULL;
		text++;
		length -= 2;
	}
	/* What stands in brackets is IPv6; what does not must not be: where would it end? */
	if (length >= ADDR_TEXT_MAX || bracketed != !!memchr(text, ':', length))
		return NULL;
	memcpy(host, text, length);
	host[length] = '\0';
	return colon + 1;
}

int addr_port_parse(const char *text, struct gw_addr *ret, uint16_t *port)
{
	char host[ADDR_TEXT_MAX];
	struct gw_addr addr;
	const char *port_text;
	uint32_t number;

	port_text = split_port(text, host);
	if (!port_text || addr_parse(host, &addr) || parse_u32(port_text, 1, UINT16_MAX, &number))
		return -EINVAL;
	*ret = addr;
	*port = (uint16_t)number;
	return 0;
}

int addr_compare(const struct gw_addr *a, const struct gw_addr *b)
{
	return memcmp(a, b, sizeof(*a));
}

int addr_port_compare(const struct gw_addr *a, uint16_t a_port, const struct gw_addr *b,
		      uint16_t b_port)
{
	int order = addr_compare(a, b);

	return order ? order : (a_port > b_port) - (a_port < b_port);
}

static bool has_prefix(const uint8_t addr[16], const uint8_t prefix[16], unsigned int bits)
{
	unsigned int whole = bits / 8;
	unsigned int rest = bits % 8;

	if (memcmp(addr, prefix, whole) != 0)
		return false;
	return rest == 0 || (addr[whole] ^ prefix[whole]) >> (8 - rest) == 0;
}

const char *addr_refusal(const struct gw_addr *addr)
{
	uint8_t bytes[16];

	memcpy(bytes, addr, sizeof(bytes));
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (has_prefix(bytes, refused[i].prefix, refused[i].bits))
			return refused[i].text;
	}
	return NULL;
}
