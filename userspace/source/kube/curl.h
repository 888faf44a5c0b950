/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration means for a libcurl handle: where to, whom to trust, as whom. */
#ifndef GWBPF_SOURCE_KUBE_CURL_H
#define GWBPF_SOURCE_KUBE_CURL_H

#include <curl/curl.h>

#include "source/kube/config.h"

/* Lists that libcurl reads for as long as the handle lives. */
struct kube_curl_lists {
	struct curl_slist *headers;
	struct curl_slist *connect_to;
};

/* Set up easy for a GET of path. lists begins as zeros, and is to be freed after easy, also on
 * failure. -ENOMEM; -EINVAL if the server's address is no URL. */
int kube_curl_configure(CURL *easy, const struct kube_config *config, const char *path,
			struct kube_curl_lists *lists);
void kube_curl_lists_done(struct kube_curl_lists *lists);

#endif
