/*
 * Pages that show the node itself. Nothing here waits for the disk. Loop thread.
 */
#include "proto/pages.h"

#include <stdio.h>

#include "proto/metrics_spread.h"
#include "proto/remote.h"

static void text(struct dure_call *call, int status, const char *words)
{
    call->status = status;
    dure_call_clear(call);
    dure_buf_lit(&call->headers, "Content-Type: text/plain; charset=utf-8\r\n"
                                 "Cache-Control: no-store\r\n");
    if (status == 503) dure_buf_lit(&call->headers, "Retry-After: 1\r\n");
    dure_buf_text(&call->body, words);
    dure_call_respond(call);
}

void dure_pages_livez(struct dure_call *call)
{
    text(call, 200, "alive\n");
}

void dure_pages_readyz(struct dure_call *call)
{
    const struct dure_runtime *rt = call->gateway->rt;
    const struct dure_remotes *remotes = call->gateway->remotes;
    bool ready = !call->gateway->stopping && !rt->stopping && rt->fatal == 0;
    if (ready && call->gateway->shared && remotes != NULL) {
        uint16_t first;
        char words[64];
        if (dure_remote_down(remotes, &first) > 0) {
            snprintf(words, sizeof words, "not ready: node %u is not reachable\n", first);
            text(call, 503, words);
            return;
        }
    }
    text(call, ready ? 200 : 503, ready ? "ready\n" : "not ready\n");
}

void dure_pages_metrics(struct dure_call *call)
{
    if (call->gateway->remotes != NULL) {
        dure_metrics_spread(call);
        return;
    }
    call->status = 200;
    dure_call_clear(call);
    dure_buf_lit(&call->headers, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
    dure_metrics_write(call->gateway, &call->body);
    dure_call_respond(call);
}

/* Names come from the tables of the systems and need no escaping. */
static void home_json(struct dure_call *call)
{
    const struct dure_routes *routes = &call->gateway->routes;
    static const char *const pages[] = {"sagas",   "events", "openapi.json", "asyncapi.json",
                                        "metrics", "readyz", "livez"};
    char base[DURE_BASE_BYTES];
    size_t base_len = dure_negotiate_base(call->request, base);
    struct dure_buf *out = &call->body;
    call->status = 200;
    dure_call_clear(call);
    dure_buf_printf(&call->headers, "Content-Type: application/%s\r\nVary: Accept\r\n",
                    call->accept == DURE_ACCEPT_JSON ? "json" : "hal+json");
    dure_buf_printf(out, "{\"_links\":{\"self\":{\"href\":\"%.*s/\"}", (int)base_len, base);
    for (size_t i = 0; i < routes->collections_count; i++) {
        const char *path = routes->collections[i].prefixed_path;
        dure_buf_printf(out, ",\"%s\":{\"href\":\"%.*s%s\"}", path + 1, (int)base_len, base, path);
    }
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        dure_buf_printf(out, ",\"%s\":{\"href\":\"%.*s/%s\"}", pages[i], (int)base_len, base,
                        pages[i]);
    dure_buf_lit(out, "}}");
    dure_call_respond(call);
}

static void home_html(struct dure_call *call)
{
    const struct dure_routes *routes = &call->gateway->routes;
    struct dure_buf *out = &call->body;
    call->status = 200;
    dure_call_clear(call);
    dure_buf_lit(&call->headers, "Content-Type: text/html; charset=utf-8\r\n"
                                 "Content-Security-Policy: default-src 'self'\r\nVary: Accept\r\n"
                                 "X-Content-Type-Options: nosniff\r\n");
    dure_buf_lit(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                      "<title>dure</title></head>\n<body><h1>dure</h1>\n");
    const char *system = "";
    for (size_t i = 0; i < routes->collections_count; i++) {
        const struct dure_collection *collection = &routes->collections[i];
        if (strcmp(system, collection->aggregate->system) != 0) {
            if (system[0] != '\0') dure_buf_lit(out, "</ul>\n");
            system = collection->aggregate->system;
            dure_buf_printf(out, "<h2>%s</h2>\n<ul>\n", system);
        }
        dure_buf_printf(out, "<li><a href=\"%s\">%s</a> (<a href=\"/profile%s\">fields</a>)</li>\n",
                        collection->prefixed_path, collection->name, collection->prefixed_path);
    }
    if (system[0] != '\0') dure_buf_lit(out, "</ul>\n");
    dure_buf_lit(out, "<h2>node</h2>\n<ul>\n<li><a href=\"/sagas\">sagas</a></li>\n"
                      "<li><a href=\"/metrics\">metrics</a></li>\n"
                      "<li><a href=\"/readyz\">readyz</a></li>\n</ul>\n</body></html>\n");
    dure_call_respond(call);
}

void dure_pages_home(struct dure_call *call)
{
    if (call->accept == DURE_ACCEPT_NONE || dure_negotiate_html(call->request))
        home_html(call);
    else
        home_json(call);
}

static void write_field(const struct dure_field *field, struct dure_buf *out)
{
    static const char *const kinds[] = {"integer", "number", "boolean", "string", "date", "string"};
    dure_buf_printf(out, "{\"name\":\"%s\",\"type\":\"%s\",\"readOnly\":%s", field->name,
                    kinds[field->kind],
                    field->flags & (DURE_ID | DURE_GOVERNED) ? "true" : "false");
    if (field->kind == DURE_ENUM) {
        dure_buf_lit(out, ",\"values\":[");
        for (size_t i = 1; field->texts[i] != NULL; i++) {
            if (i > 1) dure_buf_byte(out, ',');
            dure_json_string(out, field->texts[i], strlen(field->texts[i]));
        }
        dure_buf_byte(out, ']');
    }
    dure_buf_byte(out, '}');
}

void dure_pages_profile(struct dure_call *call)
{
    const struct dure_collection *collection = call->route.collection;
    const struct dure_schema *schema = collection->aggregate->schema;
    struct dure_buf *out = &call->body;
    call->status = 200;
    dure_call_clear(call);
    dure_buf_lit(&call->headers, "Content-Type: application/json\r\n");
    dure_buf_printf(out, "{\"system\":\"%s\",\"name\":\"%s\",\"collection\":\"%s\",\"fields\":[",
                    collection->aggregate->system, collection->aggregate->name, collection->name);
    bool first = true;
    for (size_t i = 0; i < schema->fields_count; i++) {
        if (schema->fields[i].flags & DURE_HIDDEN) continue;
        if (!first) dure_buf_byte(out, ',');
        first = false;
        write_field(&schema->fields[i], out);
    }
    dure_buf_lit(out, "],\"commands\":[");
    for (size_t i = 0; i < collection->commands_count; i++) {
        if (i > 0) dure_buf_byte(out, ',');
        dure_buf_printf(out, "\"%s\"", collection->commands[i]->name);
    }
    dure_buf_lit(out, "]}");
    dure_call_respond(call);
}
