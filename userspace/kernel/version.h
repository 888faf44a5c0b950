/* SPDX-License-Identifier: Apache-2.0 */
/* Which libbpf this program runs with. */
#ifndef GWBPF_KERNEL_VERSION_H
#define GWBPF_KERNEL_VERSION_H

const char *version_libbpf(void); /* "1.1" */

#endif
