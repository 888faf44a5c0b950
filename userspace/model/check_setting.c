// SPDX-License-Identifier: Apache-2.0
#include "model/check_setting.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PART_MAX 192

#define INTER_MS 10000
#define INTER_MIN_MS 500
#define TIMEOUT_MS 3000
#define TIMEOUT_MIN_MS 100
#define TIME_MAX_MS (3600 * 1000)
#define TIMES_MAX 100

struct parsed {
	struct gw_check check;
	unsigned int seen; /* a bit for each option that was there */
};

static int refuse(const char *part, const char *why, char reason[CHECK_SETTING_REASON_MAX])
{
	char quoted[TEXT_EXCERPT_MAX];

	snprintf(reason, CHECK_SETTING_REASON_MAX, "'%s' %s", text_excerpt(part, quoted), why);
	return -EINVAL;
}

static int read_ms(const char *value, uint32_t min_ms, uint32_t *ret)
{
	uint32_t ms;

	if (parse_duration_ms(value, &ms) || ms < min_ms || ms > TIME_MAX_MS)
		return -EINVAL;
	*ret = ms;
	return 0;
}

static int read_inter(struct gw_check *check, const char *value)
{
	return read_ms(value, INTER_MIN_MS, &check->inter_ms);
}

static int read_timeout(struct gw_check *check, const char *value)
{
	return read_ms(value, TIMEOUT_MIN_MS, &check->timeout_ms);
}

static int read_times(const char *value, __u8 *ret)
{
	uint32_t times;

	if (parse_u32(value, 1, TIMES_MAX, &times))
		return -EINVAL;
	*ret = (__u8)times;
	return 0;
}

static int read_fall(struct gw_check *check, const char *value)
{
	return read_times(value, &check->fall);
}

static int read_rise(struct gw_check *check, const char *value)
{
	return read_times(value, &check->rise);
}

enum option {
	OPTION_INTER,
	OPTION_TIMEOUT,
	OPTION_FALL,
	OPTION_RISE,
};

static const struct {
	const char *name;
	int (*read)(struct gw_check *check, const char *value);
	const char *why; /* it is not so */
} options[] = {
	[OPTION_INTER] = {"inter=", read_inter, "is not a time from 500ms to 1h"},
	[OPTION_TIMEOUT] = {"timeout=", read_timeout, "is not a time from 100ms to 1h"},
	[OPTION_FALL] = {"fall=", read_fall, "is not a number from 1 to 100"},
	[OPTION_RISE] = {"rise=", read_rise, "is not a number from 1 to 100"},
};

static int read_option(struct parsed *parsed, const char *part,
		       char reason[CHECK_SETTING_REASON_MAX])
{
	for (size_t i = 0; i < COUNT(options); i++) {
		size_t length = strlen(options[i].name);

		if (strncmp(part, options[i].name, length) != 0)
			continue;
		if (parsed->seen & 1u << i)
			return refuse(part, "is there twice", reason);
		parsed->seen |= 1u << i;
		if (options[i].read(&parsed->check, part + length))
			return refuse(part, options[i].why, reason);
		return 0;
	}
	return refuse(part, "is none of 'inter=', 'fall=', 'rise=' and 'timeout='", reason);
}

/* What goes into a request line as it is. */
static int read_path(struct gw_check *check, const char *path,
		     char reason[CHECK_SETTING_REASON_MAX])
{
	if (strlen(path) >= sizeof(check->path))
		return refuse(path, "is too long a path: 127 characters at most", reason);
	for (const char *at = path; *at; at++)
		if (*at <= ' ' || *at > '~')
			return refuse(path, "is not a path of printable ASCII without spaces",
				      reason);
	memcpy(check->path, path, strlen(path));
	return 0;
}

static int read_http(struct gw_check *check, const char *target,
		     char reason[CHECK_SETTING_REASON_MAX])
{
	const char *path = strchr(target, '/');
	char digits[8] = "";
	uint32_t port;

	if (path && (size_t)(path - target) < sizeof(digits))
		memcpy(digits, target, (size_t)(path - target));
	if (!path || parse_u32(digits, 1, 65535, &port))
		return refuse(target, "is not PORT/PATH, such as 'http:9443/healthz'", reason);
	check->kind = GW_CHECK_HTTP;
	check->port = (__u16)port;
	return read_path(check, path, reason);
}

static int read_kind(struct gw_check *check, const char *part,
		     char reason[CHECK_SETTING_REASON_MAX])
{
	if (!strcmp(part, "tcp"))
		check->kind = GW_CHECK_TCP;
	else if (!strcmp(part, "tls"))
		check->kind = GW_CHECK_TLS;
	else if (!strncmp(part, "http:", strlen("http:")))
		return read_http(check, part + strlen("http:"), reason);
	else
		return refuse(part, "is none of 'tcp', 'tls', 'http:PORT/PATH' and 'off' alone",
			      reason);
	return 0;
}

/* A look that lasts longer than inter would put the next one off, and with it what is known. */
static int settle_timeout(struct parsed *parsed, char reason[CHECK_SETTING_REASON_MAX])
{
	struct gw_check *check = &parsed->check;

	if (!(parsed->seen & 1u << OPTION_TIMEOUT) && check->timeout_ms > check->inter_ms)
		check->timeout_ms = check->inter_ms;
	if (check->timeout_ms <= check->inter_ms)
		return 0;
	snprintf(reason, CHECK_SETTING_REASON_MAX,
		 "'timeout' is longer than 'inter' (10s if not given): give a shorter one");
	return -EINVAL;
}

int check_setting_parse(const char *text, struct gw_check *ret,
			char reason[CHECK_SETTING_REASON_MAX])
{
	struct parsed parsed = {
		.check =
			{
				.fall = 3,
				.rise = 2,
				.inter_ms = INTER_MS,
				.timeout_ms = TIMEOUT_MS,
			},
	};
	char part[PART_MAX];
	int err = 0;

	if (!strcmp(text, "off")) {
		memset(ret, 0, sizeof(*ret));
		return 0;
	}
	for (bool is_first = true; !err; is_first = false) {
		size_t length = strcspn(text, ",");

		if (length >= sizeof(part))
			return refuse(text, "is too long", reason);
		memcpy(part, text, length);
		part[length] = '\0';
		err = is_first ? read_kind(&parsed.check, part, reason)
			       : read_option(&parsed, part, reason);
		if (!text[length])
			break;
		text += length + 1;
	}
	if (!err)
		err = settle_timeout(&parsed, reason);
	if (!err)
		*ret = parsed.check;
	return err;
}
