/*
 * A list as HAL: its items, links and page.
 *
 * A walk by ?after= has no page number; where there are filters it has no totals either, since
 * counting would cost what the walk is to save. A list that lacks the rows of some nodes says so.
 * Loop thread.
 */
#include "proto/list_page.h"

#include "proto/gather.h"
#include "proto/problem.h"

/* ,"next":{"href":"http://host/shop/orders?status=…&page=1&size=20"} */
static void open_link(const struct dure_list *list, struct dure_call *call, const char *rel,
                      struct dure_buf *out)
{
    struct dure_origin origin = dure_item_origin(call);
    dure_buf_byte(out, '"');
    dure_buf_text(out, rel);
    dure_buf_lit(out, "\":{\"href\":\"");
    dure_buf_add(out, origin.base, origin.base_len);
    dure_buf_text(out, origin.path);
    dure_buf_byte(out, '?');
    dure_buf_add(out, list->kept.data, list->kept.len);
}

static void page_link(const struct dure_list *list, struct dure_call *call, const char *rel,
                      size_t page, struct dure_buf *out)
{
    open_link(list, call, rel, out);
    dure_buf_lit(out, "page=");
    dure_buf_u64(out, page);
    dure_buf_lit(out, "&size=");
    dure_buf_u64(out, list->query.size);
    dure_buf_lit(out, "\"},");
}

static void after_link(const struct dure_list *list, struct dure_call *call, const char *rel,
                       int64_t after, struct dure_buf *out)
{
    open_link(list, call, rel, out);
    dure_buf_lit(out, "after=");
    dure_buf_i64(out, after);
    dure_buf_lit(out, "&size=");
    dure_buf_u64(out, list->query.size);
    dure_buf_lit(out, "\"},");
}

static void write_links(const struct dure_list *list, struct dure_call *call, size_t pages,
                        struct dure_buf *out)
{
    const struct dure_query *query = &list->query;
    dure_buf_lit(out, "\"_links\":{");
    if (query->by_after) {
        after_link(list, call, "self", query->after, out);
        after_link(list, call, "first", 0, out);
        if (query->more && query->ids_count > 0)
            after_link(list, call, "next", query->ids[query->ids_count - 1], out);
    } else {
        page_link(list, call, "self", list->page, out);
        page_link(list, call, "first", 0, out);
        if (list->page > 0 && pages > 0)
            page_link(list, call, "prev", list->page > pages ? pages - 1 : list->page - 1, out);
        if (list->page + 1 < pages) page_link(list, call, "next", list->page + 1, out);
        page_link(list, call, "last", pages > 0 ? pages - 1 : 0, out);
    }
    struct dure_origin origin = dure_item_origin(call);
    dure_buf_lit(out, "\"profile\":{\"href\":\"");
    dure_buf_add(out, origin.base, origin.base_len);
    dure_buf_lit(out, "/profile");
    dure_buf_text(out, list->collection->prefixed_path);
    dure_buf_lit(out, "\"}}");
}

static void write_page(const struct dure_list *list, const struct dure_buf *missing, size_t pages,
                       struct dure_buf *out)
{
    const struct dure_query *query = &list->query;
    dure_buf_lit(out, ",\"page\":{\"size\":");
    dure_buf_u64(out, query->size);
    if (query->total >= 0) {
        dure_buf_lit(out, ",\"totalElements\":");
        dure_buf_i64(out, query->total);
        dure_buf_lit(out, ",\"totalPages\":");
        dure_buf_u64(out, pages);
    }
    dure_buf_lit(out, ",\"number\":");
    dure_buf_u64(out, query->by_after ? 0 : list->page);
    if (query->sum != NULL) {
        dure_buf_printf(out, ",\"sum\":{\"%s\":", query->sum->name);
        dure_buf_i64(out, query->summed);
        dure_buf_byte(out, '}');
    }
    if (missing->len > 0) dure_buf_lit(out, ",\"partial\":true");
    dure_buf_byte(out, '}');
}

static int write_items(const struct dure_list *list, dure_list_item *item, void *arg,
                       struct dure_buf *out)
{
    bool first = true;
    for (size_t i = 0; i < list->query.ids_count; i++) {
        size_t before = out->len;
        if (!first) dure_buf_byte(out, ',');
        int rv = item(arg, list->query.ids[i], out);
        if (rv != 0) out->len = before;
        if (rv == 0) first = false;
        if (rv != 0 && rv != DURE_ENOTFOUND) return rv;
    }
    return 0;
}

int dure_list_write(const struct dure_list *list, struct dure_call *call,
                    const struct dure_buf *missing, dure_list_item *item, void *arg)
{
    const struct dure_query *query = &list->query;
    size_t pages = 0;
    if (query->total > 0) pages = ((size_t)query->total + query->size - 1) / query->size;
    call->status = 200;
    if (call->accept == DURE_ACCEPT_JSON)
        dure_buf_lit(&call->headers, "Content-Type: application/json\r\n");
    else
        dure_buf_lit(&call->headers, "Content-Type: application/hal+json\r\n");
    dure_gather_write_missing(missing, &call->headers);
    dure_buf_lit(&call->body, "{\"_embedded\":{\"");
    dure_buf_text(&call->body, list->collection->name);
    dure_buf_lit(&call->body, "\":[");
    int rv = write_items(list, item, arg, &call->body);
    dure_buf_lit(&call->body, "]},");
    write_links(list, call, pages, &call->body);
    write_page(list, missing, pages, &call->body);
    dure_buf_byte(&call->body, '}');
    return rv;
}

int dure_list_own_item(void *arg, int64_t id, struct dure_buf *out)
{
    struct dure_call *call = arg;
    struct dure_view view;
    int rv = dure_runtime_view(call->gateway->rt, call->route.collection->type, id, &view);
    if (rv == 0) dure_item_write(call->route.collection, dure_item_origin(call), &view, out);
    return rv;
}
