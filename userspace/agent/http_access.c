// SPDX-License-Identifier: Apache-2.0
#include "agent/http_access.h"

#include <event2/bufferevent.h>
#include <event2/http.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/parse.h"

#define HOST_MAX 256 /* a DNS name has 253 characters at most */
#define NAME "localhost"

static bool is_loopback_name(const char *name)
{
	size_t length = strlen(name), tail = strlen(NAME);

	if (length && name[length - 1] == '.')
		length--;
	if (length < tail || strncasecmp(name + length - tail, NAME, tail))
		return false;
	return length == tail || name[length - tail - 1] == '.';
}

static bool is_loopback_address(const char *text)
{
	struct gw_addr address;

	return !addr_parse(text, &address) && addr_is_loopback(&address);
}

/* "[::1]:9451" and "[::1]". */
static bool is_bracketed_loopback(char *host)
{
	char *end = strchr(host, ']');
	uint32_t port;

	if (!end || (end[1] && (end[1] != ':' || parse_u32(end + 2, 1, 65535, &port))))
		return false;
	*end = '\0';
	return strchr(host, ':') && is_loopback_address(host + 1);
}

bool http_access_is_loopback_host(const char *host)
{
	char name[HOST_MAX], *colon;
	uint32_t port;

	if (snprintf(name, sizeof(name), "%s", host) >= (int)sizeof(name))
		return false;
	if (name[0] == '[')
		return is_bracketed_loopback(name);
	colon = strchr(name, ':');
	if (colon) {
		*colon = '\0';
		if (parse_u32(colon + 1, 1, 65535, &port))
			return false;
	}
	return is_loopback_name(name) || is_loopback_address(name);
}

bool http_access_is_root(struct evhttp_request *request)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(request);
	int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(connection));
	struct ucred peer;
	socklen_t length = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) && peer.uid == 0;
}
