/*
 * Lists of a cluster.
 *
 *   1. ids     every node runs the query over its shards and gives its ids up to the end of the
 *              page, with their sort keys and how many match; we do the same with ours
 *   2. merge   the page is cut out of them; a deep one on a pool thread
 *   3. items   each node is asked for those of the page that it has
 *   4. write   in order; what is ours is looked up now, and waits for the disk
 *
 * Between 1 and 3 a row may change or go: it is shown as it is then, or left out. Fails as a list
 * of one node does; a node that refuses for overload fails the whole. Loop thread, but for a deep
 * merge.
 */
#include "proto/list_spread.h"

#include <stdlib.h>

#include "proto/gather.h"
#include "proto/list.h"
#include "proto/list_page.h"
#include "proto/list_part.h"

/* Merging more ids than this would keep the loop from its sockets for over a millisecond. */
#define MERGE_INLINE_MAX 16384

struct source { /* What one node has. */
    const int64_t *ids;
    const char *keys;
    size_t count, at;
    size_t rows_at; /* Of its items: bytes that have been used. */
};

struct spread {
    struct dure_gather gather;
    struct dure_work work;
    struct dure_call *call;
    struct dure_list *list;
    struct source *sources; /* One a node. */
    int64_t *ids;           /* The page … */
    uint16_t *from;         /* … and who has them. */
    size_t ids_count;
    bool more;
};

static void finish(struct spread *spread)
{
    dure_gather_fini(&spread->gather);
    dure_list_free(spread->list);
    free(spread->sources);
    free(spread->ids);
    free(spread->from);
    free(spread);
}

static void fail(struct spread *spread, int rv)
{
    struct dure_call *call = spread->call;
    finish(spread);
    dure_list_fail(call, rv);
}

static uint16_t nodes_of(const struct spread *spread)
{
    return dure_remote_nodes(spread->gather.gateway->remotes);
}

static uint16_t self_of(const struct spread *spread)
{
    return dure_remote_self(spread->gather.gateway->remotes);
}

/* ---- 4: write ------------------------------------------------------------------------------- */

/* Rows come in the order of the page: the next one is this, or this has gone. */
static int copy_row(struct source *source, const struct dure_buf *rows, int64_t id,
                    struct dure_buf *out)
{
    struct dure_list_row row;
    if (rows->len - source->rows_at < sizeof row) return DURE_ENOTFOUND;
    memcpy(&row, rows->data + source->rows_at, sizeof row);
    if (row.id != id || row.len > rows->len - source->rows_at - sizeof row) return DURE_ENOTFOUND;
    dure_buf_add(out, rows->data + source->rows_at + sizeof row, row.len);
    source->rows_at += sizeof row + row.len;
    return 0;
}

static int write_item(void *arg, int64_t id, struct dure_buf *out)
{
    struct spread *spread = arg;
    DURE_ASSERT(spread->ids[spread->ids_count] == id);
    uint16_t node = spread->from[spread->ids_count++];
    if (node == self_of(spread)) return dure_list_own_item(spread->call, id, out);
    return copy_row(&spread->sources[node], &spread->gather.parts[node].bytes, id, out);
}

static void write_list(struct dure_gather *gather)
{
    struct spread *spread = (struct spread *)gather;
    struct dure_call *call = spread->call;
    struct dure_query *query = &spread->list->query;
    int rv = dure_gather_error(gather);
    if (rv != 0) {
        fail(spread, rv);
        return;
    }
    if (dure_gather_outdated(gather)) {
        finish(spread);
        dure_call_again(call, dure_list_get, DURE_ENOSPC);
        return;
    }
    for (uint16_t i = 0; i < nodes_of(spread); i++) spread->sources[i].rows_at = 0;
    memcpy(query->ids, spread->ids, spread->ids_count * sizeof *query->ids);
    query->ids_count = spread->ids_count;
    query->more = spread->more;
    spread->ids_count = 0; /* Counts the items now. */
    struct dure_buf missing = {0};
    dure_gather_missing(gather, &missing);
    dure_call_clear(call);
    rv = dure_list_write(spread->list, call, &missing, write_item, spread);
    dure_buf_fini(&missing);
    if (rv != 0) {
        fail(spread, rv);
        return;
    }
    finish(spread);
    dure_call_respond_durable(call, dure_list_get);
}

/* ---- 3: items ------------------------------------------------------------------------------- */

static void ask_items(struct spread *spread, uint16_t node)
{
    struct dure_origin origin = dure_item_origin(spread->call);
    struct dure_list_items_question head = {.base_len = (uint16_t)origin.base_len,
                                            .path_len = (uint16_t)strlen(origin.path)};
    for (size_t i = 0; i < spread->ids_count; i++) head.count += spread->from[i] == node;
    if (head.count == 0) return;
    struct dure_buf *frame = dure_gather_frame(&spread->gather, DURE_GATHER_ITEMS);
    dure_buf_add(frame, &head, sizeof head);
    for (size_t i = 0; i < spread->ids_count; i++) {
        if (spread->from[i] == node) dure_buf_add(frame, &spread->ids[i], sizeof(int64_t));
    }
    dure_buf_add(frame, origin.base, origin.base_len);
    dure_buf_text(frame, origin.path);
    dure_gather_ask(&spread->gather, node);
}

static void start_items(struct spread *spread)
{
    spread->gather.done = write_list;
    dure_gather_begin(&spread->gather);
    for (uint16_t i = 0; i < nodes_of(spread); i++) {
        if (i != self_of(spread)) ask_items(spread, i);
    }
    dure_gather_end(&spread->gather);
}

/* ---- 2: merge ------------------------------------------------------------------------------- */

/* The source with the next row of all; NULL: there is none. */
static struct source *next_source(const struct spread *spread)
{
    const struct dure_query *query = &spread->list->query;
    struct source *best = NULL;
    for (uint16_t i = 0; i < nodes_of(spread); i++) {
        struct source *source = &spread->sources[i];
        if (source->at == source->count) continue;
        if (best == NULL ||
            dure_query_compare(query, source->keys + source->at * query->key_bytes,
                               source->ids[source->at], best->keys + best->at * query->key_bytes,
                               best->ids[best->at]) < 0)
            best = source;
    }
    return best;
}

static void merge(struct dure_work *work)
{
    struct spread *spread = (struct spread *)((char *)work - offsetof(struct spread, work));
    const struct dure_query *query = &spread->list->query;
    size_t skip = query->by_after ? 0 : spread->list->page;
    /* Nobody has more than a page that deep: it is empty, however far behind the end. */
    skip = skip > DURE_PAGE_DEPTH_MAX ? DURE_PAGE_DEPTH_MAX : skip;
    skip *= query->size;
    struct source *source;
    while (spread->ids_count < query->size && (source = next_source(spread)) != NULL) {
        if (skip > 0) {
            skip--;
        } else {
            spread->ids[spread->ids_count] = source->ids[source->at];
            spread->from[spread->ids_count++] = (uint16_t)(source - spread->sources);
        }
        source->at++;
    }
    if (next_source(spread) != NULL) spread->more = true;
}

static void merged(struct dure_work *work)
{
    start_items((struct spread *)((char *)work - offsetof(struct spread, work)));
}

/* ---- 1: ids --------------------------------------------------------------------------------- */

/* False: it does not fit our query (nodes of two versions). */
static bool read_part(struct spread *spread, uint16_t node)
{
    const struct dure_gather_part *part = &spread->gather.parts[node];
    struct dure_query *query = &spread->list->query;
    struct dure_list_ids head;
    if (part->bytes.len < sizeof head) return false;
    memcpy(&head, part->bytes.data, sizeof head);
    size_t row_bytes = sizeof(int64_t) + query->key_bytes;
    size_t rest = part->bytes.len - sizeof head;
    if (head.key_bytes != query->key_bytes || head.count != rest / row_bytes ||
        rest % row_bytes != 0)
        return false;
    /* malloc'd, and the head is a multiple of 8. */
    const char *ids = part->bytes.data + sizeof head;
    spread->sources[node] = (struct source){.ids = (const int64_t *)(const void *)ids,
                                            .keys = ids + head.count * sizeof(int64_t),
                                            .count = head.count};
    if (head.total < 0 || query->total < 0)
        query->total = -1;
    else
        query->total += head.total;
    query->summed = dure_query_add(query->summed, head.summed);
    if (head.more) spread->more = true;
    return true;
}

static void ids_done(struct dure_gather *gather)
{
    struct spread *spread = (struct spread *)gather;
    struct dure_query *query = &spread->list->query;
    int rv = query->rv != 0 ? query->rv : dure_gather_error(gather);
    if (rv != 0) {
        fail(spread, rv);
        return;
    }
    size_t all = query->ids_count;
    spread->more = query->more;
    for (uint16_t i = 0; i < nodes_of(spread); i++) {
        struct dure_gather_part *part = &gather->parts[i];
        if (i == self_of(spread) || part->missing) continue;
        part->missing = !read_part(spread, i);
        all += spread->sources[i].count;
    }
    spread->sources[self_of(spread)] =
        (struct source){.ids = query->ids, .keys = query->keys, .count = query->ids_count};
    struct dure_io *io = gather->gateway->rt->io;
    spread->work = (struct dure_work){.run = merge, .done = merged};
    if (all > MERGE_INLINE_MAX) {
        io->work(io, &spread->work);
        return;
    }
    merge(&spread->work);
    start_items(spread);
}

static void own_ids_done(struct dure_query *query)
{
    struct dure_list *list = (struct dure_list *)query;
    struct spread *spread = list->owner;
    dure_gather_release(&spread->gather);
}

static struct spread *make(struct dure_call *call, struct dure_list *list)
{
    struct spread *spread = calloc(1, sizeof *spread);
    if (spread == NULL) return NULL;
    spread->call = call;
    spread->list = list;
    spread->gather = (struct dure_gather){.gateway = call->gateway, .done = ids_done};
    spread->sources = calloc(dure_remote_nodes(call->gateway->remotes), sizeof *spread->sources);
    spread->ids = malloc(list->query.size * sizeof *spread->ids);
    spread->from = malloc(list->query.size * sizeof *spread->from);
    bool fine = spread->sources != NULL && spread->ids != NULL && spread->from != NULL;
    if (fine && dure_gather_init(&spread->gather) == 0) return spread;
    spread->list = NULL;
    free(spread->sources);
    free(spread->ids);
    free(spread->from);
    free(spread);
    return NULL;
}

void dure_list_spread(struct dure_call *call, struct dure_list *list)
{
    struct spread *spread = make(call, list);
    if (spread == NULL) {
        dure_list_free(list);
        dure_call_fail(call, DURE_ENOMEM);
        return;
    }
    list->owner = spread;
    list->query.done = own_ids_done;
    list->query.whole = true;
    dure_list_clamp(list, call->gateway->rt);
    int rv = dure_query_start(call->gateway->rt, &list->query);
    if (rv != 0) {
        fail(spread, rv);
        return;
    }
    dure_gather_begin(&spread->gather);
    dure_gather_hold(&spread->gather); /* Our own query. */
    struct dure_buf *frame = dure_gather_frame(&spread->gather, DURE_GATHER_IDS);
    struct dure_list_ids_question head = {.target_len = (uint32_t)call->request->target.len};
    dure_buf_add(frame, &head, sizeof head);
    dure_buf_add(frame, call->request->target.data, call->request->target.len);
    dure_gather_ask_all(&spread->gather);
    dure_gather_end(&spread->gather);
}
