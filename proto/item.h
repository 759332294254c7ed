/*
 * HAL items (SPEC A3; draft-kelly-json-hal): an actor's fields and its links.
 */
#ifndef DURE_PROTO_ITEM_H
#define DURE_PROTO_ITEM_H

#include "proto/call.h"

/* Where links of a collection begin: "http://host" and "/shop/orders". */
struct dure_origin {
    const char *base;
    size_t base_len;
    const char *path;
};

/* Appends the item. The view must exist. */
void dure_item_write(const struct dure_collection *collection, struct dure_origin origin,
                     const struct dure_view *view, struct dure_buf *out);
/* Appends the path of an item, without the host. */
void dure_item_path(const char *path, int64_t id, struct dure_buf *out);

/* The call's origin; its base is read from the headers at the first use. */
struct dure_origin dure_item_origin(struct dure_call *call);
/* Content-Type and ETag of an item, as headers. */
void dure_item_headers(struct dure_call *call, const struct dure_view *view);

/* GET /c/{id} */
void dure_item_get(struct dure_call *call);

#endif
