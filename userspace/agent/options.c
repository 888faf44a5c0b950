// SPDX-License-Identifier: Apache-2.0
#include "agent/options.h"

#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gwbpf/abi.h>

#include "base/parse.h"

#define SERVICES_LIMIT (1u << 20)
#define BACKENDS_LIMIT (1u << 22)

enum option_key {
	OPTION_PIN_DIR = 0x100,
	OPTION_CGROUP,
	OPTION_MANIFESTS,
	OPTION_SERVICE,
	OPTION_NODE_NAME,
	OPTION_ZONE,
	OPTION_MAX_SERVICES,
	OPTION_MAX_BACKENDS,
	OPTION_LOG_LEVEL,
	OPTION_LOG_FORMAT,
};

static const struct argp_option table[] = {
	{"manifests", OPTION_MANIFESTS, "PATH", 0,
	 "Services and EndpointSlices as YAML or JSON: a file or a directory of them, watched "
	 "(repeatable)",
	 0},
	{"service", OPTION_SERVICE, "NAMESPACE/NAME", 0,
	 "balance this Service though it has no label gwbpf.io/enabled (repeatable)", 0},
	{"node-name", OPTION_NODE_NAME, "NAME", 0,
	 "which endpoints are local (default: $NODE_NAME, else the host's name)", 0},
	{"zone", OPTION_ZONE, "ZONE", 0, "the zone of this node, for topology hints", 0},
	{"cgroup", OPTION_CGROUP, "PATH", 0,
	 "where the hooks are attached (default: the root of the cgroup v2 mount)", 0},
	{"pin-dir", OPTION_PIN_DIR, "DIR", 0,
	 "where maps and links are pinned (default: /sys/fs/bpf/gwbpf)", 0},
	{"max-services", OPTION_MAX_SERVICES, "N", 0, "room for Service ports (default: 4096)", 0},
	{"max-backends", OPTION_MAX_BACKENDS, "N", 0, "room for backends (default: 16384)", 0},
	{"log-level", OPTION_LOG_LEVEL, "LEVEL", 0, "error, warn, info or debug (default: info)",
	 0},
	{"log-format", OPTION_LOG_FORMAT, "FORMAT", 0, "logfmt or json (default: logfmt)", 0},
	{0},
};

static bool is_service_name(const char *text)
{
	const char *slash = strchr(text, '/');

	return slash && slash != text && slash[1] && !strchr(slash + 1, '/');
}

static int append(const char **list, size_t *count, const char *value)
{
	if (*count == OPTIONS_LIST_MAX)
		return -E2BIG;
	list[(*count)++] = value;
	return 0;
}

static int set_option(struct options *options, int key, const char *value)
{
	switch (key) {
	case OPTION_MANIFESTS:
		return append(options->manifests, &options->manifest_count, value);
	case OPTION_SERVICE:
		if (!is_service_name(value))
			return -EINVAL;
		return append(options->services, &options->service_count, value);
	case OPTION_NODE_NAME:
		options->node = value;
		return *value && strlen(value) < GW_LONG_NAME_MAX ? 0 : -EINVAL;
	case OPTION_ZONE:
		options->zone = value;
		return strlen(value) < GW_NAME_MAX ? 0 : -EINVAL;
	case OPTION_CGROUP:
		options->cgroup = value;
		return 0;
	case OPTION_PIN_DIR:
		options->pin_dir = value;
		return 0;
	case OPTION_MAX_SERVICES:
		return parse_u32(value, 1, SERVICES_LIMIT, &options->max_services);
	case OPTION_MAX_BACKENDS:
		return parse_u32(value, 1, BACKENDS_LIMIT, &options->max_backends);
	case OPTION_LOG_LEVEL:
		return log_level_parse(value, &options->log_level);
	case OPTION_LOG_FORMAT:
		return log_format_parse(value, &options->log_format);
	}
	return -ENOENT;
}

static const char *name_of(int key)
{
	for (size_t i = 0; table[i].name; i++)
		if (table[i].key == key)
			return table[i].name;
	return "";
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;
	int err;

	if (key == ARGP_KEY_ARG)
		argp_error(state, "unexpected argument '%s'", argument);
	if (key == ARGP_KEY_END && !options->manifest_count)
		argp_error(state, "nothing to read Services from: give --manifests PATH");
	if (key < OPTION_PIN_DIR || key > OPTION_LOG_FORMAT)
		return ARGP_ERR_UNKNOWN;
	err = set_option(options, key, argument);
	if (err)
		argp_error(state, "cannot use --%s '%s': %s", name_of(key), argument,
			   strerror(-err));
	return 0;
}

/* GWBPF_PIN_DIR for --pin-dir, and so on. */
static void read_environment(struct options *options)
{
	char name[64];
	const char *value;
	int err;

	for (size_t i = 0; table[i].name; i++) {
		size_t length = (size_t)snprintf(name, sizeof(name), "GWBPF_%s", table[i].name);

		for (size_t j = 0; j < length; j++)
			name[j] = name[j] == '-' ? '_' : (char)toupper(name[j]);
		value = getenv(name);
		if (!value)
			continue;
		err = set_option(options, table[i].key, value);
		if (!err)
			continue;
		fprintf(stderr, "gwbpf agent: cannot use %s='%s': %s\n", name, value,
			strerror(-err));
		exit(2);
	}
}

static const char *default_node(void)
{
	static char name[GW_LONG_NAME_MAX];
	const char *node = getenv("NODE_NAME");

	if (node && *node && strlen(node) < sizeof(name))
		return node;
	return gethostname(name, sizeof(name) - 1) ? "" : name;
}

void options_parse(int argc, char **argv, struct options *ret)
{
	static const struct argp argp = {
		.options = table,
		.parser = parse,
		.doc = "Balance the connections of this node. Hooks and maps stay in place when it "
		       "ends: 'gwbpf detach' removes them.",
	};
	static char name[] = "gwbpf agent";

	*ret = (struct options){
		.pin_dir = "/sys/fs/bpf/gwbpf",
		.node = default_node(),
		.zone = "",
		.max_services = 4096,
		.max_backends = 16384,
		.log_level = LOG_LEVEL_INFO,
		.log_format = LOG_FORMAT_LOGFMT,
	};
	read_environment(ret);
	argv[0] = name;
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, ret);
}
