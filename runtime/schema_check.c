/*
 * Is a schema table sound? Asked once per schema at start; what passes needs no checks later.
 */
#include "runtime/schema_internal.h"

static size_t size_of_kind(enum dure_field_kind kind)
{
    switch (kind) {
    case DURE_INT:
    case DURE_DATE: return sizeof(int64_t);
    case DURE_REAL: return sizeof(double);
    case DURE_BOOL:
    case DURE_ENUM: return 1;
    case DURE_TEXT: break; /* Any. */
    }
    return 0;
}

static const char *check_texts(const char *const *texts)
{
    if (texts[0] != NULL) return "texts[0] must be NULL, for absent";
    size_t count = 1;
    for (; texts[count] != NULL; count++) {
        if (count == UINT8_MAX) return "an ENUM has at most 254 texts";
        if (texts[count][0] == '\0') return "an ENUM text must not be empty: \"\" reads as null";
        if (!dure_utf8_valid(texts[count], strlen(texts[count]))) return "a text must be UTF-8";
    }
    return NULL;
}

static const char *check_field(const struct dure_schema *schema, const struct dure_field *field)
{
    struct dure_field_error *limits;
    if (field->name == NULL || field->name[0] == '\0') return "a field has no name";
    if (strlen(field->name) >= sizeof limits->field) return "a field's name is too long";
    for (const char *at = field->name; *at != '\0'; at++) { /* Written as they are. */
        if (*at <= ' ' || *at > '~' || *at == '"' || *at == '\\')
            return "a name must be plain ASCII";
    }
    if ((size_t)field->offset + field->size > schema->size)
        return "a field lies outside its struct";
    size_t size = size_of_kind(field->kind);
    if (size != 0 && field->size != size) return "a member has another size than its kind";
    if (field->kind == DURE_TEXT) {
        if (field->size < 2 || field->size > UINT16_MAX) return "a TEXT has 2 to 65535 bytes";
        if (field->has_start) return "a TEXT cannot have a start value";
    }
    if ((field->kind == DURE_ENUM) != (field->texts != NULL)) return "texts belong to ENUM fields";
    if (field->min > field->max) return "min is above max";
    if ((field->min != 0 || field->max != 0) && field->kind != DURE_INT)
        return "bounds are for INT";
    return field->texts != NULL ? check_texts(field->texts) : NULL;
}

const char *dure_schema_check(const struct dure_schema *schema)
{
    if (schema->fields_count > DURE_FIELDS_MAX) return "too many fields";
    for (size_t i = 0; i < schema->fields_count; i++) {
        const char *wrong = check_field(schema, &schema->fields[i]);
        if (wrong != NULL) return wrong;
        for (size_t j = 0; j < i; j++) {
            const struct dure_field *a = &schema->fields[j], *b = &schema->fields[i];
            if (strcmp(a->name, b->name) == 0) return "two fields have one name";
            if (dure_schema_pack_tag(a) == dure_schema_pack_tag(b)) {
                return "two names share a tag: rename one";
            }
        }
    }
    return NULL;
}
