/* A traceparent is read as W3C Trace Context says, letter by letter, and written the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/trace.h"

#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

static bool reads(const char *text)
{
    struct dure_trace trace;
    return dure_trace_read(&trace, text, strlen(text));
}

static void what_is_read_is_written(void **state)
{
    (void)state;
    static const char *const texts[] = {"00-" ID "-" SPAN "-01", "00-" ID "-" SPAN "-00"};
    for (size_t i = 0; i < 2; i++) {
        struct dure_trace trace;
        struct dure_buf out = {0};
        assert_true(dure_trace_read(&trace, texts[i], strlen(texts[i])));
        assert_int_equal(trace.flags, 1 - i);
        dure_trace_write(&trace, &out);
        assert_int_equal(out.len, DURE_TRACE_BYTES);
        assert_memory_equal(out.data, texts[i], out.len);
        dure_buf_fini(&out);
    }
}

/* Every byte, at every place. */
static void any_bytes_are_written(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        struct dure_trace trace, back;
        struct dure_buf out = {0};
        for (unsigned i = 0; i < sizeof trace; i++)
            ((uint8_t *)&trace)[i] = (uint8_t)(byte + 37 * i);
        trace.flags = byte & DURE_TRACE_SAMPLED;
        dure_trace_write(&trace, &out);
        assert_true(dure_trace_read(&back, out.data, out.len));
        assert_memory_equal(&back, &trace, sizeof trace);
        out.len = 0;
        dure_trace_hex(trace.span_id, sizeof trace.span_id, &out);
        for (size_t i = 0; i < sizeof trace.span_id; i++) {
            char digits[3];
            snprintf(digits, sizeof digits, "%02x", trace.span_id[i]);
            assert_memory_equal(out.data + 2 * i, digits, 2);
        }
        dure_buf_fini(&out);
    }
}

static void what_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "00", "00-" ID "-" SPAN, "00-" ID "-" SPAN "-0", "00-" ID "-" SPAN "-01 ",
        "00-" ID "-" SPAN "-01-", "00-" ID "-" SPAN "-01-extra", "00-" ID "-" SPAN "-0x",
        "ff-" ID "-" SPAN "-01", "0g-" ID "-" SPAN "-01", "0-" ID "-" SPAN "-01-",
        "00_" ID "-" SPAN "-01", "00-" ID "_" SPAN "-01", "00-" ID "-" SPAN "_01",
        "00-00000000000000000000000000000000-" SPAN "-01", "00-" ID "-0000000000000000-01",
        "00-4BF92f3577b34da6a3ce929d0e0e4736-" SPAN "-01", "00-" ID "-00F067aa0ba902b7-01",
        "00-" ID "-" SPAN "-0A", "00-zbf92f3577b34da6a3ce929d0e0e4736-" SPAN "-01",
        "01-" ID "-" SPAN "-01x", "cc-" ID "-" SPAN "-01.what"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) assert_false(reads(texts[i]));
}

/* Section 3.2.4: of a version to come, what this one knows is read. */
static void later_versions_are_read(void **state)
{
    (void)state;
    assert_true(reads("01-" ID "-" SPAN "-01"));
    assert_true(reads("cc-" ID "-" SPAN "-01-what-the-future-brings"));
    struct dure_trace trace;
    assert_true(dure_trace_read(&trace, "00-" ID "-" SPAN "-fe", DURE_TRACE_BYTES));
    assert_int_equal(trace.flags, 0); /* Bits that nobody knows are not passed on. */
}

static void spans_and_traces_are_never_zero(void **state)
{
    (void)state;
    const uint64_t zeros[3] = {0};
    struct dure_trace trace;
    struct dure_buf out = {0};
    dure_trace_begin(&trace, zeros, true);
    dure_trace_write(&trace, &out);
    dure_buf_byte(&out, '\0');
    assert_true(reads(out.data));
    struct dure_trace child = trace;
    dure_trace_enter(&child, 7);
    assert_memory_equal(child.trace_id, trace.trace_id, sizeof trace.trace_id);
    assert_memory_not_equal(child.span_id, trace.span_id, sizeof trace.span_id);
    dure_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_is_written),
        cmocka_unit_test(any_bytes_are_written),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(later_versions_are_read),
        cmocka_unit_test(spans_and_traces_are_never_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
