/* SPDX-License-Identifier: Apache-2.0 */
/* An answer as YAML, for `-o yaml`. */
#ifndef GWBPF_REPORT_YAML_H
#define GWBPF_REPORT_YAML_H

#include <jansson.h>

/* The same as json_render() says, as kubectl writes it; answer is taken over. free(3) it. NULL for
 * want of memory. */
char *yaml_render(json_t *answer);

#endif
