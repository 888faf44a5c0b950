// SPDX-License-Identifier: Apache-2.0
#include "agent/check_message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

union one_fd {
	struct cmsghdr header; /* for its alignment */
	char bytes[CMSG_SPACE(sizeof(int))];
};

int check_order_send(int to, const struct check_order *order, int fd, int flags)
{
	union one_fd control = {.header = {
					.cmsg_len = CMSG_LEN(sizeof(fd)),
					.cmsg_level = SOL_SOCKET,
					.cmsg_type = SCM_RIGHTS,
				}};
	struct iovec bytes = {(void *)order, sizeof(*order)};
	const struct msghdr message = {
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = fd < 0 ? 0 : sizeof(control),
	};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(to, &message, flags) < 0 ? -errno : 0;
}

int check_order_receive(int from, struct check_order *ret, int *fd)
{
	union one_fd control;
	struct iovec bytes = {ret, sizeof(*ret)};
	struct msghdr message = {
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t size = recvmsg(from, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	if (size != (ssize_t)sizeof(*ret))
		return -EPIPE;
	*fd = -1;
	if (CMSG_FIRSTHDR(&message))
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(*fd));
	return 0;
}

/* The child writes its texts itself, in English, and replaces what it cannot write so. */
static int check_text(const char *text, size_t size)
{
	const char *end = memchr(text, '\0', size);

	if (!end)
		return -EPROTO;
	for (const char *at = text; at < end; at++)
		if (*at < ' ' || *at > '~')
			return -EPROTO;
	return 0;
}

int check_answer_read(const void *bytes, size_t size, struct check_answer *ret)
{
	struct check_answer answer;
	int err;

	if (size != sizeof(answer))
		return -EPROTO;
	memcpy(&answer, bytes, sizeof(answer));
	if (answer.seen == GW_SEEN_NONE || answer.seen >= GW_SEEN_MAX_)
		return -EPROTO;
	if (answer.certificate.read >= GW_CERTIFICATE_MAX_)
		return -EPROTO;
	err = check_text(answer.text, sizeof(answer.text));
	if (!err)
		err = check_text(answer.certificate.issuer, sizeof(answer.certificate.issuer));
	if (!err)
		*ret = answer;
	return err;
}
