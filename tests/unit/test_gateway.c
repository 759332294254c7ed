/*
 * Proves that requests get the answers of SPEC A, over a runtime in memory and a server that is
 * only bytes: what HTTP itself does is tested elsewhere (tests/http).
 */
#include "proto/console.h"
#include "tests/unit/gateway_toy.h"

/* ---- Tests --------------------------------------------------------------------------------------
 */

static void test_life_of_an_item(void **state)
{
    (void)state;
    assert_int_equal(call(DURE_POST, "/accounts", "{\"name\":\"a\",\"balance\":\"5\"}", NULL), 201);
    has_header("Location: http://h/accounts/1\r\n");
    has_header("ETag: \"1\"\r\n");
    assert_string_equal(exchange.body.data, "{\"id\":1,\"name\":\"a\",\"balance\":5,\"_links\":{"
                                            "\"self\":{\"href\":\"http://h/accounts/1\"},"
                                            "\"account\":{\"href\":\"http://h/accounts/1\"},"
                                            "\"take\":{\"href\":\"http://h/accounts/1/take\"}}}");
    assert_int_equal(call(DURE_GET, "/toy/accounts/1", NULL, "If-None-Match", "\"1\"", NULL), 304);
    assert_int_equal(call(DURE_PUT, "/toy/accounts/1/take", "{\"amount\":5}", NULL), 200);
    has("\"balance\":0");
    assert_null(strstr(exchange.body.data, "/take")); /* No money: no link. */
    assert_int_equal(call(DURE_POST, "/toy/accounts/1/take", "{\"amount\":1}", NULL), 409);
    has("\"detail\":\"only 0 are left\"");
    has("\"instance\":\"/toy/accounts/1\"");
    assert_int_equal(call(DURE_PATCH, "/accounts/1", "{\"name\":\"b\"}", "If-Match", "\"1\"", NULL),
                     412);
    assert_int_equal(call(DURE_PATCH, "/accounts/1", "{\"name\":\"b\"}", "If-Match", "\"2\"", NULL),
                     200);
    has("\"name\":\"b\"");
    assert_int_equal(call(DURE_PATCH, "/accounts/1", "{\"balance\":9}", NULL), 409);
    assert_int_equal(call(DURE_DELETE, "/accounts/1", NULL, NULL), 204);
    assert_int_equal(call(DURE_GET, "/accounts/1", NULL, NULL), 404);
    assert_int_equal(call(DURE_DELETE, "/accounts/1", NULL, NULL), 404);
}

static void test_wrong_requests(void **state)
{
    (void)state;
    assert_int_equal(call(DURE_POST, "/accounts", "{\"balance\":\"x\"}", NULL), 400);
    has("\"errors\":[{\"field\":\"balance\"");
    has("{\"field\":\"name\"");
    assert_int_equal(call(DURE_POST, "/accounts", "{\"name\":\"a\",\"balance\":-1}", NULL), 400);
    has("\"errors\":[{\"field\":\"balance\",\"message\":\"must not be negative\"}]");
    assert_int_equal(call(DURE_POST, "/accounts", "", NULL), 400);
    assert_int_equal(call(DURE_POST, "/accounts", "{}", "Content-Type", "text/plain", NULL), 415);
    assert_int_equal(call(DURE_GET, "/accounts", NULL, "Accept", "text/html", NULL), 406);
    assert_int_equal(call(DURE_DELETE, "/accounts", NULL, NULL), 405);
    has_header("Allow: GET, HEAD, POST, OPTIONS\r\n");
    assert_int_equal(call(DURE_OTHER, "/accounts", NULL, NULL), 405);
    assert_int_equal(call(DURE_GET, "/nosuch", NULL, "Origin", "http://o", NULL), 404);
    has_header("Access-Control-Allow-Origin: http://o\r\n");
    assert_int_equal(call(DURE_OPTIONS, "/accounts/1", NULL, NULL), 204);
    has_header("Allow: GET, HEAD, PUT, PATCH, DELETE, OPTIONS\r\n");
    assert_int_equal(call(DURE_PUT, "/accounts/1/take", NULL, NULL), 400);
    assert_int_equal(call(DURE_PUT, "/accounts/1/take", "{\"amount\":1}", NULL), 404);
}

static void test_list(void **state)
{
    (void)state;
    char body[64];
    for (int i = 0; i < 5; i++) {
        snprintf(body, sizeof body, "{\"name\":\"n%d\",\"balance\":%d}", i % 2, i);
        assert_int_equal(call(DURE_POST, "/accounts", body, NULL), 201);
    }
    assert_int_equal(
        call(DURE_GET, "/accounts?name=n0&size=2&sort=balance,desc&page=0", NULL, NULL), 200);
    has("\"page\":{\"size\":2,\"totalElements\":3,\"totalPages\":2,\"number\":0}");
    has("\"next\":{\"href\":\"http://h/accounts?name=n0&sort=balance,desc&page=1&size=2\"}");
    has("{\"accounts\":[{\"id\":5,");
    assert_int_equal(call(DURE_GET, "/accounts?after=3&size=1", NULL, NULL), 200);
    has("{\"accounts\":[{\"id\":4,");
    assert_int_equal(call(DURE_GET, "/accounts?balance=x", NULL, NULL), 400);
    assert_int_equal(call(DURE_GET, "/accounts?page=1000000&size=1000", NULL, NULL), 200);
    has("{\"accounts\":[]}");
    assert_int_equal(call(DURE_GET, "/sagas", NULL, NULL), 200);
    assert_int_equal(call(DURE_GET, "/metrics", NULL, NULL), 200);
    has("dure_http_requests_total{method=\"POST\",status=\"201\"} 5\n");
    assert_int_equal(call(DURE_GET, "/", NULL, "Accept", "text/html", NULL), 200);
}

/* The page at `/` for browsers, links for others; files by name, in the best encoding, once. */
static void test_console(void **state)
{
    (void)state;
    static const struct dure_console_file files[] = {
        {"index.html", "text/html", "i", false, {{"<page>", 6}, {"gz", 2}, {"b", 1}}},
        {"a.js", "text/javascript", "j", true, {{"code", 4}, {0}, {"r", 1}}},
    };
    static const struct dure_console console = {files, 2};
    assert_int_equal(call(DURE_GET, "/", NULL, NULL), 200);
    has("\"toy/accounts\":{\"href\":\"http://h/toy/accounts\"}");
    assert_int_equal(call(DURE_GET, "/", NULL, "Accept", "text/html", NULL), 200);
    has("<a href=\"/toy/accounts\">");
    assert_int_equal(call(DURE_GET, "/console/a.js", NULL, NULL), 404);
    dure_gateway_set_console(gateway, &console);
    assert_int_equal(call(DURE_GET, "/", NULL, NULL), 200);
    has("\"toy/accounts\":");
    assert_int_equal(call(DURE_GET, "/", NULL, "Accept", "text/html", NULL), 200);
    assert_string_equal(exchange.body.data, "<page>");
    has_header("Content-Security-Policy: default-src 'none';");
    has_header("Cache-Control: no-cache\r\n");
    assert_int_equal(call(DURE_GET, "/", NULL, "Accept", "text/html", "Accept-Encoding",
                          "gzip", NULL), 200);
    assert_string_equal(exchange.body.data, "gz");
    has_header("Content-Encoding: gzip\r\n");
    has_header("ETag: \"i-gzip\"\r\n");
    assert_int_equal(call(DURE_GET, "/", NULL, "Accept", "text/html", "If-None-Match", "\"i\"",
                          NULL), 304);
    assert_string_equal(exchange.body.data, "");
    assert_int_equal(call(DURE_GET, "/console/a.js", NULL, "Accept-Encoding", "gzip", NULL), 200);
    assert_string_equal(exchange.body.data, "code");
    has_header("immutable");
    assert_int_equal(call(DURE_GET, "/console/a.js", NULL, "Accept-Encoding", "gzip, br", NULL),
                     200);
    assert_string_equal(exchange.body.data, "r");
    assert_int_equal(call(DURE_GET, "/console/", NULL, NULL), 404);
    assert_int_equal(call(DURE_GET, "/console/a.js/b", NULL, NULL), 404);
    assert_int_equal(call(DURE_POST, "/console/a.js", "{}", NULL), 405);
}

static void test_keys(void **state)
{
    (void)state;
    const char *body = "{\"name\":\"a\"}";
    assert_int_equal(call(DURE_POST, "/accounts", body, "Idempotency-Key", "k", NULL), 201);
    assert_int_equal(call(DURE_POST, "/accounts", body, "Idempotency-Key", "k", NULL), 201);
    has("\"id\":1,");
    assert_int_equal(call(DURE_POST, "/accounts", "{\"name\":\"b\"}", "Idempotency-Key", "k", NULL),
                     422);
    assert_int_equal(call(DURE_POST, "/accounts", body, "Idempotency-Key", "", NULL), 400);
    assert_int_equal(call(DURE_POST, "/accounts", body, NULL), 201);
    has("\"id\":2,");
}

/* Nothing leaves before it is on disk, and a full disk takes the answer back. */
static void test_durable_before_visible(void **state)
{
    (void)state;
    dure_journal_memory_hold(journal, true);
    clear();
    header("Host", "h");
    ask(DURE_POST, "/accounts", "{\"name\":\"a\"}");
    for (int i = 0; i < 5; i++) round_of_loop();
    assert_false(exchange.ended);
    dure_journal_memory_hold(journal, false);
    for (int i = 0; i < 5; i++) round_of_loop();
    assert_true(exchange.ended);
    assert_int_equal(exchange.status, 201);
    dure_journal_memory_fault(journal, DURE_FAULT_NOSPC);
    assert_int_equal(call(DURE_POST, "/accounts", "{\"name\":\"b\"}", NULL), 507);
    assert_int_equal(call(DURE_GET, "/accounts/2", NULL, NULL), 404);
    assert_int_equal(call(DURE_GET, "/accounts/1", NULL, NULL), 200);
}

/* ---- Bulk
 * ---------------------------------------------------------------------------------------- */

static void start_bulk(void)
{
    clear();
    header("Host", "h");
    header("Content-Type", "application/x-ndjson");
    exchange.request.method = DURE_POST;
    exchange.request.target = exchange.request.path = span("/accounts");
    assert_true(handler.wants_stream(handler.arg, &exchange.request));
    exchange.request.streaming = true;
    handler.on_request(handler.arg, &exchange);
}

/* Feeds the bytes in pieces of `piece`, as a socket would that can be paused. */
static void feed(const char *data, size_t len, size_t piece)
{
    for (size_t at = 0; at < len; at += piece) {
        while (exchange.paused) {
            round_of_loop();
            exchange.pending = 0;
            handler.on_drain(handler.arg, &exchange);
        }
        handler.on_body(handler.arg, &exchange, data + at, len - at < piece ? len - at : piece);
    }
}

static void finish_bulk(void)
{
    handler.on_body(handler.arg, &exchange, NULL, 0);
    for (int i = 0; i < 100 && !exchange.ended; i++) {
        round_of_loop();
        exchange.pending = 0;
    }
    assert_true(exchange.ended);
    dure_buf_byte(&exchange.body, '\0');
}

static void test_bulk_lines(void **state)
{
    (void)state;
    struct dure_buf body = {0};
    dure_buf_lit(&body, "\n{\"name\":\"a\"}\r\n  \n{\"balance\":1}\nnonsense\n{\"name\":\"");
    for (int i = 0; i < DURE_BULK_LINE_BYTES_MAX; i++) dure_buf_byte(&body, 'x');
    dure_buf_lit(&body, "\"}\n{\"name\":\"b\"}");
    static const size_t pieces[] = {1, 7, 65536, 1 << 20};
    for (size_t i = 0; i < 4; i++) {
        start_bulk();
        feed(body.data, body.len, pieces[i]);
        finish_bulk();
        static const char *const expected[] = {
            "{\"status\":201,\"id\":", "{\"status\":400,\"problem\"", "{\"status\":400,\"problem\"",
            "{\"status\":413,\"problem\"", "{\"status\":201,\"id\":"};
        const char *at = exchange.body.data;
        for (size_t line = 0; line < 5; line++) {
            assert_memory_equal(at, expected[line], strlen(expected[line]));
            at = strchr(at, '\n') + 1;
        }
        assert_int_equal(*at, '\0');
    }
    dure_buf_fini(&body);
}

/* More lines than slots and than the runtime takes: paused, never lost, in order. */
static void test_bulk_is_bounded(void **state)
{
    (void)state;
    enum { LINES = 20000 };
    struct dure_buf body = {0};
    for (int i = 0; i < LINES; i++) dure_buf_printf(&body, "{\"name\":\"n\",\"balance\":%d}\n", i);
    start_bulk();
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    feed(body.data, body.len, 65536);
    while (exchange.paused) {
        round_of_loop();
        exchange.pending = 0;
        handler.on_drain(handler.arg, &exchange);
    }
    finish_bulk();
    clock_gettime(CLOCK_MONOTONIC, &to);
    print_message("%.2f us a line\n", ((double)(to.tv_sec - from.tv_sec) * 1e6 +
                                       (double)(to.tv_nsec - from.tv_nsec) / 1e3) /
                                          LINES);
    const char *at = exchange.body.data;
    for (int i = 0; i < LINES; i++) {
        char expected[80];
        snprintf(expected, sizeof expected, "{\"status\":201,\"id\":%d,\"item\":{\"id\":%d,", i + 1,
                 i + 1);
        assert_memory_equal(at, expected, strlen(expected));
        at = strchr(at, '\n') + 1;
    }
    assert_int_equal(*at, '\0');
    dure_buf_fini(&body);
}

static void test_bulk_of_a_client_that_leaves(void **state)
{
    (void)state;
    start_bulk();
    feed("{\"name\":\"a\"}\n{\"name\"", 20, 64);
    handler.on_abort(handler.arg, &exchange);
    for (int i = 0; i < 5; i++) round_of_loop();
    assert_true(exchange.ended);
    assert_int_equal(call(DURE_GET, "/accounts/1", NULL, NULL), 200);
}

int main(void)
{
    if (dure_registry_init(systems) != 0) return 1;
    node_root = "toy";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_life_of_an_item, open_node, close_node),
        cmocka_unit_test_setup_teardown(test_wrong_requests, open_node, close_node),
        cmocka_unit_test_setup_teardown(test_list, open_node, close_node),
        cmocka_unit_test_setup_teardown(test_console, open_node, close_node),
        cmocka_unit_test_setup_teardown(test_keys, open_node, close_node),
        cmocka_unit_test_setup_teardown(test_durable_before_visible, open_node, close_node),
        cmocka_unit_test_setup_teardown(test_bulk_lines, open_node, close_node),
        cmocka_unit_test_setup_teardown(test_bulk_is_bounded, open_node, close_node),
        cmocka_unit_test_setup_teardown(test_bulk_of_a_client_that_leaves, open_node, close_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
