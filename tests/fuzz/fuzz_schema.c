/*
 * libFuzzer target: the flat scanner and jansson agree on every document, and every packed form
 * that is taken can be written. The first byte chooses. Aborts on a failure.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/schema_agree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    const char *rest = (const char *)data + 1;
    if (data[0] % 4 == 0)
        (void)agree_packed(rest, size - 1);
    else
        (void)agree_json(rest, size - 1);
    return 0;
}
