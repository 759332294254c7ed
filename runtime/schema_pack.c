/*
 * The packed form: one byte count of fields, then per present field a 16-bit tag (xxh64 of its
 * name), a 16-bit length and the bytes. Numbers are their little-endian bytes without leading zeros
 * (after zigzag), so that small ones are short. Unknown tags are skipped, absent fields stay as
 * they are initialised, so fields can come and go. Pure; any thread.
 */
#include <math.h>
#include <xxhash.h>

#include "runtime/date.h"
#include "runtime/schema_internal.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "packed as it lies in memory");

#define NULL_LEN 0xffff /* As a length: null in a field that does not start as null. */

uint16_t dure_schema_pack_tag(const struct dure_field *field)
{
    return (uint16_t)XXH64(field->name, strlen(field->name), 0);
}

static size_t put_number(char *to, uint64_t value)
{
    size_t len = 0;
    for (; value != 0; value >>= 8) to[len++] = (char)(value & 0xff);
    return len;
}

static uint64_t get_number(const unsigned char *from, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) value |= (uint64_t)from[i] << (8 * i);
    return value;
}

static size_t pack_value(const struct dure_field *field, const void *object, char *to)
{
    const char *at = (const char *)object + field->offset;
    int64_t number;
    switch (field->kind) {
    case DURE_INT:
    case DURE_DATE:
        memcpy(&number, at, sizeof number);
        return put_number(to, ((uint64_t)number << 1) ^ (uint64_t)(number >> 63));
    case DURE_REAL: memcpy(to, at, 8); return 8;
    case DURE_BOOL:
    case DURE_ENUM: *to = *at; return 1;
    case DURE_TEXT: {
        size_t len = strlen(at);
        DURE_ASSERT(len < field->size);
        memcpy(to, at, len);
        return len;
    }
    }
    return 0;
}

void dure_schema_pack(const struct dure_schema *schema, const void *object, struct dure_buf *out)
{
    size_t count_at = out->len;
    char *at = dure_buf_reserve(out, schema->size + 8 * schema->fields_count + 1);
    char *start = at++;
    uint8_t count = 0;
    dure_schema_prepare(schema);
    for (size_t i = 0; i < schema->fields_count; i++) {
        const struct dure_field *field = &schema->fields[i];
        bool null = dure_field_is_null(field, object);
        if (null && !field->has_start) continue;
        uint16_t tag = schema->plan->tags[i];
        memcpy(at, &tag, 2);
        uint16_t len = null ? NULL_LEN : (uint16_t)pack_value(field, object, at + 4);
        memcpy(at + 2, &len, 2);
        at += 4 + (null ? 0 : len);
        count++;
    }
    *start = (char)count;
    out->len = count_at + (size_t)(at - start);
}

static int unpack_value(const struct dure_field *field, void *object, const unsigned char *from,
                        size_t len)
{
    char *at = (char *)object + field->offset;
    switch (field->kind) {
    case DURE_INT:
    case DURE_DATE: {
        if (len > 8) return DURE_ECORRUPT;
        uint64_t zigzag = get_number(from, len);
        int64_t number = (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
        if (field->kind == DURE_DATE && (number < DURE_DATE_MS_MIN || number > DURE_DATE_MS_MAX)) {
            return DURE_ECORRUPT;
        }
        memcpy(at, &number, sizeof number);
        return 0;
    }
    case DURE_REAL: {
        double real;
        if (len != sizeof real) return DURE_ECORRUPT;
        memcpy(&real, from, sizeof real);
        if (!isfinite(real)) return DURE_ECORRUPT;
        memcpy(at, &real, sizeof real);
        return 0;
    }
    case DURE_BOOL:
    case DURE_ENUM:
        if (len != 1 || (field->kind == DURE_BOOL && *from > 1)) return DURE_ECORRUPT;
        if (field->kind == DURE_ENUM) {
            for (unsigned i = 1; i <= *from; i++) {
                if (field->texts[i] == NULL) return DURE_ECORRUPT;
            }
        }
        *at = (char)*from;
        return 0;
    case DURE_TEXT:
        if (len >= field->size || !dure_utf8_valid((const char *)from, len)) return DURE_ECORRUPT;
        memset(at, 0, field->size);
        memcpy(at, from, len);
        return 0;
    }
    return DURE_ECORRUPT;
}

/* The index of the field with this tag, looked for from `hint` on: absent fields are left out, but
 * the order stays. fields_count when it is unknown. */
static size_t find(const struct dure_schema *schema, uint16_t tag, size_t hint)
{
    for (size_t n = 0, i = hint; n < schema->fields_count; n++, i++) {
        if (i >= schema->fields_count) i = 0;
        if (schema->plan->tags[i] == tag) return i;
    }
    return schema->fields_count;
}

int dure_schema_unpack(const struct dure_schema *schema, void *object, const void *bytes,
                       size_t len, size_t *used)
{
    const unsigned char *at = bytes, *end = at + len;
    if (len < 1) return DURE_ECORRUPT;
    uint8_t count = *at++;
    dure_schema_prepare(schema);
    size_t hint = 0;
    for (uint8_t i = 0; i < count; i++) {
        uint16_t tag, value_len;
        if (end - at < 4) return DURE_ECORRUPT;
        memcpy(&tag, at, 2);
        memcpy(&value_len, at + 2, 2);
        at += 4;
        size_t index = find(schema, tag, hint);
        const struct dure_field *field = NULL;
        if (index < schema->fields_count) {
            field = &schema->fields[index];
            hint = index + 1;
        }
        if (value_len == NULL_LEN) {
            if (field != NULL) dure_field_set_null(field, object);
            continue;
        }
        if (end - at < value_len) return DURE_ECORRUPT;
        if (field != NULL) {
            int rv = unpack_value(field, object, at, value_len);
            if (rv != 0) return rv;
        }
        at += value_len;
    }
    *used = (size_t)(at - (const unsigned char *)bytes);
    return 0;
}
