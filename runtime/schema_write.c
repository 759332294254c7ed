/*
 * JSON out (RFC 8259): the hottest code of dure, since each order is written some seven times. So
 * room for a value's longest form is reserved once, and everything is put there by pointer. Fails
 * never; a value that JSON does not have (an infinity, the year 10000) is a bug. Pure; any thread.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/date.h"
#include "runtime/schema.h"

#define ONES UINT64_C(0x0101010101010101)
#define HIGHS (ONES << 7)
#define SCALAR_LEN_MAX 40 /* Longest: a date with quotes; %.17g has 24. */
#define ESCAPE_LEN_MAX 6  /* \u001f */
#define TEXT_UNMEASURED_MAX 128
#define PREFIX_ROOM (UINT8_MAX + 8)

static char *put(char *to, const char *bytes, size_t len)
{
    memcpy(to, bytes, len);
    return to + len;
}

/* ---- Strings ------------------------------------------------------------------------------------
 */

/* True when one of eight bytes is a control character, a quote or a backslash: "is there a zero
 * byte", "a byte less than n" from S. E. Anderson, "Bit Twiddling Hacks". */
static bool needs_escape(uint64_t eight)
{
    uint64_t quote = eight ^ (ONES * '"'), backslash = eight ^ (ONES * '\\');
    uint64_t below = (eight - ONES * 0x20) & ~eight;
    return ((below | ((quote - ONES) & ~quote) | ((backslash - ONES) & ~backslash)) & HIGHS) != 0;
}

static char *put_byte(char *to, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    if (byte >= 0x20 && byte != '"' && byte != '\\') {
        *to++ = (char)byte;
        return to;
    }
    *to++ = '\\';
    switch (byte) {
    case '"':
    case '\\': *to++ = (char)byte; break;
    case '\n': *to++ = 'n'; break;
    case '\r': *to++ = 'r'; break;
    case '\t': *to++ = 't'; break;
    default:
        to = put(to, "u00", 3);
        *to++ = hex[byte >> 4];
        *to++ = hex[byte & 15];
    }
    return to;
}

/* Takes at most len * ESCAPE_LEN_MAX + 2 bytes. */
static char *put_string(char *to, const char *text, size_t len)
{
    size_t i = 0;
    *to++ = '"';
    while (len - i >= 8) {
        uint64_t eight;
        memcpy(&eight, text + i, 8);
        if (needs_escape(eight)) {
            for (size_t end = i + 8; i < end; i++) to = put_byte(to, (unsigned char)text[i]);
            continue;
        }
        memcpy(to, &eight, 8);
        to += 8;
        i += 8;
    }
    for (; i < len; i++) to = put_byte(to, (unsigned char)text[i]);
    *to++ = '"';
    return to;
}

void dure_json_string(struct dure_buf *out, const char *text, size_t len)
{
    char *start = dure_buf_reserve(out, len * ESCAPE_LEN_MAX + 2);
    out->len += (size_t)(put_string(start, text, len) - start);
}

/* ---- Numbers ------------------------------------------------------------------------------------
 */

static char *put_int(char *to, int64_t value)
{
    if (value < 0) *to++ = '-';
    return dure_decimal(to, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

/*
 * Prices and scores: a decimal of at most 15 digits, 4 of them after the point. The quotient of two
 * exact doubles is the double nearest to the decimal, so it is what reading the decimal gives (W.
 * D. Clinger, "How to Read Floating Point Numbers Accurately", 1990). NULL when it is no such
 * number.
 */
static char *put_decimal(char *to, double value)
{
    double scale = 1;
    if (!(fabs(value) < 1e11) || (value == 0 && signbit(value))) return NULL;
    for (int places = 0; places <= 4; places++, scale *= 10) {
        double scaled = nearbyint(value * scale);
        if (scaled / scale != value) continue;
        if (value < 0) *to++ = '-';
        int64_t units = (int64_t)fabs(scaled), unit = (int64_t)scale;
        to = put_int(to, units / unit);
        *to++ = '.';
        if (places == 0) *to++ = '0';
        for (int64_t rest = units % unit; unit > 1; rest %= unit) {
            unit /= 10;
            *to++ = (char)('0' + rest / unit);
        }
        return to;
    }
    return NULL;
}

/* 5.0 and 3.5, as the originals do; else the shortest of 15 to 17 digits that reads back the same.
 */
static char *put_real(char *to, double value)
{
    DURE_ASSERT(isfinite(value));
    char *end = put_decimal(to, value);
    if (end != NULL) return end;
    int len = 0;
    for (int digits = 15; digits <= 17; digits++) {
        len = snprintf(to, SCALAR_LEN_MAX, "%.*g", digits, value);
        if (strtod(to, NULL) == value) break;
    }
    end = to + len;
    return strpbrk(to, ".e") == NULL ? put(end, ".0", 2) : end;
}

/* ---- Fields -------------------------------------------------------------------------------------
 */

/* What put_value may take. Short texts are not measured for it. */
static size_t room(const struct dure_field *field, const char *at)
{
    if (field->kind == DURE_TEXT && field->size <= TEXT_UNMEASURED_MAX) {
        return field->size * ESCAPE_LEN_MAX + 2;
    }
    if (field->kind != DURE_TEXT && field->kind != DURE_ENUM) return SCALAR_LEN_MAX;
    const char *text = field->kind == DURE_TEXT ? at : field->texts[(uint8_t)*at];
    return text != NULL ? strlen(text) * ESCAPE_LEN_MAX + 4 : SCALAR_LEN_MAX;
}

static char *put_value(char *to, const struct dure_field *field, const void *object)
{
    const char *at = (const char *)object + field->offset;
    int64_t number;
    double real;
    if (dure_field_is_null(field, object)) return put(to, "null", 4);
    switch (field->kind) {
    case DURE_INT: memcpy(&number, at, sizeof number); return put_int(to, number);
    case DURE_REAL: memcpy(&real, at, sizeof real); return put_real(to, real);
    case DURE_BOOL: return *at != 0 ? put(to, "true", 4) : put(to, "false", 5);
    case DURE_TEXT: return put_string(to, at, strlen(at));
    case DURE_DATE:
        memcpy(&number, at, sizeof number);
        *to++ = '"';
        dure_date_write(number, to);
        return put(to + DURE_DATE_TEXT_LEN, "\"", 1);
    case DURE_ENUM: at = field->texts[(uint8_t)*at]; return put_string(to, at, strlen(at));
    }
    DURE_ASSERT(false);
    return to;
}

void dure_field_write_json(const struct dure_field *field, const void *object, struct dure_buf *out)
{
    char *start = dure_buf_reserve(out, room(field, (const char *)object + field->offset));
    out->len += (size_t)(put_value(start, field, object) - start);
}

/* ,"name": without the comma for the first. Eight bytes at a time: there is room for too many. */
static char *put_prefix(char *to, const struct dure_field *field, bool first)
{
    const char *prefix = field->prefix + first;
    size_t len = field->prefix_len - first;
    for (size_t i = 0; i < len; i += 8) memcpy(to + i, prefix + i, 8);
    return to + len;
}

void dure_schema_write_json(const struct dure_schema *schema, const void *object,
                            struct dure_buf *out)
{
    bool first = true;
    for (size_t i = 0; i < schema->fields_count; i++) {
        const struct dure_field *field = &schema->fields[i];
        if (field->flags & DURE_HIDDEN) continue;
        size_t more = PREFIX_ROOM + room(field, (const char *)object + field->offset);
        char *start = dure_buf_reserve(out, more), *to = start;
        to = put_prefix(to, field, first);
        first = false;
        to = put_value(to, field, object);
        DURE_ASSERT(to <= start + more);
        out->len += (size_t)(to - start);
    }
}
