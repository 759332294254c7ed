/*
 * History of the cluster.
 *
 *   1. gather   every node gives the samples that it keeps, and its state; we do the same with ours
 *   2. write    the states, who is missing, and slot by slot what all have counted
 *
 * A node that answers what makes no sense is missing. Loop thread.
 */
#include "proto/history_page.h"

#include <stdlib.h>

#include "proto/node_state.h"
#include "proto/query_text.h"
#include "proto/sampler.h"

struct part_head { /* The samples follow, then the state as text. */
    uint32_t sample_bytes;
    uint32_t count;
};

/* ---- 1: one node's part ---------------------------------------------------------------------- */

static void write_part(const struct dure_gateway *gateway, int64_t since_slot, struct dure_buf *out)
{
    const struct dure_samples *samples = dure_sampler_samples(gateway->sampler);
    size_t first = dure_samples_behind(samples, since_slot);
    struct part_head head = {.sample_bytes = sizeof(struct dure_sample),
                             .count = (uint32_t)(samples->count - first)};
    dure_buf_add(out, &head, sizeof head);
    for (size_t i = first; i < samples->count; i++)
        dure_buf_add(out, dure_samples_at(samples, i), sizeof(struct dure_sample));
    dure_node_state_write(gateway, out);
}

void dure_history_page_part(struct dure_gather_question *question)
{
    int64_t since_slot;
    if (question->gateway->sampler == NULL || question->len != sizeof since_slot) {
        dure_gather_answer(question, DURE_EUNAVAILABLE);
        return;
    }
    memcpy(&since_slot, question->bytes, sizeof since_slot);
    write_part(question->gateway, since_slot, &question->answer);
    dure_gather_answer(question, 0);
}

/* False: it is not in form, or from a node of another version. */
static bool read_part(const struct dure_buf *bytes, struct dure_samples_part *part,
                      struct dure_span *state)
{
    struct part_head head;
    if (bytes->len < sizeof head) return false;
    memcpy(&head, bytes->data, sizeof head);
    size_t rest = bytes->len - sizeof head;
    if (head.sample_bytes != sizeof(struct dure_sample) || head.count > DURE_SAMPLES_MAX ||
        head.count * sizeof(struct dure_sample) >= rest)
        return false;
    const char *at = bytes->data + sizeof head; /* malloc'd, and the head is a multiple of 8. */
    *part = (struct dure_samples_part){(const struct dure_sample *)(const void *)at, head.count};
    for (size_t i = 0; i < part->count; i++) {
        int64_t slot = part->samples[i].slot;
        if (slot <= (i > 0 ? part->samples[i - 1].slot : -1)) return false;
    }
    at += head.count * sizeof(struct dure_sample);
    *state = (struct dure_span){at, (size_t)(bytes->data + bytes->len - at)};
    return true;
}

/* ---- 2: write -------------------------------------------------------------------------------- */

static void write_history(struct dure_history *history, const struct dure_samples_part *parts,
                          const struct dure_span *states, uint16_t nodes)
{
    struct dure_buf *out = &history->body;
    dure_buf_printf(out, "{\"interval_ms\":%d,\"nodes\":[", DURE_SAMPLE_MS);
    for (uint16_t i = 0; i < nodes; i++) {
        if (i > 0) dure_buf_byte(out, ',');
        if (states[i].len > 0)
            dure_buf_add(out, states[i].data, states[i].len);
        else
            dure_node_state_write_down(i, out);
    }
    dure_buf_lit(out, "],\"samples\":");
    dure_samples_write(parts, nodes, history->until_slot, out);
    dure_buf_byte(out, '}');
}

static void gathered(struct dure_gather *gather)
{
    struct dure_history *history = (struct dure_history *)gather;
    struct dure_remotes *remotes = gather->gateway->remotes;
    uint16_t nodes = remotes != NULL ? dure_remote_nodes(remotes) : 1;
    uint16_t self = remotes != NULL ? dure_remote_self(remotes) : 0;
    struct dure_samples_part parts[DURE_NODES_MAX] = {0};
    struct dure_span states[DURE_NODES_MAX] = {0};
    struct dure_buf own = {0};
    write_part(gather->gateway, history->since_slot, &own);
    for (uint16_t i = 0; i < nodes; i++) {
        bool there = i == self || (gather->parts[i].rv == 0 && !gather->parts[i].missing);
        there =
            there && read_part(i == self ? &own : &gather->parts[i].bytes, &parts[i], &states[i]);
        if (!there) gather->parts[i].missing = true; /* Not ourselves, so there are parts. */
    }
    DURE_ASSERT(states[self].len > 0);
    write_history(history, parts, states, nodes);
    if (remotes != NULL) dure_gather_missing(gather, &history->missing);
    dure_buf_fini(&own);
    history->done(history);
}
_Static_assert(offsetof(struct dure_history, gather) == 0, "a gather is its history");

int dure_history_start(struct dure_history *history)
{
    struct dure_gather *gather = &history->gather;
    struct dure_io *io = gather->gateway->rt->io;
    DURE_ASSERT(gather->gateway->sampler != NULL);
    DURE_ASSERT(history->since_ms >= 0);
    history->until_slot = (io->wall_ms(io) - DURE_SAMPLE_SETTLE_MS) / DURE_SAMPLE_MS;
    history->since_slot = history->since_ms / DURE_SAMPLE_MS;
    if (history->since_slot < history->until_slot - DURE_SAMPLES_MAX)
        history->since_slot = history->until_slot - DURE_SAMPLES_MAX;
    if (gather->gateway->remotes == NULL) {
        gathered(gather);
        return 0;
    }
    gather->done = gathered;
    int rv = dure_gather_init(gather);
    if (rv != 0) return rv;
    dure_gather_begin(gather);
    struct dure_buf *frame = dure_gather_frame(gather, DURE_GATHER_HISTORY);
    dure_buf_add(frame, &history->since_slot, sizeof history->since_slot);
    dure_gather_ask_all(gather);
    dure_gather_end(gather);
    return 0;
}

void dure_history_fini(struct dure_history *history)
{
    dure_gather_fini(&history->gather);
    dure_buf_fini(&history->body);
    dure_buf_fini(&history->missing);
}

/* ---- The page -------------------------------------------------------------------------------- */

/* Of an answer with all that three nodes keep. */
#define EXPECTED_BYTES (192 * 1024)

struct page {
    struct dure_history history;
    struct dure_call *call;
};
_Static_assert(offsetof(struct page, history) == 0, "a history is its page");

static void respond(struct dure_history *history)
{
    struct page *page = (struct page *)history;
    struct dure_call *call = page->call;
    call->status = 200;
    dure_call_clear(call);
    dure_buf_lit(&call->headers, "Content-Type: application/json\r\nCache-Control: no-store\r\n");
    dure_gather_write_missing(&history->missing, &call->headers);
    dure_buf_add(&call->body, history->body.data, history->body.len);
    dure_history_fini(history);
    free(page);
    dure_call_respond(call);
}

/* All when nothing is said. False: a 400. */
static bool read_since(struct dure_span query, int64_t *since_ms)
{
    char text[DURE_DECIMAL_MAX + 1];
    *since_ms = 0;
    if (!dure_query_has(query, "since")) return true;
    if (!dure_query_text(query, "since", text, sizeof text)) return false;
    *since_ms = dure_route_number(text, strlen(text));
    return *since_ms >= 0;
}

void dure_history_page_get(struct dure_call *call)
{
    int64_t since_ms;
    if (!read_since(call->request->query, &since_ms)) {
        dure_call_refuse(call, 400, "since must be milliseconds since 1970-01-01T00:00:00Z");
        return;
    }
    struct page *page = NULL;
    if (call->gateway->sampler != NULL) page = calloc(1, sizeof *page);
    if (page == NULL) {
        dure_call_fail(call, DURE_EUNAVAILABLE);
        return;
    }
    page->call = call;
    page->history = (struct dure_history){
        .gather = {.gateway = call->gateway}, .since_ms = since_ms, .done = respond};
    dure_call_expect(call, EXPECTED_BYTES);
    if (dure_history_start(&page->history) != 0) {
        free(page);
        dure_call_fail(call, DURE_ENOMEM);
    }
}
