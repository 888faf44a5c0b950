/* SPDX-License-Identifier: Apache-2.0 */
/* Strict parsing of what people write: the whole text or nothing. */
#ifndef GWBPF_BASE_PARSE_H
#define GWBPF_BASE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

/* Decimal digits only, from min to max. -EINVAL, -ERANGE */
int parse_u32(const char *text, uint32_t min, uint32_t max, uint32_t *ret);

/* "250ms", "10s", "5m", "1h", or "0". At most 24 h. -EINVAL, -ERANGE */
int parse_duration_ms(const char *text, uint32_t *ret);

/* Seconds since 1970 of an instant in UTC, "2026-11-23T06:28:23Z", also with a fraction. -EINVAL */
int parse_instant(const char *text, double *ret);

bool parse_bool(const char *text, bool *ret); /* "true" or "false"; false if it is neither */

/* "yes", "on", "y", "no", "off" or "n", in any case, which YAML 1.1 has for true and false: kubectl
 * reads that. false if it is none of them. */
bool parse_yaml_bool(const char *text, bool *ret);

#endif
