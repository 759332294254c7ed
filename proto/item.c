/*
 * Items as bytes.
 *
 *   1. the fields, by the schema table
 *   2. _links: self, the singular rel, and a link per command that the present state allows
 *   3. on GET: 304 when the client has this version, and the answer waits until what it shows is
 *      on disk (dure_call_respond_durable)
 *
 * GET fails with 404, and with what loading a row can meet. Loop thread.
 */
#include "proto/item.h"

#include <stdio.h>

struct dure_origin dure_item_origin(struct dure_call *call)
{
    if (call->base_len == 0) call->base_len = dure_negotiate_base(call->request, call->base);
    return (struct dure_origin){call->base, call->base_len, call->route.path};
}

void dure_item_path(const char *path, int64_t id, struct dure_buf *out)
{
    dure_buf_text(out, path);
    dure_buf_byte(out, '/');
    dure_buf_i64(out, id);
}

/* "rel":{"href":"http://host/shop/orders/1": what every link of the item begins with. */
static void open_link(struct dure_buf *out, const char *rel, const char *href, size_t href_len)
{
    dure_buf_byte(out, '"');
    dure_buf_text(out, rel);
    dure_buf_lit(out, "\":{\"href\":\"");
    dure_buf_add(out, href, href_len);
}

void dure_item_write(const struct dure_collection *collection, struct dure_origin origin,
                     const struct dure_view *view, struct dure_buf *out)
{
    const struct dure_aggregate *aggregate = collection->aggregate;
    dure_buf_byte(out, '{');
    dure_schema_write_json(aggregate->schema, view->state, out);
    dure_buf_lit(out, ",\"_links\":{\"self\":{\"href\":\"");

    /* The address is written once and copied from there; out may move meanwhile. */
    char href[DURE_BASE_BYTES + DURE_ROUTE_PATH_BYTES + 24];
    struct dure_buf address = {.data = href, .cap = sizeof href};
    dure_buf_add(&address, origin.base, origin.base_len);
    dure_item_path(origin.path, view->id, &address);
    DURE_ASSERT(address.data == href);

    dure_buf_add(out, href, address.len);
    dure_buf_lit(out, "\"},");
    open_link(out, aggregate->name, href, address.len);
    dure_buf_lit(out, "\"}");
    for (size_t i = 0; i < collection->commands_count; i++) {
        const struct dure_command *command = collection->commands[i];
        if (command == aggregate->create || !command->allowed(view->state)) continue;
        dure_buf_byte(out, ',');
        open_link(out, command->name, href, address.len);
        dure_buf_byte(out, '/');
        dure_buf_text(out, command->name);
        dure_buf_lit(out, "\"}");
    }
    dure_buf_lit(out, "}}");
}

static void write_tag(struct dure_call *call, const struct dure_view *view)
{
    dure_buf_lit(&call->headers, "ETag: \"");
    dure_buf_u64(&call->headers, view->version);
    dure_buf_lit(&call->headers, "\"\r\n");
}

void dure_item_headers(struct dure_call *call, const struct dure_view *view)
{
    if (call->accept == DURE_ACCEPT_JSON)
        dure_buf_lit(&call->headers, "Content-Type: application/json\r\n");
    else
        dure_buf_lit(&call->headers, "Content-Type: application/hal+json\r\n");
    write_tag(call, view);
}

void dure_item_get(struct dure_call *call)
{
    const struct dure_collection *collection = call->route.collection;
    struct dure_view view;
    int rv = dure_runtime_view(call->gateway->rt, collection->type, call->route.id, &view);
    if (rv == DURE_ENOTFOUND) {
        char detail[128];
        snprintf(detail, sizeof detail, "there is no %s %lld", collection->aggregate->name,
                 (long long)call->route.id);
        dure_call_problem(call, 404, detail, NULL);
    } else if (rv != 0) {
        dure_call_fail(call, rv);
        return;
    } else if (dure_negotiate_none_match(call->request, view.version)) {
        call->status = 304; /* Nothing but the tag (RFC 9110 section 15.4.5). */
        write_tag(call, &view);
    } else {
        call->status = 200;
        dure_item_headers(call, &view);
        dure_item_write(collection, dure_item_origin(call), &view, &call->body);
    }
    dure_call_respond_durable(call, dure_item_get);
}
