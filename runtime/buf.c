/*
 * Growable bytes. Grows by doubling; decimal numbers are written from the last two digits
 * backwards, because printf is several times slower and numbers are most of what dure writes.
 */
#include "runtime/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/errors.h"

void dure_buf_fini(struct dure_buf *buf)
{
    free(buf->data);
    *buf = (struct dure_buf){0};
}

void dure_buf_reserve_slow(struct dure_buf *buf, size_t more)
{
    size_t cap = buf->cap ? buf->cap : 256;
    while (cap - buf->len < more) cap *= 2;
    char *data = realloc(buf->data, cap);
    DURE_ASSERT(data != NULL);
    buf->data = data;
    buf->cap = cap;
}

/* Decimal digits: by the number of bits, which leaves one question (H. S. Warren, "Hacker's Delight",
 * section 11-4). */
static size_t length(uint64_t value)
{
    static const uint64_t powers[] = {
        0, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000,
        100000000000, 1000000000000, 10000000000000, 100000000000000, 1000000000000000,
        10000000000000000, 100000000000000000, 1000000000000000000, 10000000000000000000u};
    size_t least = (size_t)(64 - __builtin_clzll(value | 1)) * 1233 >> 12; /* log10(2) is 1233/4096. */
    return least + (value >= powers[least]);
}

char *dure_decimal(char *to, uint64_t value)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char *end = to + length(value), *at = end;
    for (; value >= 100; value /= 100) memcpy(at -= 2, pairs + value % 100 * 2, 2);
    if (value >= 10) memcpy(at - 2, pairs + value * 2, 2);
    else at[-1] = (char)('0' + value);
    return end;
}

void dure_buf_u64(struct dure_buf *buf, uint64_t value)
{
    char *to = dure_buf_reserve(buf, DURE_DECIMAL_MAX);
    buf->len += (size_t)(dure_decimal(to, value) - to);
}

void dure_buf_i64(struct dure_buf *buf, int64_t value)
{
    if (value < 0) dure_buf_byte(buf, '-');
    dure_buf_u64(buf, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void dure_buf_printf(struct dure_buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    DURE_ASSERT(len >= 0);
    vsnprintf(dure_buf_reserve(buf, (size_t)len + 1), (size_t)len + 1, fmt, again);
    va_end(again);
    buf->len += (size_t)len;
}
