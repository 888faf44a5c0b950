// SPDX-License-Identifier: Apache-2.0
/* What every configuration of the connection to the API server shares, and the one of a pod. */
#include "source/kube/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int kube_config_fail(char *message, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(message, KUBE_MESSAGE_MAX, format, args);
	va_end(args);
	return err;
}

static const char *reason(int err)
{
	switch (err) {
	case -EINVAL:
		return "no regular file";
	case -ENODATA:
		return "it is empty";
	default:
		return strerror(-err);
	}
}

int kube_config_read(const char *path, char *message, struct kube_bytes *ret)
{
	int err = kube_bytes_read(path, ret);

	if (err)
		kube_config_fail(message, err, "cannot read '%s': %s", path, reason(err));
	return err;
}

int kube_config_read_beside(const char *directory, const char *name, char *message,
			    struct kube_bytes *ret)
{
	char *path;
	int err;

	if (name[0] == '/')
		return kube_config_read(name, message, ret);
	if (asprintf(&path, "%s/%s", directory, name) < 0)
		return kube_config_fail(message, -ENOMEM, "cannot read '%s': out of memory", name);
	err = kube_config_read(path, message, ret);
	free(path);
	return err;
}

/* A header's value: one word, since a line break in it would be a header of its own. */
static int check_token(struct kube_bytes *token, const char *origin, char *message)
{
	if (token->data)
		kube_bytes_trim(token);
	for (size_t i = 0; i < token->size; i++)
		if (!isgraph((unsigned char)token->data[i]))
			return kube_config_fail(
				message, -EINVAL,
				"cannot use the token of '%s': at offset %zu it has "
				"a character that no token has",
				origin, i);
	return 0;
}

static int check_server(char *server, const char *origin, char *message)
{
	size_t length = strlen(server);

	if (strncmp(server, "https://", 8) != 0 && strncmp(server, "http://", 7) != 0)
		return kube_config_fail(message, -EINVAL,
					"cannot use server '%.200s' of '%s': it must begin with "
					"'https://'",
					server, origin);
	while (length && server[length - 1] == '/')
		server[--length] = '\0';
	return 0;
}

int kube_config_check(struct kube_config *config, const char *origin, char *message)
{
	int err = check_server(config->server, origin, message);

	if (!err)
		err = check_token(&config->token, origin, message);
	if (!err && config->certificate.data && !config->key.data)
		err = kube_config_fail(message, -EINVAL,
				       "cannot use '%s': a client certificate and its key come "
				       "together, and it has the certificate only",
				       origin);
	return err;
}

static int read_account(const char *directory, char *message, struct kube_config *config)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	bool bare_ipv6 = host && strchr(host, ':');
	int err;

	if (!host || !port || !host[0])
		return kube_config_fail(message, -EINVAL,
					"cannot find the API server: this is no pod "
					"(KUBERNETES_SERVICE_HOST is not set); give --kubeconfig");
	if (asprintf(&config->server, "https://%s%s%s:%s", bare_ipv6 ? "[" : "", host,
		     bare_ipv6 ? "]" : "", port) < 0) {
		config->server = NULL;
		return kube_config_fail(message, -ENOMEM, "out of memory");
	}
	err = kube_config_read_beside(directory, "token", message, &config->token);
	if (!err)
		err = kube_config_read_beside(directory, "ca.crt", message, &config->ca);
	return err;
}

int kube_config_load_in_cluster(const char *directory, char *message, struct kube_config *ret)
{
	struct kube_config config = {0};
	int err = read_account(directory, message, &config);

	if (!err)
		err = kube_config_check(&config, directory, message);
	if (err)
		kube_config_done(&config);
	else
		*ret = config;
	return err;
}

void kube_config_done(struct kube_config *config)
{
	free(config->server);
	free(config->server_name);
	free(config->proxy);
	free(config->warning);
	kube_bytes_done(&config->ca);
	kube_bytes_done(&config->certificate);
	kube_bytes_done(&config->key);
	kube_bytes_done(&config->token);
	*config = (struct kube_config){0};
}
