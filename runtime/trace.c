/*
 * Reading and writing traceparent. Pure; any thread.
 */
#include "runtime/trace.h"

#include <string.h>

/* Lower case only (section 3.2.2.1). */
static int digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

static bool read_hex(const char *text, uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        bytes[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0) return false;
    }
    return true;
}

bool dure_trace_read(struct dure_trace *trace, const char *text, size_t len)
{
    uint8_t version;
    if (len < DURE_TRACE_BYTES || !read_hex(text, &version, 1) || version == 0xff) return false;
    if (len > DURE_TRACE_BYTES && (version == 0 || text[DURE_TRACE_BYTES] != '-')) return false;
    if (text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
    if (!read_hex(text + 3, trace->trace_id, sizeof trace->trace_id) ||
        !read_hex(text + 36, trace->span_id, sizeof trace->span_id) ||
        !read_hex(text + 53, &trace->flags, 1))
        return false;
    trace->flags &= DURE_TRACE_SAMPLED; /* What other bits mean is not ours to pass on. */
    return !is_zero(trace->trace_id, sizeof trace->trace_id) &&
           !is_zero(trace->span_id, sizeof trace->span_id);
}

void dure_trace_hex(const uint8_t *bytes, size_t len, struct dure_buf *out)
{
    static const char digits[] = "0123456789abcdef";
    char *at = dure_buf_reserve(out, 2 * len);
    for (size_t i = 0; i < len; i++) {
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    out->len += 2 * len;
}

void dure_trace_write(const struct dure_trace *trace, struct dure_buf *out)
{
    dure_buf_lit(out, "00-");
    dure_trace_hex(trace->trace_id, sizeof trace->trace_id, out);
    dure_buf_byte(out, '-');
    dure_trace_hex(trace->span_id, sizeof trace->span_id, out);
    dure_buf_byte(out, '-');
    dure_trace_hex(&trace->flags, 1, out);
}

void dure_trace_enter(struct dure_trace *trace, uint64_t random)
{
    if (random == 0) random = 1;
    memcpy(trace->span_id, &random, sizeof trace->span_id);
}

void dure_trace_begin(struct dure_trace *trace, const uint64_t random[3], bool sampled)
{
    memcpy(trace->trace_id, random, sizeof trace->trace_id);
    if (is_zero(trace->trace_id, sizeof trace->trace_id)) trace->trace_id[0] = 1;
    dure_trace_enter(trace, random[2]);
    trace->flags = sampled ? DURE_TRACE_SAMPLED : 0;
}
