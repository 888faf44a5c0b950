// SPDX-License-Identifier: Apache-2.0
#include "agent/http_listen.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <libgen.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/addr.h"

/* Under a flood of connects the health waits behind as many: a fraction of a second. With fewer,
 * SYNs are dropped, and whoever sent them waits for a second. */
#define BACKLOG 512
/* A connection that says nothing is not accepted so long: then nothing of it waits in the loop. */
#define DEFER_SECONDS 5

static bool parse(const char *text, struct gw_addr *address, uint16_t *port)
{
	char all[ADDR_PORT_TEXT_MAX];

	if (text[0] != ':')
		return !addr_port_parse(text, address, port);
	return snprintf(all, sizeof(all), "[::]%s", text) < (int)sizeof(all) &&
	       !addr_port_parse(all, address, port);
}

bool http_listen_is_address(const char *text)
{
	struct gw_addr address;
	uint16_t port;

	return parse(text, &address, &port);
}

bool http_listen_is_loopback(const char *text)
{
	struct gw_addr address;
	uint16_t port;

	return parse(text, &address, &port) && addr_is_loopback(&address);
}

static socklen_t socket_address(const struct gw_addr *address, uint16_t port,
				struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof(*ret));
	if (addr_is_ipv4(address)) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		v4->sin_addr.s_addr = address->word[3];
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, address, sizeof(v6->sin6_addr));
	return sizeof(*v6);
}

static int bind_tcp(const struct gw_addr *address, uint16_t port)
{
	int yes = 1, no = 0, defer = DEFER_SECONDS, err;
	struct sockaddr_storage to;
	socklen_t length = socket_address(address, port, &to);
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (to.ss_family == AF_INET6) /* all addresses: both families */
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
	setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &defer, sizeof(defer));
	if (!bind(fd, (struct sockaddr *)&to, length))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int open_tcp(const char *text, char message[HTTP_LISTEN_MESSAGE_MAX])
{
	const struct gw_addr all_ipv4 = {.word = {0, 0, htonl(0xffff), 0}};
	struct gw_addr address;
	uint16_t port;
	int fd;

	if (!parse(text, &address, &port)) {
		snprintf(message, HTTP_LISTEN_MESSAGE_MAX, "'%s' is not ADDR:PORT", text);
		return -EINVAL;
	}
	fd = bind_tcp(&address, port);
	if (fd == -EAFNOSUPPORT && text[0] == ':')
		fd = bind_tcp(&all_ipv4, port); /* a kernel without IPv6 */
	if (fd < 0)
		snprintf(message, HTTP_LISTEN_MESSAGE_MAX, "cannot listen on %s: %s%s", text,
			 strerror(-fd),
			 fd == -EADDRINUSE ? ": another program answers there: end it" : "");
	return fd;
}

/* In a directory of somebody else's, that one could put his own socket in the place of ours. */
static int make_directory(const char *path, char message[HTTP_LISTEN_MESSAGE_MAX])
{
	char copy[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	const char *directory;
	struct stat st;

	snprintf(copy, sizeof(copy), "%s", path);
	directory = dirname(copy);
	if ((mkdir(directory, 0700) && errno != EEXIST) || lstat(directory, &st)) {
		int err = -errno;

		snprintf(message, HTTP_LISTEN_MESSAGE_MAX,
			 "cannot make directory '%s' of the control socket: %s: see that it can be "
			 "made",
			 directory, strerror(-err));
		return err;
	}
	if (S_ISDIR(st.st_mode) && !st.st_uid && !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	snprintf(message, HTTP_LISTEN_MESSAGE_MAX,
		 "cannot make the control socket in '%s': others than root may write there: give "
		 "it to root, with mode 0700",
		 directory);
	return -EPERM;
}

static bool is_answered(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool is_refused = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof(*at)) &&
			  (errno == ECONNREFUSED || errno == ENOENT);

	if (fd >= 0)
		close(fd);
	return !is_refused;
}

/* Made with its mode, not given it afterwards. */
static int bind_control(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), err = 0;
	mode_t mask;

	if (fd < 0)
		return -errno;
	mask = umask(0177);
	if (bind(fd, (const struct sockaddr *)at, sizeof(*at)))
		err = -errno;
	umask(mask);
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int open_control(const char *path, char message[HTTP_LISTEN_MESSAGE_MAX])
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct stat st;
	int fd;

	if (strlen(path) >= sizeof(at.sun_path)) {
		snprintf(message, HTTP_LISTEN_MESSAGE_MAX,
			 "cannot make the control socket '%s': its path is longer than %zu bytes: "
			 "choose a shorter one",
			 path, sizeof(at.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	strcpy(at.sun_path, path);
	fd = make_directory(path, message);
	if (fd)
		return fd;
	if (!lstat(path, &st) && S_ISSOCK(st.st_mode) && !is_answered(&at))
		unlink(path);
	fd = bind_control(&at);
	if (fd < 0)
		snprintf(message, HTTP_LISTEN_MESSAGE_MAX,
			 "cannot make the control socket '%s': %s%s", path, strerror(-fd),
			 fd == -EADDRINUSE ? ": another agent has it, or another file is there: "
					     "end the agent, or remove the file"
					   : "");
	return fd;
}

int http_listen(struct event_base *base, const char *address, struct evconnlistener **ret,
		char message[HTTP_LISTEN_MESSAGE_MAX])
{
	int fd = strchr(address, '/') ? open_control(address, message) : open_tcp(address, message);
	struct evconnlistener *listener;
	int err = EADDRINUSE;

	if (fd < 0)
		return fd;
	errno = 0;
	listener = evconnlistener_new(base, NULL, NULL,
				      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG, fd);
	if (listener) {
		*ret = listener;
		return 0;
	}
	err = errno ? errno : ENOMEM;
	snprintf(message, HTTP_LISTEN_MESSAGE_MAX, "cannot listen on %s: %s", address,
		 strerror(err));
	close(fd);
	return -err;
}
