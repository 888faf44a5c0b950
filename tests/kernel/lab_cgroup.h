/* SPDX-License-Identifier: Apache-2.0 */
/* The scratch cgroup of a lab: named after the process, and removed however that ends. */
#ifndef GWBPF_TESTS_LAB_CGROUP_H
#define GWBPF_TESTS_LAB_CGROUP_H

#include <stddef.h>

/* Make one for this process, and remove what killed ones have left. 0 or -errno. */
int lab_make_cgroup(char *path, size_t size);

/* Move this process there; it ends if that fails. */
void lab_join_cgroup(const char *path);

void lab_remove_cgroup(const char *path);

#endif
