/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the certificates and the key of a configuration can be used, by the rules of kubectl (Go's
 * x509.CertPool.AppendCertsFromPEM and tls.X509KeyPair). libcurl would say it too, at each attempt,
 * but not which of them is meant.
 */
#ifndef GWBPF_SOURCE_KUBE_PEM_H
#define GWBPF_SOURCE_KUBE_PEM_H

#include "source/kube/config.h"

/*
 * Of the authority's certificates only those stay that can be read; if some cannot, config->warning
 * says so, unless it has something to say already. Returns -EINVAL if none can, or if the client's
 * key is not the one of its certificate, or -ENOMEM; message (KUBE_MESSAGE_MAX bytes) then names what
 * is wrong. origin: where the configuration comes from.
 */
int kube_pem_check(struct kube_config *config, const char *origin, char *message);

#endif
