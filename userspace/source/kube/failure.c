// SPDX-License-Identifier: Apache-2.0
/* From what went wrong to a word for the metrics and a sentence for people. */
#include "source/kube/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <stddef.h>

static const struct {
	long code;
	enum source_error error;
	const char *text;
} statuses[] = {
	{401, SOURCE_ERROR_UNAUTHORIZED, "the credentials are refused"},
	{403, SOURCE_ERROR_FORBIDDEN, "it is forbidden"},
	{404, SOURCE_ERROR_NOT_FOUND, "there is none"},
	{410, SOURCE_ERROR_GONE, "the position is too old, all is listed again"},
	{429, SOURCE_ERROR_THROTTLED, "the API server asks to wait"},
	{0, SOURCE_ERROR_SERVER, "the API server fails"},
};

int kube_failure_set(struct kube_failure *failure, enum source_error error, const char *format, ...)
{
	va_list args;

	failure->failed = true;
	failure->error = error;
	va_start(args, format);
	vsnprintf(failure->text, sizeof(failure->text), format, args);
	va_end(args);
	return -1;
}

void kube_failure_set_status(struct kube_failure *failure, const struct kube_status *status,
			     const struct kube_resource *resource, const char *verb,
			     const char *instead)
{
	size_t i = 0;

	while (statuses[i].code && statuses[i].code != status->code)
		i++;
	if (statuses[i].error == SOURCE_ERROR_FORBIDDEN)
		kube_failure_set(failure, SOURCE_ERROR_FORBIDDEN,
				 "%s (403): %s; allow the verb '%s' on the resource '%s' of API "
				 "group '%s'%s",
				 statuses[i].text, status->text, verb, resource->plural,
				 resource->group, instead);
	else
		kube_failure_set(failure, statuses[i].error, "%s (%ld)%s%s", statuses[i].text,
				 status->code, status->text[0] ? ": " : "", status->text);
}
