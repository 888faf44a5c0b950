/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates that backends show, as the agent saw them: as JSON, and for people. */
#ifndef GWBPF_REPORT_CERTIFICATES_H
#define GWBPF_REPORT_CERTIFICATES_H

#include <stdbool.h>

#include "kernel/view.h"
#include "report/json.h"
#include "report/backends.h"

struct tls_names;
struct status;

/* The names that it must carry, "default" replaced. None if its Service asks for none. */
void certificates_wanted(const struct view_backend *backend, struct tls_names *ret);

/* {state wanted missing issuer notBeforeTime expiryTime excluded ageSeconds message}; null if its
 * Service asks for no names. */
json_t *certificates_to_json(const struct view_backend *backend);

/* A list of those whose Services ask for names; wants NULL: every one. */
json_t *report_certificates(const struct view *view, report_wants *wants, const void *arg);

#define CERTIFICATES_TEXT_MAX 384

/* What is wrong with a certificate: "it lacks 'a' and 2 more of the names"; "" if nothing is, or it is
 * not known. wanted: the names that it was compared with. Returns buf. */
const char *certificates_fault(const struct gw_certificate *certificate,
			       const struct tls_names *wanted, char buf[CERTIFICATES_TEXT_MAX]);

/* For a column: "ok, 45d3h left", "expired", "lacks a.svc +2", "-" if nothing is known. Returns buf. */
const char *certificates_text(const struct view_backend *backend, char buf[CERTIFICATES_TEXT_MAX]);

/* Warnings: names that are missing, certificates that have expired or do so within 30 days. */
void certificates_judge(struct status *status, const struct view_backend *backend);

#endif
