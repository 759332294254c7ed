/*
 * Reading and writing traceparent. Pure; any thread.
 */
#include "runtime/trace.h"

#include <string.h>

#include "runtime/errors.h"

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

/* Four bytes as eight digits at once, each in a lane of its own: every answer has some. */
static char *write_four(char *at, const uint8_t *bytes)
{
    uint32_t four;
    memcpy(&four, bytes, sizeof four);
    uint64_t lanes = ((uint64_t)four << 16 | four) & 0x0000ffff0000ffff;
    lanes = (lanes << 8 | lanes) & 0x00ff00ff00ff00ff;
    uint64_t nibbles = (lanes >> 4 & 0x000f000f000f000f) | (lanes & 0x000f000f000f000f) << 8;
    uint64_t letters = (nibbles + 0x0606060606060606) >> 4 & 0x0101010101010101;
    uint64_t digits = nibbles + 0x3030303030303030 + letters * ('a' - 10 - '0');
    memcpy(at, &digits, sizeof digits);
    return at + sizeof digits;
}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first digit is the lowest byte");

void dure_trace_hex(const uint8_t *bytes, size_t len, struct dure_buf *out)
{
    DURE_ASSERT(len % 4 == 0);
    char *at = dure_buf_reserve(out, 2 * len);
    for (size_t i = 0; i < len; i += 4) at = write_four(at, bytes + i);
    out->len += 2 * len;
}

void dure_trace_write(const struct dure_trace *trace, struct dure_buf *out)
{
    static const char hex[] = "0123456789abcdef";
    char *at = dure_buf_reserve(out, DURE_TRACE_BYTES);
    out->len += DURE_TRACE_BYTES;
    at = (char *)memcpy(at, "00-", 3) + 3;
    for (size_t i = 0; i < sizeof trace->trace_id; i += 4) at = write_four(at, trace->trace_id + i);
    *at++ = '-';
    for (size_t i = 0; i < sizeof trace->span_id; i += 4) at = write_four(at, trace->span_id + i);
    *at++ = '-';
    *at++ = hex[trace->flags >> 4];
    *at = hex[trace->flags & 15];
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
