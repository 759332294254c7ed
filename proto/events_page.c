/*
 * Batches of events.
 *
 *   1. the query string becomes a replay request
 *   2. a pool thread asks the nodes (sources.h)
 *   3. {"events":[...],"position":"p...","next":{...},"end":true,"_links":{self,next}}
 *
 * 400 for a position that is none, 410 when the journal does not reach back so far, 409 for one of
 * another data directory, 503 while too many are being read or no node answers. Loop thread.
 */
#include "proto/events_page.h"

#include <stdlib.h>

#include "proto/item.h"
#include "proto/notices.h"
#include "proto/query_text.h"
#include "proto/sse.h"

/* On pool threads at a time. */
#define RUNNING_MAX 2

struct page {
    struct dure_work work;
    struct dure_call *call;
    struct dure_sources *sources;
    struct dure_stream_request request;
    struct dure_stream_reply reply;
    struct dure_buf topic; /* As it came, for the link. */
    int rv;
};

static unsigned running; /* Loop thread only. */

static void run(struct dure_work *work)
{
    struct page *page = (struct page *)work;
    page->rv = dure_sources_replay(page->sources, &page->request, &page->reply);
}

static void refuse(struct dure_call *call, int rv)
{
    int status = rv == DURE_ENOTFOUND ? 410 : rv == DURE_EPRECONDITION ? 409
                 : rv == DURE_EINVAL  ? 400 : 503;
    dure_call_problem(call, status, dure_stream_error_text(rv), NULL);
    dure_call_respond(call);
}

static void link_to(const struct page *page, const char *rel, struct dure_buf *out)
{
    struct dure_call *call = page->call;
    struct dure_origin origin = dure_item_origin(call);
    dure_buf_printf(out, "\"%s\":{\"href\":\"", rel);
    dure_buf_add(out, origin.base, origin.base_len);
    dure_buf_lit(out, "/events?from=");
    if (strcmp(rel, "next") == 0) {
        dure_positions_write(&page->reply.at, out);
    } else if (page->request.from == DURE_STREAM_AT) {
        dure_positions_write(&page->request.at, out);
    } else {
        dure_buf_text(out, dure_stream_from_word(page->request.from));
    }
    if (page->topic.len > 0) dure_buf_lit(out, "&topic=");
    dure_buf_add(out, page->topic.data, page->topic.len);
    dure_buf_printf(out, "&max=%u\"}", page->request.max);
}

static void write_page(struct page *page)
{
    struct dure_call *call = page->call;
    dure_call_clear(call);
    call->status = 200;
    dure_buf_lit(&call->headers, "Content-Type: application/json\r\nCache-Control: no-store\r\n");
    dure_stream_reply_write(&page->reply, false, &call->body);
    call->body.len--; /* The links go before the last brace. */
    dure_buf_lit(&call->body, ",\"_links\":{");
    link_to(page, "self", &call->body);
    dure_buf_byte(&call->body, ',');
    link_to(page, "next", &call->body);
    dure_buf_lit(&call->body, "}}");
}

static void done(struct dure_work *work)
{
    struct page *page = (struct page *)work;
    struct dure_call *call = page->call;
    int rv = page->rv;
    running--;
    if (rv == 0) write_page(page);
    dure_buf_fini(&page->topic);
    dure_buf_fini(&page->reply.lines);
    free(page);
    if (rv == 0) dure_call_respond(call);
    else refuse(call, rv);
}

_Static_assert(offsetof(struct page, work) == 0, "a work is its page");

/* Only what needs no escaping goes into a link; other topics match nothing anyway. */
static void keep_topic(struct page *page)
{
    size_t plain = strspn(page->request.topic, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                               "0123456789.,-_");
    dure_buf_add(&page->topic, page->request.topic, plain);
}

static bool read_request(struct page *page, struct dure_span query)
{
    static char text[DURE_SHARDS_MAX * 16]; /* Loop thread. */
    struct dure_stream_request *request = &page->request;
    request->max = DURE_STREAM_MAX_DEFAULT;
    request->lines = true;
    (void)dure_query_text(query, "topic", request->topic, sizeof request->topic);
    if (dure_query_text(query, "max", text, sizeof text)) {
        int64_t max = dure_route_number(text, strlen(text));
        if (max > DURE_STREAM_MAX) max = DURE_STREAM_MAX;
        if (max > 0) request->max = (uint32_t)max;
    }
    keep_topic(page);
    if (!dure_query_text(query, "from", text, sizeof text)) return false;
    request->from = dure_stream_from_of(text);
    return request->from != DURE_STREAM_AT ||
           dure_positions_read(&request->at, text, strlen(text)) == 0;
}

void dure_events_page_get(struct dure_call *call)
{
    struct dure_gateway *gateway = call->gateway;
    struct page *page = NULL;
    if (gateway->sse != NULL && running < RUNNING_MAX) page = calloc(1, sizeof *page);
    if (page == NULL) {
        dure_call_fail(call, DURE_EBUSY);
        return;
    }
    uint32_t also; /* Of streams, but a wrong one is wrong here, too. */
    if (!dure_also_read(call->request->query, &also)) {
        free(page);
        dure_call_refuse(call, 400, DURE_ALSO_REFUSED);
        return;
    }
    page->call = call;
    page->sources = dure_sse_sources(gateway->sse);
    if (!read_request(page, call->request->query)) {
        dure_buf_fini(&page->topic);
        free(page);
        dure_call_refuse(call, 400, "from must be start, end, last or a position");
        return;
    }
    running++;
    page->work = (struct dure_work){.run = run, .done = done};
    gateway->rt->io->work(gateway->rt->io, &page->work);
}
