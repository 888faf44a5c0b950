/* SPDX-License-Identifier: Apache-2.0 */
/* Telling systemd how it goes: sd_notify(3) without its library. */
#ifndef GWBPF_AGENT_NOTIFY_H
#define GWBPF_AGENT_NOTIFY_H

/* Nothing happens where $NOTIFY_SOCKET is not set. */
void notify_ready(void);     /* also after a reload */
void notify_reloading(void); /* notify_ready() ends it */
void notify_stopping(void);

/* The event loop turns: for WatchdogSec=, and at least twice in that time. Nothing happens where the
 * unit has none. */
void notify_alive(void);

#endif
