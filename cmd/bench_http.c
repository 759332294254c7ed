/*
 * Responses by llhttp. Happy path: feed → body pieces → a result for each whole body or line → end.
 *
 * A piece that is a whole body is handed on as it lies in the caller's read buffer. It is copied to
 * `held` only when feed returns before its rest has come. Fails only on bytes that are not HTTP.
 * One thread each object.
 */
#include "cmd/bench_http.h"

#include <llhttp.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/buf.h"

struct dure_bench_http {
    llhttp_t parser;
    llhttp_settings_t settings;
    struct dure_bench_http_handler handler;
    bool lines;
    const char *piece; /* Of this feed's bytes; NULL when there is none that is not in held. */
    size_t piece_len;
    struct dure_buf held; /* Pieces of earlier feeds. */
};

static bool by_line(const struct dure_bench_http *http)
{
    return http->lines && http->parser.status_code / 100 == 2;
}

static void hold_piece(struct dure_bench_http *http)
{
    if (http->piece == NULL) return;
    dure_buf_add(&http->held, http->piece, http->piece_len);
    http->piece = NULL;
}

static void give_result(struct dure_bench_http *http, const char *data, size_t len)
{
    http->handler.result(http->handler.arg, http->parser.status_code, data, len);
}

static void split_lines(struct dure_bench_http *http, const char *data, size_t len)
{
    const char *end = data + len;
    const char *newline;
    while ((newline = memchr(data, '\n', (size_t)(end - data))) != NULL) {
        size_t line_len = (size_t)(newline - data);
        if (http->held.len > 0) {
            dure_buf_add(&http->held, data, line_len);
            give_result(http, http->held.data, http->held.len);
            http->held.len = 0;
        } else if (line_len > 0) {
            give_result(http, data, line_len);
        }
        data = newline + 1;
    }
    dure_buf_add(&http->held, data, (size_t)(end - data));
}

static int on_body(llhttp_t *parser, const char *data, size_t len)
{
    struct dure_bench_http *http = parser->data;
    if (by_line(http)) {
        split_lines(http, data, len);
        return 0;
    }
    if (http->held.len > 0 || http->piece != NULL) {
        hold_piece(http);
        dure_buf_add(&http->held, data, len);
    } else {
        http->piece = data;
        http->piece_len = len;
    }
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    struct dure_bench_http *http = parser->data;
    if (by_line(http)) {
        /* A last line may lack its newline. */
        if (http->held.len > 0) give_result(http, http->held.data, http->held.len);
    } else if (!http->lines) {
        if (http->piece != NULL) {
            give_result(http, http->piece, http->piece_len);
        } else {
            give_result(http, http->held.data, http->held.len);
        }
    }
    http->piece = NULL;
    http->held.len = 0;
    http->handler.end(http->handler.arg, parser->status_code, llhttp_should_keep_alive(parser));
    return 0;
}

struct dure_bench_http *dure_bench_http_new(const struct dure_bench_http_handler *handler,
                                            bool lines)
{
    struct dure_bench_http *http = calloc(1, sizeof(*http));
    DURE_ASSERT(http != NULL);
    http->handler = *handler;
    http->lines = lines;
    llhttp_settings_init(&http->settings);
    http->settings.on_body = on_body;
    http->settings.on_message_complete = on_message_complete;
    dure_bench_http_reset(http);
    return http;
}

void dure_bench_http_free(struct dure_bench_http *http)
{
    if (http == NULL) return;
    dure_buf_fini(&http->held);
    free(http);
}

void dure_bench_http_reset(struct dure_bench_http *http)
{
    llhttp_init(&http->parser, HTTP_RESPONSE, &http->settings);
    http->parser.data = http;
    http->piece = NULL;
    http->held.len = 0;
}

int dure_bench_http_feed(struct dure_bench_http *http, const char *data, size_t len)
{
    enum llhttp_errno rv = llhttp_execute(&http->parser, data, len);
    hold_piece(http);
    return rv == HPE_OK ? 0 : DURE_EINVAL;
}
