/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an object says anything new, without keeping the old one. */
#ifndef GWBPF_SOURCE_FINGERPRINT_H
#define GWBPF_SOURCE_FINGERPRINT_H

#include <stdint.h>

#include "model/object.h"

/* Equal for objects of equal content; otherwise different but for one chance in 2^64. */
uint64_t fingerprint_service(const struct service *service);
uint64_t fingerprint_slice(const struct slice *slice);
uint64_t fingerprint_pod(const struct pod *pod);

#endif
