/*
 * Forwarding.
 *
 *   1. the entry node finds the owner, sends the request (its method, target, the headers that mean
 *      something to a gateway, its body, and where its links begin) and keeps the call
 *   2. the owner makes a request of the bytes, a call for it, and handles it like any other
 *   3. its answer (status, headers, body) is sent back, and becomes the answer of the entry's call,
 *      which adds what belongs to its client's connection (CORS)
 *
 * Fails with 503 when the owner is not reachable, has gone, or has no room; with 413 when the
 * request is too large to travel. A malformed frame is answered with 400. Loop thread.
 */
#include "proto/forward.h"

#include <stdlib.h>
#include <strings.h>
#include <xxhash.h>

/* What a gateway reads, besides what the base is made of. */
static const char *const carried[] = {"accept",   "content-type",  "idempotency-key",
                                      "if-match", "if-none-match", "prefer"};

struct question { /* The base, target, headers and body follow. */
    uint32_t body_len;
    uint32_t target_len;
    uint16_t base_len;
    uint16_t headers_count;
    uint8_t method;
    uint8_t zero[3];
};
_Static_assert(sizeof(struct question) == 16, "wire size");

struct header_head { /* Its name and value follow. */
    uint16_t name_len, value_len;
};
_Static_assert(sizeof(struct header_head) == 4, "wire size");

struct answer { /* Headers and body follow. */
    int64_t id;
    uint32_t headers_len, body_len;
    uint16_t status;
    uint16_t zero[3];
};
_Static_assert(sizeof(struct answer) == 24, "wire size");

/* A request from another node, with its bytes. */
struct dure_inbound {
    struct dure_remote_origin origin;
    struct dure_request request;
    struct dure_span base;
    struct dure_header headers[DURE_HTTP_HEADERS_MAX];
    char bytes[];
};
_Static_assert(DURE_HTTP_LINE_BYTES_MAX <= UINT16_MAX, "a value's length fits its field");
_Static_assert(DURE_HTTP_HEADERS_BYTES_MAX <= UINT16_MAX, "a value's length fits its field");

/* ---- 1: the entry node ---------------------------------------------------------------------- */

static bool is_carried(struct dure_span name)
{
    for (size_t i = 0; i < sizeof carried / sizeof carried[0]; i++) {
        if (strlen(carried[i]) == name.len && strncasecmp(carried[i], name.data, name.len) == 0)
            return true;
    }
    return false;
}

static void write_header(const struct dure_header *header, struct dure_buf *out)
{
    struct header_head head = {(uint16_t)header->name.len, (uint16_t)header->value.len};
    dure_buf_add(out, &head, sizeof head);
    dure_buf_add(out, header->name.data, header->name.len);
    dure_buf_add(out, header->value.data, header->value.len);
}

static void write_question(const struct dure_forward_request *request, struct dure_buf *out)
{
    struct question question = {.body_len = (uint32_t)request->body.len,
                                .target_len = (uint32_t)request->target.len,
                                .base_len = (uint16_t)request->base.len,
                                .method = (uint8_t)request->method};
    size_t at = out->len;
    dure_buf_add(out, &question, sizeof question);
    dure_buf_add(out, request->base.data, request->base.len);
    dure_buf_add(out, request->target.data, request->target.len);
    for (size_t i = 0; i < request->headers_count; i++) {
        if (!is_carried(request->headers[i].name)) continue;
        write_header(&request->headers[i], out);
        question.headers_count++;
    }
    if (request->trace != NULL) {
        char text[DURE_TRACE_BYTES];
        struct dure_buf value = {.data = text, .cap = sizeof text};
        dure_trace_write(request->trace, &value);
        const struct dure_header header = {{"traceparent", 11}, {text, value.len}};
        write_header(&header, out);
        question.headers_count++;
    }
    dure_buf_add(out, request->body.data, request->body.len);
    memcpy(out->data + at, &question, sizeof question);
}

int dure_forward_ask(struct dure_gateway *gateway, struct dure_remote *remote, uint16_t node,
                     const struct dure_forward_request *request)
{
    struct dure_buf *frame = &gateway->frame;
    frame->len = 0;
    dure_remote_begin(frame);
    write_question(request, frame);
    int rv = dure_remote_ask(gateway->remotes, remote, node, DURE_PEER_FORWARD, frame);
    if (rv == 0) gateway->forwarded++;
    return rv;
}

int dure_forward_read(struct dure_forward_reply *reply, const void *bytes, size_t len)
{
    struct answer answer;
    if (len < sizeof answer) return DURE_EINVAL;
    memcpy(&answer, bytes, sizeof answer);
    if ((uint64_t)answer.headers_len + answer.body_len != len - sizeof answer) return DURE_EINVAL;
    if (answer.status < 200 || answer.status >= DURE_METRICS_STATUSES) return DURE_EINVAL;
    const char *headers = (const char *)bytes + sizeof answer;
    *reply = (struct dure_forward_reply){.status = answer.status,
                                         .id = answer.id,
                                         .headers = {headers, answer.headers_len},
                                         .body = {headers + answer.headers_len, answer.body_len}};
    return 0;
}

static void refuse_unreachable(struct dure_call *call, uint16_t node)
{
    dure_call_refuse(call, 503, "node %u, which owns this, " DURE_FORWARD_UNREACHABLE, node);
}

static void on_answer(struct dure_remote *remote, int rv, const void *bytes, size_t len)
{
    struct dure_call *call =
        (struct dure_call *)((char *)remote - offsetof(struct dure_call, remote));
    struct dure_forward_reply reply;
    if (rv == DURE_ESHUTDOWN) {
        dure_call_fail(call, rv);
        return;
    }
    if (rv != 0) {
        bool reads = call->request->method == DURE_GET || call->request->method == DURE_HEAD;
        dure_call_refuse(call, 503, "node %u, which owns this, %s", remote->node,
                         reads ? DURE_FORWARD_UNREACHABLE : DURE_FORWARD_GONE);
        return;
    }
    if (dure_forward_read(&reply, bytes, len) != 0) {
        refuse_unreachable(call, remote->node);
        return;
    }
    call->status = reply.status;
    dure_call_clear(call);
    dure_buf_add(&call->headers, reply.headers.data, reply.headers.len);
    dure_buf_add(&call->body, reply.body.data, reply.body.len);
    dure_call_respond(call);
}

static uint16_t owner_of(const struct dure_gateway *gateway, int64_t id)
{
    return (uint16_t)(dure_shard_of(gateway->rt, id) % dure_remote_nodes(gateway->remotes));
}

uint16_t dure_forward_home(const struct dure_gateway *gateway,
                           const struct dure_collection *collection, const void *payload)
{
    if (gateway->remotes == NULL) return 0;
    uint16_t self = dure_remote_self(gateway->remotes);
    const struct dure_field *field = collection->key;
    if (field == NULL) field = collection->beside;
    if (field == NULL || dure_field_is_null(field, payload)) return self;
    int64_t id;
    memcpy(&id, (const char *)payload + field->offset, sizeof id);
    uint16_t node = owner_of(gateway, id);
    if (collection->key != NULL || node == self) return node;
    return dure_peer_is_up(dure_remote_peers(gateway->remotes), node) ? node : self;
}

bool dure_forward_room(const struct dure_gateway *gateway, uint16_t node)
{
    if (gateway->remotes == NULL || node == dure_remote_self(gateway->remotes)) return true;
    return dure_peer_room(dure_remote_peers(gateway->remotes), node);
}

bool dure_forward_shard(struct dure_call *call, uint32_t shard)
{
    const struct dure_remotes *remotes = call->gateway->remotes;
    if (remotes == NULL) return false;
    return dure_forward_node(call, (uint16_t)(shard % dure_remote_nodes(remotes)));
}

bool dure_forward_node(struct dure_call *call, uint16_t node)
{
    struct dure_gateway *gateway = call->gateway;
    if (gateway->remotes == NULL || node == dure_remote_self(gateway->remotes)) return false;
    if (call->inbound != NULL) { /* The nodes do not agree who owns it. */
        refuse_unreachable(call, node);
        return true;
    }
    if (call->base_len == 0) call->base_len = dure_negotiate_base(call->request, call->base);
    struct dure_forward_request request = {.method = call->request->method,
                                           .target = call->request->target,
                                           .headers = call->request->headers,
                                           .headers_count = call->request->headers_count,
                                           .body = call->request->body,
                                           .base = {call->base, call->base_len},
                                           .trace = dure_tracing_carried(&call->tracing)};
    call->remote.done = on_answer;
    int rv = dure_forward_ask(gateway, &call->remote, node, &request);
    if (rv == DURE_EUNAVAILABLE)
        refuse_unreachable(call, node);
    else if (rv != 0)
        dure_call_fail(call, rv);
    return true;
}

bool dure_forward_route(struct dure_call *call)
{
    struct dure_runtime *rt = call->gateway->rt;
    switch (call->route.kind) {
    case DURE_ROUTE_ITEM:
    case DURE_ROUTE_COMMAND:
    case DURE_ROUTE_HISTORY:
    case DURE_ROUTE_SAGA:
    case DURE_ROUTE_SAGA_COMMAND:
        return dure_forward_shard(call, dure_shard_of(rt, call->route.id));
    case DURE_ROUTE_COLLECTION:
    case DURE_ROUTE_CREATE: break;
    default: return false;
    }
    /* With a natural key it is the key that decides, once the body has been read. */
    if (call->request->method != DURE_POST || call->route.collection->key != NULL) return false;
    struct dure_span key = dure_request_header(call->request, "idempotency-key");
    if (key.len == 0) return false;
    return dure_forward_shard(call,
                              (uint32_t)(XXH3_64bits(key.data, key.len) % rt->options.shards));
}

/* ---- 2: the owner --------------------------------------------------------------------------- */

static bool cut(struct dure_span *rest, size_t len, struct dure_span *part)
{
    if (rest->len < len) return false;
    *part = (struct dure_span){rest->data, len};
    rest->data += len;
    rest->len -= len;
    return true;
}

static bool read_headers(struct dure_inbound *inbound, struct dure_span *rest, size_t count)
{
    if (count > DURE_HTTP_HEADERS_MAX) return false;
    for (size_t i = 0; i < count; i++) {
        struct dure_span bytes;
        struct header_head head;
        if (!cut(rest, sizeof head, &bytes)) return false;
        memcpy(&head, bytes.data, sizeof head);
        if (!cut(rest, head.name_len, &inbound->headers[i].name) ||
            !cut(rest, head.value_len, &inbound->headers[i].value))
            return false;
    }
    return true;
}

static bool read_question(struct dure_inbound *inbound, size_t len)
{
    struct dure_span rest = {inbound->bytes, len}, bytes;
    struct dure_request *request = &inbound->request;
    struct question question;
    if (!cut(&rest, sizeof question, &bytes)) return false;
    memcpy(&question, bytes.data, sizeof question);
    if (question.method >= DURE_OPTIONS || question.base_len > DURE_BASE_BYTES) return false;
    if (!cut(&rest, question.base_len, &inbound->base) ||
        !cut(&rest, question.target_len, &request->target) ||
        !read_headers(inbound, &rest, question.headers_count) ||
        !cut(&rest, question.body_len, &request->body))
        return false;
    const char *mark = memchr(request->target.data, '?', request->target.len);
    size_t path_len = mark != NULL ? (size_t)(mark - request->target.data) : request->target.len;
    request->method = (enum dure_method)question.method;
    request->path = (struct dure_span){request->target.data, path_len};
    if (mark != NULL)
        request->query = (struct dure_span){mark + 1, request->target.len - path_len - 1};
    request->headers = inbound->headers;
    request->headers_count = question.headers_count;
    return true;
}

static void send_answer(struct dure_gateway *gateway, const struct dure_remote_origin *origin,
                        const struct dure_forward_reply *reply)
{
    struct dure_buf *frame = &gateway->frame;
    struct answer answer = {.id = reply->id,
                            .headers_len = (uint32_t)reply->headers.len,
                            .body_len = (uint32_t)reply->body.len,
                            .status = (uint16_t)reply->status};
    frame->len = 0;
    dure_remote_begin(frame);
    dure_buf_add(frame, &answer, sizeof answer);
    dure_buf_add(frame, reply->headers.data, reply->headers.len);
    dure_buf_add(frame, reply->body.data, reply->body.len);
    dure_remote_answer(gateway->remotes, origin, frame);
}

void dure_forward_receive(void *arg, const struct dure_remote_origin *origin, const void *bytes,
                          size_t len)
{
    struct dure_gateway *gateway = arg;
    gateway->inbound++;
    struct dure_inbound *inbound = malloc(sizeof *inbound + len);
    DURE_ASSERT(inbound != NULL); /* Bounded by the window of the node that asks. */
    *inbound = (struct dure_inbound){.origin = *origin};
    memcpy(inbound->bytes, bytes, len);
    bool fine = read_question(inbound, len);
    struct dure_call *call = fine ? dure_call_new(gateway, NULL, &inbound->request) : NULL;
    if (call == NULL) {
        send_answer(gateway, origin, &(struct dure_forward_reply){.status = fine ? 503 : 400});
        free(inbound);
        return;
    }
    call->inbound = inbound;
    memcpy(call->base, inbound->base.data, inbound->base.len);
    call->base_len = inbound->base.len;
    if (gateway->stopping)
        dure_call_fail(call, DURE_ESHUTDOWN);
    else
        dure_gateway_serve(call, dure_route_find(&gateway->routes, call->request->path));
}

void dure_forward_answer(struct dure_call *call)
{
    struct dure_inbound *inbound = call->inbound;
    struct dure_forward_reply reply = {.status = call->status,
                                       .id = call->answer_id,
                                       .headers = {call->headers.data, call->headers.len},
                                       .body = {call->body.data, call->body.len}};
    send_answer(call->gateway, &inbound->origin, &reply);
    call->inbound = NULL;
    call->request = NULL;
    free(inbound);
}
