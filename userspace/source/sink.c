// SPDX-License-Identifier: Apache-2.0
/* The words for what may go wrong with a source. */
#include "source/sink.h"

static const char *const error_names[SOURCE_ERROR_MAX_] = {
#define SOURCE_ERROR_NAME(id, name, text) [SOURCE_ERROR_##id] = name,
	SOURCE_ERRORS(SOURCE_ERROR_NAME)
#undef SOURCE_ERROR_NAME
};

const char *source_error_name(enum source_error error)
{
	return error_names[error];
}
