// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a kubeconfig: where to and as whom, or a message; and no token without TLS. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "source/kube/kubeconfig.h"

static void check_config(const struct kube_config *config)
{
	bool tls = !strncmp(config->server, "https://", 8);

	must(tls || !strncmp(config->server, "http://", 7));
	must(!config->certificate.data == !config->key.data);
	must(!config->token.size || tls || (config->insecure && config->warning));
	must(!tls || !config->insecure || !config->ca.data);
	must(!config->proxy || strstr(config->proxy, "://"));
	for (size_t i = 0; i < config->token.size; i++)
		must(config->token.data[i] > ' ' && config->token.data[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char message[KUBE_MESSAGE_MAX] = "", path[32];
	struct kube_config config = {0};
	int fd = memfd_create("kubeconfig", MFD_CLOEXEC);

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (kubeconfig_load(path, NULL, message, &config)) {
		must(*message && strlen(message) < KUBE_MESSAGE_MAX);
	} else {
		check_config(&config);
		kube_config_done(&config);
	}
	close(fd);
	return 0;
}
