/*
 * One value from its text. To SPEC A5 a scalar and its text mean the same (1 and "1", true and
 * "true", null and ""), so this is all the reading of values there is: JSON, filters, arguments.
 *
 * Decided where A5 is silent: an integer field takes every number without a fraction, exactly (1.0
 * and 1e3, however large), but no spaces and no plus sign. A text field keeps a number as it was
 * typed. A date field takes a whole number of any length as epoch milliseconds.
 *
 * Fails with DURE_EINVAL and a message. Reals are read by strtod: the process keeps the C locale.
 * Pure; any thread.
 */
#include <math.h>
#include <stdlib.h>

#include "runtime/date.h"
#include "runtime/schema_internal.h"

#define REAL_TEXT_MAX                                                                              \
    400 /* A double written out in full has at most 327 places before its 17 digits. */
#define EXPONENT_MAX 1000000000

static int refuse(const struct dure_field *field, struct dure_field_errors *errors,
                  const char *message)
{
    dure_field_errors_add(errors, field->name, "%s", message);
    return DURE_EINVAL;
}

static void put(const struct dure_field *field, void *object, const void *value)
{
    memcpy((char *)object + field->offset, value, field->size);
}

/* ---- Numbers ------------------------------------------------------------------------------------
 */

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at != end && is_digit(*at)) at++;
    return at;
}

size_t dure_schema_text_number(const char *text, size_t len)
{
    const char *end = text + len, *at = text, *part;
    if (at != end && *at == '-') at++;
    at = skip_digits(part = at, end);
    if (at == part) return 0;
    if (at != end && *at == '.') {
        at = skip_digits(part = at + 1, end);
        if (at == part) return 0;
    }
    if (at != end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at != end && (*at == '+' || *at == '-')) at++;
        at = skip_digits(part = at, end);
        if (at == part) return 0;
    }
    return (size_t)(at - text);
}

enum whole { WHOLE, FRACTION, RANGE };

/* The text's last part, from after the e on. */
static int64_t exponent_of(const char *at, const char *end)
{
    bool negative = *at == '-';
    int64_t value = 0;
    if (!is_digit(*at)) at++;
    for (; at != end && value < EXPONENT_MAX; at++) value = value * 10 + (*at - '0');
    return negative ? -value : value;
}

/* Exactly, without a detour by a double: ids above 2^53 exist. The text is a number's. */
static enum whole whole_of(const char *text, size_t len, int64_t *value)
{
    const char *end = text + len, *at = text + (*text == '-');
    const char *point = NULL, *mantissa_end = at;
    while (mantissa_end != end && (is_digit(*mantissa_end) || *mantissa_end == '.')) {
        if (*mantissa_end == '.') point = mantissa_end;
        mantissa_end++;
    }
    int64_t shift = mantissa_end != end ? exponent_of(mantissa_end + 1, end) : 0;
    if (point != NULL) shift -= mantissa_end - point - 1;
    int64_t left = mantissa_end - at - (point != NULL); /* Digits to come. */
    uint64_t sum = 0;
    bool over = false;
    for (; at != mantissa_end; at++) {
        if (at == point) continue;
        unsigned digit = (unsigned)(*at - '0');
        if (left-- <= -shift) { /* Behind the decimal point. */
            if (digit != 0) return FRACTION;
            continue;
        }
        over |= __builtin_mul_overflow(sum, (uint64_t)10, &sum);
        over |= __builtin_add_overflow(sum, (uint64_t)digit, &sum);
    }
    for (; shift > 0 && sum != 0 && !over; shift--) {
        over = __builtin_mul_overflow(sum, (uint64_t)10, &sum);
    }
    if (over || sum > INT64_MAX) return RANGE;
    *value = *text == '-' ? -(int64_t)sum : (int64_t)sum;
    return WHOLE;
}

static int set_int(const struct dure_field *field, void *object, const char *text, size_t len,
                   struct dure_field_errors *errors)
{
    int64_t value;
    if (dure_schema_text_number(text, len) != len) {
        return refuse(field, errors, "must be a whole number");
    }
    enum whole whole = whole_of(text, len, &value);
    if (whole == FRACTION) return refuse(field, errors, "must be a whole number");
    bool bounded = field->min != 0 || field->max != 0;
    bool in_range = whole == WHOLE && (!bounded || (value >= field->min && value <= field->max));
    if (in_range) {
        put(field, object, &value);
        return 0;
    }
    long long min = field->min, max = field->max;
    if (!bounded || (min == INT64_MIN && max == INT64_MAX)) {
        return refuse(field, errors, "is out of range");
    }
    if (max == INT64_MAX) {
        dure_field_errors_add(errors, field->name, "must be at least %lld", min);
    } else if (min == INT64_MIN) {
        dure_field_errors_add(errors, field->name, "must be at most %lld", max);
    } else {
        dure_field_errors_add(errors, field->name, "must be from %lld to %lld", min, max);
    }
    return DURE_EINVAL;
}

static int set_real(const struct dure_field *field, void *object, const char *text, size_t len,
                    struct dure_field_errors *errors)
{
    char copy[REAL_TEXT_MAX + 1];
    if (dure_schema_text_number(text, len) != len) {
        return refuse(field, errors, "must be a number");
    }
    if (len > REAL_TEXT_MAX) return refuse(field, errors, "has too many digits");
    memcpy(copy, text, len);
    copy[len] = '\0';
    double value = strtod(copy, NULL);
    if (!isfinite(value)) return refuse(field, errors, "is out of range");
    put(field, object, &value);
    return 0;
}

/* ---- The other kinds ----------------------------------------------------------------------------
 */

static int set_date(const struct dure_field *field, void *object, const char *text, size_t len,
                    struct dure_field_errors *errors)
{
    int64_t ms;
    bool valid;
    if (dure_schema_text_number(text, len) == len) {
        valid =
            whole_of(text, len, &ms) == WHOLE && ms >= DURE_DATE_MS_MIN && ms <= DURE_DATE_MS_MAX;
    } else {
        valid = dure_date_read(text, len, &ms);
    }
    if (!valid) {
        return refuse(field, errors, "must be a date like 2024-04-04 or 2024-04-04T12:30:00+09:00");
    }
    put(field, object, &ms);
    return 0;
}

static int set_bool(const struct dure_field *field, void *object, const char *text, size_t len,
                    struct dure_field_errors *errors)
{
    int8_t value = len == 4 && memcmp(text, "true", 4) == 0;
    if (value == 0 && !(len == 5 && memcmp(text, "false", 5) == 0)) {
        return refuse(field, errors, "must be true or false");
    }
    put(field, object, &value);
    return 0;
}

static int set_text(const struct dure_field *field, void *object, const char *text, size_t len,
                    struct dure_field_errors *errors)
{
    if (!dure_utf8_valid(text, len)) {
        return refuse(field, errors, "must be UTF-8 text without NUL");
    }
    if (len >= field->size) {
        dure_field_errors_add(errors, field->name, "must be at most %u bytes", field->size - 1);
        return DURE_EINVAL;
    }
    char *at = (char *)object + field->offset;
    memcpy(at, text, len);
    memset(at + len, 0, field->size - len);
    return 0;
}

static int set_enum(const struct dure_field *field, void *object, const char *text, size_t len,
                    struct dure_field_errors *errors)
{
    for (uint8_t i = 1; field->texts[i] != NULL; i++) {
        const char *candidate = field->texts[i];
        if (strncmp(candidate, text, len) != 0 || strlen(candidate) != len) continue;
        put(field, object, &i);
        return 0;
    }
    char list[sizeof errors->items[0].message];
    size_t used = 0;
    for (size_t i = 1; field->texts[i] != NULL; i++) {
        size_t more = strlen(field->texts[i]);
        if (used + more + sizeof "must be one of , , …" > sizeof list) {
            memcpy(list + used, ", …", sizeof ", …" - 1); /* The list is longer than a message. */
            used += sizeof ", …" - 1;
            break;
        }
        if (i > 1) memcpy(list + used, ", ", 2), used += 2;
        memcpy(list + used, field->texts[i], more);
        used += more;
    }
    dure_field_errors_add(errors, field->name, "must be one of %.*s", (int)used, list);
    return DURE_EINVAL;
}

int dure_schema_text_set(const struct dure_field *field, void *object, const char *text, size_t len,
                         struct dure_field_errors *errors)
{
    if (len == 0) {
        dure_field_set_null(field, object);
        return 0;
    }
    switch (field->kind) {
    case DURE_INT: return set_int(field, object, text, len, errors);
    case DURE_REAL: return set_real(field, object, text, len, errors);
    case DURE_BOOL: return set_bool(field, object, text, len, errors);
    case DURE_TEXT: return set_text(field, object, text, len, errors);
    case DURE_DATE: return set_date(field, object, text, len, errors);
    case DURE_ENUM: return set_enum(field, object, text, len, errors);
    }
    DURE_ASSERT(false);
    return DURE_EINVAL;
}

int dure_field_read_text(const struct dure_field *field, void *object, const char *text, size_t len)
{
    return dure_schema_text_set(field, object, text, len, NULL);
}
