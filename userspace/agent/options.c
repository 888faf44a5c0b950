// SPDX-License-Identifier: Apache-2.0
#include "agent/options.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gwbpf/abi.h>

#include "agent/agent.h"
#include "agent/http_listen.h"
#include "base/args.h"
#include "base/parse.h"

#define KUBERNETES_STALE_AFTER_MS (5 * 60 * 1000)
#define SERVICES_LIMIT (1u << 20)
#define BACKENDS_LIMIT (1u << 22)

enum option_key {
	OPTION_PIN_DIR = 0x100,
	OPTION_CGROUP,
	OPTION_MANIFESTS,
	OPTION_KUBECONFIG,
	OPTION_CONTEXT,
	OPTION_NAMESPACE,
	OPTION_SERVICE,
	OPTION_NODE_NAME,
	OPTION_ZONE,
	OPTION_MAX_SERVICES,
	OPTION_MAX_BACKENDS,
	OPTION_STALE_AFTER,
	OPTION_LISTEN,
	OPTION_METRICS_LISTEN,
	OPTION_CONTROL,
	OPTION_METRICS_BACKENDS,
	OPTION_LOG_LEVEL,
	OPTION_LOG_FORMAT,
};

const struct argp_option agent_options[] = {
	{"manifests", OPTION_MANIFESTS, "PATH", 0,
	 "Services and EndpointSlices as YAML or JSON: a file or a directory of them, watched "
	 "(repeatable)",
	 0},
	{"kubeconfig", OPTION_KUBECONFIG, "PATH", 0,
	 "read them from the Kubernetes API (default: in a pod, by its service account, else "
	 "$KUBECONFIG)",
	 0},
	{"context", OPTION_CONTEXT, "NAME", 0, "of the kubeconfig (default: its current one)", 0},
	{"namespace", OPTION_NAMESPACE, "NAMESPACE", 0,
	 "watch this one alone; then --zone is to be given for topology hints", 0},
	{"service", OPTION_SERVICE, "NAMESPACE/NAME", 0,
	 "balance this Service though it has no label gwbpf.io/enabled (repeatable)", 0},
	{"node-name", OPTION_NODE_NAME, "NODE", 0,
	 "which endpoints are local (default: $NODE_NAME, else the host's name)", 0},
	{"zone", OPTION_ZONE, "ZONE", 0,
	 "the zone of this node, for topology hints (default: the label of its Node)", 0},
	{"cgroup", OPTION_CGROUP, "PATH", 0,
	 "where the hooks are attached (default: the root of the cgroup v2 mount, or the pods' "
	 "cgroup where another program takes connects at the root)",
	 0},
	{"pin-dir", OPTION_PIN_DIR, "DIR", 0,
	 "where maps and links are pinned (default: /sys/fs/bpf/gwbpf)", 0},
	{"max-services", OPTION_MAX_SERVICES, "N", 0, "room for Service ports (default: 4096)", 0},
	{"max-backends", OPTION_MAX_BACKENDS, "N", 0, "room for backends (default: 16384)", 0},
	{"stale-after", OPTION_STALE_AFTER, "DURATION", 0,
	 "leave connections to kube-proxy when the agent has been away for longer; 0: never "
	 "(default: 5m with Kubernetes, 0 with manifests)",
	 0},
	{"listen", OPTION_LISTEN, "ADDR:PORT", 0,
	 "status page, /api/v1, /metrics, /livez, /readyz, /healthz: on loopback, or off "
	 "(default: 127.0.0.1:9451)",
	 0},
	{"metrics-listen", OPTION_METRICS_LISTEN, "ADDR:PORT", 0,
	 "/metrics, /livez, /readyz, /healthz on one more address; without ADDR on all "
	 "(default: off)",
	 0},
	{"control", OPTION_CONTROL, "PATH", 0,
	 "the control socket, for root alone: all of this, and what names clients; or off "
	 "(default: /run/gwbpf/control.sock)",
	 0},
	{"metrics-backends", OPTION_METRICS_BACKENDS, "N", 0,
	 "with more backends than these, only the series of Services (default: 1000)", 0},
	{"log-level", OPTION_LOG_LEVEL, "error|warn|info|debug", 0,
	 "what is logged (default: info)", 0},
	{"log-format", OPTION_LOG_FORMAT, "logfmt|json", 0, "how it is logged (default: logfmt)",
	 0},
	{0},
};

static bool is_service_name(const char *text)
{
	const char *slash = strchr(text, '/');

	return slash && slash != text && slash[1] && !strchr(slash + 1, '/');
}

static bool is_listen_address(const char *text)
{
	return !strcmp(text, "off") || http_listen_is_address(text);
}

static bool is_loopback(const char *text)
{
	return !strcmp(text, "off") || http_listen_is_loopback(text);
}

static bool is_control_path(const char *text)
{
	return !strcmp(text, "off") || text[0] == '/';
}

static int append(const char **list, size_t *count, const char *value)
{
	if (*count == OPTIONS_LIST_MAX)
		return -EINVAL;
	list[(*count)++] = value;
	return 0;
}

static int set_option(int key, const char *value, void *arg)
{
	struct options *options = arg;

	switch (key) {
	case OPTION_MANIFESTS:
		return append(options->manifests, &options->manifest_count, value);
	case OPTION_KUBECONFIG:
		options->kubeconfig = value;
		return 0;
	case OPTION_CONTEXT:
		options->context = value;
		return 0;
	case OPTION_NAMESPACE:
		options->namespace = value;
		return *value ? 0 : -EINVAL;
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
		return parse_u32(value, 1, SERVICES_LIMIT, &options->max_services) ? -EINVAL : 0;
	case OPTION_MAX_BACKENDS:
		return parse_u32(value, 1, BACKENDS_LIMIT, &options->max_backends) ? -EINVAL : 0;
	case OPTION_STALE_AFTER:
		options->is_stale_after_given = true;
		return parse_duration_ms(value, &options->stale_after_ms) ? -EINVAL : 0;
	case OPTION_LISTEN:
		options->listen = value;
		return is_listen_address(value) ? 0 : -EINVAL;
	case OPTION_METRICS_LISTEN:
		options->metrics_listen = strcmp(value, "off") ? value : NULL;
		return is_listen_address(value) ? 0 : -EINVAL;
	case OPTION_CONTROL:
		options->control = value;
		return is_control_path(value) ? 0 : -EINVAL;
	case OPTION_METRICS_BACKENDS:
		return parse_u32(value, 0, BACKENDS_LIMIT, &options->metrics_backends) ? -EINVAL
										       : 0;
	case OPTION_LOG_LEVEL:
		return log_level_parse(value, &options->log_level);
	case OPTION_LOG_FORMAT:
		return log_format_parse(value, &options->log_format);
	}
	return -EINVAL;
}

static const char *default_node(void)
{
	static char name[GW_LONG_NAME_MAX];
	const char *node = getenv("NODE_NAME");

	if (node && *node && strlen(node) < sizeof(name))
		return node;
	return gethostname(name, sizeof(name) - 1) ? "" : name;
}

/* Where nothing else is named, whatever kubectl would use there. */
static void use_kubeconfig_of_environment(struct options *options)
{
	const char *list = getenv("KUBECONFIG");

	if (options->manifest_count || options->kubeconfig || getenv("KUBERNETES_SERVICE_HOST") ||
	    !list || !*list)
		return;
	options->kubeconfig = list;
	options->kubeconfig_is_list = true;
}

static bool has_standard_input(const struct options *options)
{
	for (size_t i = 0; i < options->manifest_count; i++)
		if (!strcmp(options->manifests[i], "-"))
			return true;
	return false;
}

static void check(const struct options *options)
{
	bool is_in_cluster = getenv("KUBERNETES_SERVICE_HOST") != NULL;
	const char *wrong = NULL;

	if (options->manifest_count && options->kubeconfig)
		wrong = "--manifests and --kubeconfig exclude each other";
	else if (has_standard_input(options))
		wrong = "--manifests - is for gwbpf plan: the agent follows its manifests, and "
			"standard input cannot be read again: give a file or a directory";
	else if (!options->manifest_count && !options->kubeconfig && !is_in_cluster)
		wrong = "nothing to read Services from: give --manifests PATH or --kubeconfig PATH, "
			"or set KUBECONFIG";
	else if (options->listen && !is_loopback(options->listen))
		wrong = "--listen takes an address on loopback, such as 127.0.0.1:9451: "
			"--metrics-listen is for others";
	if (!wrong)
		return;
	fprintf(stderr, "gwbpf agent: %s\n", wrong);
	exit(ARGS_EXIT_USAGE);
}

void options_parse(int argc, char **argv, struct options *ret)
{
	const struct args args = {
		.name = "gwbpf agent",
		.help = "Balance the connections of this node. Hooks and maps stay in place when it "
			"ends: 'gwbpf detach' removes them.",
		.options = agent_options,
		.set = set_option,
		.arg = ret,
	};

	*ret = (struct options){
		.pin_dir = "/sys/fs/bpf/gwbpf",
		.node = default_node(),
		.max_services = 4096,
		.max_backends = 16384,
		.metrics_backends = 1000,
		.log_level = LOG_LEVEL_INFO,
		.log_format = LOG_FORMAT_LOGFMT,
	};
	args_parse(&args, argc, argv);
	use_kubeconfig_of_environment(ret);
	check(ret);
	if (!ret->is_stale_after_given && !ret->manifest_count)
		ret->stale_after_ms = KUBERNETES_STALE_AFTER_MS;
}
