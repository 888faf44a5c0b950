/* SPDX-License-Identifier: Apache-2.0 */
/* A list of rows as the text of its JSON, without a tree of it: for long ones. */
#ifndef GWBPF_REPORT_COLUMNS_TEXT_H
#define GWBPF_REPORT_COLUMNS_TEXT_H

#include <stddef.h>

#include "report/columns.h"

/* The row at a place of the list. */
typedef const void *(*columns_row)(size_t place, const void *arg);

/* What json_render() makes of json_list() of columns_to_json() of each row; numbers may be written
 * another way. free(3) it. NULL: no memory. */
char *columns_render(const struct columns *columns, const char *node, columns_row row,
		     const void *arg, size_t count);

#endif
