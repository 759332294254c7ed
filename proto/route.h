/*
 * Paths of SPEC A1 and A2: from the bytes after the host to what is meant by them. Pure.
 */
#ifndef DURE_PROTO_ROUTE_H
#define DURE_PROTO_ROUTE_H

#include "proto/server.h"
#include "runtime/core.h"

#define DURE_ROUTE_COMMANDS_MAX 32
#define DURE_ROUTE_PATH_BYTES 96

/* One served collection, under its name or its alias. */
struct dure_collection {
    const struct dure_aggregate *aggregate;
    struct dure_type *type;
    const char *name;                          /* The collection, or its alias. */
    bool bare;                                 /* Served without the prefix as well. */
    char prefixed_path[DURE_ROUTE_PATH_BYTES]; /* "/shop/orders" */
    char bare_path[DURE_ROUTE_PATH_BYTES];     /* "/orders" */
    const struct dure_field *key;              /* In create's payload; NULL: no natural key. */
    const struct dure_field *beside;           /* The same; NULL: made anywhere. */
    const struct dure_command *commands[DURE_ROUTE_COMMANDS_MAX]; /* The public ones. */
    size_t commands_count;
};

struct dure_routes {
    struct dure_collection *collections;
    size_t collections_count;
    const struct dure_system *const *systems;
};

enum dure_route_kind {
    DURE_ROUTE_NONE,
    DURE_ROUTE_COLLECTION,
    DURE_ROUTE_CREATE, /* Its hand-written way to create. */
    DURE_ROUTE_ITEM,
    DURE_ROUTE_COMMAND,
    DURE_ROUTE_HISTORY,
    DURE_ROUTE_PROFILE,
    DURE_ROUTE_HOME,
    DURE_ROUTE_CONSOLE, /* A file of the console; the handler looks at the path. */
    DURE_ROUTE_LIVEZ,
    DURE_ROUTE_READYZ,
    DURE_ROUTE_METRICS,
    DURE_ROUTE_METRICS_HISTORY,
    DURE_ROUTE_SAGAS,
    DURE_ROUTE_SAGA,
    DURE_ROUTE_SAGA_COMMAND,
    DURE_ROUTE_EVENTS,
    DURE_ROUTE_OPENAPI,
    DURE_ROUTE_ASYNCAPI,
    DURE_ROUTE_SERVER, /* "*", OPTIONS only. */
};

struct dure_route {
    enum dure_route_kind kind;
    const struct dure_collection *collection; /* COLLECTION … PROFILE */
    const char *path;                   /* Of the collection, in the form that was asked for. */
    int64_t id;                         /* ITEM, COMMAND, HISTORY, SAGA_COMMAND */
    const struct dure_command *command; /* COMMAND */
    struct dure_type *saga;             /* SAGA_COMMAND … */
    bool skip;                          /* … retry or skip. */
};

/* 0, DURE_EINVAL when nothing is served, DURE_ENOMEM. A `root` that is not served owns nothing. */
DURE_MUST_CHECK int dure_route_init(struct dure_routes *routes,
                                    const struct dure_system *const *systems, const char *root);
void dure_route_fini(struct dure_routes *routes);

/* Whether collections of the system, as its table calls it, are among them. */
bool dure_route_serves(const struct dure_routes *routes, const char *system);

/* What a path (still percent-encoded) means; kind NONE: nothing, a 404. */
struct dure_route dure_route_find(const struct dure_routes *routes, struct dure_span path);

/* Set of methods that the route takes: bit 1 << enum dure_method. OPTIONS is always in it. */
uint32_t dure_route_methods(const struct dure_route *route);
/* "GET, HEAD, OPTIONS": the value of an Allow header. */
void dure_route_write_methods(uint32_t methods, struct dure_buf *out);

/*
 * Decodes %XX (and + as a space when `plus`) into out; a % without two hex digits stays as it is.
 * Returns the length, or SIZE_MAX when it exceeds cap.
 */
size_t dure_route_decode(struct dure_span text, bool plus, char *out, size_t cap);
/* A decimal number without sign or leading zeros, at most INT64_MAX; -1 when it is none. */
int64_t dure_route_number(const char *text, size_t len);

#endif
