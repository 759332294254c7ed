/*
 * Fields and payloads as JSON Schema, and samples of them.
 *
 * A field's kind decides its type, its bounds follow. What is shown may be null; what is sent is
 * described as it should be sent, though more is understood (SPEC A5: numbers as strings, say).
 * Any thread.
 */
#include "proto/describe.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAME_BYTES 160

void dure_describe_set(json_t *object, const char *name, json_t *value)
{
    int rv = json_object_set_new(object, name, value);
    DURE_ASSERT(rv == 0);
}

json_t *dure_describe_ref(const char *kind, const char *fmt, ...)
{
    char name[NAME_BYTES], path[NAME_BYTES + 64];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(name, sizeof name, fmt, args);
    va_end(args);
    DURE_ASSERT(len > 0 && len < NAME_BYTES);
    snprintf(path, sizeof path, "#/components/%s/%s", kind, name);
    return json_pack("{s:s}", "$ref", path);
}

static int add(const char *bytes, size_t len, void *out)
{
    dure_buf_add(out, bytes, len);
    return 0;
}

void dure_describe_write(const json_t *document, struct dure_buf *out)
{
    int rv = json_dump_callback(document, add, out, JSON_COMPACT);
    DURE_ASSERT(rv == 0);
}

/* ---- Fields --------------------------------------------------------------------------------- */

static json_t *type_of(const char *name, bool nullable)
{
    return nullable ? json_pack("{s:[s,s]}", "type", name, "null")
                    : json_pack("{s:s}", "type", name);
}

static json_t *integer(const struct dure_field *field, bool nullable)
{
    json_t *schema = type_of("integer", nullable);
    dure_describe_set(schema, "format", json_string("int64"));
    if (field->min == 0 && field->max == 0) return schema;
    dure_describe_set(schema, "minimum", json_integer(field->min));
    dure_describe_set(schema, "maximum", json_integer(field->max));
    return schema;
}

/* The bound is one of bytes; there are never more characters than that. */
static json_t *string(const struct dure_field *field, bool nullable)
{
    char text[64];
    json_t *schema = type_of("string", nullable);
    dure_describe_set(schema, "maxLength", json_integer(field->size - 1));
    snprintf(text, sizeof text, "at most %u bytes of UTF-8", field->size - 1);
    dure_describe_set(schema, "description", json_string(text));
    return schema;
}

static json_t *date(bool nullable, bool sent)
{
    if (!sent) {
        json_t *schema = type_of("string", nullable);
        dure_describe_set(schema, "format", json_string("date-time"));
        return schema;
    }
    json_t *forms = json_pack("[{s:s,s:s},{s:s,s:s},{s:s,s:s}]", "type", "string", "format",
                              "date-time", "type", "string", "format", "date", "type", "integer",
                              "description", "milliseconds since 1970-01-01T00:00:00Z");
    if (nullable) json_array_append_new(forms, type_of("null", false));
    return json_pack("{s:o}", "anyOf", forms);
}

static json_t *choice(const struct dure_field *field, bool nullable)
{
    json_t *schema = type_of("string", nullable), *texts = json_array();
    for (size_t i = 1; field->texts[i] != NULL; i++)
        json_array_append_new(texts, json_string(field->texts[i]));
    if (nullable) json_array_append_new(texts, json_null());
    dure_describe_set(schema, "enum", texts);
    return schema;
}

static json_t *start_of(const struct dure_field *field)
{
    if (field->kind == DURE_INT) return json_integer((json_int_t)field->start);
    if (field->kind == DURE_BOOL) return json_boolean(field->start != 0);
    return json_real(field->start);
}

json_t *dure_describe_field(const struct dure_field *field, enum dure_describe_use use)
{
    json_t *schema = NULL;
    bool shown = use == DURE_DESCRIBE_ITEM;
    bool nullable =
        use != DURE_DESCRIBE_FILTER && !(field->flags & (shown ? DURE_ID : DURE_REQUIRED));
    switch (field->kind) {
    case DURE_INT: schema = integer(field, nullable); break;
    case DURE_REAL: schema = type_of("number", nullable); break;
    case DURE_BOOL: schema = type_of("boolean", nullable); break;
    case DURE_TEXT: schema = string(field, nullable); break;
    case DURE_DATE: schema = date(nullable, !shown); break;
    case DURE_ENUM: schema = choice(field, nullable); break;
    }
    if (shown && field->flags & (DURE_ID | DURE_GOVERNED))
        dure_describe_set(schema, "readOnly", json_true());
    if (use == DURE_DESCRIBE_BODY && field->has_start)
        dure_describe_set(schema, "default", start_of(field));
    if (use == DURE_DESCRIBE_BODY && field->flags & DURE_DEFAULT_NOW)
        dure_describe_set(schema, "description", json_string("absent: now"));
    if (use == DURE_DESCRIBE_CHANGE && field->flags & DURE_GOVERNED)
        dure_describe_set(schema, "description",
                          json_string("changes only to where a command leads from here"));
    return schema;
}

json_t *dure_describe_object(const struct dure_schema *schema, enum dure_describe_use use)
{
    json_t *properties = json_object(), *required = json_array();
    uint32_t hidden = use == DURE_DESCRIBE_ITEM ? DURE_HIDDEN : DURE_HIDDEN | DURE_ID;
    for (size_t i = 0; schema != NULL && i < schema->fields_count; i++) {
        const struct dure_field *field = &schema->fields[i];
        if (field->flags & hidden) continue;
        dure_describe_set(properties, field->name, dure_describe_field(field, use));
        if (use == DURE_DESCRIBE_ITEM ||
            (use == DURE_DESCRIBE_BODY && field->flags & DURE_REQUIRED))
            json_array_append_new(required, json_string(field->name));
    }
    json_t *object = json_pack("{s:s,s:o}", "type", "object", "properties", properties);
    if (json_array_size(required) > 0)
        dure_describe_set(object, "required", required);
    else
        json_decref(required);
    return object;
}

/* ---- Samples -------------------------------------------------------------------------------- */

json_t *dure_describe_sample(const struct dure_field *field)
{
    switch (field->kind) {
    case DURE_INT: return json_integer(field->min > 1 ? field->min : 1);
    case DURE_REAL: return json_real(1.5);
    case DURE_BOOL: return json_true();
    case DURE_TEXT: return json_string(field->name);
    case DURE_DATE: return json_string("2024-10-10T14:47:21.124+00:00");
    case DURE_ENUM: return json_string(field->texts[1]);
    }
    return NULL;
}

json_t *dure_describe_body(const struct dure_command *command)
{
    const struct dure_schema *schema = command->schema;
    if (schema == NULL) return NULL;
    if (command->example.body != NULL) {
        json_t *body = json_loads(command->example.body, 0, NULL);
        DURE_ASSERT(json_is_object(body)); /* The tables' own. */
        return body;
    }
    json_t *body = json_object();
    for (size_t i = 0; i < schema->fields_count; i++) {
        const struct dure_field *field = &schema->fields[i];
        if (field->flags & DURE_REQUIRED)
            dure_describe_set(body, field->name, dure_describe_sample(field));
    }
    return body;
}

json_t *dure_describe_edit(const struct dure_aggregate *aggregate,
                           const struct dure_command **command)
{
    *command = NULL;
    const struct dure_schema *schema = aggregate->schema;
    const struct dure_command *create = aggregate->create;
    json_t *body = json_object(), *made = create != NULL ? dure_describe_body(create) : NULL;
    for (size_t i = 0; aggregate->editable && i < schema->fields_count; i++) {
        const struct dure_field *field = &schema->fields[i];
        if (field->flags & (DURE_GOVERNED | DURE_HIDDEN | DURE_ID)) continue;
        json_t *value = json_object_get(made, field->name);
        dure_describe_set(body, field->name,
                          value != NULL ? json_incref(value) : dure_describe_sample(field));
    }
    json_decref(made);
    const struct dure_transition *row = aggregate->transitions;
    if (json_object_size(body) > 0 || row == NULL) return body;
    *command = row->command;
    const struct dure_field *field = dure_schema_find(schema, row->field, strlen(row->field));
    dure_describe_set(body, row->field, json_string(field->texts[row->value]));
    return body;
}

/* ---- Names ---------------------------------------------------------------------------------- */

/* Whether the name begins with `part` and a dot, or is it; goes on behind it. */
static bool cut(const char **name, size_t *len, const char *part)
{
    size_t size = strlen(part);
    if (*len < size || memcmp(*name, part, size) != 0) return false;
    if (*len > size && (*name)[size] != '.') return false;
    size_t used = *len > size ? size + 1 : size;
    *name += used;
    *len -= used;
    return true;
}

const struct dure_command *dure_describe_command(const char *name, size_t len)
{
    for (size_t i = 0; i < dure_registry_count(); i++) {
        const struct dure_type *type = dure_registry_type(i);
        const char *rest = name;
        size_t left = len;
        if (type->kind != DURE_KIND_AGGREGATE || !cut(&rest, &left, type->name)) continue;
        const struct dure_command *const *commands = type->aggregate->commands;
        for (size_t j = 0; commands != NULL && commands[j] != NULL; j++) {
            if (strlen(commands[j]->name) == left && memcmp(commands[j]->name, rest, left) == 0)
                return commands[j];
        }
    }
    return NULL;
}
