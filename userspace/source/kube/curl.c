// SPDX-License-Identifier: Apache-2.0
/* Options of libcurl for one configuration. */
#include "source/kube/curl.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int append(struct curl_slist **list, const char *text)
{
	struct curl_slist *longer = curl_slist_append(*list, text);

	if (!longer)
		return -ENOMEM;
	*list = longer;
	return 0;
}

/* The URL's host and port, as they stand there, stay what the server is told. */
static int set_host_header(CURLU *url, struct kube_curl_lists *lists)
{
	char *host = NULL, *port = NULL, *header = NULL;
	int err = -EINVAL;

	if (curl_url_get(url, CURLUPART_HOST, &host, 0))
		goto out;
	if (curl_url_get(url, CURLUPART_PORT, &port, 0))
		port = NULL;
	if (asprintf(&header, "Host: %s%s%s", host, port ? ":" : "", port ? port : "") < 0) {
		header = NULL;
		err = -ENOMEM;
		goto out;
	}
	err = append(&lists->headers, header);
out:
	curl_free(host);
	curl_free(port);
	free(header);
	return err;
}

/* libcurl asks for the URL's name in TLS and wants it in the certificate. So the URL gets the name
 * that the certificate has, and what it had is where to connect to. */
static int set_server_name(CURL *easy, CURLU *url, const char *name, struct kube_curl_lists *lists)
{
	bool bare_ipv6 = strchr(name, ':') && name[0] != '[';
	char *host = NULL, *port = NULL, *used = NULL, *connect_to = NULL;
	int err = set_host_header(url, lists);

	if (err)
		return err;
	if (asprintf(&used, "%s%s%s", bare_ipv6 ? "[" : "", name, bare_ipv6 ? "]" : "") < 0)
		return -ENOMEM;
	err = -EINVAL;
	if (curl_url_get(url, CURLUPART_HOST, &host, 0) ||
	    curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) ||
	    curl_url_set(url, CURLUPART_HOST, used, 0))
		goto out;
	if (asprintf(&connect_to, "%s:%s:%s:%s", used, port, host, port) < 0) {
		connect_to = NULL;
		err = -ENOMEM;
		goto out;
	}
	err = append(&lists->connect_to, connect_to);
	if (!err && curl_easy_setopt(easy, CURLOPT_CONNECT_TO, lists->connect_to))
		err = -ENOMEM;
out:
	curl_free(host);
	curl_free(port);
	free(used);
	free(connect_to);
	return err;
}

static int set_parsed_url(CURL *easy, CURLU *url)
{
	char *text = NULL;
	int err = 0;

	if (curl_url_get(url, CURLUPART_URL, &text, 0) || curl_easy_setopt(easy, CURLOPT_URL, text))
		err = -ENOMEM;
	curl_free(text);
	return err;
}

static bool is_tls(const struct kube_config *config)
{
	return strncmp(config->server, "https:", 6) == 0;
}

static int set_url(CURL *easy, const struct kube_config *config, const char *path,
		   struct kube_curl_lists *lists)
{
	CURLU *url = curl_url();
	char *text = NULL;
	int err = -ENOMEM;

	if (!url)
		return err;
	if (asprintf(&text, "%s%s", config->server, path) < 0) {
		text = NULL;
		goto out;
	}
	err = curl_url_set(url, CURLUPART_URL, text, 0) ? -EINVAL : 0;
	if (!err && config->server_name && is_tls(config))
		err = set_server_name(easy, url, config->server_name, lists);
	if (!err)
		err = set_parsed_url(easy, url);
out:
	free(text);
	curl_url_cleanup(url);
	return err;
}

static int set_blob(CURL *easy, CURLoption option, const struct kube_bytes *bytes)
{
	struct curl_blob blob = {bytes->data, bytes->size, CURL_BLOB_COPY};

	return bytes->data ? (int)curl_easy_setopt(easy, option, &blob) : 0;
}

/* Of blobs, unlike files, libcurl notices that they changed, and connects anew. */
static int set_certificates(CURL *easy, const struct kube_config *config)
{
	long verify = !config->insecure;
	int failed = 0;

	if (config->ca.data)
		failed |= (int)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	failed |= set_blob(easy, CURLOPT_CAINFO_BLOB, &config->ca);
	failed |= set_blob(easy, CURLOPT_SSLCERT_BLOB, &config->certificate);
	failed |= set_blob(easy, CURLOPT_SSLKEY_BLOB, &config->key);
	/* libcurl (7.88) ends in a NULL pointer where an encrypted key has no passphrase. */
	failed |= (int)curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");
	failed |= (int)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
	/* An https proxy is trusted as the server is, as by kubectl. */
	if (config->ca.data)
		failed |= (int)curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
	failed |= set_blob(easy, CURLOPT_PROXY_CAINFO_BLOB, &config->ca);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, verify);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, verify ? 2L : 0L);
	return failed ? -ENOMEM : 0;
}

static int set_headers(CURL *easy, const struct kube_config *config, struct kube_curl_lists *lists)
{
	char *authorization;
	int err = append(&lists->headers, "Accept: application/json");

	if (!err && config->token.size) {
		if (asprintf(&authorization, "Authorization: Bearer %s", config->token.data) < 0)
			return -ENOMEM;
		err = append(&lists->headers, authorization);
		free(authorization);
	}
	if (!err && curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lists->headers))
		err = -ENOMEM;
	return err;
}

static int set_connection(CURL *easy, const struct kube_config *config)
{
	/* With TLS the watches share a connection. Without, there is no such, and they would wait
	 * for the first answer to find out. */
	long share = is_tls(config);
	int failed = (int)curl_easy_setopt(easy, CURLOPT_PIPEWAIT, share);

	/* The environment's proxy is for what a node downloads, not for its control plane. */
	failed |= (int)curl_easy_setopt(easy, CURLOPT_PROXY, config->proxy ? config->proxy : "");
	failed |= (int)curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	/* Asked for as it is, and read also if somebody on the way compressed it nevertheless. */
	failed |= (int)curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "identity");
	failed |= (int)curl_easy_setopt(easy, CURLOPT_USERAGENT, "gwbpf/" GWBPF_VERSION);
	return failed ? -ENOMEM : 0;
}

int kube_curl_configure(CURL *easy, const struct kube_config *config, const char *path,
			struct kube_curl_lists *lists)
{
	int err = set_url(easy, config, path, lists);

	if (!err)
		err = set_certificates(easy, config);
	if (!err)
		err = set_headers(easy, config, lists);
	if (!err)
		err = set_connection(easy, config);
	return err;
}

void kube_curl_lists_done(struct kube_curl_lists *lists)
{
	curl_slist_free_all(lists->headers);
	curl_slist_free_all(lists->connect_to);
	*lists = (struct kube_curl_lists){0};
}
