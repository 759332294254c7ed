/*
 * JSON in, as lenient as the originals (SPEC A5) and with every wrong field named at once.
 *
 *   1. scan_flat finds each field's value in a flat object of plain scalars, which is what nearly
 *      every command and event is: a fifth of jansson's time, no memory
 *   2. whatever it does not take (escapes, nesting, errors) goes to jansson, numbers quoted first:
 *      so they keep their digits, and one that is too large is an error of its field
 *   3. either way a value is now its text, and schema_text.c sets the field by it
 *
 * That both ways agree is proved by tests/unit/test_schema.c and tests/fuzz/fuzz_schema.c. Of a
 * repeated property the last counts; nesting is bounded by jansson. Fails with DURE_EINVAL. Pure
 * but for jansson's memory; any thread.
 */
#include <jansson.h>

#include "runtime/schema_internal.h"

struct token {        /* A field's value; lent by the document or by jansson's tree. */
    const char *text; /* NULL: the document does not name the field. */
    size_t len;
};

static const char nested[] =
    "(an array or an object)"; /* As a token's text: known by its address. */

/* ---- 1: the flat scanner ------------------------------------------------------------------------
 */

static const char *skip_space(const char *at, const char *end)
{
    while (at != end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) at++;
    return at;
}

/* From behind the opening quote to the closing one; NULL unless all between is plain UTF-8. */
static const char *scan_string(const char *start, const char *end)
{
    unsigned char seen = 0;
    for (const char *at = start; at != end; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte == '"') {
            return seen < 0x80 || dure_utf8_valid(start, (size_t)(at - start)) ? at : NULL;
        }
        if (byte < 0x20 || byte == '\\') return NULL;
        seen |= byte;
    }
    return NULL;
}

static bool starts_with(const char *at, const char *end, const char *word, size_t len)
{
    return (size_t)(end - at) >= len && memcmp(at, word, len) == 0;
}

/* Bytes of the JSON number here, which has no leading zeros; 0: none. */
static size_t scan_number(const char *at, const char *end)
{
    size_t len = dure_schema_text_number(at, (size_t)(end - at));
    size_t sign = len > 0 && *at == '-';
    if (len < sign + 2 || at[sign] != '0') return len;
    return at[sign + 1] >= '0' && at[sign + 1] <= '9' ? 0 : len;
}

/* The place behind the value, or NULL when it is no plain scalar. */
static const char *scan_value(const char *at, const char *end, struct token *value)
{
    if (at == end) return NULL;
    if (*at == '"') {
        const char *close = scan_string(at + 1, end);
        if (close == NULL) return NULL;
        *value = (struct token){at + 1, (size_t)(close - at - 1)};
        return close + 1;
    }
    size_t len = 0, text_len;
    if (starts_with(at, end, "null", 4))
        len = 4, text_len = 0;
    else if (starts_with(at, end, "true", 4))
        len = text_len = 4;
    else if (starts_with(at, end, "false", 5))
        len = text_len = 5;
    else {
        len = text_len = scan_number(at, end);
        if (len == 0) return NULL;
    }
    *value = (struct token){at, text_len};
    return at + len;
}

/* The index of the field called so, looked for from `hint` on: most documents keep the order of the
 * table. fields_count when there is none. The name holds no NUL. */
static size_t find(const struct dure_schema *schema, size_t hint, const char *name, size_t len)
{
    for (size_t n = 0, i = hint; n < schema->fields_count; n++, i++) {
        if (i >= schema->fields_count) i = 0;
        const char *candidate = schema->fields[i].name;
        if (*candidate == *name && strncmp(candidate, name, len) == 0 && candidate[len] == '\0') {
            return i;
        }
    }
    return schema->fields_count;
}

/* False: not this simple, or not valid; jansson decides. */
static bool scan_flat(const struct dure_schema *schema, const char *json, size_t len,
                      struct token *tokens)
{
    const char *end = json + len, *at = skip_space(json, end);
    if (at == end || *at != '{') return false;
    at = skip_space(at + 1, end);
    if (at != end && *at == '}') return skip_space(at + 1, end) == end;
    for (size_t hint = 0;; at = skip_space(at + 1, end)) {
        if (at == end || *at != '"') return false;
        const char *name = at + 1, *name_end = scan_string(name, end);
        if (name_end == NULL) return false;
        at = skip_space(name_end + 1, end);
        if (at == end || *at != ':') return false;
        struct token value;
        at = scan_value(skip_space(at + 1, end), end, &value);
        if (at == NULL) return false;
        size_t index = find(schema, hint, name, (size_t)(name_end - name));
        if (index < schema->fields_count) {
            tokens[index] = value;
            hint = index + 1;
        }
        at = skip_space(at, end);
        if (at == end) return false;
        if (*at == '}') return skip_space(at + 1, end) == end;
        if (*at != ',') return false;
    }
}

/* ---- 2: jansson ---------------------------------------------------------------------------------
 */

/* Copies the document, each number that follows a colon in quotes. Nothing malformed becomes valid
 * by it: behind a colon a value is due, and a number is as good as a string there. */
static void quote_numbers(const char *json, size_t len, struct dure_buf *out)
{
    const char *at = json, *end = json + len;
    bool in_string = false, value_due = false;
    while (at != end) {
        size_t number = value_due ? scan_number(at, end) : 0;
        if (number > 0) {
            dure_buf_byte(out, '"');
            dure_buf_add(out, at, number);
            dure_buf_byte(out, '"');
            at += number;
            value_due = false;
            continue;
        }
        if (in_string && *at == '\\' && at + 1 != end)
            dure_buf_byte(out, *at++);
        else if (*at == '"')
            in_string = !in_string;
        value_due = !in_string && (*at == ':' || (value_due && skip_space(at, at + 1) != at));
        dure_buf_byte(out, *at++);
    }
}

static json_t *load(const char *json, size_t len, struct dure_field_errors *errors)
{
    json_error_t where;
    struct dure_buf quoted = {0};
    if (memchr(json, '\0', len) != NULL) {
        /* jansson takes one behind a number for the end of its buffer, and reads on. */
        dure_field_errors_add(errors, "", "is not JSON: there is a NUL byte in it");
        return NULL;
    }
    dure_buf_reserve(&quoted, len + len / 2 + 1);
    quote_numbers(json, len, &quoted);
    json_t *tree =
        json_loadb(quoted.data, quoted.len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &where);
    dure_buf_fini(&quoted);
    if (tree != NULL) return tree;
    /* Once more as it was sent, for the place of the error. */
    json_decref(json_loadb(json, len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &where));
    dure_field_errors_add(errors, "", "is not JSON: %.80s (line %d, column %d)", where.text,
                          where.line, where.column);
    return NULL;
}

static struct token token_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING: return (struct token){json_string_value(value), json_string_length(value)};
    case JSON_TRUE: return (struct token){"true", 4};
    case JSON_FALSE: return (struct token){"false", 5};
    case JSON_NULL: return (struct token){"", 0};
    case JSON_ARRAY:
    case JSON_OBJECT: return (struct token){nested, sizeof nested - 1};
    case JSON_INTEGER:
    case JSON_REAL: break; /* Quoted. */
    }
    DURE_ASSERT(false);
    return (struct token){0};
}

/* The tree that the tokens point into, or NULL with what is wrong in *errors. */
static json_t *parse(const struct dure_schema *schema, const char *json, size_t len,
                     struct token *tokens, struct dure_field_errors *errors)
{
    json_t *tree = load(json, len, errors);
    if (tree == NULL) return NULL;
    if (!json_is_object(tree)) {
        dure_field_errors_add(errors, "", "must be a JSON object");
        json_decref(tree);
        return NULL;
    }
    for (size_t i = 0; i < schema->fields_count; i++) {
        const json_t *value = json_object_get(tree, schema->fields[i].name);
        tokens[i] = value != NULL ? token_of(value) : (struct token){0};
    }
    return tree;
}

/* ---- 3: the fields ------------------------------------------------------------------------------
 */

static int set_fields(const struct dure_schema *schema, void *object, const struct token *tokens,
                      dure_field_set *named, struct dure_field_errors *errors)
{
    int rv = 0;
    for (size_t i = 0; i < schema->fields_count; i++) {
        const struct dure_field *field = &schema->fields[i];
        if (tokens[i].text == NULL || field->flags & (DURE_ID | DURE_HIDDEN)) continue;
        if (named != NULL) *named |= (dure_field_set)1 << i;
        if (tokens[i].text == nested) {
            dure_field_errors_add(errors, field->name, "must be a single value");
            rv = DURE_EINVAL;
        } else if (dure_schema_text_set(field, object, tokens[i].text, tokens[i].len, errors)) {
            rv = DURE_EINVAL;
        }
    }
    return rv;
}

int dure_schema_read_json(const struct dure_schema *schema, void *object, const char *json,
                          size_t len, dure_field_set *named, struct dure_field_errors *errors)
{
    DURE_ASSERT(schema->fields_count <= DURE_FIELDS_MAX);
    DURE_ASSERT(errors != NULL);
    struct token tokens[DURE_FIELDS_MAX];
    json_t *tree = NULL;
    if (named != NULL) *named = 0;
    memset(tokens, 0, schema->fields_count * sizeof *tokens);
    if (len >= 3 && memcmp(json, "\xef\xbb\xbf", 3) == 0) json += 3, len -= 3;
    if (!scan_flat(schema, json, len, tokens)) {
        tree = parse(schema, json, len, tokens, errors);
        if (tree == NULL) return DURE_EINVAL;
    }
    int rv = set_fields(schema, object, tokens, named, errors);
    json_decref(tree);
    return rv;
}
