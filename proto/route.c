/*
 * Finding what a path means.
 *
 *   1. init lists the collections of the served systems, and which of them need no prefix: those
 *      whose name only one served system has, else the root system's (SPEC A1).
 *   2. find splits the path, decodes each segment (RFC 3986 section 2.1) and walks it down:
 *      [system] / collection / id / command.
 *
 * A path that means nothing is kind NONE. Any thread after init.
 */
#include "proto/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENTS_MAX 4
#define SEGMENT_BYTES 64 /* No name here is longer; a longer one matches nothing. */

struct segment {
    char text[SEGMENT_BYTES];
    size_t len;
};

/* ---- The table of collections --------------------------------------------------------------- */

static bool has_collection(const struct dure_system *system, const char *name)
{
    for (size_t i = 0; system->aggregates != NULL && system->aggregates[i] != NULL; i++) {
        const struct dure_aggregate *aggregate = system->aggregates[i];
        if (aggregate->collection == NULL) continue;
        if (strcmp(aggregate->collection, name) == 0) return true;
        if (aggregate->alias != NULL && strcmp(aggregate->alias, name) == 0) return true;
    }
    return false;
}

static bool is_bare(const struct dure_system *const *systems, const struct dure_system *system,
                    const char *name, const char *root)
{
    if (root != NULL && strcmp(system->name, root) == 0) return true;
    for (size_t i = 0; systems[i] != NULL; i++) {
        if (systems[i] != system && has_collection(systems[i], name)) return false;
    }
    return true;
}

static void list_commands(struct dure_collection *collection)
{
    const struct dure_command *const *commands = collection->aggregate->commands;
    for (size_t i = 0; commands != NULL && commands[i] != NULL; i++) {
        if (commands[i]->allowed == NULL) continue;
        DURE_ASSERT(collection->commands_count < DURE_ROUTE_COMMANDS_MAX);
        collection->commands[collection->commands_count++] = commands[i];
    }
}

static void add(struct dure_routes *routes, const struct dure_system *system,
                const struct dure_aggregate *aggregate, const char *name, const char *root)
{
    struct dure_collection *collection = &routes->collections[routes->collections_count++];
    *collection =
        (struct dure_collection){.aggregate = aggregate, .type = aggregate->type, .name = name};
    collection->bare = is_bare(routes->systems, system, name, root);
    int len =
        snprintf(collection->prefixed_path, DURE_ROUTE_PATH_BYTES, "/%s/%s", system->name, name);
    DURE_ASSERT(len < DURE_ROUTE_PATH_BYTES);
    len = snprintf(collection->bare_path, DURE_ROUTE_PATH_BYTES, "/%s", name);
    DURE_ASSERT(len < DURE_ROUTE_PATH_BYTES);
    if (aggregate->key != NULL && aggregate->create != NULL) {
        collection->key =
            dure_schema_find(aggregate->create->schema, aggregate->key, strlen(aggregate->key));
        DURE_ASSERT(collection->key != NULL && collection->key->kind == DURE_INT);
    }
    if (aggregate->beside != NULL) {
        collection->beside = dure_schema_find(aggregate->create->schema, aggregate->beside,
                                              strlen(aggregate->beside));
        DURE_ASSERT(collection->beside != NULL && collection->beside->kind == DURE_INT);
    }
    list_commands(collection);
}

int dure_route_init(struct dure_routes *routes, const struct dure_system *const *systems,
                    const char *root)
{
    *routes = (struct dure_routes){.systems = systems};
    size_t count = 0;
    for (size_t i = 0; systems[i] != NULL; i++) {
        for (size_t j = 0; systems[i]->aggregates != NULL && systems[i]->aggregates[j] != NULL; j++)
            count += systems[i]->aggregates[j]->alias != NULL ? 2 : 1;
    }
    if (count == 0) return DURE_EINVAL;
    routes->collections = calloc(count, sizeof *routes->collections);
    if (routes->collections == NULL) return DURE_ENOMEM;
    for (size_t i = 0; systems[i] != NULL; i++) {
        for (size_t j = 0; systems[i]->aggregates != NULL && systems[i]->aggregates[j] != NULL;
             j++) {
            const struct dure_aggregate *aggregate = systems[i]->aggregates[j];
            if (aggregate->collection == NULL) continue;
            add(routes, systems[i], aggregate, aggregate->collection, root);
            if (aggregate->alias != NULL)
                add(routes, systems[i], aggregate, aggregate->alias, root);
        }
    }
    return 0;
}

void dure_route_fini(struct dure_routes *routes)
{
    free(routes->collections);
    *routes = (struct dure_routes){0};
}

bool dure_route_serves(const struct dure_routes *routes, const char *system)
{
    for (size_t i = 0; routes->systems[i] != NULL; i++) {
        if (strcmp(routes->systems[i]->name, system) == 0) return true;
    }
    return false;
}

/* ---- Text ----------------------------------------------------------------------------------- */

static int hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

size_t dure_route_decode(struct dure_span text, bool plus, char *out, size_t cap)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '%' && i + 2 < text.len && hex(text.data[i + 1]) >= 0 &&
            hex(text.data[i + 2]) >= 0) {
            c = (char)(hex(text.data[i + 1]) * 16 + hex(text.data[i + 2]));
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (len == cap) return SIZE_MAX;
        out[len++] = c;
    }
    return len;
}

int64_t dure_route_number(const char *text, size_t len)
{
    if (len == 0 || len > 19 || (text[0] == '0' && len > 1)) return -1;
    uint64_t value = 0; /* 19 digits fit. */
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') return -1;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    return value > INT64_MAX ? -1 : (int64_t)value;
}

static bool is(const struct segment *segment, const char *name)
{
    return strncmp(segment->text, name, segment->len) == 0 && name[segment->len] == '\0';
}

/* Splits "/a/b/c" (one slash at the end is forgiven). Returns the count, or -1 for what can match
 * nothing: too many, too long, or an empty segment. */
static int split(struct dure_span path, struct segment segments[SEGMENTS_MAX])
{
    if (path.len == 0 || path.data[0] != '/') return -1;
    if (path.len > 1 && path.data[path.len - 1] == '/') {
        path.len--;
        if (path.data[path.len - 1] == '/') return -1;
    }
    int count = 0;
    size_t at = 1;
    while (at < path.len) {
        const char *slash = memchr(path.data + at, '/', path.len - at);
        size_t end = slash != NULL ? (size_t)(slash - path.data) : path.len;
        if (count == SEGMENTS_MAX || end == at) return -1;
        struct segment *segment = &segments[count++];
        segment->len = dure_route_decode((struct dure_span){path.data + at, end - at}, false,
                                         segment->text, SEGMENT_BYTES);
        if (segment->len == SIZE_MAX || memchr(segment->text, '\0', segment->len) != NULL)
            return -1;
        at = end + 1;
    }
    return count;
}

/* ---- Walking down --------------------------------------------------------------------------- */

static bool find_collection(const struct dure_routes *routes, const struct segment *system,
                            const struct segment *name, struct dure_route *route)
{
    for (size_t i = 0; i < routes->collections_count; i++) {
        const struct dure_collection *collection = &routes->collections[i];
        if (!is(name, collection->name)) continue;
        if (system != NULL ? !is(system, collection->aggregate->system) : !collection->bare)
            continue;
        route->collection = collection;
        route->path = system != NULL ? collection->prefixed_path : collection->bare_path;
        return true;
    }
    return false;
}

static void find_below(struct dure_route *route, const struct segment *rest, int count)
{
    if (count == 0) {
        route->kind = DURE_ROUTE_COLLECTION;
        return;
    }
    const char *create_as = route->collection->aggregate->create_as;
    if (count == 1 && create_as != NULL && is(&rest[0], create_as)) {
        route->kind = DURE_ROUTE_CREATE;
        return;
    }
    route->id = dure_route_number(rest[0].text, rest[0].len);
    if (route->id < 0 || count > 2) return;
    if (count == 1) {
        route->kind = DURE_ROUTE_ITEM;
    } else if (is(&rest[1], "events")) {
        route->kind = DURE_ROUTE_HISTORY;
    } else {
        for (size_t i = 0; i < route->collection->commands_count; i++) {
            if (!is(&rest[1], route->collection->commands[i]->name)) continue;
            route->command = route->collection->commands[i];
            route->kind = DURE_ROUTE_COMMAND;
        }
    }
}

static bool find_saga(const struct segment *name, struct dure_route *route)
{
    for (size_t i = 0; i < dure_registry_count(); i++) {
        struct dure_type *type = dure_registry_type(i);
        if (type->kind == DURE_KIND_SAGA && is(name, type->name)) route->saga = type;
    }
    return route->saga != NULL;
}

/* What is beside the collections (SPEC A10). */
static bool find_fixed(const struct dure_routes *routes, const struct segment *segments, int count,
                       struct dure_route *route)
{
    static const struct {
        const char *name;
        enum dure_route_kind kind;
    } names[] = {
        {"livez", DURE_ROUTE_LIVEZ},
        {"readyz", DURE_ROUTE_READYZ},
        {"metrics", DURE_ROUTE_METRICS},
        {"sagas", DURE_ROUTE_SAGAS},
        {"events", DURE_ROUTE_EVENTS},
        {"openapi.json", DURE_ROUTE_OPENAPI},
        {"asyncapi.json", DURE_ROUTE_ASYNCAPI},
    };
    for (size_t i = 0; count == 1 && i < sizeof names / sizeof names[0]; i++) {
        if (!is(&segments[0], names[i].name)) continue;
        route->kind = names[i].kind;
        return true;
    }
    if (count == 2 && is(&segments[0], "metrics") && is(&segments[1], "history")) {
        route->kind = DURE_ROUTE_METRICS_HISTORY;
        return true;
    }
    if (count >= 1 && is(&segments[0], "console")) {
        if (count == 2) route->kind = DURE_ROUTE_CONSOLE;
        return true;
    }
    if (count == 3 && is(&segments[0], "profile")) {
        if (find_collection(routes, &segments[1], &segments[2], route))
            route->kind = DURE_ROUTE_PROFILE;
        return true;
    }
    if (count >= 3 && is(&segments[0], "sagas")) {
        route->id = dure_route_number(segments[2].text, segments[2].len);
        if (route->id < 0 || !find_saga(&segments[1], route)) return true;
        route->skip = count == 4 && is(&segments[3], "skip");
        if (count == 3)
            route->kind = DURE_ROUTE_SAGA;
        else if (route->skip || is(&segments[3], "retry"))
            route->kind = DURE_ROUTE_SAGA_COMMAND;
        return true;
    }
    return false;
}

/* /dr/startdr; and /startdr, where /drs has no prefix either. */
static bool find_create(const struct dure_routes *routes, const struct segment *system,
                        const struct segment *name, struct dure_route *route)
{
    for (size_t i = 0; i < routes->collections_count; i++) {
        const struct dure_collection *collection = &routes->collections[i];
        const char *create_as = collection->aggregate->create_as;
        if (create_as == NULL || !is(name, create_as)) continue;
        if (system != NULL ? !is(system, collection->aggregate->system) : !collection->bare)
            continue;
        route->collection = collection;
        route->path = system != NULL ? collection->prefixed_path : collection->bare_path;
        route->kind = DURE_ROUTE_CREATE;
        return true;
    }
    return false;
}

struct dure_route dure_route_find(const struct dure_routes *routes, struct dure_span path)
{
    struct dure_route route = {0};
    struct segment segments[SEGMENTS_MAX];
    if (path.len == 1 && path.data[0] == '*') route.kind = DURE_ROUTE_SERVER;
    if (route.kind == DURE_ROUTE_SERVER) return route;
    int count = split(path, segments);
    if (count < 0) return route;
    if (count == 0) {
        route.kind = DURE_ROUTE_HOME;
    } else if (find_fixed(routes, segments, count, &route)) {
        return route;
    } else if (count >= 2 && find_collection(routes, &segments[0], &segments[1], &route)) {
        find_below(&route, segments + 2, count - 2);
    } else if (find_collection(routes, NULL, &segments[0], &route)) {
        find_below(&route, segments + 1, count - 1);
    } else if (count == 1) {
        (void)find_create(routes, NULL, &segments[0], &route);
    } else if (count == 2) {
        (void)find_create(routes, &segments[0], &segments[1], &route);
    }
    return route;
}

/* ---- Methods -------------------------------------------------------------------------------- */

#define BIT(method) (1u << (method))
#define READS (BIT(DURE_GET) | BIT(DURE_HEAD))

uint32_t dure_route_methods(const struct dure_route *route)
{
    uint32_t methods = BIT(DURE_OPTIONS);
    const struct dure_aggregate *aggregate =
        route->collection != NULL ? route->collection->aggregate : NULL;
    switch (route->kind) {
    case DURE_ROUTE_COLLECTION:
        methods |= READS;
        if (aggregate->create != NULL) methods |= BIT(DURE_POST);
        break;
    case DURE_ROUTE_ITEM:
        methods |= READS;
        if (aggregate->editable || aggregate->transitions != NULL)
            methods |= BIT(DURE_PUT) | BIT(DURE_PATCH);
        if (aggregate->remove != NULL || aggregate->removable) methods |= BIT(DURE_DELETE);
        break;
    case DURE_ROUTE_CREATE: methods |= BIT(DURE_POST); break;
    case DURE_ROUTE_COMMAND:
    case DURE_ROUTE_SAGA_COMMAND: methods |= BIT(DURE_PUT) | BIT(DURE_POST); break;
    case DURE_ROUTE_SERVER: /* The server as a whole (RFC 9110 section 9.3.7). */
        methods |= READS | BIT(DURE_POST) | BIT(DURE_PUT) | BIT(DURE_PATCH) | BIT(DURE_DELETE);
        break;
    case DURE_ROUTE_NONE: break;
    default: methods |= READS; break;
    }
    return methods;
}

void dure_route_write_methods(uint32_t methods, struct dure_buf *out)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    bool first = true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!(methods & BIT(i))) continue;
        if (!first) dure_buf_lit(out, ", ");
        dure_buf_text(out, names[i]);
        first = false;
    }
}
