/*
 * What a collection adds to the components: its item, a page of them, what PATCH and each command
 * take, and a filter per field. Any thread.
 */
#include <stdio.h>
#include <string.h>

#include "proto/openapi.h"

#define NAME_BYTES 192

static json_t *link_to(void)
{
    return dure_describe_ref("schemas", "Link");
}

static json_t *item_schema(const struct dure_collection *collection)
{
    const struct dure_aggregate *aggregate = collection->aggregate;
    json_t *item = dure_describe_object(aggregate->schema, DURE_DESCRIBE_ITEM);
    json_t *links = json_pack("{s:o,s:o}", "self", link_to(), aggregate->name, link_to());
    for (size_t i = 0; i < collection->commands_count; i++)
        dure_describe_set(links, collection->commands[i]->name, link_to());
    dure_describe_set(json_object_get(item, "properties"), "_links",
                      json_pack("{s:s,s:s,s:o,s:[s,s]}", "type", "object", "description",
                                "a command has a link while the present state allows it",
                                "properties", links, "required", "self", aggregate->name));
    json_array_append_new(json_object_get(item, "required"), json_string("_links"));
    return item;
}

static json_t *list_schema(const struct dure_collection *collection)
{
    const struct dure_aggregate *aggregate = collection->aggregate;
    json_t *items =
        json_pack("{s:s,s:o}", "type", "array", "items",
                  dure_describe_ref("schemas", "%s.%s", aggregate->system, aggregate->name));
    json_t *links =
        json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "self", link_to(), "first", link_to(), "prev",
                  link_to(), "next", link_to(), "last", link_to(), "profile", link_to());
    return json_pack("{s:s,s:{s:{s:s,s:{s:o},s:[s]},s:{s:s,s:o,s:[s,s]},s:o},s:[s,s,s]}", "type",
                     "object", "properties", "_embedded", "type", "object", "properties",
                     collection->name, items, "required", collection->name, "_links", "type",
                     "object", "properties", links, "required", "self", "profile", "page",
                     dure_describe_ref("schemas", "Page"), "required", "_embedded", "_links",
                     "page");
}

bool dure_openapi_is_reserved(const char *name)
{
    return strcmp(name, "page") == 0 || strcmp(name, "size") == 0 || strcmp(name, "sort") == 0 ||
           strcmp(name, "after") == 0 || strcmp(name, "near") == 0 || strcmp(name, "sum") == 0;
}

/* Every aggregate has its id at least. */
static json_t *summable(const struct dure_schema *schema)
{
    json_t *names = json_array();
    for (size_t i = 0; i < schema->fields_count; i++) {
        const struct dure_field *field = &schema->fields[i];
        if (field->kind == DURE_INT && !(field->flags & DURE_HIDDEN))
            json_array_append_new(names, json_string(field->name));
    }
    return names;
}

static void add_sum(struct dure_openapi *api, const struct dure_aggregate *aggregate)
{
    char name[NAME_BYTES];
    json_t *names = summable(aggregate->schema);
    json_t *example = json_incref(json_array_get(names, json_array_size(names) - 1));
    snprintf(name, sizeof name, "%s.%s.sum", aggregate->system, aggregate->name);
    dure_describe_set(api->parameters, name,
                      dure_openapi_make_parameter(
                          "query", "sum", "page.sum adds this field up over all items that match",
                          json_pack("{s:s,s:o}", "type", "string", "enum", names), example));
}

static void add_filters(struct dure_openapi *api, const struct dure_aggregate *aggregate)
{
    for (size_t i = 0; i < aggregate->schema->fields_count; i++) {
        const struct dure_field *field = &aggregate->schema->fields[i];
        char name[NAME_BYTES];
        if (field->flags & DURE_HIDDEN || dure_openapi_is_reserved(field->name)) continue;
        snprintf(name, sizeof name, "%s.%s.%s", aggregate->system, aggregate->name, field->name);
        dure_describe_set(
            api->parameters, name,
            dure_openapi_make_parameter("query", field->name, "only items that have this value",
                                        dure_describe_field(field, DURE_DESCRIBE_FILTER),
                                        dure_describe_sample(field)));
    }
    add_sum(api, aggregate);
    if (aggregate->near == NULL) return;
    char name[NAME_BYTES], text[NAME_BYTES];
    snprintf(name, sizeof name, "%s.%s.near", aggregate->system, aggregate->name);
    snprintf(text, sizeof text, "only items in which %s begins with this", aggregate->near);
    dure_describe_set(api->parameters, name,
                      dure_openapi_make_parameter("query", "near", text,
                                                  json_pack("{s:s}", "type", "string"),
                                                  json_string("서울")));
}

void dure_openapi_schemas(struct dure_openapi *api, const struct dure_collection *collection)
{
    const struct dure_aggregate *aggregate = collection->aggregate;
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "%s.%s.page", aggregate->system, collection->name);
    dure_describe_set(api->schemas, name, list_schema(collection));
    snprintf(name, sizeof name, "%s.%s", aggregate->system, aggregate->name);
    if (json_object_get(api->schemas, name) != NULL) return; /* Its alias. */
    dure_describe_set(api->schemas, name, item_schema(collection));
    if (aggregate->editable || aggregate->transitions != NULL) {
        snprintf(name, sizeof name, "%s.%s.change", aggregate->system, aggregate->name);
        dure_describe_set(api->schemas, name,
                          dure_describe_object(aggregate->schema, DURE_DESCRIBE_CHANGE));
    }
    const struct dure_command *const *commands = aggregate->commands;
    for (size_t i = 0; commands != NULL && commands[i] != NULL; i++) {
        bool is_public = commands[i] == aggregate->create || commands[i]->allowed != NULL;
        if (!is_public || commands[i]->schema == NULL) continue;
        snprintf(name, sizeof name, "%s.%s.%s", aggregate->system, aggregate->name,
                 commands[i]->name);
        dure_describe_set(api->schemas, name,
                          dure_describe_object(commands[i]->schema, DURE_DESCRIBE_BODY));
    }
    add_filters(api, aggregate);
}
