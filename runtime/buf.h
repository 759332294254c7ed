/*
 * A growable run of bytes: the one way text and records are built up. Not thread-safe; an owner
 * that hands a buffer to another thread gives it up until it is handed back.
 *
 * Running out of memory aborts: every use is bounded by bounds.h, so it is a sizing bug.
 */
#ifndef DURE_RUNTIME_BUF_H
#define DURE_RUNTIME_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct dure_buf {
    char *data; /* NULL while cap is 0; not NUL-terminated. */
    size_t len; /* Bytes in use. */
    size_t cap; /* Bytes allocated. */
};

/* A zeroed struct is an empty buffer; fini is safe on it and leaves it empty. */
void dure_buf_fini(struct dure_buf *buf);

/* Makes room for `more` bytes beyond len; afterwards data + len may be written directly. */
__attribute__((noinline, cold)) void dure_buf_reserve_slow(struct dure_buf *buf, size_t more);

static inline char *dure_buf_reserve(struct dure_buf *buf, size_t more)
{
    if (buf->cap - buf->len < more) dure_buf_reserve_slow(buf, more);
    return buf->data + buf->len;
}

static inline void dure_buf_add(struct dure_buf *buf, const void *bytes, size_t len)
{
    if (len == 0) return;
    memcpy(dure_buf_reserve(buf, len), bytes, len);
    buf->len += len;
}

static inline void dure_buf_byte(struct dure_buf *buf, char byte)
{
    *dure_buf_reserve(buf, 1) = byte;
    buf->len++;
}

static inline void dure_buf_text(struct dure_buf *buf, const char *text)
{
    dure_buf_add(buf, text, strlen(text));
}

/* Appends a string literal without measuring it. */
#define dure_buf_lit(buf, literal) dure_buf_add((buf), "" literal, sizeof(literal) - 1)

#define DURE_DECIMAL_MAX 20
/* Writes the digits at `to`, at most DURE_DECIMAL_MAX of them; returns where they end. */
char *dure_decimal(char *to, uint64_t value);

/* Decimal digits of a signed or unsigned 64-bit number. */
void dure_buf_i64(struct dure_buf *buf, int64_t value);
void dure_buf_u64(struct dure_buf *buf, uint64_t value);

void dure_buf_printf(struct dure_buf *buf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
