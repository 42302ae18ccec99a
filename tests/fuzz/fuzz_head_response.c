/*
 * fuzz_head_response: response heads, see fuzz_head.h.
 */
#include "fuzz_head.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_head(head_parse_response, span_new((const char *)data, size));
	return 0;
}
