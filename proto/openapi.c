/*
 * The OpenAPI document as a whole, and what its parts are put together with.
 *
 *   1. the frame: info, tags, what all share (openapi_answers.c)
 *   2. each collection, with its prefix and where it is served without (openapi_collection.c)
 *   3. what is beside the collections (openapi_node.c)
 *
 * Any thread.
 */
#include "proto/openapi.h"

#include <stdio.h>
#include <string.h>

const char *const dure_openapi_json[] = {"application/json", NULL};
const char *const dure_openapi_hal[] = {"application/hal+json", "application/json", NULL};

json_t *dure_openapi_operation(const char *tag, const char *summary, const int *problems)
{
    json_t *responses = json_object();
    for (size_t i = 0; problems[i] != 0; i++) {
        char status[8];
        snprintf(status, sizeof status, "%d", problems[i]);
        dure_describe_set(responses, status, dure_describe_ref("responses", "Problem%s", status));
    }
    dure_describe_set(responses, "default", dure_describe_ref("responses", "Problem"));
    return json_pack("{s:[s],s:s,s:[],s:o}", "tags", tag, "summary", summary, "parameters",
                     "responses", responses);
}

void dure_openapi_parameter(json_t *operation, const char *name)
{
    json_array_append_new(json_object_get(operation, "parameters"),
                          dure_describe_ref("parameters", "%s", name));
}

void dure_openapi_answer(json_t *operation, int status, const char *description,
                         const char *const *types, json_t *schema)
{
    char key[8];
    snprintf(key, sizeof key, "%d", status);
    json_t *answer = json_pack("{s:s}", "description", description);
    if (schema != NULL) {
        json_t *content = json_object();
        for (size_t i = 0; types[i] != NULL; i++)
            dure_describe_set(content, types[i], json_pack("{s:O}", "schema", schema));
        dure_describe_set(answer, "content", content);
        json_decref(schema);
    }
    dure_describe_set(json_object_get(operation, "responses"), key, answer);
    dure_openapi_header(operation, status, "traceresponse");
}

void dure_openapi_header(json_t *operation, int status, const char *name)
{
    char key[8];
    snprintf(key, sizeof key, "%d", status);
    json_t *answer = json_object_get(json_object_get(operation, "responses"), key);
    json_t *headers = json_object_get(answer, "headers");
    if (headers == NULL) dure_describe_set(answer, "headers", headers = json_object());
    dure_describe_set(headers, name, dure_describe_ref("headers", "%s", name));
}

/* By status, so that what is hoped for comes first. */
static json_t *sorted(const json_t *responses)
{
    json_t *list = json_object();
    char key[16];
    for (int status = 200; status < 600; status++) {
        snprintf(key, sizeof key, "%d", status);
        json_t *answer = json_object_get(responses, key);
        if (answer != NULL) dure_describe_set(list, key, json_incref(answer));
    }
    dure_describe_set(list, "default", json_incref(json_object_get(responses, "default")));
    return list;
}

void dure_openapi_put(struct dure_openapi *api, const char *path, const char *method,
                      const char *id, json_t *operation)
{
    json_t *item = json_object_get(api->paths, path);
    if (item == NULL) {
        item = json_object();
        dure_describe_set(api->paths, path, item);
    }
    DURE_ASSERT(json_object_get(item, method) == NULL);
    dure_describe_set(operation, "operationId", json_string(id));
    dure_describe_set(operation, "responses", sorted(json_object_get(operation, "responses")));
    if (json_array_size(json_object_get(operation, "parameters")) == 0)
        json_object_del(operation, "parameters");
    dure_describe_set(item, method, operation);
}

json_t *dure_openapi_make_parameter(const char *in, const char *name, const char *description,
                                    json_t *schema, json_t *example)
{
    json_t *parameter = json_pack("{s:s,s:s,s:s,s:o}", "name", name, "in", in, "description",
                                  description, "schema", schema);
    if (strcmp(in, "path") == 0) dure_describe_set(parameter, "required", json_true());
    if (example != NULL) dure_describe_set(parameter, "example", example);
    return parameter;
}

static const char description[] =
    "Durable actors over HTTP: an answer means *on disk*.\n\n"
    "Every collection is served as `/{system}/{collection}`, and without the prefix where no other "
    "system has it, or where its system is the root. GET routes take HEAD, and every route takes "
    "OPTIONS. Numbers may be sent as strings, unknown properties are ignored, what is wrong is "
    "told "
    "as `application/problem+json` (RFC 9457) with every wrong field at once. Every request may "
    "bring a W3C `traceparent`, and every answer names its trace in `traceresponse`, but for a "
    "stream of events, each of which names its own.\n\n"
    "The examples run on a new node with one data directory. `x-dure-after` names the operations "
    "whose "
    "examples come first, `x-dure-settings` what such a node is started with, and `x-dure-status` "
    "what "
    "comes of an example that is refused.";

static json_t *tags(const struct dure_routes *routes)
{
    json_t *list = json_array();
    for (size_t i = 0; routes->systems[i] != NULL; i++)
        json_array_append_new(list, json_pack("{s:s}", "name", routes->systems[i]->name));
    json_array_append_new(list, json_pack("{s:s,s:s}", "name", "node", "description",
                                          "the node itself: events, sagas, probes, documents"));
    return list;
}

json_t *dure_openapi_make(const struct dure_routes *routes, const char *version)
{
    struct dure_openapi api = {.routes = routes,
                               .paths = json_object(),
                               .schemas = json_object(),
                               .parameters = json_object()};
    dure_openapi_common(&api);
    for (size_t i = 0; i < routes->collections_count; i++)
        dure_openapi_collection(&api, &routes->collections[i]);
    dure_openapi_node(&api);
    json_t *info =
        json_pack("{s:s,s:s,s:s}", "title", "dure", "version", version, "description", description);
    json_t *components =
        json_pack("{s:o,s:o,s:o,s:o}", "schemas", api.schemas, "parameters", api.parameters,
                  "responses", dure_openapi_responses(), "headers", dure_openapi_headers());
    /* Without servers: it describes the one it was asked of (section 4.8.1). */
    json_t *document = json_pack("{s:s,s:o,s:o,s:o,s:o}", "openapi", "3.1.0", "info", info, "tags",
                                 tags(routes), "paths", api.paths, "components", components);
    DURE_ASSERT(document != NULL);
    return document;
}
