/*
 * What must hold for every input, shared by fuzz_schema.c and the random part of test_schema.c.
 * Includes schema_read.c itself: the flat scanner and the way over jansson are its statics.
 */
#ifndef DURE_TESTS_FUZZ_SCHEMA_AGREE_H
#define DURE_TESTS_FUZZ_SCHEMA_AGREE_H

#include "runtime/schema_read.c"

struct sample {
    int64_t id, n, few, when, start, hidden;
    double real;
    int8_t yes;
    uint8_t status;
    char text[32];
    char small[3];
};

static const char *const sample_statuses[] = {NULL, "예약완료", "done", "7", "true", NULL};

#define SAMPLE(member, json, kind, ...) DURE_FIELD(struct sample, member, json, kind, __VA_ARGS__)
static const struct dure_field sample_fields[] = {
    SAMPLE(id, "id", DURE_INT, .flags = DURE_ID),
    SAMPLE(n, "n", DURE_INT, .flags = DURE_REQUIRED),
    SAMPLE(few, "few", DURE_INT, .min = 1, .max = 100),
    SAMPLE(real, "real", DURE_REAL, .flags = 0),
    SAMPLE(yes, "yes", DURE_BOOL, .flags = 0),
    SAMPLE(text, "text", DURE_TEXT, .flags = DURE_REQUIRED),
    SAMPLE(small, "small", DURE_TEXT, .flags = 0),
    SAMPLE(when, "when", DURE_DATE, .flags = 0),
    SAMPLE(status, "status", DURE_ENUM, .texts = sample_statuses),
    SAMPLE(start, "start", DURE_INT, .start = 5, .has_start = true),
    SAMPLE(hidden, "hidden", DURE_INT, .flags = DURE_HIDDEN),
};
static const struct dure_schema sample_schema = DURE_SCHEMA("Sample", struct sample, sample_fields);

struct reading {
    struct sample object;
    dure_field_set named;
    struct dure_field_errors errors;
    int rv;
};

/* What survives writing and reading again: all, JSON leaves out the hidden. Bounds are of input, so
 * damaged bytes may hold a number outside of them, which JSON then does not take back. */
static void agree_round_trip(const struct sample *object)
{
    struct dure_buf out = {0};
    struct dure_field_errors errors = {0};
    struct sample again;
    size_t used;
    dure_buf_byte(&out, '{');
    dure_schema_write_json(&sample_schema, object, &out);
    dure_buf_byte(&out, '}');
    dure_schema_init(&sample_schema, &again);
    again.id = object->id;
    again.hidden = object->hidden;
    int rv = dure_schema_read_json(&sample_schema, &again, out.data, out.len, NULL, &errors);
    if (object->few == DURE_NULL || (object->few >= 1 && object->few <= 100)) {
        DURE_ASSERT(rv == 0);
        DURE_ASSERT(memcmp(&again, object, sizeof again) == 0);
    } else {
        DURE_ASSERT(rv == DURE_EINVAL && errors.count == 1);
    }
    out.len = 0;
    dure_schema_pack(&sample_schema, object, &out);
    dure_schema_init(&sample_schema, &again);
    DURE_ASSERT(dure_schema_unpack(&sample_schema, &again, out.data, out.len, &used) == 0);
    DURE_ASSERT(used == out.len);
    DURE_ASSERT(memcmp(&again, object, sizeof again) == 0);
    dure_buf_fini(&out);
}

static void agree_set(struct reading *reading, const struct token *tokens)
{
    reading->rv =
        set_fields(&sample_schema, &reading->object, tokens, &reading->named, &reading->errors);
}

/* True when the flat scanner took it. Every reading leaves an object that round-trips. */
static bool agree_json(const char *json, size_t len)
{
    static struct reading quick, slow;
    struct token tokens[DURE_FIELDS_MAX] = {0}, slow_tokens[DURE_FIELDS_MAX] = {0};
    memset(&quick, 0, sizeof quick);
    memset(&slow, 0, sizeof slow);
    dure_schema_init(&sample_schema, &quick.object);
    dure_schema_init(&sample_schema, &slow.object);

    json_t *tree = parse(&sample_schema, json, len, slow_tokens, &slow.errors);
    bool document = tree != NULL;
    if (document) agree_set(&slow, slow_tokens);
    json_decref(tree);
    bool flat = scan_flat(&sample_schema, json, len, tokens);
    if (flat) {
        DURE_ASSERT(document);
        agree_set(&quick, tokens);
        DURE_ASSERT(memcmp(&quick, &slow, sizeof quick) == 0);
    }

    /* Quoting the numbers neither makes malformed documents valid nor valid ones malformed; but
     * jansson overlooks some NULs, and we none. */
    json_error_t where;
    json_t *plain = json_loadb(json, len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &where);
    if (len > 0 && memchr(json, '\0', len) != NULL) {
        DURE_ASSERT(!document);
    } else if (plain != NULL) {
        DURE_ASSERT(document == json_is_object(plain));
    } else if (json_error_code(&where) != json_error_numeric_overflow) {
        DURE_ASSERT(!document);
    }
    json_decref(plain);
    for (size_t i = 0; i < slow.errors.count; i++) {
        const char *message = slow.errors.items[i].message;
        DURE_ASSERT(message[0] != '\0' && dure_utf8_valid(message, strlen(message)));
    }
    DURE_ASSERT((slow.errors.count > 0) == (!document || slow.rv != 0));
    agree_round_trip(&slow.object);
    return flat;
}

/* Whatever unpack takes can be written, and bytes are consumed only where there are any. */
static bool agree_packed(const char *bytes, size_t len)
{
    struct sample object;
    size_t used;
    dure_schema_init(&sample_schema, &object);
    if (dure_schema_unpack(&sample_schema, &object, bytes, len, &used) != 0) return false;
    DURE_ASSERT(used <= len);
    agree_round_trip(&object);
    return true;
}

#endif
