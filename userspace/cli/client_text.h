/* SPDX-License-Identifier: Apache-2.0 */
/* The client of an event, as people read it. */
#ifndef GWBPF_CLI_CLIENT_TEXT_H
#define GWBPF_CLI_CLIENT_TEXT_H

#include <jansson.h>

#define CLIENT_TEXT_BYTES_MAX 512

/* By its fields "clientPod", "clientPid" and so on: "pod fabric/client-0, process 4711", or
 * "process 4711 'java'"; "" if there are none. Returns buf. */
const char *client_text(const json_t *event, char buf[CLIENT_TEXT_BYTES_MAX]);

#endif
