/* SPDX-License-Identifier: Apache-2.0 */
/* Quantities as short text for people. Pure. */
#ifndef GWBPF_REPORT_FORMAT_H
#define GWBPF_REPORT_FORMAT_H

#include <stdint.h>

#define FORMAT_MAX 32

/* Both return buf. "0.4s", "12s", "5m12s", "3h10m", "12d4h"; "-" below 0: unknown. */
const char *format_age(double seconds, char buf[FORMAT_MAX]);

/* "812", "1.2K", "34M": powers of 1024. */
const char *format_bytes(uint64_t bytes, char buf[FORMAT_MAX]);

/* "0.412ms"; "-" for 0: unknown. */
const char *format_rtt(uint32_t us, char buf[FORMAT_MAX]);

/* The name that ss(8) gives a state of TCP: "established", "syn-sent". */
const char *format_tcp_state(uint8_t state);

#endif
