// SPDX-License-Identifier: Apache-2.0
#include "report/certificates.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/addr.h"
#include "model/certificate_judge.h"
#include "model/tls_names.h"
#include "report/format.h"
#include "report/lookup.h"
#include "report/status.h"
#include "report/status_texts.h"

#define DAY_SECONDS 86400
#define SOON_SECONDS (30 * DAY_SECONDS)

static const char *const states[] = {
	[CERTIFICATE_FAULT_NONE] = "valid",
	[CERTIFICATE_FAULT_UNKNOWN] = NULL,
	[CERTIFICATE_FAULT_MALFORMED] = "malformed",
	[CERTIFICATE_FAULT_EXPIRED] = "expired",
	[CERTIFICATE_FAULT_NOT_YET] = "not-yet-valid",
	[CERTIFICATE_FAULT_MISSING] = "valid",
};

static bool is_read(const struct view_backend *backend)
{
	return backend->certificate.read == GW_CERTIFICATE_READ;
}

void certificates_wanted(const struct view_backend *backend, struct tls_names *ret)
{
	char reason[WEIGHTS_REASON_MAX], list[GW_TLS_NAMES_MAX];
	struct tls_names names;

	ret->count = 0;
	snprintf(list, sizeof(list), "%s", backend->tls->names);
	if (*list && !tls_names_parse(list, &names, reason))
		tls_names_expand(&names, backend->namespace, backend->service, ret);
}

/* Those whose bit is set. NULL: any. */
static json_t *names_to_json(const struct tls_names *names, const uint32_t *bits)
{
	json_t *list = json_array();

	for (size_t i = 0; i < names->count; i++)
		if (!bits || *bits & 1u << i)
			json_add(&list, json_text(names->text[i]));
	return list;
}

static size_t count_missing(const struct gw_certificate *certificate, const struct tls_names *names,
			    const char **first)
{
	size_t count = 0;

	for (size_t i = names->count; i-- > 0;) {
		if (!(certificate->missing & 1u << i))
			continue;
		*first = names->text[i];
		count++;
	}
	return count;
}

const char *certificates_fault(const struct gw_certificate *certificate,
			       const struct tls_names *wanted, char buf[CERTIFICATES_TEXT_MAX])
{
	const char *first = "";
	size_t count = count_missing(certificate, wanted, &first);

	*buf = '\0';
	switch (certificate_judge(certificate, time(NULL))) {
	case CERTIFICATE_FAULT_NONE:
	case CERTIFICATE_FAULT_UNKNOWN:
		break;
	case CERTIFICATE_FAULT_MALFORMED:
		snprintf(buf, CERTIFICATES_TEXT_MAX, "%s",
			 view_certificate_text(certificate->read));
		break;
	case CERTIFICATE_FAULT_EXPIRED:
		snprintf(buf, CERTIFICATES_TEXT_MAX, "it has expired");
		break;
	case CERTIFICATE_FAULT_NOT_YET:
		snprintf(buf, CERTIFICATES_TEXT_MAX, "it is not valid yet");
		break;
	case CERTIFICATE_FAULT_MISSING:
		if (count > 1)
			snprintf(buf, CERTIFICATES_TEXT_MAX,
				 "it lacks '%s' and %zu more of the names", first, count - 1);
		else
			snprintf(buf, CERTIFICATES_TEXT_MAX, "it lacks '%s'", first);
		break;
	}
	return buf;
}

const char *certificates_text(const struct view_backend *backend, char buf[CERTIFICATES_TEXT_MAX])
{
	double left = (double)(backend->certificate.not_after - time(NULL));
	enum certificate_fault fault = certificate_judge(&backend->certificate, time(NULL));
	const char *first = "";
	struct tls_names names;
	char age[FORMAT_MAX];
	size_t count;

	if (fault == CERTIFICATE_FAULT_NONE) {
		snprintf(buf, CERTIFICATES_TEXT_MAX, "ok, %s left", format_age(left, age));
		return buf;
	}
	if (fault != CERTIFICATE_FAULT_MISSING) {
		snprintf(buf, CERTIFICATES_TEXT_MAX, "%s", states[fault] ? states[fault] : "-");
		return buf;
	}
	certificates_wanted(backend, &names);
	count = count_missing(&backend->certificate, &names, &first);
	if (count > 1)
		snprintf(buf, CERTIFICATES_TEXT_MAX, "lacks %s +%zu", first, count - 1);
	else
		snprintf(buf, CERTIFICATES_TEXT_MAX, "lacks %s", first);
	return buf;
}

json_t *certificates_to_json(const struct view_backend *backend)
{
	const struct gw_certificate *certificate = &backend->certificate;
	enum certificate_fault fault = certificate_judge(certificate, time(NULL));
	char message[CERTIFICATES_TEXT_MAX];
	struct tls_names wanted;
	bool read = is_read(backend);

	if (!*backend->tls->names)
		return json_null();
	certificates_wanted(backend, &wanted);
	return json_pack("{so so so so so so sb so so}", "state", json_text_or_null(states[fault]),
			 "wanted", names_to_json(&wanted, NULL), "missing",
			 read ? names_to_json(&wanted, &certificate->missing) : json_null(),
			 "issuer", json_text_or_null(certificate->issuer), "notBeforeTime",
			 read ? json_time((time_t)certificate->not_before) : json_null(),
			 "expiryTime",
			 read ? json_time((time_t)certificate->not_after) : json_null(), "excluded",
			 backend->is_excluded, "ageSeconds",
			 json_seconds(backend->certificate_age_seconds), "message",
			 json_text(certificates_fault(certificate, &wanted, message)));
}

static json_t *to_json(const struct view_backend *backend)
{
	return json_extend(json_pack("{so so so so si so}", "namespace",
				     json_text(backend->namespace), "service",
				     json_text(backend->service), "portName",
				     json_text(backend->service_port_name), "address",
				     json_address(&backend->address), "port", backend->port, "pod",
				     json_text_or_null(backend->pod)),
			   certificates_to_json(backend));
}

json_t *report_certificates(const struct view *view, report_wants *wants, const void *arg)
{
	const struct view_backend *backends;
	size_t count = view_backends(view, &backends);
	json_t *items = json_array();

	for (size_t i = 0; i < count; i++)
		if (*backends[i].tls->names && backends[i].state != VIEW_BACKEND_LEAVING &&
		    (!wants || wants(&backends[i], arg)))
			json_add(&items, to_json(&backends[i]));
	return json_list("CertificateList", lookup_node(view), items);
}

void certificates_judge(struct status *status, const struct view_backend *backend)
{
	int64_t left = backend->certificate.not_after - time(NULL);
	char address[ADDR_PORT_TEXT_MAX], fault[CERTIFICATES_TEXT_MAX], age[FORMAT_MAX];
	bool has_pod = *backend->pod;
	struct tls_names wanted;

	if (backend->state == VIEW_BACKEND_LEAVING)
		return;
	certificates_wanted(backend, &wanted);
	certificates_fault(&backend->certificate, &wanted, fault);
	if (!*fault && is_read(backend) && left < SOON_SECONDS)
		snprintf(fault, sizeof(fault), "it expires in %s", format_age((double)left, age));
	if (!*fault)
		return;
	addr_port_format(&backend->address, backend->port, address);
	status_add_warning(status,
			   "the certificate of backend %s%s%s%s of service '%s/%s': %s%s: "
			   "'gwbpf tls %s/%s' shows how to enrol it again",
			   address, has_pod ? " (pod '" : "", backend->pod, has_pod ? "')" : "",
			   backend->namespace, backend->service, fault,
			   backend->is_excluded ? ", so it gets no new connections" : "",
			   backend->namespace, backend->service);
}
