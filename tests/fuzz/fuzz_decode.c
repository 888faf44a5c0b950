// SPDX-License-Identifier: Apache-2.0
/* Any JSON as a Service and as a slice: an object that keeps its promises, or a message. */
#include "fuzz.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *value = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
	struct service *service;
	struct slice *slice;
	size_t told = 0;
	int err;

	if (!value)
		return 0;
	if (decode_service(value, check_refusal, &told, &service)) {
		must(told > 0);
	} else {
		check_service(service);
		service_free(service);
	}
	told = 0;
	err = decode_slice(value, check_refusal, &told, &slice);
	if (err) {
		must((told > 0) == (err == -EINVAL));
	} else {
		check_slice(slice);
		slice_free(slice);
	}
	json_decref(value);
	return 0;
}
