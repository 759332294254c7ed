/*
 * proto/http.h: every request is read or refused as RFC 9112 wants it, with the same verdict
 * wherever the bytes are cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/http_trace.h"

#define LINE_MAX_BYTES 64
#define HEADERS_MAX_BYTES 300
#define HEADERS_MAX 6

static size_t whole(void *arg)
{
    (void)arg;
    return SIZE_MAX / 2;
}

static size_t by_byte(void *arg)
{
    (void)arg;
    return 1;
}

/* Cuts of 1 to 7 bytes, from a fixed seed. */
static size_t ragged(void *arg)
{
    uint32_t *seed = arg;
    *seed = *seed * 1664525 + 1013904223;
    return 1 + (*seed >> 16) % 7;
}

static struct http_trace run(const char *data, size_t len, size_t (*cut)(void *), void *arg)
{
    struct http_trace trace = {.limits = {LINE_MAX_BYTES, HEADERS_MAX_BYTES, HEADERS_MAX},
                               .body_bytes_max = 1 << 20};
    http_trace_run(&trace, data, len, cut, arg);
    dure_buf_byte(&trace.text, '\0');
    return trace;
}

/* The trace of the whole, after it has been compared with those of all the cuts. */
static struct http_trace verdict(const char *data, size_t len)
{
    struct http_trace expected = run(data, len, whole, NULL);
    for (uint32_t seed = 0; seed < 20; seed++) {
        uint32_t state = seed;
        struct http_trace cut = run(data, len, seed == 0 ? by_byte : ragged, &state);
        assert_string_equal(cut.text.data, expected.text.data);
        http_trace_fini(&cut);
    }
    return expected;
}

static void expect_bad(const char *data, size_t len, int status, const char *about)
{
    struct http_trace trace = verdict(data, len);
    if (trace.status != status || strstr(trace.detail, about) == NULL) {
        print_error("request: %.*s\nwanted: %d … %s …\ngot: %d %s\n%s\n", (int)len, data, status,
                    about, trace.status, trace.detail ? trace.detail : "", trace.text.data);
        fail();
    }
    http_trace_fini(&trace);
}

static struct http_trace expect_good(const char *data, size_t len, size_t requests)
{
    struct http_trace trace = verdict(data, len);
    if (trace.status != 0 || trace.requests != requests) {
        print_error("request: %.*s\nwanted %zu\ngot: %s\n", (int)len, data, requests,
                    trace.text.data);
        fail();
    }
    return trace;
}

static void expect_text(const char *data, const char *part)
{
    struct http_trace trace = expect_good(data, strlen(data), 1);
    if (strstr(trace.text.data, part) == NULL) {
        print_error("request: %s\nwanted %s\nin %s\n", data, part, trace.text.data);
        fail();
    }
    http_trace_fini(&trace);
}

#define BAD(data, status, about) expect_bad("" data, sizeof data - 1, status, about)
#define HOST "Host: x\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST
#define POST "POST / HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

/* A plain request is read with all its parts. */
static void test_parts(void **state)
{
    (void)state;
    expect_text("GET /a/b?c=d&e HTTP/1.1\r\n" HOST "\r\n", "target[/a/b?c=d&e]\npath[/a/b]\n"
                                                           "query[c=d&e]\n");
    expect_text("GET /%EA?%20 HTTP/1.1\r\n" HOST "\r\n", "path[/%EA]\nquery[%20]\n");
    expect_text("GET /x?s=대기중 HTTP/1.1\r\n" HOST "\r\n", "query[s=대기중]");
    expect_text("GET / HTTP/1.1\r\n" HOST "A:b\r\nC: \t d e \t \r\nE:\r\n\r\n",
                "name[A]\nvalue[b]\nname[C]\nvalue[d e]\nname[E]\nvalue[]\n");
    expect_text("\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "head 0 1100");
    expect_text("GET / HTTP/1.1\r\nhOsT: x\r\nName: \xeb\x91\x90\r\n\r\n", "value[\xeb\x91\x90]");
}

/* Known methods are recognised, others that are tokens are DURE_OTHER. */
static void test_methods(void **state)
{
    (void)state;
    static const char *const names[] = {"GET",    "HEAD",     "POST",   "PUT",     "PATCH",
                                        "DELETE", "OPTIONS",  "TRACE",  "FOO",     "get",
                                        "PRI",    "M-SEARCH", "SOURCE", "DESCRIBE"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char request[128], wanted[16];
        snprintf(request, sizeof request, "%s /x HTTP/1.1\r\n" HOST "\r\n", names[i]);
        snprintf(wanted, sizeof wanted, "head %d ", (int)(i < DURE_OTHER ? i : DURE_OTHER));
        expect_text(request, wanted);
    }
    BAD("G@T / HTTP/1.1\r\n" HOST "\r\n", 400, "method");
    BAD("GET\t/ HTTP/1.1\r\n" HOST "\r\n", 400, "method");
    BAD(" GET / HTTP/1.1\r\n" HOST "\r\n", 400, "method");
    BAD("GET\r\n\r\n", 400, "method");
    BAD("NONSENSE\r\n\r\n", 400, "method");
    BAD("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMN / HTTP/1.1\r\n", 400, "method");
    BAD("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n", 405, "proxy");
}

/* Versions other than 1.0 and 1.1 are 505, and what is no version is 400. */
static void test_versions(void **state)
{
    (void)state;
    expect_text("GET / HTTP/1.0\r\n\r\n", "head 0 0000");
    BAD("GET / HTTP/2.0\r\n" HOST "\r\n", 505, "HTTP/1.1");
    BAD("GET / HTTP/1.2\r\n" HOST "\r\n", 505, "HTTP/1.1");
    BAD("GET / HTTP/9.9\r\n" HOST "\r\n", 505, "HTTP/1.1");
    BAD("GET / HTTP/0.9\r\n" HOST "\r\n", 505, "HTTP/1.1");
    BAD("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/1.1");
    BAD("GET /\r\n\r\n", 400, "version");
    BAD("GET / \r\n\r\n", 400, "version");
    BAD("GET / HTTP/1.1 \r\n" HOST "\r\n", 400, "version");
    BAD("GET / http/1.1\r\n" HOST "\r\n", 400, "version");
    BAD("GET / HTTP/11\r\n" HOST "\r\n", 400, "version");
    BAD("GET / HTTP/1.10\r\n" HOST "\r\n", 400, "version");
    BAD("GET / ICE/1.1\r\n" HOST "\r\n", 400, "version");
    BAD("GET /a b HTTP/1.1\r\n" HOST "\r\n", 400, "version");
    BAD("GET  / HTTP/1.1\r\n" HOST "\r\n", 400, "version");
    BAD("GET /  HTTP/1.1\r\n" HOST "\r\n", 400, "version");
}

/* Targets: origin form, absolute form reduced to it, and * for OPTIONS alone. */
static void test_targets(void **state)
{
    (void)state;
    expect_text("GET http://h:8/a?b HTTP/1.1\r\n" HOST "\r\n",
                "target[/a?b]\npath[/a]\nquery[b]\nname[Host]\nvalue[h:8]\n");
    expect_text("GET HTTPS://h HTTP/1.1\r\n" HOST "\r\n", "target[/]\npath[/]\nquery[]\n");
    expect_text("GET http://host?q=1 HTTP/1.1\r\n" HOST "\r\n",
                "target[/?q=1]\npath[/]\nquery[q=1]\nname[Host]\nvalue[host]\n");
    expect_text("OPTIONS http://h HTTP/1.1\r\n" HOST "\r\n", "target[*]\n");
    expect_text("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "target[*]\npath[*]\n");
    BAD("GET * HTTP/1.1\r\n" HOST "\r\n", 400, "OPTIONS");
    BAD("GET *a HTTP/1.1\r\n" HOST "\r\n", 400, "target");
    BAD("OPTIONS *a HTTP/1.1\r\n" HOST "\r\n", 400, "target");
    BAD("GET a HTTP/1.1\r\n" HOST "\r\n", 400, "target");
    BAD("GET ftp://h/ HTTP/1.1\r\n" HOST "\r\n", 400, "target");
    BAD("GET http:///a HTTP/1.1\r\n" HOST "\r\n", 400, "target");
    BAD("GET http://user@h/a HTTP/1.1\r\n" HOST "\r\n", 400, "target");
    BAD("GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400, "target");
    BAD("GET /a\tb HTTP/1.1\r\n" HOST "\r\n", 400, "target");
    BAD("GET /a\0b HTTP/1.1\r\n" HOST "\r\n", 400, "NUL");
    BAD("GET /a\x01 HTTP/1.1\r\n" HOST "\r\n", 400, "control");
    BAD("GET /a\x7f HTTP/1.1\r\n" HOST "\r\n", 400, "control");
}

/* A target is refused one byte over the limit; so are headers by size and by number. */
static void test_limits(void **state)
{
    (void)state;
    char request[4096];
    static const int digits[] = {1, 62, 63, 64, 65, 200};
    for (size_t i = 0; i < sizeof digits / sizeof digits[0]; i++) {
        int all =
            snprintf(request, sizeof request, "GET /%0*d HTTP/1.1\r\n" HOST "\r\n", digits[i], 0);
        if (digits[i] < LINE_MAX_BYTES) {
            struct http_trace trace = expect_good(request, (size_t)all, 1);
            http_trace_fini(&trace);
        } else {
            expect_bad(request, (size_t)all, 414, "target");
        }
    }
    int head = snprintf(request, sizeof request, "GET /%02000d", 0);
    expect_bad(request, (size_t)head, 414, "target"); /* Before the line's end has come. */
    head = snprintf(request, sizeof request, GET "A: %0300d\r\n\r\n", 0);
    expect_bad(request, (size_t)head, 431, "too long");
    head = snprintf(request, sizeof request, GET "A: %02000d", 0);
    expect_bad(request, (size_t)head, 431, "too long");
    for (int len = 260; len < 300; len++) { /* A header line that ends around the limit. */
        head = snprintf(request, sizeof request, GET "A: %0*d\r\nB: c\r\n\r\n", len, 0);
        size_t bytes = (size_t)head - strlen("GET / HTTP/1.1\r\n");
        if (bytes <= HEADERS_MAX_BYTES + 2) {
            struct http_trace trace = expect_good(request, (size_t)head, 1);
            http_trace_fini(&trace);
        } else {
            expect_bad(request, (size_t)head, 431, "too long");
        }
    }
    BAD(GET "A:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\n\r\n", 431, "many");
    expect_text(GET "A:\r\nA:\r\nA:\r\nA:\r\nA:\r\n\r\n", "head");
    BAD("\r\n\r\n\r\n", 400, "empty lines");
}

/* Lines end in CRLF; control characters and folded lines are refused. */
static void test_lines(void **state)
{
    (void)state;
    BAD("GET / HTTP/1.1\n" HOST "\r\n", 400, "LF without CR");
    BAD("GET / HTTP/1.1\r\nHost: x\n\r\n", 400, "LF without CR");
    BAD(GET "\n", 400, "LF without CR");
    BAD("\nGET / HTTP/1.1\r\n" HOST "\r\n", 400, "LF without CR");
    BAD("GET / HTTP/1.1\rHost: x\r\n\r\n", 400, "CR without LF");
    BAD(GET "A: b\rC: d\r\n\r\n", 400, "CR without LF");
    BAD(GET "A: b\r\r\n\r\n", 400, "CR without LF");
    BAD(GET "\rX: y\r\n\r\n", 400, "CR without LF");
    BAD(GET "A: b\0c\r\n\r\n", 400, "NUL");
    BAD(GET "A\0: b\r\n\r\n", 400, "NUL");
    BAD(GET "A: b\x0b\r\n\r\n", 400, "control");
    BAD(GET "A: \x1b[0m\r\n\r\n", 400, "control");
    BAD(GET "A: b\r\n c\r\n\r\n", 400, "folding");
    BAD(GET "A: b\r\n\tc\r\n\r\n", 400, "folding");
    BAD("GET / HTTP/1.1\r\n " HOST "\r\n", 400, "white space");
    BAD("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "control");
}

/* A header's name is a token right before the colon. */
static void test_header_names(void **state)
{
    (void)state;
    BAD(GET "A : b\r\n\r\n", 400, "header");
    BAD(GET "A\t: b\r\n\r\n", 400, "header");
    BAD(GET "A B: c\r\n\r\n", 400, "header");
    BAD(GET ": b\r\n\r\n", 400, "header");
    BAD(GET "A\r\n\r\n", 400, "header");
    BAD(GET "(A): b\r\n\r\n", 400, "header");
    BAD(GET "\xeb\x91\x90: b\r\n\r\n", 400, "header");
    BAD(POST "Content-Length : 3\r\n\r\nabc", 400, "header");
    BAD(POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400, "header");
}

/* There is one Host in 1.1, and it is a host. */
static void test_host(void **state)
{
    (void)state;
    BAD("GET / HTTP/1.1\r\n\r\n", 400, "Host is missing");
    BAD("GET / HTTP/1.1\r\nA: b\r\n\r\n", 400, "Host is missing");
    BAD(GET HOST "\r\n", 400, "Host is given twice");
    BAD("GET / HTTP/1.0\r\n" HOST HOST "\r\n", 400, "Host is given twice");
    BAD("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "Host");
    BAD("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400, "Host");
    BAD("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400, "Host");
    BAD("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "Host");
    expect_text("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "value[[::1]:80]");
}

/* A body has one length: one Content-Length of digits, or exactly chunked, never both. */
static void test_framing(void **state)
{
    (void)state;
    expect_text(POST "Content-Length: 3\r\n\r\nabc", "body[abc]");
    expect_text(POST "Content-Length: 0\r\n\r\n", "body[]");
    expect_text(POST "Content-Length: 00003\r\n\r\nabc", "body[abc]");
    BAD(POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, "Content-Length");
    BAD(POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400, "Content-Length");
    BAD(POST "Content-Length: 3, 3\r\n\r\nabc", 400, "Content-Length");
    BAD(POST "Content-Length: -1\r\n\r\n", 400, "Content-Length");
    BAD(POST "Content-Length: +3\r\n\r\nabc", 400, "Content-Length");
    BAD(POST "Content-Length: 0x3\r\n\r\nabc", 400, "Content-Length");
    BAD(POST "Content-Length: 3 4\r\n\r\nabc", 400, "Content-Length");
    BAD(POST "Content-Length: \r\n\r\n", 400, "Content-Length");
    BAD(POST "Content-Length: 3abc\r\n\r\nabc", 400, "Content-Length");
    BAD(POST "Content-Length: 18446744073709551619\r\n\r\nabc", 400, "Content-Length");
    BAD(POST "Content-Length: 9999999999999999999\r\n\r\nabc", 400, "Content-Length");
    BAD(POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
        "Transfer-Encoding");
    BAD(POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400,
        "Transfer-Encoding");
    BAD(POST "Transfer-Encoding: identity\r\n\r\n", 400, "chunked");
    BAD(POST "Transfer-Encoding: gzip\r\n\r\n", 400, "chunked");
    BAD(POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501, "chunked");
    BAD(POST "Transfer-Encoding: chunked, gzip\r\n\r\n", 400, "chunked");
    BAD(POST "Transfer-Encoding: chunked, chunked\r\n\r\n", 400, "");
    BAD(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "");
    BAD(POST "Transfer-Encoding: xchunked\r\n\r\n", 400, "chunked");
    BAD(POST "Transfer-Encoding: \"chunked\"\r\n\r\n", 400, "chunked");
    BAD(POST "Transfer-Encoding:\r\n\r\n", 400, "chunked");
    BAD("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "HTTP/1.0");
}

/* Chunks are joined; extensions and trailers are accepted and dropped, within limits. */
static void test_chunks(void **state)
{
    (void)state;
    expect_text(CHUNKED "0\r\n\r\n", "body[]");
    expect_text(CHUNKED "3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n", "body[abc0123456789]");
    expect_text(CHUNKED "3;a=b;c=\"d e\"\r\nabc\r\n000\r\n\r\n", "body[abc]");
    expect_text(CHUNKED "1\r\n\r\r\n1\r\n\n\r\n0\r\nA: b\r\nC:\r\n\r\n", "body[\r\n]");
    expect_text(POST "transfer-encoding:CHUNKED \r\n\r\n1\r\na\r\n0\r\n\r\n", "body[a]");
    BAD(CHUNKED "g\r\n", 400, "chunk");
    BAD(CHUNKED "\r\n", 400, "chunk");
    BAD(CHUNKED "-1\r\n", 400, "chunk");
    BAD(CHUNKED "+1\r\n", 400, "chunk");
    BAD(CHUNKED "0x1\r\na\r\n", 400, "chunk");
    BAD(CHUNKED " 1\r\na\r\n", 400, "chunk");
    BAD(CHUNKED "1 \r\na\r\n", 400, "chunk");
    BAD(CHUNKED "1 ;a\r\na\r\n", 400, "chunk");
    BAD(CHUNKED "ffffffffffffffffff\r\n", 400, "chunk size");
    BAD(CHUNKED "00000000000000000000001\r\na\r\n", 400, "chunk size");
    BAD(CHUNKED "1\na\r\n", 400, "LF without CR");
    BAD(CHUNKED "1;a\nb\r\na\r\n", 400, "LF without CR");
    BAD(CHUNKED "1\ra\r\n", 400, "CR without LF");
    BAD(CHUNKED "1\r\nab\r\n", 400, "longer");
    BAD(CHUNKED "1\r\na\n", 400, "longer");
    BAD(CHUNKED "1\r\na\rb", 400, "longer");
    BAD(CHUNKED "1\r\na0\r\n\r\n", 400, "longer");
    BAD(CHUNKED "1;\x01\r\na\r\n", 400, "control");
    BAD(CHUNKED "0\r\nA : b\r\n\r\n", 400, "trailer");
    BAD(CHUNKED "0\r\nA\r\n\r\n", 400, "trailer");
    BAD(CHUNKED "0\r\nA: b\r\n c\r\n\r\n", 400, "trailer");
    BAD(CHUNKED "0\r\nA: b\n\r\n", 400, "LF without CR");
    BAD(CHUNKED "0\r\n\n", 400, "LF without CR");
    BAD(CHUNKED "0\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\n\r\n", 431, "trailers");
    char request[4096];
    int len = snprintf(request, sizeof request, CHUNKED "1;%0500d\r\na\r\n", 0);
    expect_bad(request, (size_t)len, 400, "too long");
    len = snprintf(request, sizeof request, CHUNKED "0\r\nA: %0500d\r\n\r\n", 0);
    expect_bad(request, (size_t)len, 431, "trailers");
}

/* The extensions of many small chunks together are bounded, too. */
static void test_extensions_total(void **state)
{
    (void)state;
    struct dure_buf request = {0};
    dure_buf_lit(&request, CHUNKED);
    for (int i = 0; i < 200; i++) dure_buf_printf(&request, "1;%0100d\r\na\r\n", 0);
    expect_bad(request.data, request.len, 400, "extensions");
    dure_buf_fini(&request);
}

/* Persistence follows version and Connection; Upgrade is ignored. */
static void test_connection(void **state)
{
    (void)state;
    expect_text("GET / HTTP/1.1\r\n" HOST "\r\n", "head 0 1100");
    expect_text("GET / HTTP/1.1\r\n" HOST "Connection: Close\r\n\r\n", "head 0 1000");
    expect_text("GET / HTTP/1.1\r\n" HOST "Connection: x , close\r\n\r\n", "head 0 1000");
    expect_text("GET / HTTP/1.1\r\n" HOST "Connection: closed\r\n\r\n", "head 0 1100");
    expect_text("GET / HTTP/1.1\r\n" HOST "Connection: keep-alive\r\nConnection: close\r\n\r\n",
                "head 0 1000");
    expect_text("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "head 0 0100");
    expect_text("GET / HTTP/1.1\r\n" HOST "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n",
                "head 0 1100");
    expect_text(POST "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nab",
                "body[ab]");
}

/* Expectations: 100-continue is noted, others are 417, HTTP/1.0's are ignored. */
static void test_expect(void **state)
{
    (void)state;
    expect_text(POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\na", "head 2 11011 1");
    BAD(POST "Expect: the unexpected\r\n\r\n", 417, "100-continue");
    expect_text("GET / HTTP/1.0\r\nExpect: x\r\n\r\n", "head 0 0000");
    expect_text("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", "head 0 00000 0");
}

/* Requests follow one another, whatever their framing. */
static void test_pipeline(void **state)
{
    (void)state;
    static const char data[] =
        GET "\r\n" POST "Content-Length: 3\r\n\r\nabc" CHUNKED "1\r\na\r\n0\r\n\r\n"
            "\r\n" GET "\r\n";
    struct http_trace trace = expect_good(data, sizeof data - 1, 4);
    http_trace_fini(&trace);
    BAD(GET "\r\n" GET "\r\nX\r\n\r\n", 400, "method");
    BAD(POST "Content-Length: 1\r\n\r\nabGET / HTTP/1.1\r\n\r\n", 400, "Host");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_header_names),
        cmocka_unit_test(test_host),
        cmocka_unit_test(test_framing),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_extensions_total),
        cmocka_unit_test(test_connection),
        cmocka_unit_test(test_expect),
        cmocka_unit_test(test_pipeline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
