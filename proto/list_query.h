/*
 * What a list request asks for (SPEC A4), as a query.
 */
#ifndef DURE_PROTO_LIST_QUERY_H
#define DURE_PROTO_LIST_QUERY_H

#include "proto/call.h"

struct dure_list {
    struct dure_query query; /* First: a query is its list. */
    const struct dure_collection *collection;
    void *owner;          /* Of whoever asks. */
    bool impossible;      /* A filter that nothing can match. */
    size_t page;          /* As asked for: the query need not look behind the end. */
    char *near;           /* Of ?near=, or NULL. */
    struct dure_buf kept; /* Query string without paging, each parameter followed by '&'. */
    _Alignas(16) char wanted[];
};

/* NULL: memory ran out. Filters that cannot be are named in *errors, which is emptied first. */
struct dure_list *dure_list_new(const struct dure_collection *collection, struct dure_span query,
                                struct dure_field_errors *errors);
/* Sets the query's page: the one asked for, or one behind the end of everything that is here. */
void dure_list_clamp(struct dure_list *list, const struct dure_runtime *rt);
void dure_list_free(struct dure_list *list);

#endif
