// SPDX-License-Identifier: Apache-2.0
/* Any JSON as a Service, a slice and Endpoints: an object that keeps its promises, or a message. */
#include "fuzz.h"

#include <stdlib.h>

static void decode_as_endpoints(const json_t *value)
{
	struct slice **slices;
	size_t told = 0, count;

	if (decode_endpoints(value, check_refusal, &told, &slices, &count)) {
		must(told > 0);
		return;
	}
	while (count) {
		must(slices[--count]->mirrored);
		check_slice(slices[count]);
		slice_free(slices[count]);
	}
	free(slices);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *value = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
	struct service *service;
	struct slice *slice;
	size_t told = 0;

	if (!value)
		return 0;
	if (decode_service(value, check_refusal, &told, &service)) {
		must(told > 0);
	} else {
		check_service(service);
		service_free(service);
	}
	told = 0;
	if (decode_slice(value, check_refusal, &told, &slice)) {
		must(told > 0);
	} else {
		check_slice(slice);
		slice_free(slice);
	}
	decode_as_endpoints(value);
	json_decref(value);
	return 0;
}
