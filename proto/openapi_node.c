/*
 * Routes beside the collections (SPEC A10): events, sagas, probes, metrics, the documents. A table
 * of the plain ones; the others one by one. Any thread.
 */
#include <stdio.h>
#include <string.h>

#include "proto/notices.h"
#include "proto/openapi.h"

static const int none[] = {0};

static const struct {
    const char *path, *id, *summary, *answer, *type;
} pages[] = {
    {"/", "home", "The console", "a page for people", "text/html"},
    {"/livez", "livez", "Whether the node runs", "it does", "text/plain"},
    {"/readyz", "readyz", "Whether the node takes requests", "it does", "text/plain"},
    {"/metrics", "metrics", "Numbers for Prometheus", "text format 0.0.4", "text/plain"},
    {"/openapi.json", "openapi", "This document", "OpenAPI 3.1", "application/json"},
    {"/asyncapi.json", "asyncapi", "The events", "AsyncAPI 3.0", "application/json"},
};

static json_t *content_of(const json_t *operation)
{
    return json_object_get(json_object_get(json_object_get(operation, "responses"), "200"),
                           "content");
}

/* At the home page whoever asks for JSON finds links. */
static void put_home_links(json_t *operation)
{
    json_t *content = content_of(operation);
    json_t *schema = json_pack("{s:s,s:{s:{s:s}},s:[s]}", "type", "object", "properties", "_links",
                               "type", "object", "required", "_links");
    json_t *answer = json_object_get(json_object_get(operation, "responses"), "200");
    dure_describe_set(json_object_get(answer, "headers"), "ETag",
                      json_pack("{s:s,s:{s:s}}", "description", "of the page, not of the links",
                                "schema", "type", "string"));
    for (size_t i = 0; dure_openapi_hal[i] != NULL; i++)
        dure_describe_set(content, dure_openapi_hal[i], json_pack("{s:O}", "schema", schema));
    json_decref(schema);
}

/* Who has these very bytes already gets a 304. */
static void put_version(json_t *operation)
{
    dure_openapi_parameter(operation, "If-None-Match");
    dure_openapi_header(operation, 200, "ETag");
    dure_openapi_answer(operation, 304, "it is the same still", NULL, NULL);
    dure_openapi_header(operation, 304, "ETag");
}

static void put_console_file(struct dure_openapi *api)
{
    static const char *const types[] = {"text/html", "text/javascript", "text/css", "image/svg+xml",
                                        NULL};
    const int problems[] = {404, 0};
    json_t *operation = dure_openapi_operation("node", "A file of the console", problems);
    json_array_append_new(
        json_object_get(operation, "parameters"),
        dure_openapi_make_parameter("path", "file", "its name, as the console's pages say it",
                                    json_pack("{s:s}", "type", "string"),
                                    json_string("index.html")));
    dure_openapi_answer(operation, 200, "the file", types, json_pack("{s:s}", "type", "string"));
    put_version(operation);
    dure_openapi_put(api, "/console/{file}", "get", "console_file", operation);
}

static void put_pages(struct dure_openapi *api)
{
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        const char *types[] = {pages[i].type, NULL};
        bool json = strcmp(pages[i].type, "application/json") == 0;
        const int busy[] = {503, 0};
        json_t *operation = dure_openapi_operation("node", pages[i].summary, json ? busy : none);
        dure_openapi_answer(operation, 200, pages[i].answer, types,
                            json_pack("{s:s}", "type", json ? "object" : "string"));
        bool home = strcmp(pages[i].id, "home") == 0;
        if (strcmp(pages[i].id, "readyz") == 0) {
            dure_openapi_answer(operation, 503, "it does not", types,
                                json_pack("{s:s}", "type", "string"));
            dure_openapi_header(operation, 503, "Retry-After");
        }
        if (json || home) put_version(operation);
        if (home) put_home_links(operation);
        dure_openapi_put(api, pages[i].path, "get", pages[i].id, operation);
    }
}

/* ---- Events --------------------------------------------------------------------------------- */

static json_t *text_type(void)
{
    return json_pack("{s:s}", "type", "string");
}

static void event_schemas(struct dure_openapi *api)
{
    json_t *data =
        json_pack("{s:s,s:{s:{s:s},s:{s:s,s:s}},s:[s,s]}", "type", "object", "properties",
                  "eventType", "type", "string", "timestamp", "type", "integer", "description",
                  "milliseconds since 1970-01-01T00:00:00Z", "required", "eventType", "timestamp");
    json_t *properties = json_pack(
        "{s:{s:s},s:{s:s,s:s},s:{s:s},s:{s:s},s:{s:s,s:s},s:{s:s},s:{s:s},s:{s:s},s:o}",
        "specversion", "const", "1.0", "id", "type", "string", "description", "shard-sequence",
        "source", "type", "string", "type", "type", "string", "time", "type", "string", "format",
        "date-time", "sequence", "type", "string", "datacontenttype", "const", "application/json",
        "traceparent", "type", "string", "data", data);
    dure_describe_set(api->schemas, "CloudEvent",
                      json_pack("{s:s,s:s,s:o,s:[s,s,s,s,s,s,s]}", "type", "object", "description",
                                "CloudEvents 1.0; each type and its data: /asyncapi.json",
                                "properties", properties, "required", "specversion", "id", "source",
                                "type", "time", "sequence", "data"));
    json_t *events = json_pack("{s:s,s:o}", "type", "array", "items",
                               dure_describe_ref("schemas", "CloudEvent"));
    json_t *links = json_pack("{s:s,s:o}", "type", "object", "additionalProperties",
                              dure_describe_ref("schemas", "Link"));
    dure_describe_set(api->schemas, "History",
                      json_pack("{s:s,s:{s:{s:s,s:{s:O},s:[s]},s:O},s:[s,s]}", "type", "object",
                                "properties", "_embedded", "type", "object", "properties", "events",
                                events, "required", "events", "_links", links, "required",
                                "_embedded", "_links"));
    properties = json_pack(
        "{s:{s:s},s:{s:s},s:{s:s,s:s},s:{s:s,s:{s:s}},s:{s:s,s:s},s:{s:s},s:o,s:o}", "shards",
        "type", "integer", "count", "type", "integer", "end", "type", "boolean", "description",
        "true: there is nothing more now", "missing", "type", "array", "items", "type", "integer",
        "position", "type", "string", "description", "a value of from, to go on", "next", "type",
        "object", "events", events, "_links", links);
    dure_describe_set(api->schemas, "EventBatch",
                      json_pack("{s:s,s:o,s:[s,s,s,s]}", "type", "object", "properties", properties,
                                "required", "count", "end", "position", "events"));
}

static void put_event_parameters(json_t *operation)
{
    json_t *parameters = json_object_get(operation, "parameters");
    json_t *also = json_pack("{s:s,s:s}", "type", "string", "pattern",
                             "^(" DURE_ALSO_PATTERN ")(,(" DURE_ALSO_PATTERN "))*$");
    json_array_append_new(
        parameters, dure_openapi_make_parameter(
                        "query", "from",
                        "start, end, last (the newest max events, then the end), or "
                        "the position of an earlier batch or event",
                        text_type(), json_string("start")));
    json_array_append_new(
        parameters, dure_openapi_make_parameter("query", "topic",
                                                "only types that begin so; several with commas; @ is "
                                                "none of them",
                                                text_type(), json_string("shop.order.")));
    json_array_append_new(parameters, dure_openapi_make_parameter(
                                          "query", "max", "events of a batch, or those that from=last begins with",
                                          json_pack("{s:s,s:i}", "type", "integer", "minimum", 1),
                                          json_integer(100)));
    json_array_append_new(
        parameters, dure_openapi_make_parameter(
                        "query", "also", "of a stream, what it says besides, with commas; changes: "
                        "which collections to read again, samples: how the nodes do", also,
                        json_string("changes,samples")));
    json_array_append_new(parameters,
                          dure_openapi_make_parameter("header", "Last-Event-ID",
                                                      "of a stream: goes on exactly behind it",
                                                      text_type(), NULL));
}

static void put_events(struct dure_openapi *api)
{
    const int problems[] = {400, 406, 409, 410, 503, 0};
    json_t *operation = dure_openapi_operation("node",
                                               "Events: a batch with from, else a stream "
                                               "(Server-Sent Events)",
                                               problems);
    put_event_parameters(operation);
    dure_openapi_answer(operation, 200, "a batch, or a stream without an end", dure_openapi_json,
                        dure_describe_ref("schemas", "EventBatch"));
    dure_describe_set(content_of(operation), "text/event-stream",
                      json_pack("{s:{s:s,s:s}}", "schema", "type", "string", "description",
                                "each event's data is a CloudEvent, its id a position; with "
                                "also=changes,samples there are events named changes and sample "
                                "as well, without an id: /asyncapi.json"));
    dure_openapi_put(api, "/events", "get", "events", operation);
}

/* ---- Sagas ---------------------------------------------------------------------------------- */

/* All types of sagas, and their data as schemas. */
static json_t *saga_types(struct dure_openapi *api, json_t *data)
{
    json_t *names = json_array();
    for (size_t i = 0; i < dure_registry_count(); i++) {
        const struct dure_type *type = dure_registry_type(i);
        if (type->kind != DURE_KIND_SAGA || !dure_route_serves(api->routes, type->system)) continue;
        json_array_append_new(names, json_string(type->name));
        dure_describe_set(api->schemas, type->name,
                          dure_describe_object(type->schema, DURE_DESCRIBE_ITEM));
        json_array_append_new(data, dure_describe_ref("schemas", "%s", type->name));
    }
    return names;
}

static json_t *saga_schema(json_t *names, json_t *data)
{
    json_t *properties = json_pack(
        "{s:O,s:{s:s},s:{s:[s,s,s,s,s]},s:{s:[s,s]},s:{s:s},s:{s:s,s:s},s:{s:s,s:s},s:{s:[s,s]},"
        "s:{s:o},s:{s:s}}",
        "type", names, "id", "type", "integer", "phase", "enum", "forward", "undoing", "refusing",
        "late", "ended", "step", "type", "string", "null", "parked", "type", "boolean", "started",
        "type", "string", "format", "date-time", "since", "type", "string", "format", "date-time",
        "reason", "type", "string", "null", "data", "anyOf", data, "_links", "type", "object");
    return json_pack("{s:s,s:o,s:[s,s,s,s,s]}", "type", "object", "properties", properties,
                     "required", "type", "id", "phase", "step", "parked");
}

/* {"type":"shop.orderSaga","steps":[{"name":…}]}: what a picture of a saga is drawn from. */
static json_t *saga_type_schema(json_t *names)
{
    json_t *step =
        json_pack("{s:s,s:{s:{s:s},s:{s:s},s:{s:s},s:{s:s}},s:[s,s]}", "type", "object",
                  "properties", "name", "type", "string", "command", "type", "string", "done",
                  "type", "string", "undo", "type", "string", "required", "name", "command");
    return json_pack("{s:s,s:{s:O,s:{s:s,s:o}},s:[s,s]}", "type", "object", "properties", "type",
                     names, "steps", "type", "array", "items", step, "required", "type", "steps");
}

/* What is under way, and what there is; `page` when a node's sagas are missing. */
static json_t *saga_list_schema(void)
{
    return json_pack("{s:s,s:{s:{s:s,s:{s:{s:s,s:o}}},s:{s:s,s:o},s:{s:s,s:{s:{s:s}}}},s:[s,s]}",
                     "type", "object", "properties", "_embedded", "type", "object", "properties",
                     "sagas", "type", "array", "items", dure_describe_ref("schemas", "Saga"),
                     "types", "type", "array", "items", dure_describe_ref("schemas", "SagaType"),
                     "page", "type", "object", "properties", "partial", "type", "boolean",
                     "required", "_embedded", "types");
}

/* On a new node there is none under way. */
static void put_saga(struct dure_openapi *api, const char *path, const char *method, const char *id,
                     const char *summary, const int *problems, int status)
{
    json_t *operation = dure_openapi_operation("node", summary, problems);
    dure_openapi_parameter(operation, "saga");
    dure_openapi_parameter(operation, "id");
    dure_openapi_answer(operation, status, "the saga", dure_openapi_hal,
                        dure_describe_ref("schemas", "Saga"));
    if (status == 202) dure_openapi_header(operation, 202, "Location");
    dure_describe_set(operation, "x-dure-status", json_integer(404));
    dure_openapi_put(api, path, method, id, operation);
}

static void put_saga_routes(struct dure_openapi *api)
{
    const int read_problems[] = {404, 406, 503, 0}, push_problems[] = {404, 406, 409, 503, 0};
    put_saga(api, "/sagas/{type}/{id}", "get", "saga", "One saga under way", read_problems, 200);
    static const char *const pushes[] = {"retry", "skip"};
    for (size_t i = 0; i < 2; i++) {
        char path[64], id[32], summary[64];
        snprintf(path, sizeof path, "/sagas/{type}/{id}/%s", pushes[i]);
        snprintf(summary, sizeof summary, "%s the step of a parked saga", pushes[i]);
        snprintf(id, sizeof id, "saga_%s", pushes[i]);
        put_saga(api, path, "post", id, summary, push_problems, 202);
        snprintf(id, sizeof id, "saga_%s_put", pushes[i]);
        put_saga(api, path, "put", id, summary, push_problems, 202);
    }
}

/* The routes of one saga only where there is a type of them. */
static void put_sagas(struct dure_openapi *api)
{
    const int problems[] = {406, 503, 0};
    json_t *data = json_array(), *names = saga_types(api, data);
    json_t *type = json_pack("{s:s}", "type", "string");
    if (json_array_size(names) > 0) {
        dure_describe_set(type, "enum", json_incref(names));
        dure_describe_set(api->parameters, "saga",
                          dure_openapi_make_parameter("path", "type", "of the saga",
                                                      json_incref(type),
                                                      json_incref(json_array_get(names, 0))));
        put_saga_routes(api);
    } else {
        json_array_append_new(data, json_true()); /* What nobody has may be anything. */
    }
    json_decref(names);
    dure_describe_set(api->schemas, "Saga", saga_schema(type, data));
    dure_describe_set(api->schemas, "SagaType", saga_type_schema(type));
    json_decref(type);
    json_t *operation = dure_openapi_operation("node", "Sagas under way", problems);
    dure_openapi_answer(operation, 200, "all of them", dure_openapi_hal, saga_list_schema());
    dure_openapi_header(operation, 200, "Dure-Partial");
    dure_openapi_put(api, "/sagas", "get", "sagas", operation);
}

void dure_openapi_node(struct dure_openapi *api)
{
    put_pages(api);
    put_console_file(api);
    dure_openapi_history(api);
    event_schemas(api);
    put_events(api);
    put_sagas(api);
}
