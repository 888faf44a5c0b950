// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a manifest: objects, or a message that says why not. */
#include "fuzz.h"

#include "source/manifests.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct manifest manifest;
	size_t told = 0, i;

	if (manifest_parse((const char *)data, size, check_refusal, &told, &manifest)) {
		must(told > 0);
		return 0;
	}
	for (i = 0; i < manifest.service_count; i++)
		check_service(manifest.services[i]);
	for (i = 0; i < manifest.slice_count; i++)
		check_slice(manifest.slices[i]);
	must(told >= manifest.refused_count || told > 20);
	manifest_done(&manifest);
	return 0;
}
