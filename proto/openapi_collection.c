/*
 * The routes of a collection: list, create (and in bulk), item, edit, remove, commands, history.
 *
 *   1. once: schemas and filters (openapi_schemas.c)
 *   2. its operations with the prefix; those of /orders the same again, where it is served so
 *
 * Operations are called "shop_orders_create", and "orders_create" without the prefix. Any thread.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "proto/openapi.h"

#define NAME_BYTES 192

/* A collection under one of its paths. */
struct place {
    struct dure_openapi *api;
    const struct dure_collection *collection;
    const char *path; /* "/shop/orders" */
    char id[NAME_BYTES];
    char item[NAME_BYTES]; /* "/shop/orders/{id}" */
};

static const char *const ndjson[] = {"application/x-ndjson", NULL};
static const int read_problems[] = {400, 404, 406, 503, 0};
static const int write_problems[] = {400, 404, 406, 409, 412, 413, 415, 422, 503, 507, 0};

static void put(const struct place *place, const char *path, const char *method, const char *what,
                json_t *operation)
{
    char id[2 * NAME_BYTES];
    snprintf(id, sizeof id, "%s_%s", place->id, what);
    dure_openapi_put(place->api, path, method, id, operation);
}

/* ---- What an example needs ------------------------------------------------------------------ */

static void operation_name(const struct dure_command *command, char name[NAME_BYTES])
{
    const struct dure_aggregate *aggregate = command->aggregate;
    int len = snprintf(name, NAME_BYTES, "%s_%s_%s", aggregate->system, aggregate->collection,
                       command == aggregate->create ? "create" : command->name);
    DURE_ASSERT(len < NAME_BYTES);
}

static void list_needs(json_t *operation, const char *text)
{
    while (text != NULL && *text != '\0') {
        size_t len = strcspn(text, " ");
        bool setting = text[0] == '-';
        const char *member = setting ? "x-dure-settings" : "x-dure-after";
        json_t *list = json_object_get(operation, member);
        if (list == NULL) dure_describe_set(operation, member, list = json_array());
        if (setting) {
            json_array_append_new(list, json_stringn(text, len));
        } else {
            char name[NAME_BYTES];
            const struct dure_command *command = dure_describe_command(text, len);
            DURE_ASSERT(command != NULL && command->aggregate->collection != NULL);
            operation_name(command, name);
            json_array_append_new(list, json_string(name));
        }
        text += len;
        text += strspn(text, " ");
    }
}

/* There has to be an item; where nobody can tell which, there is none. */
static void needs_item(json_t *operation, const struct dure_aggregate *aggregate)
{
    char name[NAME_BYTES];
    list_needs(operation, aggregate->made_by);
    if (aggregate->made_by == NULL && aggregate->create == NULL)
        dure_describe_set(operation, "x-dure-status", json_integer(404));
    if (aggregate->made_by != NULL || aggregate->create == NULL) return;
    operation_name(aggregate->create, name);
    dure_describe_set(operation, "x-dure-after", json_pack("[s]", name));
}

static void needs_command(json_t *operation, const struct dure_command *command)
{
    list_needs(operation, command->example.after);
    if (command->example.status != 0)
        dure_describe_set(operation, "x-dure-status", json_integer(command->example.status));
}

/* ---- Operations ----------------------------------------------------------------------------- */

static json_t *begin(const struct place *place, const int *problems, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static json_t *begin(const struct place *place, const int *problems, const char *fmt, ...)
{
    char summary[NAME_BYTES];
    va_list args;
    va_start(args, fmt);
    vsnprintf(summary, sizeof summary, fmt, args);
    va_end(args);
    return dure_openapi_operation(place->collection->aggregate->system, summary, problems);
}

/* By its letter, not by its sound: an order, a user. */
static const char *article(const char *name)
{
    return strchr("aeio", name[0]) != NULL ? "an" : "a";
}

/* What a command does: "Place an order". */
static json_t *begin_command(const struct place *place, const struct dure_command *command,
                             const char *tail)
{
    const char *item = place->collection->aggregate->name;
    return begin(place, write_problems, "%c%s %s %s%s", toupper((unsigned char)command->name[0]),
                 command->name + 1, article(item), item, tail);
}

static json_t *item_ref(const struct place *place)
{
    const struct dure_aggregate *aggregate = place->collection->aggregate;
    return dure_describe_ref("schemas", "%s.%s", aggregate->system, aggregate->name);
}

static void answer_item(const struct place *place, json_t *operation, int status, const char *text)
{
    dure_openapi_answer(operation, status, text, dure_openapi_hal, item_ref(place));
    dure_openapi_header(operation, status, "ETag");
}

static void write_headers(json_t *operation, bool condition)
{
    dure_openapi_parameter(operation, "Idempotency-Key");
    dure_openapi_parameter(operation, "Prefer");
    dure_openapi_parameter(operation, "traceparent");
    if (condition) dure_openapi_parameter(operation, "If-Match");
}

static void add_body(json_t *operation, json_t *schema, json_t *example, bool required)
{
    dure_describe_set(operation, "requestBody",
                      json_pack("{s:b,s:{s:{s:o,s:o}}}", "required", required, "content",
                                "application/json", "schema", schema, "example", example));
}

static void put_list(const struct place *place)
{
    const struct dure_aggregate *aggregate = place->collection->aggregate;
    const int problems[] = {400, 406, 503, 0};
    json_t *operation = begin(place, problems, "List %s", place->collection->name);
    const char *const common[] = {"page", "size", "sort", "after"};
    char name[NAME_BYTES];
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++)
        dure_openapi_parameter(operation, common[i]);
    for (size_t i = 0; i < aggregate->schema->fields_count; i++) {
        const struct dure_field *field = &aggregate->schema->fields[i];
        if (field->flags & DURE_HIDDEN || dure_openapi_is_reserved(field->name)) continue;
        snprintf(name, sizeof name, "%s.%s.%s", aggregate->system, aggregate->name, field->name);
        dure_openapi_parameter(operation, name);
    }
    snprintf(name, sizeof name, "%s.%s.sum", aggregate->system, aggregate->name);
    dure_openapi_parameter(operation, name);
    snprintf(name, sizeof name, "%s.%s.near", aggregate->system, aggregate->name);
    if (aggregate->near != NULL) dure_openapi_parameter(operation, name);
    dure_openapi_answer(
        operation, 200, "a page", dure_openapi_hal,
        dure_describe_ref("schemas", "%s.%s.page", aggregate->system, place->collection->name));
    dure_openapi_header(operation, 200, "Dure-Partial");
    put(place, place->path, "get", "list", operation);
}

static json_t *create_body(const struct dure_command *create)
{
    return dure_describe_ref("schemas", "%s.%s.%s", create->aggregate->system,
                             create->aggregate->name, create->name);
}

/* A line of the body is what is sent alone; a line of the answer has its status besides. */
static void add_bulk(json_t *operation, json_t *example)
{
    struct dure_buf line = {0};
    dure_describe_write(example, &line);
    dure_buf_lit(&line, "\n");
    json_t *media = json_pack("{s:{s:s,s:s},s:o}", "schema", "type", "string", "description",
                              "a body a line, any number of them", "example",
                              json_stringn(line.data, line.len));
    dure_buf_fini(&line);
    dure_describe_set(json_object_get(json_object_get(operation, "requestBody"), "content"),
                      ndjson[0], media);
    dure_openapi_answer(operation, 200, "in bulk: a result a line, in the order of the lines",
                        ndjson,
                        json_pack("{s:s,s:s}", "type", "string", "description",
                                  "{\"status\":201,\"id\":1,\"item\":{…}} or "
                                  "{\"status\":409,\"problem\":{…}}"));
}

static void put_create(const struct place *place)
{
    const struct dure_aggregate *aggregate = place->collection->aggregate;
    const struct dure_command *create = aggregate->create;
    json_t *operation = begin_command(place, create, "");
    json_t *example = dure_describe_body(create);
    write_headers(operation, false);
    add_body(operation, create_body(create), json_incref(example), true);
    add_bulk(operation, example);
    answer_item(place, operation, 201,
                "on disk; if others had to agree, they have (or see status)");
    dure_openapi_header(operation, 201, "Location");
    needs_command(operation, create);
    put(place, place->path, "post", "create", operation);
    if (aggregate->create_as == NULL) {
        json_decref(example);
        return;
    }
    char path[NAME_BYTES];
    for (int i = 0; i < 2; i++) { /* /dr/drs/startdr, and /dr/startdr */
        bool alone = i == 1;
        size_t above = strlen(place->path) - strlen(place->collection->name) - 1;
        snprintf(path, sizeof path, "%.*s/%s", (int)(alone ? above : strlen(place->path)),
                 place->path, aggregate->create_as);
        operation = begin_command(place, create, ", as the original does");
        write_headers(operation, false);
        add_body(operation, create_body(create), json_incref(example), true);
        answer_item(place, operation, 200, "on disk");
        needs_command(operation, create);
        char what[NAME_BYTES];
        snprintf(what, sizeof what, "%s%s", aggregate->create_as, alone ? "_alone" : "");
        put(place, path, "post", what, operation);
    }
    json_decref(example);
}

static void put_item(const struct place *place)
{
    const struct dure_aggregate *aggregate = place->collection->aggregate;
    json_t *operation =
        begin(place, read_problems, "Get %s %s", article(aggregate->name), aggregate->name);
    dure_openapi_parameter(operation, "id");
    dure_openapi_parameter(operation, "If-None-Match");
    answer_item(place, operation, 200, "the item");
    dure_openapi_answer(operation, 304, "it still has that version", NULL, NULL);
    dure_openapi_header(operation, 304, "ETag");
    needs_item(operation, aggregate);
    put(place, place->item, "get", "get", operation);

    char path[2 * NAME_BYTES];
    operation = begin(place, read_problems, "The history of %s %s", article(aggregate->name),
                      aggregate->name);
    dure_openapi_parameter(operation, "id");
    dure_openapi_answer(operation, 200, "its published events, oldest first", dure_openapi_json,
                        dure_describe_ref("schemas", "History"));
    needs_item(operation, aggregate);
    snprintf(path, sizeof path, "%s/events", place->item);
    put(place, path, "get", "history", operation);
}

static void put_edit(const struct place *place, const char *method, const char *what,
                     const char *summary)
{
    const struct dure_aggregate *aggregate = place->collection->aggregate;
    const struct dure_command *meant;
    json_t *operation = begin(place, write_problems, "%s %s %s", summary, article(aggregate->name),
                              aggregate->name);
    dure_openapi_parameter(operation, "id");
    write_headers(operation, true);
    add_body(operation,
             dure_describe_ref("schemas", "%s.%s.change", aggregate->system, aggregate->name),
             dure_describe_edit(aggregate, &meant), true);
    answer_item(place, operation, 200, "on disk");
    needs_item(operation, aggregate);
    if (meant != NULL) needs_command(operation, meant);
    put(place, place->item, method, what, operation);
}

static bool takes_away(const struct dure_command *command)
{
    return command->example.status == 204;
}

static void put_remove(const struct place *place)
{
    const struct dure_aggregate *aggregate = place->collection->aggregate;
    bool stays = aggregate->remove != NULL && !takes_away(aggregate->remove);
    json_t *operation = begin(place, write_problems, "%s %s %s", stays ? "Cancel" : "Delete",
                              article(aggregate->name), aggregate->name);
    dure_openapi_parameter(operation, "id");
    write_headers(operation, true);
    dure_openapi_answer(operation, 204, stays ? "done; the item stays" : "gone", NULL, NULL);
    needs_item(operation, aggregate);
    list_needs(operation, aggregate->remove_after);
    put(place, place->item, "delete", "delete", operation);
}

static void put_command(const struct place *place, const struct dure_command *command,
                        const char *method, const char *suffix)
{
    const struct dure_aggregate *aggregate = command->aggregate;
    char path[2 * NAME_BYTES], what[NAME_BYTES];
    json_t *operation = begin_command(place, command, "");
    dure_openapi_parameter(operation, "id");
    write_headers(operation, true);
    if (command->schema != NULL) {
        bool required = false;
        for (size_t i = 0; i < command->schema->fields_count; i++)
            required = required || command->schema->fields[i].flags & DURE_REQUIRED;
        add_body(operation, create_body(command), dure_describe_body(command), required);
    }
    if (takes_away(command))
        dure_openapi_answer(operation, 204, "done; the item is gone", NULL, NULL);
    else
        answer_item(place, operation, 200, "done and on disk");
    needs_item(operation, aggregate);
    needs_command(operation, command);
    snprintf(path, sizeof path, "%s/%s", place->item, command->name);
    snprintf(what, sizeof what, "%s%s", command->name, suffix);
    put(place, path, method, what, operation);
}

static void put_all(struct dure_openapi *api, const struct dure_collection *collection,
                    const char *path)
{
    const struct dure_aggregate *aggregate = collection->aggregate;
    struct place place = {.api = api, .collection = collection, .path = path};
    bool bare = path == collection->bare_path;
    snprintf(place.id, sizeof place.id, "%s%s%s", bare ? "" : aggregate->system, bare ? "" : "_",
             collection->name);
    snprintf(place.item, sizeof place.item, "%s/{id}", path);
    put_list(&place);
    if (aggregate->create != NULL) put_create(&place);
    put_item(&place);
    if (aggregate->editable || aggregate->transitions != NULL) {
        put_edit(&place, "put", "replace", aggregate->put_keeps ? "Change" : "Replace");
        put_edit(&place, "patch", "change", "Change");
    }
    if (aggregate->remove != NULL || aggregate->removable) put_remove(&place);
    for (size_t i = 0; i < collection->commands_count; i++) {
        put_command(&place, collection->commands[i], "put", "");
        put_command(&place, collection->commands[i], "post", "_post");
    }
}

static void put_profile(struct dure_openapi *api, const struct dure_collection *collection)
{
    const int problems[] = {404, 406, 0};
    char path[NAME_BYTES], id[NAME_BYTES];
    json_t *operation = dure_openapi_operation(collection->aggregate->system,
                                               "The fields of a "
                                               "collection",
                                               problems);
    dure_openapi_answer(operation, 200, "names and types", dure_openapi_json,
                        json_pack("{s:s}", "type", "object"));
    snprintf(path, sizeof path, "/profile%s", collection->prefixed_path);
    snprintf(id, sizeof id, "%s_%s_profile", collection->aggregate->system, collection->name);
    dure_openapi_put(api, path, "get", id, operation);
}

void dure_openapi_collection(struct dure_openapi *api, const struct dure_collection *collection)
{
    dure_openapi_schemas(api, collection);
    put_all(api, collection, collection->prefixed_path);
    if (collection->bare) put_all(api, collection, collection->bare_path);
    put_profile(api, collection);
}
