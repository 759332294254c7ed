/*
 * Proves SPEC A5 rule by rule, that JSON and the packed form bring every object back, and that no
 * bytes whatever make a reader leave its input or crash. The seed of the random part is printed
 * first; a failing run is repeated by giving it as the argument.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "runtime/date.h"
#include "tests/fuzz/schema_agree.h"

#define ROUNDS 20000

static uint64_t seed;

static uint64_t next(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u; /* Knuth, MMIX. */
    return (seed >> 33 ^ seed << 31) * 0x9e3779b97f4a7c15u;
}

static size_t below(size_t limit)
{
    return (size_t)(next() >> 11) % limit;
}

/* A copy that ends where its allocation ends: the sanitizer sees the first byte too far. */
static char *exactly(const char *bytes, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    return copy;
}

static int read_sample(const char *json, struct sample *object, dure_field_set *named,
                       struct dure_field_errors *errors)
{
    size_t len = strlen(json);
    char *copy = exactly(json, len);
    dure_schema_init(&sample_schema, object);
    errors->count = 0;
    int rv = dure_schema_read_json(&sample_schema, object, copy, len, named, errors);
    (void)agree_json(copy, len);
    free(copy);
    return rv;
}

/* ---- SPEC A5 ------------------------------------------------------------------------------------
 */

struct rule {
    const char *field, *in;
    const char *out; /* As JSON, or after "!" the error's message. */
};

#define NO_INT "!must be a whole number"
#define NO_DATE "!must be a date like 2024-04-04 or 2024-04-04T12:30:00+09:00"
#define NO_BOOL "!must be true or false"
#define NO_STATUS "!must be one of 예약완료, done, 7, true"

static const struct rule rules[] = {
    {"n", "1", "1"},
    {"n", "\"1\"", "1"},
    {"n", "-0", "0"},
    {"n", "\"-12\"", "-12"},
    {"n", "\"007\"", "7"},
    {"n", "1.0", "1"},
    {"n", "\"1.0\"", "1"},
    {"n", "1.20e1", "12"},
    {"n", "5e18", "5000000000000000000"},
    {"n", "0e999999999999999999999", "0"},
    {"n", "9007199254740993.0", "9007199254740993"},
    {"n", "9223372036854775807", "9223372036854775807"},
    {"n", "-9223372036854775807", "-9223372036854775807"},
    {"n", "\"\"", "null"},
    {"n", "null", "null"},
    {"n", "-9223372036854775808", "!is out of range"},
    {"n", "9223372036854775808", "!is out of range"},
    {"n", "99999999999999999999999999", "!is out of range"},
    {"n", "\"99999999999999999999999999\"", "!is out of range"},
    {"n", "1e400", "!is out of range"},
    {"n", "1.5", NO_INT},
    {"n", "\"1.5\"", NO_INT},
    {"n", "1e-1", NO_INT},
    {"n", "9007199254740992.5", NO_INT},
    {"n", "\"abc\"", NO_INT},
    {"n", "\" 1\"", NO_INT},
    {"n", "\"1 \"", NO_INT},
    {"n", "\"+1\"", NO_INT},
    {"n", "\"-\"", NO_INT},
    {"n", "\"1.\"", NO_INT},
    {"n", "\"1e\"", NO_INT},
    {"n", "\"0x10\"", NO_INT},
    {"n", "\"１\"", NO_INT},
    {"n", "\"1\\u0000\"", NO_INT},
    {"n", "true", NO_INT},
    {"n", "[]", "!must be a single value"},
    {"n", "{\"n\":1}", "!must be a single value"},
    {"few", "100", "100"},
    {"few", "0", "!must be from 1 to 100"},
    {"few", "101", "!must be from 1 to 100"},
    {"few", "1e30", "!must be from 1 to 100"},
    {"real", "3.5", "3.5"},
    {"real", "5", "5.0"},
    {"real", "\"5\"", "5.0"},
    {"real", "-0.0", "-0.0"},
    {"real", "0.1", "0.1"},
    {"real", "0.30000000000000004", "0.30000000000000004"},
    {"real", "1e300", "1e+300"},
    {"real", "1e-400", "0.0"},
    {"real", "\"\"", "null"},
    {"real", "1e400", "!is out of range"},
    {"real", "\"NaN\"", "!must be a number"},
    {"real", "\"Infinity\"", "!must be a number"},
    {"real", "\"+5\"", "!must be a number"},
    {"real", "\".5\"", "!must be a number"},
    {"real", "false", "!must be a number"},
    {"yes", "true", "true"},
    {"yes", "false", "false"},
    {"yes", "\"true\"", "true"},
    {"yes", "\"false\"", "false"},
    {"yes", "\"\"", "null"},
    {"yes", "null", "null"},
    {"yes", "1", NO_BOOL},
    {"yes", "0", NO_BOOL},
    {"yes", "\"TRUE\"", NO_BOOL},
    {"yes", "\"yes\"", NO_BOOL},
    {"text", "\"서울 중구 😀\"", "\"서울 중구 😀\""},
    {"text", "\"a\\\"b\\\\c\\n\\u0001\\/\"", "\"a\\\"b\\\\c\\n\\u0001/\""},
    {"text", "\"\\uc11c\\ud83d\\ude00\"", "\"서😀\""},
    {"text", "12", "\"12\""},
    {"text", "1.50", "\"1.50\""},
    {"text", "-1E+5", "\"-1E+5\""},
    {"text", "123456789012345678901234567890", "\"123456789012345678901234567890\""},
    {"text", "true", "\"true\""},
    {"text", "false", "\"false\""},
    {"text", "\"null\"", "\"null\""},
    {"text", "null", "null"},
    {"text", "\"\"", "null"},
    {"text", "\" \"", "\" \""},
    {"text", "\"1234567890123456789012345678901\"", "\"1234567890123456789012345678901\""},
    {"text", "\"12345678901234567890123456789012\"", "!must be at most 31 bytes"},
    {"text", "\"a\\u0000b\"", "!must be UTF-8 text without NUL"},
    {"text", "[1]", "!must be a single value"},
    {"text", "{}", "!must be a single value"},
    {"small", "\"한\"", "!must be at most 2 bytes"},
    {"small", "\"é\"", "\"é\""},
    {"when", "\"2024-04-04\"", "\"2024-04-04T00:00:00.000+00:00\""},
    {"when", "\"2024-10-10T14:47:21.124+00:00\"", "\"2024-10-10T14:47:21.124+00:00\""},
    {"when", "\"2024-10-10T14:47:21.124Z\"", "\"2024-10-10T14:47:21.124+00:00\""},
    {"when", "\"2024-10-10T09:00+09:00\"", "\"2024-10-10T00:00:00.000+00:00\""},
    {"when", "\"2024-10-10T09:00:01+0900\"", "\"2024-10-10T00:00:01.000+00:00\""},
    {"when", "\"2024-10-10T00:00:00-03:30\"", "\"2024-10-10T03:30:00.000+00:00\""},
    {"when", "\"2024-10-10T09:00:00.1\"", "\"2024-10-10T09:00:00.100+00:00\""},
    {"when", "\"2024-10-10T09:00:00.123987654Z\"", "\"2024-10-10T09:00:00.123+00:00\""},
    {"when", "\"2024-02-29\"", "\"2024-02-29T00:00:00.000+00:00\""},
    {"when", "\"2000-02-29\"", "\"2000-02-29T00:00:00.000+00:00\""},
    {"when", "\"0001-01-01\"", "\"0001-01-01T00:00:00.000+00:00\""},
    {"when", "\"9999-12-31T23:59:59.999Z\"", "\"9999-12-31T23:59:59.999+00:00\""},
    {"when", "1728571641124", "\"2024-10-10T14:47:21.124+00:00\""},
    {"when", "\"1728571641124\"", "\"2024-10-10T14:47:21.124+00:00\""},
    {"when", "0", "\"1970-01-01T00:00:00.000+00:00\""},
    {"when", "-1", "\"1969-12-31T23:59:59.999+00:00\""},
    {"when", "253402300799999", "\"9999-12-31T23:59:59.999+00:00\""},
    {"when", "\"\"", "null"},
    {"when", "253402300800000", NO_DATE},
    {"when", "-62135596800001", NO_DATE},
    {"when", "99999999999999999999", NO_DATE},
    {"when", "1.5", NO_DATE},
    {"when", "true", NO_DATE},
    {"when", "\"2024-02-30\"", NO_DATE},
    {"when", "\"2023-02-29\"", NO_DATE},
    {"when", "\"1900-02-29\"", NO_DATE},
    {"when", "\"2024-13-01\"", NO_DATE},
    {"when", "\"2024-00-01\"", NO_DATE},
    {"when", "\"2024-01-00\"", NO_DATE},
    {"when", "\"0000-01-01\"", NO_DATE},
    {"when", "\"10000-01-01\"", NO_DATE},
    {"when", "\"0001-01-01T00:00:00+09:00\"", NO_DATE},
    {"when", "\"9999-12-31T23:59:59-00:01\"", NO_DATE},
    {"when", "\"2024-04-04T24:00:00Z\"", NO_DATE},
    {"when", "\"2024-04-04T12:60Z\"", NO_DATE},
    {"when", "\"2024-04-04T12:00:60Z\"", NO_DATE},
    {"when", "\"2024-04-04T12:00:00.Z\"", NO_DATE},
    {"when", "\"2024-04-04T12:00.5Z\"", NO_DATE},
    {"when", "\"2024-04-04T12:00:00+24:00\"", NO_DATE},
    {"when", "\"2024-04-04T12:00:00Zx\"", NO_DATE},
    {"when", "\"2024-04-04T\"", NO_DATE},
    {"when", "\"2024-4-4\"", NO_DATE},
    {"when", "\"yesterday\"", NO_DATE},
    {"status", "\"예약완료\"", "\"예약완료\""},
    {"status", "\"\\uc608약완료\"", "\"예약완료\""},
    {"status", "7", "\"7\""},
    {"status", "true", "\"true\""},
    {"status", "\"\"", "null"},
    {"status", "\"예약\"", NO_STATUS},
    {"status", "\"done \"", NO_STATUS},
    {"status", "\"done\\u0000\"", NO_STATUS},
    {"status", "7.0", NO_STATUS},
};

static void check_rule(const struct rule *rule, const char *before, const char *after)
{
    struct sample object;
    static struct dure_field_errors errors;
    char json[256];
    dure_field_set named;
    const struct dure_field *field =
        dure_schema_find(&sample_schema, rule->field, strlen(rule->field));
    snprintf(json, sizeof json, "%s\"%s\":%s%s", before, rule->field, rule->in, after);
    int rv = read_sample(json, &object, &named, &errors);
    assert_int_equal(named, 1u << (field - sample_fields));
    if (rule->out[0] == '!') {
        if (rv != DURE_EINVAL) fail_msg("%s was taken", json);
        assert_int_equal(errors.count, 1);
        assert_string_equal(errors.items[0].field, rule->field);
        assert_string_equal(errors.items[0].message, rule->out + 1);
        assert_true(dure_field_is_null(field, &object));
        return;
    }
    if (rv != 0) fail_msg("%s: %s", json, errors.items[0].message);
    struct dure_buf out = {0};
    dure_field_write_json(field, &object, &out);
    dure_buf_byte(&out, '\0');
    assert_string_equal(out.data, rule->out);
    dure_buf_fini(&out);
}

/* Every rule of A5 holds, whether the scanner or jansson read the document. */
static void test_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        check_rule(&rules[i], "{", "}");
        check_rule(&rules[i], " {\r\n\t\"other\" : [{\"n\":[9, 1.0]}] , ", "\n}\n");
    }
}

/* A field's text, as a filter gives it, is read by the same rules, and never past its end. */
static void test_read_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const struct rule *rule = &rules[i];
        size_t len = strlen(rule->in);
        if (rule->in[0] != '"' || strchr(rule->in, '\\') != NULL) continue;
        struct sample object;
        dure_schema_init(&sample_schema, &object);
        char *text = exactly(rule->in + 1, len - 2);
        const struct dure_field *field =
            dure_schema_find(&sample_schema, rule->field, strlen(rule->field));
        int rv = dure_field_read_text(field, &object, text, len - 2);
        assert_int_equal(rv, rule->out[0] == '!' ? DURE_EINVAL : 0);
        free(text);
    }
}

/* ---- Documents ----------------------------------------------------------------------------------
 */

/* What is no JSON object is one error of the whole document, with its place. */
static void test_malformed(void **state)
{
    (void)state;
    static const char *const documents[] = {
        "",
        " ",
        "{",
        "}",
        "[]",
        "[1]",
        "null",
        "1",
        "\"x\"",
        "{}{}",
        "{} x",
        "{\"n\":1,}",
        "{'n':1}",
        "{\"n\"}",
        "{\"n\":}",
        "{\"n\" 1}",
        "{\"n\":1 \"few\":2}",
        "{n:1}",
        "{1:2}",
        "{\"n\":1,2:3}",
        "{\"n\":01}",
        "{\"n\":-01}",
        "{\"n\":+1}",
        "{\"n\":.5}",
        "{\"n\":1.}",
        "{\"n\":1e}",
        "{\"n\":-}",
        "{\"n\":1x}",
        "{\"n\":1\"2\"}",
        "{\"n\"::1}",
        "{\"n\":1:2}",
        "{\"n\":NaN}",
        "{\"n\":tru}",
        "{\"n\":truefalse}",
        "{\"n\":nul",
        "{\"text\":\"a\nb\"}",
        "{\"text\":\"\\x\"}",
        "{\"text\":\"\\ud800\"}",
        "{\"text\":\"\xff\"}",
        "{\"text\":\"\xed\xa0\x80\"}",
        "{\"\xc0\x80\":1}",
        "{\"text\":\"",
        "{\"text\":\"\\",
        "{\"other\":[1,]}",
        "\xef\xbb\xbf\xef\xbb\xbf{}",
        "{}\xef\xbb\xbf",
        "{/* */}",
        "{\"a\\u0000\":1}",
    };
    static struct dure_field_errors errors;
    struct sample object;
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        if (read_sample(documents[i], &object, NULL, &errors) != DURE_EINVAL) {
            fail_msg("%s was taken", documents[i]);
        }
        assert_int_equal(errors.count, 1);
        assert_string_equal(errors.items[0].field, "");
    }
    assert_int_equal(read_sample("{\"n\":1,\n \"text\" x}", &object, NULL, &errors), DURE_EINVAL);
    assert_non_null(strstr(errors.items[0].message, "(line 2, column 9)"));
    assert_int_equal(read_sample("[]", &object, NULL, &errors), DURE_EINVAL);
    assert_string_equal(errors.items[0].message, "must be a JSON object");
}

/* Nesting without end is refused, not followed; a NUL byte ends nothing. */
static void test_hostile(void **state)
{
    (void)state;
    static struct dure_field_errors errors;
    struct sample object;
    const size_t len = 300000;
    char *json = malloc(len);
    assert_non_null(json);
    for (size_t i = 0; i < len; i++) json[i] = "{\"a\":"[i % 5];
    errors.count = 0;
    assert_int_equal(dure_schema_read_json(&sample_schema, &object, json, len, NULL, &errors),
                     DURE_EINVAL);
    memset(json, '[', len);
    assert_int_equal(dure_schema_read_json(&sample_schema, &object, json, len, NULL, &errors),
                     DURE_EINVAL);
    memset(json, '9', len);
    memcpy(json, "{\"n\":", 5);
    json[len - 1] = '}';
    errors.count = 0;
    assert_int_equal(dure_schema_read_json(&sample_schema, &object, json, len, NULL, &errors),
                     DURE_EINVAL);
    assert_string_equal(errors.items[0].field, "n");
    errors.count = 0;
    memcpy(json, "{\"n\":1}\0x", 9);
    assert_int_equal(dure_schema_read_json(&sample_schema, &object, json, 9, NULL, &errors),
                     DURE_EINVAL);
    free(json);
}

/* Every wrong field is named, in the order of the table, and the right ones are read. */
static void test_all_errors(void **state)
{
    (void)state;
    static const char *const wrong[] = {"few", "real", "yes", "text", "when", "status"};
    static struct dure_field_errors errors;
    struct sample object;
    dure_field_set named;
    int rv = read_sample(
        "{\"status\":\"x\",\"when\":\"x\",\"text\":{},\"n\":\"5\",\"yes\":1,\"real\":\"x\","
        "\"few\":0}",
        &object, &named, &errors);
    assert_int_equal(rv, DURE_EINVAL);
    assert_int_equal(errors.count, sizeof wrong / sizeof *wrong);
    for (size_t i = 0; i < errors.count; i++) {
        assert_string_equal(errors.items[i].field, wrong[i]);
    }
    assert_int_equal(object.n, 5);
    assert_int_equal(named, 0x1be); /* All but id, small, start and hidden. */
}

/* Only named fields are written; id, hidden and unknown ones never; the last of two counts. */
static void test_named(void **state)
{
    (void)state;
    static struct dure_field_errors errors;
    struct sample object;
    dure_field_set named;
    int rv = read_sample(
        "{\"id\":7,\"hidden\":[],\"n\":\"x\",\"nosuch\":{\"n\":3},\"start\":null,\"n\":2}", &object,
        &named, &errors);
    assert_int_equal(rv, 0);
    assert_true(object.id == DURE_NULL && object.hidden == DURE_NULL);
    assert_true(object.n == 2 && object.start == DURE_NULL);
    assert_int_equal(named, 1u << 1 | 1u << 9);
    assert_int_equal(read_sample("{}", &object, &named, &errors), 0);
    assert_int_equal(named, 0);
    assert_int_equal(object.start, 5);
    object.n = 3;
    assert_int_equal(dure_schema_read_json(&sample_schema, &object, "{\"n\":[]}", 8, NULL, &errors),
                     DURE_EINVAL);
    assert_int_equal(object.n, 3);
}

/* A number beyond 64 bits anywhere leaves every other number exact. */
static void test_big_neighbour(void **state)
{
    (void)state;
    static struct dure_field_errors errors;
    struct sample object;
    int rv = read_sample("{\"a\\tb\":123456789012345678901,\"n\":9007199254740993,\"text\":0.10}",
                         &object, NULL, &errors);
    assert_int_equal(rv, 0);
    assert_true(object.n == 9007199254740993);
    assert_string_equal(object.text, "0.10");
}

/* Required fields that are absent are named, all of them, behind the errors there are. */
static void test_require(void **state)
{
    (void)state;
    static struct dure_field_errors errors;
    struct sample object;
    assert_int_equal(read_sample("{\"n\":\"\"}", &object, NULL, &errors), 0);
    dure_field_errors_add(&errors, "first", "is wrong");
    assert_int_equal(dure_schema_require(&sample_schema, &object, &errors), DURE_EINVAL);
    assert_int_equal(errors.count, 3);
    assert_string_equal(errors.items[1].field, "n");
    assert_string_equal(errors.items[2].field, "text");
    assert_string_equal(errors.items[2].message, "is required");
    assert_int_equal(read_sample("{\"n\":1,\"text\":\"x\"}", &object, NULL, &errors), 0);
    assert_int_equal(dure_schema_require(&sample_schema, &object, &errors), 0);
}

/* Messages stay UTF-8 when they are cut, and errors beyond the last place are left out. */
static void test_messages(void **state)
{
    (void)state;
    static const char *const many[] = {NULL,
                                       "가나다라마바사아자차카타파하",
                                       "거너더러머버서",
                                       "고노도로모보",
                                       "구누두루무부수",
                                       "기니디리미비",
                                       NULL};
    static struct dure_field_errors errors;
    errors.count = 0;
    for (int i = 0; i < 3; i++) {
        dure_field_errors_add(&errors, "x", "%.*s%s%s", i, "ab", many[1],
                              "가나다라마바사아자차카타파하"
                              "가나다라마바사아자차카타파하가나다라마바사아자차카타파하");
        size_t len = strlen(errors.items[i].message);
        assert_true(dure_utf8_valid(errors.items[i].message, len));
        assert_in_range(len, 125, 127);
    }
    uint8_t status = 0;
    struct dure_field field = {.name = "s", .kind = DURE_ENUM, .size = 1, .texts = many};
    assert_int_equal(dure_schema_text_set(&field, &status, "x", 1, &errors), DURE_EINVAL);
    assert_non_null(
        strstr(errors.items[3].message, "가나다라마바사아자차카타파하, 거너더러머버서"));
    assert_string_equal(strrchr(errors.items[3].message, ','), ", …");
    for (int i = 0; i < 100; i++) dure_field_errors_add(&errors, "y", "again");
    assert_int_equal(errors.count, DURE_FIELD_ERRORS_MAX);
    dure_field_errors_add(NULL, "y", "unheard");
}

/* ---- Values -------------------------------------------------------------------------------------
 */

/* Each day of the years 1 to 9999 is written as the C library counts it, and read back. */
static void test_every_day(void **state)
{
    (void)state;
    for (int64_t ms = DURE_DATE_MS_MIN + 43200007; ms < DURE_DATE_MS_MAX; ms += 86400000) {
        time_t seconds = (time_t)((ms - 7) / 1000);
        struct tm tm;
        char expected[96], text[DURE_DATE_TEXT_LEN]; /* 96: what gcc thinks could be printed. */
        int64_t again;
        assert_non_null(gmtime_r(&seconds, &tm));
        snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02d.007+00:00",
                 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        dure_date_write(ms, text);
        if (memcmp(text, expected, sizeof text) != 0) fail_msg("not %s", expected);
        assert_true(dure_date_read(text, sizeof text, &again) && again == ms);
    }
}

static void check_real(double value)
{
    struct sample object;
    struct dure_buf out = {0};
    dure_schema_init(&sample_schema, &object);
    object.real = value;
    dure_field_write_json(&sample_fields[3], &object, &out);
    dure_buf_byte(&out, '\0');
    double again = strtod(out.data, NULL);
    assert_memory_equal(&again, &value, sizeof value);
    char shortest[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(shortest, sizeof shortest, "%.*g", digits, value);
        if (strtod(shortest, NULL) == value) break;
    }
    if (strpbrk(shortest, ".e") == NULL) strcat(shortest, ".0");
    bool plain = strchr(shortest, 'e') == NULL;
    if (plain) assert_string_equal(out.data, shortest);
    dure_buf_fini(&out);
}

/* Every real reads back as the same double, and is the shortest text that does. */
static void test_reals(void **state)
{
    (void)state;
    static const double values[] = {0,       -0.0,
                                    5,       3.5,
                                    0.1,     0.30000000000000004,
                                    1e11,    1e11 - 1,
                                    1e15,    1e22,
                                    DBL_MAX, DBL_MIN,
                                    5e-324,  0.0001,
                                    0.00001, 99999999999.9999,
                                    1.0 / 3, -2.675};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) check_real(values[i]);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t bits = next();
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) check_real(value);
        static const double scales[] = {1, 10, 100, 1000, 10000, 100000};
        check_real((double)((int64_t)next() >> below(64)) / scales[below(6)]);
    }
}

/* Strings of every length keep each byte that needs an escape, wherever it stands. */
static void test_strings(void **state)
{
    (void)state;
    struct sample object;
    for (size_t len = 1; len < sizeof object.text; len++) {
        for (size_t at = 0; at < len; at++) {
            for (int byte = 1; byte < 0x80; byte++) {
                dure_schema_init(&sample_schema, &object);
                memset(object.text, 'a', len);
                object.text[at] = (char)byte;
                if ((byte > 0x23 && byte != '\\' && byte != 0x7f) && at > 0) continue;
                agree_round_trip(&object);
            }
        }
    }
}

/* Each code point but NUL and the surrogates is valid, alone and amid ASCII; nothing longer than
 * needed, cut or beyond the last is. */
static void test_utf8(void **state)
{
    (void)state;
    char text[32];
    for (uint32_t code = 1; code <= 0x10ffff; code++) {
        size_t at = code % 9, len = at;
        memset(text, 'a', sizeof text);
        if (code < 0x80) {
            text[len++] = (char)code;
        } else {
            int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
            static const unsigned leads[] = {0, 0xc0, 0xe0, 0xf0};
            text[len++] = (char)(leads[more] | code >> (6 * more));
            while (more-- > 0) text[len++] = (char)(0x80 | (code >> (6 * more) & 0x3f));
        }
        bool surrogate = code >= 0xd800 && code <= 0xdfff;
        assert_true(dure_utf8_valid(text, len + 5) == !surrogate);
        if (code >= 0x80) assert_false(dure_utf8_valid(text, len - 1));
    }
    static const char *const wrong[] = {
        "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\x80",         "\xff"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        for (size_t at = 0; at < 20; at++) {
            memset(text, 'a', sizeof text);
            memcpy(text + at, wrong[i], strlen(wrong[i]));
            assert_false(dure_utf8_valid(text, sizeof text));
        }
    }
    for (size_t at = 0; at < sizeof text; at++) {
        memset(text, 'a', sizeof text);
        text[at] = '\0';
        assert_false(dure_utf8_valid(text, sizeof text));
    }
    assert_true(dure_utf8_valid("", 0));
}

static void random_text(char *to, size_t size)
{
    static const char *const pieces[] = {"a", "0",  "\"", "\\", "\n", "\x01",
                                         "é", "한", "글", "😀",  " "};
    memset(to, 0, size);
    for (size_t len = 0;;) {
        const char *piece = pieces[below(sizeof pieces / sizeof *pieces)];
        if (below(10) == 0 || len + strlen(piece) >= size) return;
        memcpy(to + len, piece, strlen(piece));
        len += strlen(piece);
    }
}

static void random_sample(struct sample *object)
{
    dure_schema_init(&sample_schema, object);
    if (below(4) > 0) object->id = (int64_t)next() >> below(64);
    if (below(4) > 0) object->n = (int64_t)next() >> below(64);
    if (below(4) > 0) object->few = (int64_t)below(100) + 1;
    if (below(4) > 0) object->real = (double)((int64_t)next() >> below(64)) / 1000;
    if (below(4) > 0)
        object->when = (int64_t)(next() % UINT64_C(315537897600000)) + DURE_DATE_MS_MIN;
    if (below(4) > 0) object->start = below(2) ? DURE_NULL : (int64_t)below(10);
    if (below(4) > 0) object->hidden = (int64_t)below(300) - 150;
    object->yes = (int8_t)((int)below(3) - 1);
    object->status = (uint8_t)below(5);
    if (below(4) > 0) random_text(object->text, sizeof object->text);
    if (below(4) > 0) random_text(object->small, sizeof object->small);
}

/* Every object comes back from JSON and from the packed form bit by bit. */
static void test_round_trips(void **state)
{
    (void)state;
    struct sample object;
    for (int i = 0; i < ROUNDS; i++) {
        random_sample(&object);
        agree_round_trip(&object);
    }
}

/* Comparing is a total order with absent first, and the index keeps it where it promises to. */
static void test_order(void **state)
{
    (void)state;
    struct sample a, b;
    for (int i = 0; i < ROUNDS; i++) {
        random_sample(&a);
        random_sample(&b);
        if (below(2) == 0) b = a;
        for (size_t j = 0; j < sample_schema.fields_count; j++) {
            const struct dure_field *field = &sample_fields[j];
            int order = dure_field_compare(field, &a, &b);
            bool a_null = dure_field_is_null(field, &a), b_null = dure_field_is_null(field, &b);
            assert_true((order < 0) == (dure_field_compare(field, &b, &a) > 0));
            assert_true((order == 0) == dure_field_equal(field, &a, &b));
            if (a_null != b_null) assert_true((order < 0) == a_null);
            if (field->kind == DURE_REAL) continue;
            uint64_t x = dure_field_index_value(field, &a), y = dure_field_index_value(field, &b);
            if (a_null) assert_true(x == 0);
            if (order == 0) assert_true(x == y);
            bool ordered = field->kind != DURE_TEXT && field->kind != DURE_ENUM;
            if (ordered) assert_true((order < 0) == (x < y));
            dure_field_copy(field, &b, &a);
            assert_int_equal(dure_field_compare(field, &a, &b), 0);
            dure_field_set_null(field, &b);
            assert_true(dure_field_is_null(field, &b));
        }
    }
}

/* ---- Documents and bytes at random --------------------------------------------------------------
 */

static void random_document(struct dure_buf *out)
{
    static const char *const pieces[] = {
        "{",
        "}",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\",
        " ",
        "\n",
        "0",
        "1",
        "-",
        ".",
        "e",
        "+",
        "true",
        "false",
        "null",
        "\"\"",
        "\"n\":",
        "\"few\":",
        "\"when\":",
        "\"yes\":",
        "\xec",
        "\x01",
        "\\u0000",
        "\\ud800",
        "1e400",
        "99999999999999999999",
        "\"2024-02-30\"",
        "\xef\xbb\xbf",
        "\xed\xa0\x80",
    };
    out->len = 0;
    dure_buf_lit(out, "{");
    for (size_t fields = below(6); fields > 0; fields--) {
        const struct rule *rule = &rules[below(sizeof rules / sizeof *rules)];
        dure_buf_byte(out, '"');
        dure_buf_text(out, sample_fields[below(sample_schema.fields_count)].name);
        dure_buf_lit(out, "\":");
        dure_buf_text(out, rule->in);
        if (fields > 1) dure_buf_byte(out, ',');
    }
    dure_buf_lit(out, "}");
    for (size_t edits = below(3); edits > 0 && out->len > 0; edits--) {
        const char *piece = pieces[below(sizeof pieces / sizeof *pieces)];
        size_t at = below(out->len), len = strlen(piece), cut = below(3);
        if (cut > out->len - at) cut = out->len - at;
        dure_buf_reserve(out, len);
        memmove(out->data + at + len, out->data + at + cut, out->len - at - cut);
        memcpy(out->data + at, piece, len);
        out->len += len - cut;
    }
}

/* The flat scanner and jansson read every document the same, and what is read can be written. */
static void test_random_documents(void **state)
{
    (void)state;
    struct dure_buf json = {0};
    int flat = 0, rounds = ROUNDS * 2;
    for (int i = 0; i < rounds; i++) {
        random_document(&json);
        char *copy = exactly(json.data, json.len);
        flat += agree_json(copy, json.len);
        free(copy);
    }
    assert_in_range(flat, rounds / 10, rounds * 9 / 10); /* Both ways were taken. */
    dure_buf_fini(&json);
}

/* Every cut of a document is refused without a look past its end. */
static void test_cut_documents(void **state)
{
    (void)state;
    static const char *const documents[] = {
        "{\"n\":-12.5e+3,\"text\":\"한글 é\",\"yes\":true,\"status\":null}",
        "{\"n\":12,\"text\":\"\\ud83d\\ude00\",\"other\":[{\"n\":false}]}", "{\"n\":-0}",
        "{\"n\":0}", "{\"n\":-01}"};
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        for (size_t len = 0; len < strlen(documents[i]); len++) {
            char *copy = exactly(documents[i], len);
            struct sample object;
            static struct dure_field_errors errors;
            errors.count = 0;
            dure_schema_init(&sample_schema, &object);
            assert_int_equal(
                dure_schema_read_json(&sample_schema, &object, copy, len, NULL, &errors),
                DURE_EINVAL);
            assert_false(agree_json(copy, len));
            free(copy);
        }
    }
}

/* Every cut of a packed object is refused; random damage never leads past the end or to a value
 * that cannot be written. */
static void test_damaged_packed(void **state)
{
    (void)state;
    struct sample object;
    struct dure_buf packed = {0};
    int taken = 0;
    for (int i = 0; i < ROUNDS / 20; i++) {
        random_sample(&object);
        packed.len = 0;
        dure_schema_pack(&sample_schema, &object, &packed);
        for (size_t len = 0; len < packed.len; len++) {
            char *copy = exactly(packed.data, len);
            assert_false(agree_packed(copy, len));
            free(copy);
        }
        for (int damage = 0; damage < 20; damage++) {
            char *copy = exactly(packed.data, packed.len);
            for (size_t n = below(4) + 1; n > 0; n--) copy[below(packed.len)] = (char)next();
            taken += agree_packed(copy, packed.len);
            free(copy);
        }
        size_t len = below(200);
        char *noise = malloc(len + 1);
        assert_non_null(noise);
        for (size_t n = 0; n < len; n++) noise[n] = (char)next();
        (void)agree_packed(noise, len);
        free(noise);
    }
    assert_true(taken > 0);
    dure_buf_fini(&packed);
}

/* Values that no column of the table can hold are corrupt, not taken. */
static void test_packed_values(void **state)
{
    (void)state;
    static const struct {
        size_t field;
        uint16_t len;
        const char *bytes;
    } wrong[] = {
        {1, 9, "123456789"},                         /* An integer of nine bytes. */
        {3, 7, "1234567"},                           /* Half a double. */
        {3, 8, "\0\0\0\0\0\0\xf0\x7f"},              /* Infinity. */
        {4, 1, "\x02"},                              /* Neither true nor false. */
        {5, 32, "12345678901234567890123456789012"}, /* Longer than its member. */
        {5, 2, "\xed\xa0"},                          /* Not UTF-8. */
        {7, 8, "\xff\xff\xff\xff\xff\xff\xff\x7f"},  /* A date beyond the year 9999. */
        {8, 1, "\x05"},                              /* One more than there are texts. */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct sample object;
        size_t used;
        char bytes[64] = {1};
        uint16_t tag = dure_schema_pack_tag(&sample_fields[wrong[i].field]);
        memcpy(bytes + 1, &tag, 2);
        memcpy(bytes + 3, &wrong[i].len, 2);
        memcpy(bytes + 5, wrong[i].bytes, wrong[i].len);
        dure_schema_init(&sample_schema, &object);
        assert_int_equal(
            dure_schema_unpack(&sample_schema, &object, bytes, 5u + wrong[i].len, &used),
            DURE_ECORRUPT);
    }
}

/* ---- Tables -------------------------------------------------------------------------------------
 */

struct newer {
    char text[64];
    int64_t added, n, started;
    uint8_t status;
};

static const struct dure_field newer_fields[] = {
    DURE_FIELD(struct newer, text, "text", DURE_TEXT, .flags = 0),
    DURE_FIELD(struct newer, added, "added", DURE_INT, .flags = 0),
    DURE_FIELD(struct newer, started, "started", DURE_INT, .start = 9, .has_start = true),
    DURE_FIELD(struct newer, n, "n", DURE_INT, .flags = 0),
    DURE_FIELD(struct newer, status, "status", DURE_ENUM, .texts = sample_statuses)};
static const struct dure_schema newer_schema = DURE_SCHEMA("Newer", struct newer, newer_fields);

/* Fields may be added, removed, moved and widened: the others keep their values, either way. */
static void test_evolution(void **state)
{
    (void)state;
    assert_null(dure_schema_check(&newer_schema));
    struct sample object, again;
    struct newer newer;
    struct dure_buf packed = {0};
    size_t used;
    for (int i = 0; i < 1000; i++) {
        random_sample(&object);
        packed.len = 0;
        dure_schema_pack(&sample_schema, &object, &packed);
        size_t len = packed.len;
        dure_buf_lit(&packed, "what follows");
        dure_schema_init(&newer_schema, &newer);
        assert_int_equal(dure_schema_unpack(&newer_schema, &newer, packed.data, packed.len, &used), 0);
        assert_int_equal(used, len);
        assert_true(newer.n == object.n && newer.status == object.status);
        assert_string_equal(newer.text, object.text);
        assert_true(newer.added == DURE_NULL && newer.started == 9);
        newer.added = 5;
        packed.len = 0;
        dure_schema_pack(&newer_schema, &newer, &packed);
        dure_schema_init(&sample_schema, &again);
        assert_int_equal(dure_schema_unpack(&sample_schema, &again, packed.data, packed.len, &used),
                         0);
        assert_true(again.n == object.n && again.status == object.status);
        assert_string_equal(again.text, object.text);
        assert_int_equal(again.start, 5);
    }
    dure_buf_fini(&packed);
}

/* The bytes of the packed form are those of rows on disk: they do not change unnoticed. */
static void test_packed_bytes(void **state)
{
    (void)state;
    struct sample object;
    struct dure_buf packed = {0};
    dure_schema_init(&sample_schema, &object);
    object.n = -300;
    object.real = 3.5;
    object.yes = 0;
    memcpy(object.text, "한", 3);
    object.when = 1728571641124;
    object.status = 2;
    object.start = DURE_NULL;
    dure_schema_pack(&sample_schema, &object, &packed);
    static const char expected[] = "\x07"
                                   "\x7e\xb4\x02\x00\x57\x02"
                                   "\x80\x14\x08\x00\x00\x00\x00\x00\x00\x00\x0c\x40"
                                   "\x09\xb4\x01\x00\x00"
                                   "\x52\xaf\x03\x00\xed\x95\x9c"
                                   "\xaf\x25\x06\x00\x48\x1a\xcc\xed\x24\x03"
                                   "\xe1\x3c\x01\x00\x02"
                                   "\x69\x49\xff\xff";
    assert_int_equal(packed.len, sizeof expected - 1);
    assert_memory_equal(packed.data, expected, packed.len);
    dure_buf_fini(&packed);
}

/* A name is found whole or not at all, whatever follows it in memory. */
static void test_find(void **state)
{
    (void)state;
    char *name = exactly("text", 4);
    assert_ptr_equal(dure_schema_find(&sample_schema, name, 4), &sample_fields[5]);
    assert_null(dure_schema_find(&sample_schema, name, 3));
    assert_null(dure_schema_find(&sample_schema, name, 0));
    free(name);
    assert_null(dure_schema_find(&sample_schema, "n\0of a longer name than any field", 32));
    assert_null(dure_schema_find(&sample_schema, "texts", 5));
}

static bool complains(struct dure_field *field)
{
    struct dure_field fields[2] = {sample_fields[5], *field};
    struct dure_schema schema = {
        .name = "X", .size = sizeof(struct sample), .fields = fields, .fields_count = 2};
    *field = sample_fields[1];
    return dure_schema_check(&schema) != NULL;
}

/* A table that contradicts itself is found at start; two names of one tag, too. */
static void test_check(void **state)
{
    (void)state;
    static const char *const no_gap[] = {"a", NULL}, *const empty[] = {NULL, "a", "", NULL};
    struct dure_field field = sample_fields[1];
    char name[80] = "text";
    assert_null(dure_schema_check(&sample_schema));
    assert_false(complains(&field));
    assert_true((field.name = NULL, complains(&field)));
    assert_true((field.name = "", complains(&field)));
    assert_true((field.name = "text", complains(&field)));
    assert_true((field.name = "a\"b", complains(&field)));
    assert_true((field.name = "이름", complains(&field)));
    assert_true((field.size = 4, complains(&field)));
    assert_true((field.offset = sizeof(struct sample) - 1, complains(&field)));
    assert_true((field.min = 2, field.max = 1, complains(&field)));
    assert_true((field.texts = sample_statuses, complains(&field)));
    assert_true((field.kind = DURE_ENUM, field.size = 1, complains(&field)));
    field.kind = DURE_ENUM, field.size = 1, field.texts = no_gap;
    assert_true(complains(&field));
    field.kind = DURE_ENUM, field.size = 1, field.texts = empty;
    assert_true(complains(&field));
    field.kind = DURE_TEXT, field.size = 1;
    assert_true(complains(&field));
    field.kind = DURE_TEXT, field.has_start = true;
    assert_true(complains(&field));
    memset(name, 'a', 64);
    assert_true((field.name = name, complains(&field)));
    uint16_t tag = dure_schema_pack_tag(&sample_fields[5]);
    do {
        snprintf(name, sizeof name, "f%u", (unsigned)next());
        field.name = name;
    } while (dure_schema_pack_tag(&field) != tag);
    assert_true(complains(&field));
}

int main(int argc, char **argv)
{
    seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)time(NULL);
    printf("seed %llu: test_schema %llu\n", (unsigned long long)seed, (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),         cmocka_unit_test(test_read_text),
        cmocka_unit_test(test_malformed),     cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_all_errors),    cmocka_unit_test(test_named),
        cmocka_unit_test(test_big_neighbour), cmocka_unit_test(test_require),
        cmocka_unit_test(test_messages),      cmocka_unit_test(test_every_day),
        cmocka_unit_test(test_reals),         cmocka_unit_test(test_strings),
        cmocka_unit_test(test_utf8),          cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_order),         cmocka_unit_test(test_random_documents),
        cmocka_unit_test(test_cut_documents), cmocka_unit_test(test_damaged_packed),
        cmocka_unit_test(test_packed_values), cmocka_unit_test(test_evolution),
        cmocka_unit_test(test_packed_bytes),  cmocka_unit_test(test_find),
        cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
