/*
 * JSON in, as lenient as the originals (SPEC A5) and with every wrong field named at once.
 *
 *   1. jansson parses the document; integers beyond 64 bits are read again as reals, so that the
 *      field can be named
 *   2. each known field takes its value by its kind; unknown properties are passed over
 *
 * An integer field takes 1, "1" and 1.0, not 1.5. A date without a zone is UTC, as with the
 * originals. Fails with DURE_EINVAL. Pure but for jansson's memory; any thread.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/schema.h"

static void put(const struct dure_field *field, void *object, const void *value)
{
    memcpy((char *)object + field->offset, value, field->size);
}

static const char *set_int(const struct dure_field *field, void *object, int64_t value)
{
    static _Thread_local char message[96];
    bool bounded = field->min != 0 || field->max != 0;
    if (value == DURE_NULL || (bounded && (value < field->min || value > field->max))) {
        if (!bounded) return "is out of range";
        if (field->max == INT64_MAX) {
            snprintf(message, sizeof message, "must be at least %lld", (long long)field->min);
        } else {
            snprintf(message, sizeof message, "must be from %lld to %lld", (long long)field->min,
                     (long long)field->max);
        }
        return message;
    }
    put(field, object, &value);
    return NULL;
}

static const char *set_int_from_real(const struct dure_field *field, void *object, double value)
{
    if (value != floor(value)) return "must be a whole number";
    if (value < -9007199254740992.0 * 512 || value > 9007199254740992.0 * 512) {
        return "is out of range";
    }
    return set_int(field, object, (int64_t)value);
}

/* Strict: digits with an optional sign, nothing around them. */
static const char *int_from_text(const struct dure_field *field, void *object, const char *text,
                                 size_t len)
{
    size_t at = len > 0 && text[0] == '-';
    if (at == len || len > 40) return "must be a whole number";
    for (size_t i = at; i < len; i++) {
        if (text[i] >= '0' && text[i] <= '9') continue;
        char *end;
        char copy[48];
        memcpy(copy, text, len);
        copy[len] = '\0';
        if (strspn(copy, "0123456789.eE+-") != len || (copy[at] < '0' || copy[at] > '9')) {
            return "must be a whole number";
        }
        double real = strtod(copy, &end);
        return *end == '\0' && isfinite(real) ? set_int_from_real(field, object, real)
                                              : "must be a whole number";
    }
    char copy[48];
    memcpy(copy, text, len);
    copy[len] = '\0';
    errno = 0;
    long long value = strtoll(copy, NULL, 10);
    return errno != 0 ? "is out of range" : set_int(field, object, value);
}

static const char *real_from_text(const struct dure_field *field, void *object, const char *text,
                                  size_t len)
{
    char copy[64], *end;
    if (len == 0 || len >= sizeof copy) return "must be a number";
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (strspn(copy, "0123456789.eE+-") != len) return "must be a number";
    double value = strtod(copy, &end);
    if (*end != '\0' || !isfinite(value)) return "must be a number";
    put(field, object, &value);
    return NULL;
}

static const char *set_text(const struct dure_field *field, void *object, const char *text,
                            size_t len)
{
    static _Thread_local char message[64];
    if (!dure_utf8_valid(text, len)) return "must be UTF-8 text without NUL";
    if (len >= field->size) {
        snprintf(message, sizeof message, "must be at most %u bytes", field->size - 1);
        return message;
    }
    char *at = (char *)object + field->offset;
    memset(at, 0, field->size);
    memcpy(at, text, len);
    return NULL;
}

static const char *set_enum(const struct dure_field *field, void *object, const char *text,
                            size_t len)
{
    static _Thread_local char message[128];
    for (uint8_t i = 1; field->texts[i] != NULL; i++) {
        if (strlen(field->texts[i]) != len || memcmp(field->texts[i], text, len) != 0) continue;
        put(field, object, &i);
        return NULL;
    }
    size_t at = (size_t)snprintf(message, sizeof message, "must be one of");
    for (int i = 1; field->texts[i] != NULL; i++) {
        if (at + strlen(field->texts[i]) + 3 >= sizeof message) break;
        at += (size_t)snprintf(message + at, sizeof message - at, "%s %s", i > 1 ? "," : "",
                               field->texts[i]);
    }
    return message;
}

/* ---- Dates (ISO 8601 as RFC 3339 narrows it, a date alone, or epoch milliseconds) ------------- */

static bool digits(const char **at, const char *end, int count, int64_t *value)
{
    *value = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (*at == end || **at < '0' || **at > '9') return false;
        *value = *value * 10 + (**at - '0');
    }
    return true;
}

static bool take(const char **at, const char *end, char byte)
{
    if (*at == end || **at != byte) return false;
    (*at)++;
    return true;
}

/* Days since 1970-01-01: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t yoe = year - era * 400;
    int64_t doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static bool read_day(const char **at, const char *end, int64_t *ms)
{
    static const int8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year, month, day;
    if (!digits(at, end, 4, &year) || !take(at, end, '-') || !digits(at, end, 2, &month) ||
        !take(at, end, '-') || !digits(at, end, 2, &day)) {
        return false;
    }
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year < 1 || month < 1 || month > 12 || day < 1) return false;
    if (day > lengths[month - 1] + (month == 2 && leap)) return false;
    *ms = days_from_civil(year, month, day) * 86400000;
    return true;
}

static bool read_zone(const char **at, const char *end, int64_t *ms)
{
    if (*at == end || take(at, end, 'Z')) return true;
    int64_t sign = take(at, end, '+') ? -1 : take(at, end, '-') ? 1 : 0;
    int64_t hours, minutes = 0;
    if (sign == 0 || !digits(at, end, 2, &hours)) return false;
    bool colon = take(at, end, ':');
    if ((colon || *at != end) && !digits(at, end, 2, &minutes)) return false;
    if (hours > 23 || minutes > 59) return false;
    *ms += sign * (hours * 3600000 + minutes * 60000);
    return true;
}

static bool read_time(const char **at, const char *end, int64_t *ms)
{
    int64_t hour, minute, second = 0;
    if (!digits(at, end, 2, &hour) || !take(at, end, ':') || !digits(at, end, 2, &minute)) {
        return false;
    }
    if (take(at, end, ':') && !digits(at, end, 2, &second)) return false;
    if (hour > 23 || minute > 59 || second > 59) return false;
    *ms += hour * 3600000 + minute * 60000 + second * 1000;
    if (take(at, end, '.')) {
        int64_t scale = 100;
        if (*at == end || **at < '0' || **at > '9') return false;
        for (; *at != end && **at >= '0' && **at <= '9'; (*at)++, scale /= 10) {
            *ms += (**at - '0') * scale;
        }
    }
    return true;
}

static const char *date_from_text(const struct dure_field *field, void *object, const char *text,
                                  size_t len)
{
    static const char message[] = "must be a date like 2024-04-04 or 2024-04-04T12:30:00+09:00";
    const char *at = text, *end = text + len;
    if (len > 5 && strspn(text, "0123456789-") >= len && memchr(text + 1, '-', len - 1) == NULL) {
        return int_from_text(field, object, text, len) == NULL ? NULL : message;
    }
    int64_t ms;
    if (!read_day(&at, end, &ms)) return message;
    if (at != end) {
        if (!take(&at, end, 'T') && !take(&at, end, ' ')) return message;
        if (!read_time(&at, end, &ms) || !read_zone(&at, end, &ms) || at != end) return message;
    }
    put(field, object, &ms);
    return NULL;
}

/* ---- One value ----------------------------------------------------------------------------------- */

/* Each returns what is wrong, or NULL. */
static const char *from_text(const struct dure_field *field, void *object, const char *text,
                             size_t len)
{
    if (len == 0) {
        dure_field_set_null(field, object);
        return NULL;
    }
    switch (field->kind) {
    case DURE_INT: return int_from_text(field, object, text, len);
    case DURE_REAL: return real_from_text(field, object, text, len);
    case DURE_DATE: return date_from_text(field, object, text, len);
    case DURE_TEXT: return set_text(field, object, text, len);
    case DURE_ENUM: return set_enum(field, object, text, len);
    case DURE_BOOL: {
        bool yes = len == 4 && memcmp(text, "true", 4) == 0;
        if (!yes && !(len == 5 && memcmp(text, "false", 5) == 0)) return "must be true or false";
        int8_t value = yes;
        put(field, object, &value);
        return NULL;
    }
    }
    return "cannot be set";
}

static const char *from_number(const struct dure_field *field, void *object, const json_t *value)
{
    char text[40];
    bool whole = json_is_integer(value);
    double real = json_number_value(value);
    switch (field->kind) {
    case DURE_INT:
    case DURE_DATE:
        if (whole) return set_int(field, object, json_integer_value(value));
        return set_int_from_real(field, object, real);
    case DURE_REAL: put(field, object, &real); return NULL;
    case DURE_BOOL: return "must be true or false";
    case DURE_TEXT:
    case DURE_ENUM:
        if (whole) snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
        else {
            for (int precision = 15; precision <= 17; precision++) {
                snprintf(text, sizeof text, "%.*g", precision, real);
                if (strtod(text, NULL) == real) break;
            }
        }
        return from_text(field, object, text, strlen(text));
    }
    return "cannot be set";
}

static const char *from_json(const struct dure_field *field, void *object, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_NULL: dure_field_set_null(field, object); return NULL;
    case JSON_STRING:
        return from_text(field, object, json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
    case JSON_REAL: return from_number(field, object, value);
    case JSON_TRUE:
    case JSON_FALSE:
        if (field->kind == DURE_BOOL || field->kind == DURE_TEXT || field->kind == DURE_ENUM) {
            const char *text = json_is_true(value) ? "true" : "false";
            return from_text(field, object, text, strlen(text));
        }
        return field->kind == DURE_DATE ? "must be a date" : "must be a number";
    default: return "must be a single value";
    }
}

int dure_field_read_text(const struct dure_field *field, void *object, const char *text, size_t len)
{
    return from_text(field, object, text, len) == NULL ? 0 : DURE_EINVAL;
}

int dure_schema_read_json(const struct dure_schema *schema, void *object, const char *json,
                          size_t len, dure_field_set *named, struct dure_field_errors *errors)
{
    json_error_t where;
    if (named != NULL) *named = 0;
    json_t *document = json_loadb(json, len, 0, &where);
    if (document == NULL && json_error_code(&where) == json_error_numeric_overflow) {
        document = json_loadb(json, len, JSON_DECODE_INT_AS_REAL, &where);
    }
    if (document == NULL) {
        dure_field_errors_add(errors, "", "is not JSON: %.80s (line %d, column %d)", where.text,
                              where.line, where.column);
        return DURE_EINVAL;
    }
    int rv = 0;
    if (!json_is_object(document)) {
        dure_field_errors_add(errors, "", "must be a JSON object");
        rv = DURE_EINVAL;
    }
    for (size_t i = 0; rv == 0 && i < schema->fields_count; i++) {
        const struct dure_field *field = &schema->fields[i];
        if (field->flags & (DURE_ID | DURE_HIDDEN)) continue;
        const json_t *value = json_object_get(document, field->name);
        if (value == NULL) continue;
        if (named != NULL) *named |= (dure_field_set)1 << i;
        const char *wrong = from_json(field, object, value);
        if (wrong != NULL) dure_field_errors_add(errors, field->name, "%s", wrong);
    }
    json_decref(document);
    return errors->count > 0 ? DURE_EINVAL : rv;
}
