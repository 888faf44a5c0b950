/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How to reach the API server and as whom. All of it is held in memory, so that loading it anew
 * before each request follows every file that is replaced on disk. Knows nothing of HTTP.
 */
#ifndef GWBPF_SOURCE_KUBE_CONFIG_H
#define GWBPF_SOURCE_KUBE_CONFIG_H

#include <stdbool.h>

#include "source/kube/bytes.h"

#define KUBE_MESSAGE_MAX 1024
#define KUBE_SERVICE_ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

struct kube_config {
	char *server;      /* "https://10.96.0.1:443", no slash at its end */
	char *server_name; /* what the server's certificate must name instead; NULL: its address */
	char *proxy;       /* NULL: none; "socks5h://" where it resolves the names */
	bool insecure;     /* the server's certificate is not verified */
	struct kube_bytes ca; /* none: the system's */
	struct kube_bytes certificate;
	struct kube_bytes key;
	struct kube_bytes token;
	char *warning; /* NULL, or what is doubtful about it, and the remedy */
};

/*
 * From a service account's directory and KUBERNETES_SERVICE_HOST and _PORT. Returns -EINVAL,
 * -EFBIG, -ENODATA, -ENOMEM, or what open(2) and read(2) say; message (KUBE_MESSAGE_MAX bytes) then
 * names what is wrong, and never holds a secret. kube_config_done() frees what ret holds.
 */
int kube_config_load_in_cluster(const char *directory, char *message, struct kube_config *ret);
void kube_config_done(struct kube_config *config);

/* For the readers of a configuration. origin: the file that it comes from. */
int kube_config_check(struct kube_config *config, const char *origin, char *message);
int kube_config_read(const char *path, char *message, struct kube_bytes *ret);
int kube_config_read_beside(const char *directory, const char *name, char *message,
			    struct kube_bytes *ret);
/* Write the message; returns err. */
int kube_config_fail(char *message, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
