/*
 * Proves that headers are read as RFC 9110 and RFC 7240 say, and that hostile ones do no harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/console.h"
#include "proto/negotiate.h"
#include "runtime/bounds.h"

static struct dure_header headers[4];
static struct dure_request request;

static void with(const char *name, const char *value)
{
    headers[0] = (struct dure_header){{name, strlen(name)}, {value, strlen(value)}};
    request = (struct dure_request){.headers = headers, .headers_count = 1};
}

static void and_with(const char *name, const char *value)
{
    headers[request.headers_count++] =
        (struct dure_header){{name, strlen(name)}, {value, strlen(value)}};
}

static enum dure_accept accept(const char *value)
{
    with("Accept", value);
    return dure_negotiate_accept(&request);
}

static void test_accept(void **state)
{
    (void)state;
    assert_int_equal(accept("*/*"), DURE_ACCEPT_HAL);
    assert_int_equal(accept(""), DURE_ACCEPT_HAL);
    assert_int_equal(accept("application/json"), DURE_ACCEPT_JSON);
    assert_int_equal(accept("application/json, */*;q=0.5"), DURE_ACCEPT_JSON);
    assert_int_equal(accept("application/HAL+json;q=0.9, application/json;q=0.8"), DURE_ACCEPT_HAL);
    assert_int_equal(accept("text/html, application/json;q=0.5"), DURE_ACCEPT_JSON);
    assert_int_equal(accept("text/html"), DURE_ACCEPT_NONE);
    assert_int_equal(accept("application/json;q=0"), DURE_ACCEPT_NONE);
    assert_int_equal(accept("*/*;q=0"), DURE_ACCEPT_NONE);
    assert_int_equal(accept("*/*, application/json;q=0, application/hal+json;q=0.000"),
                     DURE_ACCEPT_NONE);
    assert_int_equal(accept("image/png, text/*"), DURE_ACCEPT_NONE);
    with("accept", "text/html");
    and_with("ACCEPT", "application/json");
    assert_int_equal(dure_negotiate_accept(&request), DURE_ACCEPT_JSON);
}

static bool html(const char *value)
{
    with("Accept", value);
    return dure_negotiate_html(&request);
}

static void test_html(void **state)
{
    (void)state;
    assert_true(html("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
    assert_true(html("TEXT/HTML;q=0.3"));
    assert_true(html("application/json;q=0.5, text/html"));
    assert_false(html("*/*"));
    assert_false(html("application/json, text/html;q=0.9"));
    assert_false(html("text/html;q=0"));
    assert_false(html(""));
}

static unsigned encodings(const char *value)
{
    with("Accept-Encoding", value);
    return dure_negotiate_encodings(&request);
}

static void test_encodings(void **state)
{
    (void)state;
    const unsigned plain = 1u << DURE_ENCODING_PLAIN, gzip = 1u << DURE_ENCODING_GZIP,
                   brotli = 1u << DURE_ENCODING_BROTLI;
    assert_int_equal(encodings("gzip, deflate, br, zstd"), plain | gzip | brotli);
    assert_int_equal(encodings("GZIP;q=0.2"), plain | gzip);
    assert_int_equal(encodings("br;q=0, *"), plain | gzip);
    assert_int_equal(encodings("*;q=0, br;q=0.001"), plain | brotli);
    assert_int_equal(encodings("identity;q=0"), plain);
    assert_int_equal(encodings(""), plain);
    request.headers_count = 0;
    assert_int_equal(dure_negotiate_encodings(&request), plain);
}

static void test_tags(void **state)
{
    (void)state;
    with("If-None-Match", "\"a\", W/\"b-br\"");
    assert_true(dure_negotiate_none_match_tag(&request, "\"a\""));
    assert_true(dure_negotiate_none_match_tag(&request, "\"b-br\""));
    assert_false(dure_negotiate_none_match_tag(&request, "\"b\""));
    with("If-None-Match", "*");
    assert_true(dure_negotiate_none_match_tag(&request, "\"a\""));
    with("If-None-Match", "a");
    assert_false(dure_negotiate_none_match_tag(&request, "\"a\""));
}

static enum dure_content content(const char *value)
{
    with("content-type", value);
    return dure_negotiate_content(&request);
}

static void test_content(void **state)
{
    (void)state;
    assert_int_equal(content("application/json;charset=UTF-8"), DURE_CONTENT_JSON);
    assert_int_equal(content("application/merge-patch+json"), DURE_CONTENT_JSON);
    assert_int_equal(content("Application/X-NDJSON"), DURE_CONTENT_NDJSON);
    assert_int_equal(content("application/+json"), DURE_CONTENT_OTHER);
    assert_int_equal(content("text/plain"), DURE_CONTENT_OTHER);
    request.headers_count = 0;
    assert_int_equal(dure_negotiate_content(&request), DURE_CONTENT_JSON);
}

static int64_t wait_ms(const char *value)
{
    with("Prefer", value);
    return dure_negotiate_wait_ms(&request);
}

static void test_prefer(void **state)
{
    (void)state;
    assert_int_equal(wait_ms("respond-async"), 0);
    assert_int_equal(wait_ms("wait=0"), 0);
    assert_int_equal(wait_ms("respond-async, wait=5"), 5000);
    assert_int_equal(wait_ms("return=minimal; x, wait=3"), 3000);
    assert_int_equal(wait_ms("wait=99999999999999999999"), DURE_WAIT_MS_MAX);
    static const char *const nonsense[] = {"wait", "wait=", "wait=abc", "wait=-1",
                                           "",     ",",     "nonsense"};
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++)
        assert_int_equal(wait_ms(nonsense[i]), DURE_WAIT_MS_DEFAULT);
}

static void test_conditions(void **state)
{
    (void)state;
    with("If-None-Match", "\"nosuch\", W/\"7\"");
    assert_true(dure_negotiate_none_match(&request, 7));
    assert_false(dure_negotiate_none_match(&request, 8));
    with("If-None-Match", "*");
    assert_true(dure_negotiate_none_match(&request, 1));
    with("If-Match", "\"1\", \"7\"");
    assert_true(dure_negotiate_has_match(&request));
    assert_true(dure_negotiate_match(&request, 7) == 7);
    assert_true(dure_negotiate_match(&request, 9) == 1);
    static const char *const never[] = {"\"0\"", "W/\"7\"", "7", "\"\"", "\"abc\"", "\"", ""};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        with("If-Match", never[i]);
        assert_true(dure_negotiate_match(&request, 7) == UINT64_MAX);
    }
    with("If-Match", "*");
    assert_false(dure_negotiate_has_match(&request));
}

static void check_base(const char *expected)
{
    char base[DURE_BASE_BYTES];
    size_t len = dure_negotiate_base(&request, base);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(base, expected, len);
}

static void test_base(void **state)
{
    (void)state;
    with("Host", "a.example:81");
    check_base("http://a.example:81");
    and_with("X-Forwarded-Host", "b.example, proxy");
    and_with("X-Forwarded-Proto", "https");
    check_base("https://b.example");
    with("Host", "a\"b");
    check_base("http://localhost");
    and_with("X-Forwarded-Host", "a b");
    and_with("X-Forwarded-Proto", "javascript");
    check_base("http://localhost");
    char host[400];
    memset(host, 'h', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    with("Host", host);
    check_base("http://localhost");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept), cmocka_unit_test(test_content),
        cmocka_unit_test(test_prefer), cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_base), cmocka_unit_test(test_html),
        cmocka_unit_test(test_encodings), cmocka_unit_test(test_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
