/*
 * Proves that /openapi.json has every route that a path can lead to, with the methods that it takes,
 * and no other. Paths are made of all words that the tables know, in every order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "actors/systems.h"
#include "proto/openapi.h"

#define WORDS_MAX 128
#define DEPTH_MAX 4

/* A segment, and what the document calls it. */
struct word {
    const char *text, *template;
};

struct world {
    struct dure_routes routes;
    json_t *paths;
    struct word words[WORDS_MAX];
    size_t words_count;
    bool kinds[DURE_ROUTE_SERVER + 1];
};

static void add_word(struct world *world, const char *text, const char *template)
{
    if (text == NULL) return;
    for (size_t i = 0; i < world->words_count; i++) {
        if (strcmp(world->words[i].text, text) == 0) return;
    }
    assert_true(world->words_count < WORDS_MAX);
    world->words[world->words_count++] = (struct word){text, template};
}

static void add_words(struct world *world)
{
    static const char *const fixed[] = {"livez",   "readyz",       "metrics",       "sagas",
                                        "events",  "openapi.json", "asyncapi.json", "console",
                                        "profile", "retry",        "skip",          "history",
                                        "nothing"};
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        add_word(world, fixed[i], fixed[i]);
    add_word(world, "1", "{id}");
    for (size_t i = 0; i < world->routes.collections_count; i++) {
        const struct dure_collection *collection = &world->routes.collections[i];
        const struct dure_aggregate *aggregate = collection->aggregate;
        add_word(world, aggregate->system, aggregate->system);
        add_word(world, collection->name, collection->name);
        add_word(world, aggregate->create_as, aggregate->create_as);
        for (size_t j = 0; j < collection->commands_count; j++)
            add_word(world, collection->commands[j]->name, collection->commands[j]->name);
    }
    for (size_t i = 0; i < dure_registry_count(); i++) {
        const struct dure_type *type = dure_registry_type(i);
        if (type->kind == DURE_KIND_SAGA && dure_route_serves(&world->routes, type->system))
            add_word(world, type->name, "{type}");
    }
}

/* As bits 1 << enum dure_method, as far as the document tells of them. */
static uint32_t described(const json_t *item)
{
    static const char *const names[] = {[DURE_GET] = "get",     [DURE_POST] = "post",
                                        [DURE_PUT] = "put",     [DURE_PATCH] = "patch",
                                        [DURE_DELETE] = "delete"};
    uint32_t methods = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i] != NULL && json_object_get(item, names[i]) != NULL) methods |= 1u << i;
    }
    return methods;
}

static void check(struct world *world, const char *path, const char *template)
{
    struct dure_route route =
        dure_route_find(&world->routes, (struct dure_span){path, strlen(path)});
    json_t *item = json_object_get(world->paths, template);
    if (route.kind == DURE_ROUTE_NONE) {
        if (item != NULL) fail_msg("%s is described, and nowhere", path);
        return;
    }
    if (item == NULL) fail_msg("%s (as %s) is not described", path, template);
    uint32_t all = dure_route_methods(&route);
    uint32_t told = all & ~(1u << DURE_HEAD | 1u << DURE_OPTIONS); /* They need no telling. */
    if (described(item) != told)
        fail_msg("%s takes %x, but %x is described", path, told, described(item));
    world->kinds[route.kind] = true;
    dure_describe_set(item, "seen", json_true());
}

/* Every path of up to DEPTH_MAX words that begins so. */
static void walk(struct world *world, const char *path, const char *template, int depth)
{
    bool any = strcmp(path, "/console") == 0; /* Whose files may have any name. */
    for (size_t i = 0; i < world->words_count; i++) {
        char longer[256], shown[256];
        snprintf(longer, sizeof longer, "%s/%s", path, world->words[i].text);
        snprintf(shown, sizeof shown, "%s/%s", template, any ? "{file}" : world->words[i].template);
        check(world, longer, shown);
        if (depth + 1 < DEPTH_MAX) walk(world, longer, shown, depth + 1);
    }
}

static void compare(const struct dure_system *system, const char *root, struct world *world)
{
    const struct dure_system *const systems[] = {system, NULL};
    assert_int_equal(dure_route_init(&world->routes, systems, root), 0);
    json_t *document = dure_openapi_make(&world->routes, "0");
    world->paths = json_object_get(document, "paths");
    world->words_count = 0;
    add_words(world);
    check(world, "/", "/");
    walk(world, "", "", 0);
    const char *path;
    json_t *item;
    json_object_foreach (world->paths, path, item) {
        if (json_object_get(item, "seen") == NULL) fail_msg("no route is %s, or words lack", path);
    }
    json_decref(document);
    dure_route_fini(&world->routes);
}

static void test_every_route(void **state)
{
    (void)state;
    struct world world = {0};
    for (size_t i = 0; dure_systems()[i] != NULL; i++)
        compare(dure_systems()[i], "shop", &world);
    /* A kind that no path above is of would have escaped; "*" is no path. */
    for (int kind = DURE_ROUTE_NONE + 1; kind < DURE_ROUTE_SERVER; kind++) {
        if (!world.kinds[kind]) fail_msg("no path is of kind %d", kind);
    }
}

static int register_all(void **state)
{
    (void)state;
    return dure_registry_init(dure_systems());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_route),
    };
    return cmocka_run_group_tests(tests, register_all, NULL);
}
