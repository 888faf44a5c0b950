/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is known of how long connections wait for their peers. Not pinned, so not part of the ABI. */
#ifndef GWBPF_WAITS_H
#define GWBPF_WAITS_H

#define GW_WAITS_MAX 65536    /* connections that are followed */
#define GW_WAITS_LEAST_MS 500 /* shorter waits do not matter: nothing is moved so soon */

#endif
