/*
 * GET /metrics/history as a document tells of it (proto/history_page.h, samples.h, node_state.h).
 * Any thread.
 */
#include <stdio.h>

#include "proto/openapi.h"
#include "runtime/bounds.h"

/* {name: {type, description, minimum 0}} for each row. */
static const struct {
    const char *name, *type, *about;
} sample_fields[] = {
    {"requests", "number", "answered, a second"},
    {"events", "number", "a second"},
    {"commits", "number", "journal records made durable, a second"},
    {"turns", "number", "messages handled in them, a second"},
    {"sagas", "number", "begun, a second"},
    {"bulk_lines", "number", "answered, a second"},
    {"http_p50", NULL, "seconds from the whole request to its answer; null: none came"},
    {"http_p95", NULL, "the same"},
    {"http_p99", NULL, "the same"},
    {"commit_p50", NULL, "seconds from append to durable; null: none was"},
    {"commit_p99", NULL, "the same"},
    {"in_flight", "integer", "commands under way"},
    {"queued", "integer", "of them, those that no turn has taken yet"},
    {"mail", "integer", "messages in the mailboxes of actors"},
    {"unacknowledged", "integer", "messages to other nodes"},
    {"actors_bytes", "integer", "memory of actors"},
    {"http_bytes", "integer", "memory of requests, and of answers that nobody has read"},
    {"journal_bytes", "integer", "on disk"},
    {"rows_bytes", "integer", "on disk"},
};

static json_t *numbers(void)
{
    return json_pack("{s:s,s:{s:s,s:i}}", "type", "array", "items", "type", "integer", "minimum",
                     0);
}

static json_t *sample_schema(void)
{
    json_t *properties = json_object(), *required = json_pack("[s,s]", "time", "nodes");
    json_t *nodes = numbers();
    dure_describe_set(properties, "time",
                      json_pack("{s:s,s:s,s:i}", "type", "integer", "description",
                                "its end, milliseconds since 1970-01-01T00:00:00Z", "multipleOf",
                                DURE_SAMPLE_MS));
    dure_describe_set(nodes, "description", json_string("whose numbers are in it"));
    dure_describe_set(properties, "nodes", nodes);
    for (size_t i = 0; i < sizeof sample_fields / sizeof sample_fields[0]; i++) {
        const char *type = sample_fields[i].type;
        json_t *types = type != NULL ? json_string(type) : json_pack("[s,s]", "number", "null");
        json_t *field = json_pack("{s:o,s:s,s:i}", "type", types, "description",
                                  sample_fields[i].about, "minimum", 0);
        dure_describe_set(properties, sample_fields[i].name, field);
        json_array_append_new(required, json_string(sample_fields[i].name));
    }
    return json_pack("{s:s,s:o,s:o}", "type", "object", "properties", properties, "required",
                     required);
}

/* {"shop.order":3}, and the same of what `values` is. */
static json_t *map_of(json_t *values)
{
    return json_pack("{s:s,s:o}", "type", "object", "additionalProperties", values);
}

static json_t *node_schema(void)
{
    json_t *count = json_pack("{s:s,s:i}", "type", "integer", "minimum", 0);
    json_t *breaker =
        json_pack("{s:s,s:{s:{s:s},s:{s:s},s:{s:[s,s,s]}},s:[s,s,s]}", "type", "object",
                  "properties", "look", "type", "string", "peer", "type", "integer", "state",
                  "enum", "closed", "half-open", "open", "required", "look", "peer", "state");
    json_t *properties = json_pack(
        "{s:O,s:{s:s,s:s},s:O,s:O,s:O,s:O,s:o,s:o,s:{s:s,s:o},s:o}", "node", count, "up", "type",
        "boolean", "description", "false: it could not be asked, and has nothing else", "shards",
        count, "requests", count, "events", count, "journal_bytes", count, "aggregates",
        map_of(json_incref(count)), "sagas", map_of(map_of(json_incref(count))), "breakers", "type",
        "array", "items", breaker, "peers_down", numbers());
    json_decref(count);
    return json_pack("{s:s,s:o,s:[s,s]}", "type", "object", "properties", properties, "required",
                     "node", "up");
}

void dure_openapi_history(struct dure_openapi *api)
{
    const int problems[] = {400, 503, 0};
    char summary[96];
    snprintf(summary, sizeof summary, "The last %d minutes of all nodes, for charts",
             DURE_SAMPLES_MAX * DURE_SAMPLE_MS / 60000);
    json_t *operation = dure_openapi_operation("node", summary, problems);
    json_array_append_new(
        json_object_get(operation, "parameters"),
        dure_openapi_make_parameter(
            "query", "since", "only what ended later, milliseconds since 1970-01-01T00:00:00Z",
            json_pack("{s:s,s:i}", "type", "integer", "minimum", 0), json_integer(0)));
    dure_describe_set(api->schemas, "Sample", sample_schema());
    dure_describe_set(api->schemas, "NodeState", node_schema());
    json_t *schema =
        json_pack("{s:s,s:{s:{s:i},s:{s:s,s:o},s:{s:s,s:i,s:o}},s:[s,s,s]}", "type", "object",
                  "properties", "interval_ms", "const", DURE_SAMPLE_MS, "nodes", "type", "array",
                  "items", dure_describe_ref("schemas", "NodeState"), "samples", "type", "array",
                  "maxItems", DURE_SAMPLES_MAX, "items", dure_describe_ref("schemas", "Sample"),
                  "required", "interval_ms", "nodes", "samples");
    dure_openapi_answer(operation, 200, "the oldest first; a time when no node ran is left out",
                        dure_openapi_json, schema);
    dure_openapi_header(operation, 200, "Dure-Partial");
    dure_openapi_put(api, "/metrics/history", "get", "metrics_history", operation);
}
