/* SPDX-License-Identifier: Apache-2.0 */
/* Telling systemd how it goes: sd_notify(3) without its library. */
#ifndef GWBPF_AGENT_NOTIFY_H
#define GWBPF_AGENT_NOTIFY_H

/* "READY=1". Of no effect where $NOTIFY_SOCKET is not set. */
void notify(const char *state);

#endif
