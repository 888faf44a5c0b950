/* SPDX-License-Identifier: Apache-2.0 */
/* How the backends of a Service are to be looked at: the annotation gwbpf.io/check. */
#ifndef GWBPF_MODEL_CHECK_SETTING_H
#define GWBPF_MODEL_CHECK_SETTING_H

#include <gwbpf/abi.h>

#define CHECK_SETTING_REASON_MAX 192

/*
 * "off", or "tcp", "tls" or "http:PORT/PATH", and then options in any order:
 * ",inter=10s,fall=3,rise=2,timeout=3s" (these are the defaults; HAProxy's words and meanings). A
 * timeout is no longer than inter: if it is not given, it is the shorter of both.
 * -EINVAL: reason says what is wrong and what is allowed; ret is untouched.
 */
int check_setting_parse(const char *text, struct gw_check *ret,
			char reason[CHECK_SETTING_REASON_MAX]);

#endif
