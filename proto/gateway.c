/*
 * The server's handler: from a request to the function that answers it.
 *
 *   1. the path becomes a route; an unknown one is a 404
 *   2. OPTIONS and preflights are answered; a method that the route does not take is a 405
 *   3. an Accept without JSON is a 406
 *   4. what another node owns goes there (forward.c)
 *   5. else the route's function takes over; every path through it ends in dure_call_respond
 *
 * Bulk bodies are streamed and have their own way (bulk.c). Loop thread.
 */
#include "proto/gateway.h"

#include <stdlib.h>

#include "proto/bulk.h"
#include "proto/call.h"
#include "proto/command.h"
#include "proto/console.h"
#include "proto/cors.h"
#include "proto/documents.h"
#include "proto/events_page.h"
#include "proto/forward.h"
#include "proto/gather.h"
#include "proto/history_page.h"
#include "proto/item.h"
#include "proto/item_events.h"
#include "proto/list.h"
#include "proto/pages.h"
#include "proto/problem.h"
#include "proto/saga_list.h"
#include "proto/sampler.h"
#include "proto/sagas.h"
#include "proto/sse.h"
#include "proto/streamed.h"

static bool is_read(const struct dure_call *call)
{
    return call->request->method == DURE_GET || call->request->method == DURE_HEAD;
}

static void options(struct dure_call *call)
{
    call->status = 204;
    dure_call_clear(call);
    dure_buf_lit(&call->headers, "Allow: ");
    dure_route_write_methods(dure_route_methods(&call->route), &call->headers);
    dure_buf_lit(&call->headers, "\r\n");
    if (dure_cors_is_preflight(call->request)) dure_cors_preflight(call->request, &call->headers);
    dure_call_respond(call);
}

static bool is_page(const struct dure_route *route)
{
    return route->kind == DURE_ROUTE_HOME || route->kind == DURE_ROUTE_CONSOLE ||
           route->kind == DURE_ROUTE_LIVEZ ||
           route->kind == DURE_ROUTE_READYZ || route->kind == DURE_ROUTE_METRICS;
}

/* True: answered. */
static bool refuse(struct dure_call *call)
{
    bool known = call->route.kind != DURE_ROUTE_NONE;
    if (call->request->method == DURE_OPTIONS && (known || dure_cors_is_preflight(call->request))) {
        options(call);
    } else if (!known) {
        dure_call_refuse(call, 404, "there is nothing at this path");
    } else if (!(dure_route_methods(&call->route) & 1u << call->request->method)) {
        dure_call_refuse(call, 405, "this path does not take this method, see Allow");
    } else if (!is_page(&call->route) && call->accept == DURE_ACCEPT_NONE) {
        dure_call_refuse(call, 406, "there is only JSON here");
    } else {
        return false;
    }
    return true;
}

static void dispatch(struct dure_call *call)
{
    switch (call->route.kind) {
    case DURE_ROUTE_COLLECTION:
        if (is_read(call))
            dure_list_get(call);
        else
            dure_command_create(call);
        break;
    case DURE_ROUTE_CREATE: dure_command_create(call); break;
    case DURE_ROUTE_ITEM:
        if (is_read(call))
            dure_item_get(call);
        else if (call->request->method == DURE_DELETE)
            dure_command_remove(call);
        else
            dure_command_edit(call);
        break;
    case DURE_ROUTE_COMMAND: dure_command_run(call); break;
    case DURE_ROUTE_HISTORY: dure_item_events_get(call); break;
    case DURE_ROUTE_PROFILE: dure_pages_profile(call); break;
    case DURE_ROUTE_HOME:
        if (dure_console_wanted(call))
            dure_console_get(call);
        else
            dure_pages_home(call);
        break;
    case DURE_ROUTE_CONSOLE: dure_console_get(call); break;
    case DURE_ROUTE_LIVEZ: dure_pages_livez(call); break;
    case DURE_ROUTE_READYZ: dure_pages_readyz(call); break;
    case DURE_ROUTE_METRICS: dure_pages_metrics(call); break;
    case DURE_ROUTE_METRICS_HISTORY: dure_history_page_get(call); break;
    case DURE_ROUTE_SAGAS: dure_saga_list_get(call); break;
    case DURE_ROUTE_SAGA: dure_sagas_get_one(call); break;
    case DURE_ROUTE_SAGA_COMMAND: dure_sagas_push(call); break;
    case DURE_ROUTE_EVENTS: dure_events_page_get(call); break;
    case DURE_ROUTE_OPENAPI: dure_documents_get(call, DURE_DOCUMENT_OPENAPI); break;
    case DURE_ROUTE_ASYNCAPI: dure_documents_get(call, DURE_DOCUMENT_ASYNCAPI); break;
    case DURE_ROUTE_SERVER:
    case DURE_ROUTE_NONE: dure_call_refuse(call, 404, "there is nothing at this path"); break;
    }
}

void dure_gateway_serve(struct dure_call *call, struct dure_route route)
{
    call->route = route;
    if (call->inbound == NULL)
        dure_tracing_begin(call->gateway, call->request, &call->tracing);
    else
        dure_tracing_go_on(call->request, &call->tracing);
    call->accept = dure_negotiate_accept(call->request);
    dure_call_clear(call);
    if (!refuse(call) && !dure_forward_route(call)) dispatch(call);
}

/* ---- The handler ---------------------------------------------------------------------------- */

static bool wants_stream(void *arg, const struct dure_request *request)
{
    const struct dure_gateway *gateway = arg;
    if (request->method != DURE_POST) return false;
    if (dure_negotiate_content(request) != DURE_CONTENT_NDJSON) return false;
    struct dure_route route = dure_route_find(&gateway->routes, request->path);
    return dure_bulk_wants(&route, request);
}

static void on_request(void *arg, struct dure_exchange *exchange)
{
    struct dure_gateway *gateway = arg;
    const struct dure_request *request = dure_exchange_request(exchange);
    dure_exchange_set_data(exchange, NULL);
    struct dure_route route = dure_route_find(&gateway->routes, request->path);
    if (request->streaming || dure_bulk_wants(&route, request)) {
        dure_bulk_start(gateway, exchange, &route);
        return;
    }
    if (route.kind == DURE_ROUTE_EVENTS && dure_sse_wants(request)) {
        dure_sse_start(gateway->sse, gateway, exchange);
        return;
    }
    struct dure_call *call = dure_call_new(gateway, exchange, request);
    if (call == NULL) {
        struct dure_buf none = {0};
        dure_exchange_respond(exchange, 503, &none, NULL, 0);
        return;
    }
    dure_gateway_serve(call, route);
}

static void on_body(void *arg, struct dure_exchange *exchange, const char *data, size_t len)
{
    (void)arg;
    dure_bulk_body(exchange, data, len);
}

static void on_drain(void *arg, struct dure_exchange *exchange)
{
    (void)arg;
    const struct dure_streamed *streamed = dure_exchange_data(exchange);
    if (streamed != NULL) streamed->drain(exchange);
}

static void on_abort(void *arg, struct dure_exchange *exchange)
{
    (void)arg;
    const struct dure_streamed *streamed = dure_exchange_data(exchange);
    if (streamed != NULL) streamed->abort(exchange); /* Others answer as ever; it is dropped. */
}

static void error_body(void *arg, int status, const char *detail, struct dure_buf *out,
                       const char **type)
{
    (void)arg;
    *type = DURE_PROBLEM_TYPE;
    dure_problem_write(out, status, detail, (struct dure_span){0}, NULL);
}

/* Closed with requests under way: reachable, so that no leak is reported. */
static struct dure_gateway *unfinished;

/* ---- Open, close ---------------------------------------------------------------------------- */

static void count_payload(struct dure_gateway *gateway, const struct dure_schema *schema)
{
    if (schema != NULL && schema->size > gateway->payload_bytes)
        gateway->payload_bytes = schema->size;
}

static const struct dure_system *find_system(const char *name, size_t len)
{
    const struct dure_system *const *systems = dure_registry_systems();
    for (size_t i = 0; systems[i] != NULL; i++) {
        if (strlen(systems[i]->name) == len && memcmp(systems[i]->name, name, len) == 0)
            return systems[i];
    }
    return NULL;
}

/* "shop,bike" → the systems; nothing → all of them. */
static int choose_systems(struct dure_gateway *gateway, const char *names)
{
    const struct dure_system *const *all = dure_registry_systems();
    size_t count = 0;
    if (names == NULL || names[0] == '\0') {
        for (; all[count] != NULL && count < DURE_GATEWAY_SYSTEMS_MAX; count++)
            gateway->systems[count] = all[count];
        return all[count] == NULL ? 0 : DURE_ETOOBIG;
    }
    while (names[0] != '\0') {
        size_t len = strcspn(names, ",");
        const struct dure_system *system = find_system(names, len);
        if (system == NULL || count == DURE_GATEWAY_SYSTEMS_MAX) return DURE_EINVAL;
        gateway->systems[count++] = system;
        names += len;
        if (names[0] == ',') names++;
    }
    return 0;
}

int dure_gateway_open(struct dure_gateway **out, struct dure_runtime *rt,
                      const struct dure_gateway_options *options)
{
    struct dure_gateway *gateway = calloc(1, sizeof *gateway);
    if (gateway == NULL) return DURE_ENOMEM;
    gateway->rt = rt;
    gateway->shared = options->shared;
    gateway->documents.facts = (struct dure_documents_facts){
        .version = options->version,
        .ports = {options->http, options->events, options->replay}};
    gateway->tracing = options->tracing;
    const char *root = options->root != NULL && options->root[0] != '\0' ? options->root : NULL;
    int rv = choose_systems(gateway, options->systems);
    if (rv == 0 && root != NULL && find_system(root, strlen(root)) == NULL) rv = DURE_EINVAL;
    if (rv == 0) rv = dure_route_init(&gateway->routes, gateway->systems, root);
    if (rv != 0) {
        dure_gateway_close(gateway);
        return rv;
    }
    for (size_t i = 0; i < gateway->routes.collections_count; i++) {
        const struct dure_aggregate *aggregate = gateway->routes.collections[i].aggregate;
        count_payload(gateway, aggregate->schema);
        for (size_t j = 0; aggregate->commands != NULL && aggregate->commands[j] != NULL; j++)
            count_payload(gateway, aggregate->commands[j]->schema);
        if (aggregate->create != NULL) count_payload(gateway, aggregate->create->schema);
        if (aggregate->remove != NULL) count_payload(gateway, aggregate->remove->schema);
    }
    *out = gateway;
    return 0;
}

void dure_gateway_handler(struct dure_gateway *gateway, struct dure_server_handler *handler)
{
    *handler = (struct dure_server_handler){
        .wants_stream = wants_stream,
        .on_request = on_request,
        .on_body = on_body,
        .on_drain = on_drain,
        .on_abort = on_abort,
        .error_body = error_body,
        .arg = gateway,
    };
}

void dure_gateway_set_server(struct dure_gateway *gateway, struct dure_server *server)
{
    gateway->server = server;
}

void dure_gateway_set_remotes(struct dure_gateway *gateway, struct dure_remotes *remotes)
{
    gateway->remotes = remotes;
    if (remotes != NULL)
        dure_remote_serve(remotes, DURE_PEER_FORWARD, dure_forward_receive, gateway);
    if (remotes != NULL)
        dure_remote_serve(remotes, DURE_PEER_GATHER, dure_gather_receive, gateway);
}

void dure_gateway_set_ports(struct dure_gateway *gateway, const struct dure_ports *ports)
{
    gateway->ports = ports;
}

void dure_gateway_set_console(struct dure_gateway *gateway, const struct dure_console *console)
{
    gateway->console = console;
}

void dure_gateway_stopping(struct dure_gateway *gateway)
{
    gateway->stopping = true;
    if (gateway->sse != NULL) dure_sse_stop(gateway->sse);
}

int dure_gateway_open_events(struct dure_gateway *gateway, const struct dure_sse_options *options)
{
    return dure_sse_open(&gateway->sse, gateway, options);
}

int dure_gateway_open_history(struct dure_gateway *gateway,
                              const struct dure_sampler_options *options)
{
    DURE_ASSERT(gateway->sampler == NULL);
    return dure_sampler_open(&gateway->sampler, gateway, options);
}

bool dure_gateway_idle(const struct dure_gateway *gateway)
{
    return gateway->calls_count == 0;
}

void dure_gateway_close(struct dure_gateway *gateway)
{
    if (gateway == NULL) return;
    if (!dure_gateway_idle(gateway)) {
        gateway->closed = true;
        unfinished = gateway;
        return;
    }
    dure_sse_close(gateway->sse);
    dure_sampler_close(gateway->sampler);
    dure_call_free_all(gateway);
    dure_documents_fini(&gateway->documents);
    dure_route_fini(&gateway->routes);
    dure_buf_fini(&gateway->frame);
    free(gateway);
}
