/*
 * Schema tables: a struct's fields as values. Pure functions over plain old data; any thread.
 */
#include "runtime/schema.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "runtime/schema_internal.h"

static int64_t int_of(const struct dure_field *field, const void *object)
{
    int64_t value;
    memcpy(&value, (const char *)object + field->offset, sizeof value);
    return value;
}

static double real_of(const struct dure_field *field, const void *object)
{
    double value;
    memcpy(&value, (const char *)object + field->offset, sizeof value);
    return value;
}

static int8_t byte_of(const struct dure_field *field, const void *object)
{
    return ((const int8_t *)object)[field->offset];
}

/* An ENUM's index. */
static uint8_t index_of(const struct dure_field *field, const void *object)
{
    return ((const uint8_t *)object)[field->offset];
}

static const char *text_of(const struct dure_field *field, const void *object)
{
    return (const char *)object + field->offset;
}

void dure_field_set_null(const struct dure_field *field, void *object)
{
    char *at = (char *)object + field->offset;
    const int64_t none = DURE_NULL;
    const double nan_value = (double)NAN;
    switch (field->kind) {
    case DURE_INT:
    case DURE_DATE: memcpy(at, &none, sizeof none); break;
    case DURE_REAL: memcpy(at, &nan_value, sizeof nan_value); break;
    case DURE_BOOL: *at = (char)-1; break;
    case DURE_TEXT: memset(at, 0, field->size); break;
    case DURE_ENUM: *at = 0; break;
    }
}

static void set_start(const struct dure_field *field, void *object)
{
    char *at = (char *)object + field->offset;
    int64_t whole = (int64_t)field->start;
    switch (field->kind) {
    case DURE_INT:
    case DURE_DATE: memcpy(at, &whole, sizeof whole); break;
    case DURE_REAL: memcpy(at, &field->start, sizeof field->start); break;
    case DURE_BOOL:
    case DURE_ENUM: *at = (char)whole; break;
    case DURE_TEXT: DURE_ASSERT(false); break;
    }
}

static void blank(const struct dure_schema *schema, void *object)
{
    memset(object, 0, schema->size);
    for (size_t i = 0; i < schema->fields_count; i++) {
        const struct dure_field *field = &schema->fields[i];
        if (field->has_start)
            set_start(field, object);
        else if (field->kind != DURE_TEXT && field->kind != DURE_ENUM) {
            dure_field_set_null(field, object);
        }
    }
}

void dure_schema_prepare_slow(const struct dure_schema *schema)
{
    struct dure_schema_plan *plan = schema->plan;
    DURE_ASSERT(schema->fields_count <= DURE_FIELDS_MAX);
    plan->blank = malloc(schema->size);
    DURE_ASSERT(plan->blank != NULL);
    blank(schema, plan->blank);
    for (size_t i = 0; i < schema->fields_count; i++) {
        plan->tags[i] = dure_schema_pack_tag(&schema->fields[i]);
    }
    plan->ready = true;
}

void dure_schema_init(const struct dure_schema *schema, void *object)
{
    dure_schema_prepare(schema);
    memcpy(object, schema->plan->blank, schema->size);
}

const struct dure_field *dure_schema_find(const struct dure_schema *schema, const char *name,
                                          size_t len)
{
    for (size_t i = 0; i < schema->fields_count; i++) {
        const char *candidate = schema->fields[i].name;
        if (strlen(candidate) == len && memcmp(candidate, name, len) == 0)
            return &schema->fields[i];
    }
    return NULL;
}

bool dure_field_is_null(const struct dure_field *field, const void *object)
{
    switch (field->kind) {
    case DURE_INT:
    case DURE_DATE: return int_of(field, object) == DURE_NULL;
    case DURE_REAL: return isnan(real_of(field, object)) != 0;
    case DURE_BOOL: return byte_of(field, object) < 0;
    case DURE_TEXT: return *text_of(field, object) == '\0';
    case DURE_ENUM: return index_of(field, object) == 0;
    }
    return true;
}

int dure_field_compare(const struct dure_field *field, const void *a, const void *b)
{
    bool a_null = dure_field_is_null(field, a), b_null = dure_field_is_null(field, b);
    if (a_null || b_null) return (int)b_null - (int)a_null;
    switch (field->kind) {
    case DURE_INT:
    case DURE_DATE: {
        int64_t x = int_of(field, a), y = int_of(field, b);
        return (x > y) - (x < y);
    }
    case DURE_REAL: {
        double x = real_of(field, a), y = real_of(field, b);
        return (x > y) - (x < y);
    }
    case DURE_BOOL: return byte_of(field, a) - byte_of(field, b);
    case DURE_TEXT: return strcmp(text_of(field, a), text_of(field, b));
    case DURE_ENUM:
        return strcmp(field->texts[index_of(field, a)], field->texts[index_of(field, b)]);
    }
    return 0;
}

bool dure_field_equal(const struct dure_field *field, const void *a, const void *b)
{
    return dure_field_compare(field, a, b) == 0;
}

void dure_field_copy(const struct dure_field *field, void *to, const void *from)
{
    memcpy((char *)to + field->offset, (const char *)from + field->offset, field->size);
}

uint64_t dure_field_index_value(const struct dure_field *field, const void *object)
{
    if (dure_field_is_null(field, object)) return 0;
    switch (field->kind) {
    case DURE_INT:
    case DURE_DATE: return (uint64_t)int_of(field, object) ^ (UINT64_C(1) << 63);
    case DURE_BOOL: return (uint64_t)byte_of(field, object) ^ (UINT64_C(1) << 63);
    case DURE_ENUM: return (uint64_t)index_of(field, object) ^ (UINT64_C(1) << 63);
    case DURE_TEXT: {
        const char *text = text_of(field, object);
        return XXH64(text, strlen(text), 0);
    }
    case DURE_REAL: break;
    }
    DURE_ASSERT(field->kind != DURE_REAL);
    return 0;
}

void dure_field_errors_add(struct dure_field_errors *errors, const char *field, const char *fmt,
                           ...)
{
    if (errors == NULL || errors->count == DURE_FIELD_ERRORS_MAX) return;
    struct dure_field_error *error = &errors->items[errors->count++];
    snprintf(error->field, sizeof error->field, "%s", field);
    va_list args;
    va_start(args, fmt);
    vsnprintf(error->message, sizeof error->message, fmt, args);
    va_end(args);
    /* It may quote the client or have been cut within a character, and is shown as JSON. */
    for (size_t len = strlen(error->message); !dure_utf8_valid(error->message, len);) {
        error->message[--len] = '\0';
    }
}

int dure_schema_require(const struct dure_schema *schema, const void *object,
                        struct dure_field_errors *errors)
{
    int rv = 0;
    for (size_t i = 0; i < schema->fields_count; i++) {
        const struct dure_field *field = &schema->fields[i];
        if (!(field->flags & DURE_REQUIRED) || !dure_field_is_null(field, object)) continue;
        dure_field_errors_add(errors, field->name, "is required");
        rv = DURE_EINVAL;
    }
    return rv;
}
