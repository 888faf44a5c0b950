/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `gwbpf agent`: command line over environment (GWBPF_…) over default. */
#ifndef GWBPF_AGENT_OPTIONS_H
#define GWBPF_AGENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

#define OPTIONS_LIST_MAX 64

struct options {
	const char *pin_dir;
	const char *cgroup; /* NULL: the root of the cgroup v2 mount */
	const char *manifests[OPTIONS_LIST_MAX];
	size_t manifest_count;
	const char *kubeconfig;                 /* NULL: the service account of this pod */
	bool kubeconfig_is_list;                /* it is $KUBECONFIG */
	const char *context;                    /* NULL: the current one */
	const char *namespace;                  /* NULL: all */
	const char *services[OPTIONS_LIST_MAX]; /* "NAMESPACE/NAME" */
	size_t service_count;
	const char *node;
	const char *zone; /* NULL: not given */
	uint32_t max_services;
	uint32_t max_backends;
	uint32_t stale_after_ms;    /* 0: never */
	const char *listen;         /* NULL: the default; "off" */
	const char *metrics_listen; /* NULL: nowhere */
	const char *control;        /* NULL: the default; "off" */
	uint32_t metrics_backends;
	bool is_stale_after_given;
	enum log_level log_level;
	enum log_format log_format;
};

/* Ends the process with status 2 and a message if they make no sense. The strings are those of
 * argv and of the environment. */
void options_parse(int argc, char **argv, struct options *ret);

#endif
