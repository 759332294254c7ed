/*
 * Events as AsyncAPI.
 *
 *   1. servers: HTTP, and nng where its doors are open
 *   2. each published event of each served aggregate: a channel, a message, the schema of its data,
 *      and that dure sends it
 *   3. what a stream of HTTP says besides them
 *
 * Any thread.
 */
#include "proto/asyncapi.h"

#include <stdio.h>
#include <string.h>

#define NAME_BYTES 192

struct asyncapi {
    json_t *channels, *operations, *messages, *schemas;
    json_t *servers; /* References to all of them. */
};

static json_t *data_schema(const struct dure_event_type *event)
{
    json_t *data = dure_describe_object(event->schema, DURE_DESCRIBE_ITEM);
    json_t *properties = json_object(), *own = json_object_get(data, "properties");
    dure_describe_set(properties, "eventType", json_pack("{s:s}", "const", event->name));
    dure_describe_set(properties, "timestamp",
                      json_pack("{s:s,s:s}", "type", "integer", "description",
                                "milliseconds since 1970-01-01T00:00:00Z"));
    int rv = json_object_update(properties, own);
    DURE_ASSERT(rv == 0);
    dure_describe_set(data, "properties", properties);
    json_t *required = json_pack("[s,s]", "eventType", "timestamp");
    json_array_extend(required, json_object_get(data, "required"));
    dure_describe_set(data, "required", required);
    return data;
}

static json_t *payload(const char *name)
{
    json_t *properties = json_pack(
        "{s:{s:s},s:{s:s,s:s,s:s},s:{s:s},s:{s:s},s:{s:s,s:s},s:{s:s,s:s,s:s},s:{s:s},s:{s:s,s:s},"
        "s:o}",
        "specversion", "const", "1.0", "id", "type", "string", "pattern", "^[0-9]+-[0-9]+$",
        "description", "shard-sequence", "source", "type", "string", "type", "const", name, "time",
        "type", "string", "format", "date-time", "sequence", "type", "string", "pattern",
        "^[0-9]+$", "description", "its place among the events of its shard, without gaps",
        "datacontenttype", "const", "application/json", "traceparent", "type", "string",
        "description", "of the request that led to it (w3.org/TR/trace-context)", "data",
        dure_describe_ref("schemas", "%s.data", name));
    return json_pack("{s:s,s:o,s:[s,s,s,s,s,s,s,s]}", "type", "object", "properties", properties,
                     "required", "specversion", "id", "source", "type", "time", "sequence",
                     "datacontenttype", "data");
}

/* As one looks on a new node. */
static json_t *example(const struct dure_aggregate *aggregate, const struct dure_event_type *event,
                       const char *name)
{
    json_t *data =
        json_pack("{s:s,s:I}", "eventType", event->name, "timestamp", (json_int_t)1728571641124);
    for (size_t i = 0; event->schema != NULL && i < event->schema->fields_count; i++) {
        const struct dure_field *field = &event->schema->fields[i];
        if (!(field->flags & DURE_HIDDEN))
            dure_describe_set(data, field->name, dure_describe_sample(field));
    }
    char source[NAME_BYTES];
    snprintf(source, sizeof source, "/%s/%s/1", aggregate->system, aggregate->collection);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o}", "specversion", "1.0", "id", "1-1",
                     "source", source, "type", name, "time", "2024-10-10T14:47:21.124+00:00",
                     "sequence", "1", "datacontenttype", "application/json", "data", data);
}

static void add_event(struct asyncapi *api, const struct dure_aggregate *aggregate,
                      const struct dure_event_type *event)
{
    char name[NAME_BYTES], data[NAME_BYTES + 8], path[2 * NAME_BYTES];
    snprintf(name, sizeof name, "%s.%s.%s", aggregate->system, aggregate->name, event->name);
    snprintf(data, sizeof data, "%s.data", name);
    snprintf(path, sizeof path, "#/channels/%s/messages/%s", name, event->name);
    dure_describe_set(api->schemas, name, payload(name));
    dure_describe_set(api->schemas, data, data_schema(event));
    dure_describe_set(api->messages, name,
                      json_pack("{s:s,s:s,s:s,s:o,s:[{s:o}]}", "name", event->name, "title", name,
                                "contentType", "application/cloudevents+json", "payload",
                                dure_describe_ref("schemas", "%s", name), "examples", "payload",
                                example(aggregate, event, name)));
    dure_describe_set(api->channels, name,
                      json_pack("{s:s,s:{s:o},s:O}", "address", name, "messages", event->name,
                                dure_describe_ref("messages", "%s", name), "servers",
                                api->servers));
    dure_describe_set(api->operations, name,
                      json_pack("{s:s,s:{s:o},s:[{s:s}]}", "action", "send", "channel", "$ref",
                                json_sprintf("#/channels/%s", name), "messages", "$ref", path));
}

/* What a stream of HTTP says besides, for who asks for it by ?also=NAME. Payload and example are
 * given. */
static void add_besides(struct asyncapi *api, const char *name, const char *title,
                        const char *description, json_t *payload, json_t *example)
{
    json_t *message = dure_describe_ref("messages", "%s", name);
    char to_message[64];
    snprintf(to_message, sizeof to_message, "#/channels/%s/messages/%s", name, name);
    dure_describe_set(api->schemas, name, payload);
    dure_describe_set(api->messages, name,
                      json_pack("{s:s,s:s,s:s,s:o,s:[{s:o}]}", "name", name, "title", title,
                                "contentType", "application/json", "payload",
                                dure_describe_ref("schemas", "%s", name), "examples", "payload",
                                example));
    dure_describe_set(api->channels, name,
                      json_pack("{s:o,s:s,s:{s:o},s:[{s:s}]}", "address",
                                json_sprintf("/events?also=%s", name), "description", description,
                                "messages", name, message, "servers", "$ref", "#/servers/http"));
    dure_describe_set(api->operations, name,
                      json_pack("{s:s,s:{s:o},s:[{s:s}]}", "action", "send", "channel", "$ref",
                                json_sprintf("#/channels/%s", name), "messages", "$ref",
                                to_message));
}

/* notices.h */
static void add_changes(struct asyncapi *api)
{
    json_t *properties =
        json_pack("{s:{s:s,s:{s:s},s:s},s:{s:s,s:i,s:s}}", "collections", "type", "array", "items",
                  "type", "string", "description", "paths of those that are to be read again",
                  "events", "type", "integer", "minimum", 0, "description",
                  "published since the notice before, of all types");
    json_t *payload = json_pack("{s:s,s:o,s:[s,s]}", "type", "object", "properties", properties,
                                "required", "collections", "events");
    json_t *example = json_pack("{s:[s,s],s:i}", "collections", "/shop/inventories", "/sagas",
                                "events", 3);
    add_besides(api, "changes", "What has changed, events or not",
                "Server-Sent Events named changes, between those of the events; every 100 ms at "
                "most, at first with everything",
                payload, example);
}

/* live_samples.h; /openapi.json describes all of it. */
static void add_samples(struct asyncapi *api)
{
    json_t *objects = json_pack("{s:s,s:{s:s}}", "type", "array", "items", "type", "object");
    json_t *properties = json_pack("{s:{s:i},s:O,s:O}", "interval_ms", "const", DURE_SAMPLE_MS,
                                   "nodes", objects, "samples", objects);
    json_decref(objects);
    json_t *payload = json_pack("{s:s,s:s,s:o,s:[s,s,s]}", "type", "object", "description",
                                "as GET /metrics/history answers it", "properties", properties,
                                "required", "interval_ms", "nodes", "samples");
    json_t *example = json_pack("{s:i,s:[{s:i,s:b}],s:[{s:I,s:[i],s:f}]}", "interval_ms",
                                DURE_SAMPLE_MS, "nodes", "node", 1, "up", false, "samples", "time",
                                (json_int_t)1700000000000, "nodes", 0, "requests", 12.5);
    add_besides(api, "samples", "How the nodes do",
                "Server-Sent Events named sample, between those of the events; every 2 s the newest "
                "of /metrics/history",
                payload, example);
}

static json_t *server(const char *protocol, int64_t port, const char *description)
{
    return json_pack("{s:s,s:s,s:s,s:{s:{s:s},s:{s:o}}}", "host", "{host}:{port}", "protocol",
                     protocol, "description", description, "variables", "host", "default",
                     "127.0.0.1", "port", "default", json_sprintf("%lld", (long long)port));
}

static json_t *make_servers(struct asyncapi *api, const struct dure_asyncapi_ports *ports)
{
    json_t *servers = json_object();
    dure_describe_set(
        servers, "http",
        server("http", ports->http, "GET /events: Server-Sent Events, or batches by ?from="));
    if (ports->events > 0)
        dure_describe_set(
            servers, "events",
            server("nng", ports->events, "SUB: the topic, a blank, the event, a line end; live"));
    if (ports->replay > 0)
        dure_describe_set(
            servers, "replay",
            server("nng", ports->replay, "REQ: {\"from\":\"start\",\"topic\":\"shop.\"}"));
    const char *name;
    json_t *value;
    api->servers = json_array();
    json_object_foreach(servers, name, value)
    {
        json_array_append_new(api->servers,
                              json_pack("{s:o}", "$ref", json_sprintf("#/servers/%s", name)));
    }
    return servers;
}

static void add_system(struct asyncapi *api, const struct dure_system *system)
{
    for (size_t i = 0; system->aggregates != NULL && system->aggregates[i] != NULL; i++) {
        const struct dure_aggregate *aggregate = system->aggregates[i];
        struct dure_event_type *const *events = aggregate->events;
        for (size_t j = 0; events != NULL && events[j] != NULL; j++) {
            if (!events[j]->internal) add_event(api, aggregate, events[j]);
        }
    }
}

json_t *dure_asyncapi_make(const struct dure_routes *routes, const char *version,
                           const struct dure_asyncapi_ports *ports)
{
    struct asyncapi api = {.channels = json_object(),
                           .operations = json_object(),
                           .messages = json_object(),
                           .schemas = json_object()};
    json_t *servers = make_servers(&api, ports);
    for (size_t i = 0; routes->systems[i] != NULL; i++) add_system(&api, routes->systems[i]);
    add_samples(&api);
    add_changes(&api);
    json_decref(api.servers);
    json_t *info =
        json_pack("{s:s,s:s,s:s}", "title", "dure events", "version", version, "description",
                  "Every event is a CloudEvent in a stream without gaps, published once "
                  "it is on disk. The address of a channel is its topic; a prefix of it "
                  "(shop.) is a topic, too.");
    json_t *document =
        json_pack("{s:s,s:o,s:s,s:o,s:o,s:o,s:{s:o,s:o}}", "asyncapi", "3.0.0", "info", info,
                  "defaultContentType", "application/cloudevents+json", "servers", servers,
                  "channels", api.channels, "operations", api.operations, "components", "schemas",
                  api.schemas, "messages", api.messages);
    DURE_ASSERT(document != NULL);
    return document;
}
