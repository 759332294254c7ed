/*
 * libFuzzer: any bytes, cut anywhere, never crash the parser, and give the same verdict whole or
 * cut. The first four bytes of the input choose the cuts.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/http_trace.h"

static size_t whole(void *arg)
{
    (void)arg;
    return SIZE_MAX / 2;
}

static size_t ragged(void *arg)
{
    uint32_t *seed = arg;
    *seed = *seed * 1664525 + 1013904223;
    return 1 + (*seed >> 16) % 9;
}

static struct http_trace run(const char *data, size_t len, size_t (*cut)(void *), void *arg)
{
    struct http_trace trace = {.limits = {64, 300, 6}, .body_bytes_max = 4096};
    http_trace_run(&trace, data, len, cut, arg);
    return trace;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint32_t seed;
    if (len < sizeof seed) return 0;
    memcpy(&seed, data, sizeof seed);
    const char *bytes = (const char *)data + sizeof seed;
    struct http_trace expected = run(bytes, len - sizeof seed, whole, NULL);
    struct http_trace cut = run(bytes, len - sizeof seed, ragged, &seed);
    DURE_ASSERT(expected.text.len == cut.text.len);
    DURE_ASSERT(cut.text.len == 0 || memcmp(expected.text.data, cut.text.data, cut.text.len) == 0);
    http_trace_fini(&expected);
    http_trace_fini(&cut);
    return 0;
}
