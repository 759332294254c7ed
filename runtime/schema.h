/*
 * Schema tables: one description of a struct's fields, from which come JSON parsing with every
 * error at once, JSON output, the packed form on disk, filters, OpenAPI and the console's forms.
 *
 * A described struct is plain old data: no pointers, so it can be copied, compared and restored by
 * memcpy. "Absent" is a value of each kind, so no separate null flags exist:
 *
 *   kind        C member        absent (JSON null)
 *   DURE_INT    int64_t         DURE_NULL (INT64_MIN)
 *   DURE_REAL   double          NaN
 *   DURE_BOOL   int8_t          -1 (else 0 or 1)
 *   DURE_TEXT   char[n]         ""   (NUL-terminated UTF-8, at most n - 1 bytes)
 *   DURE_DATE   int64_t         DURE_NULL; milliseconds since 1970-01-01T00:00:00Z, years 1 to 9999
 *                               (runtime/date.h): one outside asserts when it is written
 *   DURE_ENUM   uint8_t         0; else an index into `texts`, whose [0] is NULL; the index is what
 *                               is packed, so texts may only be appended
 *
 * Functions here are pure, allocate only in the buffers they are given, and may run on any thread.
 */
#ifndef DURE_RUNTIME_SCHEMA_H
#define DURE_RUNTIME_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/buf.h"
#include "runtime/errors.h"

#define DURE_NULL INT64_MIN

#define DURE_FIELDS_MAX 32

enum dure_field_kind { DURE_INT, DURE_REAL, DURE_BOOL, DURE_TEXT, DURE_DATE, DURE_ENUM };

enum dure_field_flags {
    DURE_ID = 1,        /* The aggregate's key: set by the runtime, ignored in input. */
    DURE_GOVERNED = 2,  /* Changes only by commands; PATCH and PUT may not set it freely. */
    DURE_INDEXED = 4,   /* Equality filters on it use an index. Not for REAL. */
    DURE_REQUIRED = 8,  /* Input without it is a 400. */
    DURE_HIDDEN = 16,   /* Kept in the state and packed, but in no JSON, in or out. */
    DURE_DEFAULT_NOW = 32, /* DATE only: absent in input means now. Applied by the handler. */
};

struct dure_field {
    const char *name;         /* JSON name. */
    const char *prefix;       /* What stands before the value in an object: ,"name": and 8 zeros. */
    uint8_t prefix_len;
    enum dure_field_kind kind;
    uint32_t flags;           /* enum dure_field_flags, or'ed. */
    uint32_t offset, size;    /* Of the member in the struct. */
    int64_t min, max;         /* INT only; both 0: the whole range but DURE_NULL. */
    const char *const *texts; /* ENUM only: NULL, then each text, then NULL. */
    double start;             /* INT, REAL, BOOL: value of a fresh struct if has_start. */
    bool has_start;
};

/* What is worked out once of a schema's table, for what is done with each object. */
struct dure_schema_plan {
    bool ready;
    void *blank;                    /* As dure_schema_init leaves a struct. Never freed. */
    uint16_t tags[DURE_FIELDS_MAX]; /* In the packed form. */
};

struct dure_schema {
    const char *name;                /* For messages and documentation: "Order". */
    size_t size;                     /* sizeof the struct. */
    const struct dure_field *fields; /* In the order they are shown. */
    size_t fields_count;             /* At most DURE_FIELDS_MAX. */
    struct dure_schema_plan *plan;
};

/* A table row: DURE_FIELD(struct shop_order, product_id, "productId", DURE_INT, .flags = …). */
#define DURE_FIELD(type, member, json, field_kind, ...)                                            \
    {                                                                                              \
        .name = "" json, .prefix = ",\"" json "\":\0\0\0\0\0\0\0\0", .prefix_len = sizeof(",\"" json "\":") - 1,        \
        .kind = (field_kind), .offset = offsetof(type, member),                    \
        .size = sizeof(((type *)0)->member), __VA_ARGS__                                           \
    }

/* The schema of `type` from a table of its rows. At file scope. */
#define DURE_SCHEMA(text, type, table)                                                             \
    {                                                                                              \
        .name = (text), .size = sizeof(type), .fields = (table),                                   \
        .fields_count = sizeof(table) / sizeof((table)[0]),                                        \
        .plan = &(struct dure_schema_plan){0}                                                      \
    }

/* What in a table contradicts itself or cannot be stored, say two names with one tag in the packed
 * form; NULL when it is sound. For the start of the process, once per schema. */
const char *dure_schema_check(const struct dure_schema *schema);

/* Fills in the plan. The first use of a schema does it by itself; before there are threads, it is done
 * for all of them at start. */
void dure_schema_prepare_slow(const struct dure_schema *schema);

static inline void dure_schema_prepare(const struct dure_schema *schema)
{
    if (!schema->plan->ready) dure_schema_prepare_slow(schema);
}

/* Every field absent, or at its `start` value; every byte of the struct defined. */
void dure_schema_init(const struct dure_schema *schema, void *object);

/* The field called `name` (len bytes), hidden ones included; NULL when there is none. */
const struct dure_field *dure_schema_find(const struct dure_schema *schema, const char *name,
                                          size_t len);

bool dure_field_is_null(const struct dure_field *field, const void *object);
void dure_field_set_null(const struct dure_field *field, void *object);
bool dure_field_equal(const struct dure_field *field, const void *a, const void *b);
/* Copies the member from `from` to `to`, both of the same schema. */
void dure_field_copy(const struct dure_field *field, void *to, const void *from);
/* Total order for sorting: absent first, then numbers, or UTF-8 byte order for texts. */
int dure_field_compare(const struct dure_field *field, const void *a, const void *b);

/* ---- JSON in ------------------------------------------------------------------------------ */

#define DURE_FIELD_ERRORS_MAX 32

struct dure_field_error {
    char field[64];     /* JSON name; "" when the document as a whole is at fault. */
    char message[128];  /* "must be a whole number", … */
};

struct dure_field_errors {
    size_t count;       /* How many are filled in; further ones are counted out silently. */
    struct dure_field_error items[DURE_FIELD_ERRORS_MAX];
};

/* Which fields a document named at all (bit i = fields[i]), with null or a value. */
typedef uint32_t dure_field_set;

/*
 * Reads one JSON object into *object, which the caller has initialised: only fields that the
 * document names are written (ID and HIDDEN ones never). Lenient as SPEC A5: numbers as strings,
 * "" as null, "true"/"false", scalars into texts, three date forms. Unknown properties are ignored.
 * An ENUM takes one of its texts. A field with an error keeps its value. Of several values for one
 * name the last holds; a byte order mark at the beginning is skipped (RFC 8259 section 8.1).
 * `named` (may be NULL) receives the set of fields present.
 * 0, or DURE_EINVAL with every wrong field named in *errors, behind what it already held (the caller
 * has zeroed its count). DURE_REQUIRED is checked by dure_schema_require, since PATCH does not want it.
 */
DURE_MUST_CHECK int dure_schema_read_json(const struct dure_schema *schema, void *object,
                                          const char *json, size_t len, dure_field_set *named,
                                          struct dure_field_errors *errors);

/* Adds an error for each REQUIRED field that is absent; DURE_EINVAL when there was one. */
DURE_MUST_CHECK int dure_schema_require(const struct dure_schema *schema, const void *object,
                                        struct dure_field_errors *errors);

/*
 * Reads one field from text as a filter or a CLI argument gives it, by the same rules.
 * 0, or DURE_EINVAL when the text is no value of this kind.
 */
DURE_MUST_CHECK int dure_field_read_text(const struct dure_field *field, void *object,
                                         const char *text, size_t len);

/* `errors` may be NULL: nobody wants to know. A message is cut at a whole character. */
void dure_field_errors_add(struct dure_field_errors *errors, const char *field,
                           const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- JSON out ----------------------------------------------------------------------------- */

/* Appends `"name":value` pairs joined by commas, in table order, without braces; HIDDEN left out.
 * Nothing is appended for an empty table. Dates as 2024-10-10T14:47:21.124+00:00. */
void dure_schema_write_json(const struct dure_schema *schema, const void *object,
                            struct dure_buf *out);

/* One value without its name. */
void dure_field_write_json(const struct dure_field *field, const void *object,
                           struct dure_buf *out);

/* A JSON string with quotes; RFC 8259 section 7 escapes; bytes must be valid UTF-8. */
void dure_json_string(struct dure_buf *out, const char *text, size_t len);

/* True when the bytes are well-formed UTF-8 (RFC 3629) without NUL. */
bool dure_utf8_valid(const char *text, size_t len);

/* ---- Packed form (rows, internal events, messages between journals) ------------------------- */

/*
 * Little-endian, self-delimiting per field, tolerant to added and removed fields: one byte count,
 * then per non-absent field a 16-bit tag (low bits of the xxh64 of its JSON name), a 16-bit length
 * (0xffff: null in a field that does not start so), and the value. Unknown tags are skipped.
 */
void dure_schema_pack(const struct dure_schema *schema, const void *object, struct dure_buf *out);

/* Reads what pack wrote into an initialised struct; *used receives the bytes consumed.
 * 0 or DURE_ECORRUPT; never reads past `len`. */
DURE_MUST_CHECK int dure_schema_unpack(const struct dure_schema *schema, void *object,
                                       const void *bytes, size_t len, size_t *used);

/*
 * The 64-bit value under which a field is indexed: order-preserving for INT, DATE, BOOL and ENUM
 * (sign bit flipped), xxh64 of the bytes for TEXT. Absent values are indexed too, as 0.
 */
uint64_t dure_field_index_value(const struct dure_field *field, const void *object);

#endif
