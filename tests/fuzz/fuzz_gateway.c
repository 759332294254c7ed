/*
 * Any bytes as one client's requests to the shop: the parser, the gateway and the runtime, in
 * memory. Whatever comes, every request is answered once, with a status that a client can have
 * caused, headers that are headers, and JSON where it says JSON; and the node comes to rest.
 */
#include <jansson.h>

#include "actors/systems.h"
#include "proto/http.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/gateway_world.h"

#define REQUESTS_MAX 32
#define BODY_BYTES_MAX 4096
#define ROUNDS_MAX 200

/* ---- What every answer is -------------------------------------------------------------------- */

/* What needs a loop of its own is not opened here, and says so. */
static bool is_closed(struct dure_span path)
{
    static const char *const closed[] = {"/events", "/metrics/history"};
    for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++) {
        if (path.len == strlen(closed[i]) && memcmp(path.data, closed[i], path.len) == 0)
            return true;
    }
    return false;
}

static void check_status(void)
{
    static const int allowed[] = {200, 201, 202, 204, 304, 400, 404, 405, 406, 409, 412,
                                  413, 415, 422};
    bool caused_by_client = false;
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        caused_by_client |= exchange.status == allowed[i];
    DURE_ASSERT(caused_by_client || (exchange.status == 503 && is_closed(exchange.request.path)));
}

static bool is_token(char c)
{
    return c > ' ' && c < 127 && strchr("\"(),/:;<=>?@[\\]{}", c) == NULL;
}

/* "Name: value\r\n", again and again; no byte that would end a line or the head. */
static void check_headers(void)
{
    const char *at = exchange.reply_headers.data;
    size_t left = exchange.reply_headers.len;
    while (left > 0) {
        size_t name = 0;
        while (name < left && is_token(at[name])) name++;
        DURE_ASSERT(name > 0 && name + 1 < left && at[name] == ':' && at[name + 1] == ' ');
        size_t end = name + 2;
        while (end < left && at[end] != '\r') {
            DURE_ASSERT(at[end] == '\t' || (unsigned char)at[end] >= ' ');
            end++;
        }
        DURE_ASSERT(end + 1 < left && at[end + 1] == '\n');
        at += end + 2;
        left -= end + 2;
    }
}

static bool says(const char *text)
{
    const struct dure_buf *headers = &exchange.reply_headers;
    return headers->len > 0 && memmem(headers->data, headers->len, text, strlen(text)) != NULL;
}

static void check_json(const char *text, size_t len)
{
    json_error_t error;
    json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    DURE_ASSERT(json_is_object(json));
    json_decref(json);
}

static void check_body(void)
{
    const char *at = exchange.body.data;
    size_t left = exchange.body.len;
    if (exchange.status == 204 || exchange.status == 304) {
        DURE_ASSERT(left == 0);
    } else if (says("/x-ndjson\r\n")) {
        while (left > 0) {
            const char *end = memchr(at, '\n', left);
            DURE_ASSERT(end != NULL);
            check_json(at, (size_t)(end - at));
            left -= (size_t)(end + 1 - at);
            at = end + 1;
        }
    } else if (says("json\r\n")) {
        check_json(at, left);
    }
}

/* ---- One request ----------------------------------------------------------------------------- */

/* A command may wait for its saga: then its time passes. */
static void finish(void)
{
    for (int i = 0; i < ROUNDS_MAX && !exchange.ended; i++) {
        round_of_loop();
        if (exchange.paused && handler.on_drain != NULL) {
            exchange.pending = 0;
            handler.on_drain(handler.arg, &exchange);
        }
        if (i > ROUNDS_MAX / 2) now_ms += DURE_WAIT_MS_MAX;
    }
    DURE_ASSERT(exchange.ended);
}

static void stream(const struct dure_buf *body, size_t piece)
{
    handler.on_request(handler.arg, &exchange);
    for (size_t at = 0; at < body->len; at += piece) {
        size_t len = piece < body->len - at ? piece : body->len - at;
        for (int i = 0; i < ROUNDS_MAX && exchange.paused; i++) round_of_loop();
        DURE_ASSERT(!exchange.paused);
        handler.on_body(handler.arg, &exchange, body->data + at, len);
    }
    for (int i = 0; i < ROUNDS_MAX && exchange.paused; i++) round_of_loop();
    handler.on_body(handler.arg, &exchange, NULL, 0);
}

static void request(const struct dure_http_head *head, const struct dure_buf *body)
{
    clear();
    exchange.request = (struct dure_request){
        .method = head->method,
        .target = head->target,
        .path = head->path,
        .query = head->query,
        .headers = head->headers,
        .headers_count = head->headers_count,
    };
    bool has_body = head->chunked || head->content_length > 0;
    exchange.request.streaming = has_body && handler.wants_stream(handler.arg, &exchange.request);
    if (exchange.request.streaming) {
        stream(body, 1 + body->len / 3);
    } else {
        exchange.request.body =
            (struct dure_span){body->len > 0 ? body->data : "", body->len};
        handler.on_request(handler.arg, &exchange);
    }
    finish();
    check_status();
    check_headers();
    check_body();
}

/* ---- The requests of one connection ------------------------------------------------------------ */

/* Returns the bytes of one request that was answered; 0: there is no other. */
static size_t next(struct dure_http *http, const char *data, size_t len)
{
    size_t at = 0, used;
    if (len == 0 || dure_http_scan(http, data, len, &at) != DURE_HTTP_DONE) return 0;
    char *copy = malloc(at);
    struct dure_header *headers = calloc(http->headers_count + 1, sizeof *headers);
    DURE_ASSERT(copy != NULL && headers != NULL);
    memcpy(copy, data, at);
    struct dure_http_head head = {.headers = headers};
    struct dure_buf body = {0};
    enum dure_http_result result = dure_http_parse(http, copy, at, &head);
    if (result == DURE_HTTP_DONE && (head.chunked || head.content_length > 0)) {
        struct dure_span piece;
        do {
            result = dure_http_body(http, data + at, len - at, &used, &piece);
            if (result == DURE_HTTP_BAD) break;
            if (body.len + piece.len <= BODY_BYTES_MAX) dure_buf_add(&body, piece.data, piece.len);
            at += used;
        } while (result == DURE_HTTP_MORE && used > 0);
    }
    if (result == DURE_HTTP_DONE) request(&head, &body);
    dure_buf_fini(&body);
    free(headers);
    free(copy);
    if (result != DURE_HTTP_DONE) return 0;
    dure_http_reset(http);
    return at;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    node_root = "shop";
    node_memory_bytes = DURE_MEMORY_BYTES_MIN;
    return dure_registry_init(dure_systems());
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct dure_http http;
    struct dure_http_limits limits = {1024, 4096, 32};
    dure_http_init(&http, &limits);
    open_node(NULL);
    const char *data = (const char *)bytes;
    size_t at = 0;
    for (int i = 0; i < REQUESTS_MAX; i++) {
        size_t used = next(&http, data + at, len - at);
        if (used == 0) break;
        at += used;
    }
    for (int i = 0; i < ROUNDS_MAX && !dure_runtime_idle(rt); i++) round_of_loop();
    DURE_ASSERT(dure_runtime_idle(rt) && rt->asks_count == 0);
    close_node(NULL);
    return 0;
}
