/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GWBPF_CLI_TLS_SERVICES_H
#define GWBPF_CLI_TLS_SERVICES_H

struct cli;

/* `gwbpf tls [SERVICE]`: the certificates of backends, as an agent saw them last. */
int tls_run_services(const struct cli *cli);

#endif
