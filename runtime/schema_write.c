/*
 * JSON out (RFC 8259): names and values straight into the buffer. The hottest code of dure: each
 * order is written some seven times. Pure; any thread.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/schema.h"

void dure_json_string(struct dure_buf *out, const char *text, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    dure_buf_byte(out, '"');
    size_t run = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
        dure_buf_add(out, text + run, i - run);
        run = i + 1;
        dure_buf_byte(out, '\\');
        switch (byte) {
        case '"':
        case '\\': dure_buf_byte(out, (char)byte); break;
        case '\n': dure_buf_byte(out, 'n'); break;
        case '\r': dure_buf_byte(out, 'r'); break;
        case '\t': dure_buf_byte(out, 't'); break;
        default:
            dure_buf_lit(out, "u00");
            dure_buf_byte(out, hex[byte >> 4]);
            dure_buf_byte(out, hex[byte & 15]);
        }
    }
    dure_buf_add(out, text + run, len - run);
    dure_buf_byte(out, '"');
}

/* The shortest of 15 to 17 digits that reads back as the same number. */
static void write_real(double value, struct dure_buf *out)
{
    DURE_ASSERT(isfinite(value));
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    dure_buf_text(out, text);
    if (strpbrk(text, ".e") == NULL) dure_buf_lit(out, ".0");
}

static void two(struct dure_buf *out, int64_t value, char before)
{
    dure_buf_byte(out, before);
    dure_buf_byte(out, (char)('0' + value / 10));
    dure_buf_byte(out, (char)('0' + value % 10));
}

/* Civil date from days since 1970-01-01: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
static void write_date(int64_t ms, struct dure_buf *out)
{
    const int64_t day_ms = 86400000;
    int64_t days = ms / day_ms - (ms % day_ms < 0);
    int64_t rest = ms - days * day_ms;
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int64_t month = mp < 10 ? mp + 3 : mp - 9;
    int64_t year = yoe + era * 400 + (month <= 2);
    dure_buf_byte(out, '"');
    for (int64_t unit = 1000; unit > 1 && year < unit; unit /= 10) dure_buf_byte(out, '0');
    dure_buf_i64(out, year);
    two(out, month, '-');
    two(out, doy - (153 * mp + 2) / 5 + 1, '-');
    two(out, rest / 3600000, 'T');
    two(out, rest / 60000 % 60, ':');
    two(out, rest / 1000 % 60, ':');
    dure_buf_byte(out, '.');
    dure_buf_byte(out, (char)('0' + rest % 1000 / 100));
    dure_buf_byte(out, (char)('0' + rest % 100 / 10));
    dure_buf_byte(out, (char)('0' + rest % 10));
    dure_buf_lit(out, "+00:00\"");
}

void dure_field_write_json(const struct dure_field *field, const void *object, struct dure_buf *out)
{
    const char *at = (const char *)object + field->offset;
    if (dure_field_is_null(field, object)) {
        dure_buf_lit(out, "null");
        return;
    }
    switch (field->kind) {
    case DURE_INT: {
        int64_t value;
        memcpy(&value, at, sizeof value);
        dure_buf_i64(out, value);
        break;
    }
    case DURE_DATE: {
        int64_t value;
        memcpy(&value, at, sizeof value);
        write_date(value, out);
        break;
    }
    case DURE_REAL: {
        double value;
        memcpy(&value, at, sizeof value);
        write_real(value, out);
        break;
    }
    case DURE_BOOL:
        if (*at != 0) dure_buf_lit(out, "true");
        else dure_buf_lit(out, "false");
        break;
    case DURE_TEXT: dure_json_string(out, at, strlen(at)); break;
    case DURE_ENUM: {
        const char *text = field->texts[(uint8_t)*at];
        dure_json_string(out, text, strlen(text));
        break;
    }
    }
}

void dure_schema_write_json(const struct dure_schema *schema, const void *object,
                            struct dure_buf *out)
{
    bool first = true;
    for (size_t i = 0; i < schema->fields_count; i++) {
        const struct dure_field *field = &schema->fields[i];
        if (field->flags & DURE_HIDDEN) continue;
        if (!first) dure_buf_byte(out, ',');
        first = false;
        dure_buf_byte(out, '"');
        dure_buf_text(out, field->name);
        dure_buf_lit(out, "\":");
        dure_field_write_json(field, object, out);
    }
}
