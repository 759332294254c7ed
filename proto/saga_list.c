/*
 * GET /sagas.
 *
 *   1. collect   one query per saga type, one after the other, each adding rows to a buffer
 *   2. gather    in a cluster the other nodes do the same with theirs
 *   3. merge     rows of all nodes by type and id; the answer waits until ours are on disk
 *
 * Fails as a list does. Loop thread.
 */
#include "proto/saga_list.h"

#include <stdlib.h>

#include "proto/sagas.h"

/* Of an answer with many sagas. */
#define EXPECTED_BYTES (256 * 1024)

struct row {       /* Its JSON follows. */
    uint32_t type; /* Registry index. */
    uint32_t len;
    int64_t id;
};

/* ---- 1: collect ----------------------------------------------------------------------------- */

struct collection { /* Embedded by who collects, zeroed, with the first members set. */
    struct dure_query query;
    struct dure_runtime *rt;
    void (*done)(struct collection *collection, int rv); /* Not within start unless it fails. */
    uint32_t type;                                       /* Of the present query. */
    struct dure_buf rows;
};
_Static_assert(offsetof(struct collection, query) == 0, "a query is its collection");

static void add_row(struct collection *collection, const struct dure_view *view)
{
    struct row row = {.type = collection->type, .id = view->id};
    size_t at = collection->rows.len;
    dure_buf_add(&collection->rows, &row, sizeof row);
    dure_sagas_write(collection->query.type, view, &collection->rows);
    row.len = (uint32_t)(collection->rows.len - at - sizeof row);
    memcpy(collection->rows.data + at, &row, sizeof row);
}

static void next_type(struct collection *collection);

static void type_done(struct dure_query *query)
{
    struct collection *collection = (struct collection *)query;
    int rv = query->rv;
    for (size_t i = 0; rv == 0 && i < query->ids_count; i++) {
        struct dure_view view;
        rv = dure_runtime_view(collection->rt, query->type, query->ids[i], &view);
        if (rv == 0) add_row(collection, &view);
        if (rv == DURE_ENOTFOUND) rv = 0; /* It has ended meanwhile. */
    }
    dure_query_fini(query);
    collection->type++;
    if (rv == 0)
        next_type(collection);
    else
        collection->done(collection, rv);
}

static void next_type(struct collection *collection)
{
    while (collection->type < dure_registry_count() &&
           dure_registry_type(collection->type)->kind != DURE_KIND_SAGA)
        collection->type++;
    if (collection->type == dure_registry_count()) {
        collection->done(collection, 0);
        return;
    }
    collection->query = (struct dure_query){.type = dure_registry_type(collection->type),
                                            .by_after = true,
                                            .size = DURE_PAGE_SIZE_MAX,
                                            .done = type_done};
    int rv = dure_query_start(collection->rt, &collection->query);
    if (rv == 0) return;
    dure_query_fini(&collection->query);
    collection->done(collection, rv);
}

/* ---- 3: merge ------------------------------------------------------------------------------- */

struct list {
    struct collection own;
    struct dure_gather gather; /* In a cluster. */
    struct dure_call *call;
    uint64_t failed_appends; /* At the start. */
    int rv;
};

/* The row at *at; false: there is none. */
static bool peek(const struct dure_buf *rows, size_t at, struct row *row)
{
    if (rows->len - at < sizeof *row) return false;
    memcpy(row, rows->data + at, sizeof *row);
    return row->len <= rows->len - at - sizeof *row;
}

static void merge(const struct dure_buf *const *parts, size_t count, struct dure_buf *out)
{
    size_t at[DURE_NODES_MAX] = {0};
    bool first = true;
    for (;;) {
        struct row best = {0}, row;
        size_t from = count;
        for (size_t i = 0; i < count; i++) {
            if (!peek(parts[i], at[i], &row)) continue;
            if (from < count &&
                (row.type > best.type || (row.type == best.type && row.id > best.id)))
                continue;
            best = row;
            from = i;
        }
        if (from == count) return;
        if (!first) dure_buf_byte(out, ',');
        first = false;
        dure_buf_add(out, parts[from]->data + at[from] + sizeof best, best.len);
        at[from] += sizeof best + best.len;
    }
}

/* {"name":"pay","command":"shop.pay.take","done":"PayApproval","undo":"shop.pay.give-back"} */
static void write_step(const struct dure_saga_step *step, struct dure_buf *out)
{
    const struct dure_command *command = step->command, *undo = step->undo;
    dure_buf_printf(out, "{\"name\":\"%s\",\"command\":\"%s.%s.%s\"", step->name,
                    command->aggregate->system, command->aggregate->name, command->name);
    if (step->done != NULL) dure_buf_printf(out, ",\"done\":\"%s\"", step->done->name);
    if (undo != NULL)
        dure_buf_printf(out, ",\"undo\":\"%s.%s.%s\"", undo->aggregate->system,
                        undo->aggregate->name, undo->name);
    dure_buf_byte(out, '}');
}

/* All types of what is served, with their steps: names of the tables, which need no escaping. */
static void write_types(const struct dure_routes *routes, struct dure_buf *out)
{
    bool first = true;
    for (size_t i = 0; i < dure_registry_count(); i++) {
        const struct dure_type *type = dure_registry_type(i);
        if (type->kind != DURE_KIND_SAGA || !dure_route_serves(routes, type->system)) continue;
        dure_buf_printf(out, "%s{\"type\":\"%s\",\"steps\":[", first ? "" : ",", type->name);
        first = false;
        for (size_t j = 0; j < type->saga->steps_count; j++) {
            if (j > 0) dure_buf_byte(out, ',');
            write_step(&type->saga->steps[j], out);
        }
        dure_buf_lit(out, "]}");
    }
}

static void finish(struct list *list)
{
    dure_gather_fini(&list->gather);
    dure_buf_fini(&list->own.rows);
    free(list);
}

static void write_list(struct list *list)
{
    struct dure_call *call = list->call;
    const struct dure_buf *parts[DURE_NODES_MAX] = {&list->own.rows};
    struct dure_buf missing = {0};
    size_t count = 1;
    if (list->gather.parts != NULL) {
        uint16_t self = dure_remote_self(call->gateway->remotes);
        uint16_t nodes = dure_remote_nodes(call->gateway->remotes);
        for (uint16_t i = 0; i < nodes; i++) {
            if (i != self && !list->gather.parts[i].missing)
                parts[count++] = &list->gather.parts[i].bytes;
        }
        dure_gather_missing(&list->gather, &missing);
    }
    call->status = 200;
    dure_call_clear(call);
    dure_buf_lit(&call->headers, "Content-Type: application/hal+json\r\n");
    dure_gather_write_missing(&missing, &call->headers);
    dure_buf_lit(&call->body, "{\"_embedded\":{\"sagas\":[");
    merge(parts, count, &call->body);
    dure_buf_lit(&call->body, "]},\"types\":[");
    write_types(&call->gateway->routes, &call->body);
    dure_buf_byte(&call->body, ']');
    if (missing.len > 0) dure_buf_lit(&call->body, ",\"page\":{\"partial\":true}");
    dure_buf_byte(&call->body, '}');
    dure_buf_fini(&missing);
    finish(list);
    dure_call_respond_durable(call, dure_saga_list_get);
}

static void respond(struct list *list)
{
    struct dure_call *call = list->call;
    int rv = list->rv;
    if (rv == 0 && list->gather.parts != NULL) rv = dure_gather_error(&list->gather);
    /* A record that failed since may have held what was seen. */
    bool outdated = call->gateway->rt->metrics.failed_appends != list->failed_appends;
    if (rv == 0 && !outdated) {
        write_list(list);
        return;
    }
    finish(list);
    if (rv == 0)
        dure_call_again(call, dure_saga_list_get, DURE_ENOSPC);
    else
        dure_call_fail(call, rv);
}

/* ---- 2: gather ------------------------------------------------------------------------------ */

static void gathered(struct dure_gather *gather)
{
    respond((struct list *)((char *)gather - offsetof(struct list, gather)));
}

static void own_done(struct collection *collection, int rv)
{
    struct list *list = (struct list *)collection;
    list->rv = rv;
    if (list->gather.parts != NULL)
        dure_gather_release(&list->gather);
    else
        respond(list);
}
_Static_assert(offsetof(struct list, own) == 0, "a collection is its list");

void dure_saga_list_get(struct dure_call *call)
{
    struct dure_gateway *gateway = call->gateway;
    struct list *list = calloc(1, sizeof *list);
    if (list == NULL) {
        dure_call_fail(call, DURE_ENOMEM);
        return;
    }
    dure_call_expect(call, EXPECTED_BYTES);
    list->call = call;
    list->failed_appends = gateway->rt->metrics.failed_appends;
    list->own.rt = gateway->rt;
    list->own.done = own_done;
    list->gather = (struct dure_gather){.gateway = gateway, .done = gathered};
    if (gateway->remotes == NULL) {
        next_type(&list->own);
        return;
    }
    if (dure_gather_init(&list->gather) != 0) {
        free(list);
        dure_call_fail(call, DURE_ENOMEM);
        return;
    }
    dure_gather_begin(&list->gather);
    dure_gather_hold(&list->gather);
    next_type(&list->own);
    dure_gather_frame(&list->gather, DURE_GATHER_SAGAS);
    dure_gather_ask_all(&list->gather);
    dure_gather_end(&list->gather);
}

/* ---- For another node ----------------------------------------------------------------------- */

struct part {
    struct collection own;
    struct dure_gather_question *question;
};
_Static_assert(offsetof(struct part, own) == 0, "a collection is its part");

static void part_done(struct collection *collection, int rv)
{
    struct part *part = (struct part *)collection;
    struct dure_gather_question *question = part->question;
    dure_buf_fini(&question->answer);
    question->answer = collection->rows;
    free(part);
    if (rv == 0)
        dure_gather_answer_durable(question, dure_saga_list_part);
    else
        dure_gather_answer(question, rv);
}

void dure_saga_list_part(struct dure_gather_question *question)
{
    struct part *part = calloc(1, sizeof *part);
    if (part == NULL) {
        dure_gather_answer(question, DURE_ENOMEM);
        return;
    }
    part->question = question;
    part->own.rt = question->gateway->rt;
    part->own.done = part_done;
    next_type(&part->own);
}
