/* SPDX-License-Identifier: Apache-2.0 */
/* The file that kubectl uses to reach a cluster. */
#ifndef GWBPF_SOURCE_KUBE_KUBECONFIG_H
#define GWBPF_SOURCE_KUBE_KUBECONFIG_H

#include "source/kube/config.h"

/* context NULL: the current one. Files that it names are looked up beside it. Errors and message as
 * of kube_config_load_in_cluster(). */
int kubeconfig_load(const char *path, const char *context, char *message, struct kube_config *ret);

/* The same from several, "a:b", as kubectl reads $KUBECONFIG: of what two of them say the first one
 * counts, entry by entry; files that are not there are passed over. */
int kubeconfig_load_list(const char *list, const char *context, char *message,
			 struct kube_config *ret);

#endif
