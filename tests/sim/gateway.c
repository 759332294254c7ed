/*
 * The gateway of a simulated node: what proto/ does with HTTP, without the HTTP.
 *
 *   entry   a client's request comes; the owner of its shard is found; ours, or forwarded once
 *   owner   the idempotency key is looked up, the ask submitted; the reply is made in the turn,
 *           kept for the key, and leaves when it is durable; reads wait for what they show
 *   entry   the reply goes out; a session that ends answers all that was forwarded in it with
 *           SIM_TRY_AGAIN: what became of it is not known here
 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "tests/sim/sim.h"

#define DEED_BYTES 2048

struct sim_call { /* At the owner. */
    struct dure_ask ask; /* First. */
    struct dure_trace trace;
    struct sim_call *next, **link;
    struct sim_node *node;
    uint16_t from;
    struct sim_request request;
    struct sim_reply reply;
    struct dure_edit edit;
    struct dure_hold hold;
    union {
        struct shop_place place;
        struct shop_inventory inventory;
        struct shop_pay pay;
        char deed[DEED_BYTES];
    } payload;
};

struct sim_pending { /* At the entry node. */
    struct sim_pending *next;
    uint64_t number, attempt;
    unsigned client;
    uint16_t owner;
};

/* ---- To the client --------------------------------------------------------------------------- */

struct answer {
    struct sim *sim;
    unsigned client;
    uint64_t attempt;
    struct sim_reply reply;
};

static void arrive(void *arg, uint64_t tag)
{
    (void)tag;
    struct answer *answer = arg;
    sim_client_reply(answer->sim, answer->client, answer->attempt, &answer->reply);
    free(answer);
}

static void answer_client(struct sim_node *node, const struct sim_pending *pending,
                          const struct sim_reply *reply)
{
    struct sim *sim = node->sim;
    struct answer *answer = malloc(sizeof *answer);
    DURE_ASSERT(answer != NULL);
    *answer = (struct answer){sim, pending->client, pending->attempt, *reply};
    sim_at_give(sim, sim->now_us + sim_about(sim, 200), arrive, answer);
}

static void answer_number(struct sim_node *node, const struct sim_reply *reply)
{
    struct sim_pending **at = &node->pendings;
    while (*at != NULL && (*at)->number != reply->number) at = &(*at)->next;
    if (*at == NULL) return; /* Answered already, when a session ended. */
    struct sim_pending *pending = *at;
    *at = pending->next;
    answer_client(node, pending, reply);
    free(pending);
}

/* ---- Owner: replies -------------------------------------------------------------------------- */

static void drop(struct sim_call *call)
{
    *call->link = call->next;
    if (call->next != NULL) call->next->link = call->link;
    free(call->ask.other); /* What it had seen of another node when its own crashed. */
    free(call);
}

static void respond(struct sim_call *call)
{
    struct sim_node *node = call->node;
    call->reply.number = call->request.number;
    if (call->from == node->number) {
        answer_number(node, &call->reply);
    } else {
        /* A peer that is down or full hears nothing; its client asks again. */
        int rv = dure_peer_send(node->peers, call->from, DURE_PEER_REPLY, &call->reply,
                                sizeof call->reply);
        if (rv != 0) sim_note(node->sim, "unsent", call->from, rv);
        sim_node_wake(node, node->sim->now_us + node->lag_us);
    }
    drop(call);
}

static void try_again(struct sim_call *call)
{
    call->reply.status = SIM_TRY_AGAIN;
    respond(call);
}

static void show(struct sim_call *call, const struct dure_view *view)
{
    struct sim_reply *reply = &call->reply;
    reply->id = view->id;
    if (!view->exists) return;
    if (call->request.op == SIM_DEED) {
        const struct sim_deed *deed = sim_deed(&call->request);
        if (deed->status != NULL) reply->a = deed->status(view->state);
        return;
    }
    if (view->aggregate == &shop_order) {
        const struct shop_order *order = view->state;
        reply->a = order->status;
        reply->b = order->price;
    } else if (view->aggregate == &shop_inventory) {
        const struct shop_inventory *product = view->state;
        reply->a = strtoll(product->status, NULL, 10);
        reply->b = product->price;
    }
}

static int status_of(const struct dure_answer *answer, const struct sim_request *request)
{
    bool changes = request->op == SIM_CANCEL || request->op == SIM_EDIT ||
                   (request->op == SIM_DEED && sim_deed(request)->command != NULL);
    switch (answer->verdict) {
    case DURE_DONE: return changes ? 200 : 201;
    case DURE_PENDING: return 202; /* Told apart here; over HTTP it shows in the state. */
    case DURE_REFUSED: return answer->status;
    default: return SIM_TRY_AGAIN;
    }
}

static void decided(struct dure_ask *ask, const struct dure_answer *answer)
{
    struct sim_call *call = (struct sim_call *)ask;
    call->reply = (struct sim_reply){.status = status_of(answer, &call->request)};
    show(call, &answer->view);
    if (call->reply.status == SIM_TRY_AGAIN || call->reply.status >= 500) {
        call->reply.status = SIM_TRY_AGAIN;
        dure_idem_cancel(ask->rt, ask->key);
        return;
    }
    struct dure_buf body = {.data = (char *)&call->reply, .len = sizeof call->reply};
    struct dure_buf headers = {0};
    dure_idem_finish(ask->rt, ask, call->reply.status, &headers, &body);
}

static void released(struct dure_ask *ask, int rv)
{
    struct sim_call *call = (struct sim_call *)ask;
    if (rv == 0) respond(call);
    else try_again(call);
}

/* ---- Owner: commands ------------------------------------------------------------------------- */

static void fill_edit(struct sim_call *call)
{
    const struct dure_schema *schema = shop_inventory.schema;
    const char *const names[] = {"status", "price"};
    struct shop_inventory *wanted = &call->payload.inventory;
    dure_schema_init(schema, wanted);
    snprintf(wanted->status, sizeof wanted->status, "%lld", (long long)call->request.value);
    wanted->price = call->request.price;
    call->edit = (struct dure_edit){.state = wanted};
    for (size_t i = 0; i < 2; i++) {
        const struct dure_field *field = dure_schema_find(schema, names[i], strlen(names[i]));
        call->edit.named |= 1u << (field - schema->fields);
    }
}

static void fill_deed(struct sim_call *call)
{
    const struct sim_deed *deed = sim_deed(&call->request);
    struct dure_ask *ask = &call->ask;
    ask->command = sim_deed_command(deed);
    ask->by_key = deed->by_key;
    if (ask->command->schema == NULL) return;
    DURE_ASSERT(ask->command->schema->size <= sizeof call->payload);
    dure_schema_init(ask->command->schema, &call->payload);
    if (deed->fill != NULL) deed->fill(&call->request, &call->payload);
    ask->data = &call->payload;
}

static void fill_payload(struct sim_call *call)
{
    const struct sim_request *request = &call->request;
    struct dure_ask *ask = &call->ask;
    switch ((enum sim_op)request->op) {
    case SIM_OPEN_PRODUCT:
        ask->command = shop_inventory.create;
        dure_schema_init(ask->command->schema, &call->payload);
        snprintf(call->payload.inventory.stock_name, SHOP_NAME_BYTES, "TV");
        snprintf(call->payload.inventory.status, SHOP_STATUS_BYTES, "0");
        call->payload.inventory.stock_count = request->quantity;
        call->payload.inventory.price = request->price;
        break;
    case SIM_DEPOSIT:
        ask->command = shop_pay.create;
        dure_schema_init(ask->command->schema, &call->payload);
        call->payload.pay.user_id = request->id;
        call->payload.pay.pay_amount = request->amount;
        ask->by_key = true;
        break;
    case SIM_PLACE:
        ask->command = shop_order.create;
        dure_schema_init(ask->command->schema, &call->payload);
        call->payload.place.product_id = request->id;
        call->payload.place.user_id = request->user_id;
        call->payload.place.quantity = request->quantity;
        call->payload.place.price = request->price;
        break;
    case SIM_CANCEL: ask->command = &shop_order_cancel; return;
    case SIM_DEED: fill_deed(call); return;
    default: fill_edit(call); break;
    }
    ask->data = request->op == SIM_EDIT ? (void *)&call->edit : &call->payload;
}

static struct dure_type *type_of(const struct sim_request *request)
{
    switch ((enum sim_op)request->op) {
    case SIM_DEED: return sim_deed(request)->aggregate->type;
    case SIM_OPEN_PRODUCT:
    case SIM_READ_PRODUCT:
    case SIM_EDIT: return shop_inventory.type;
    case SIM_DEPOSIT: return shop_pay.type;
    default: return shop_order.type;
    }
}

static void submit(struct sim_call *call, bool resume)
{
    struct dure_runtime *rt = call->node->rt;
    int rv = resume ? dure_ask_resume(rt, &call->ask) : dure_ask_submit(rt, &call->ask);
    if (rv == 0) return;
    dure_idem_cancel(rt, call->ask.key);
    try_again(call);
}

/* Something that has neither id nor natural key yet. */
static bool makes_new(const struct sim_request *request)
{
    return request->op == SIM_PLACE || request->op == SIM_OPEN_PRODUCT ||
           (request->op == SIM_DEED && sim_deed_creates(request));
}

static void command(struct sim_call *call)
{
    struct dure_runtime *rt = call->node->rt;
    const struct sim_request *request = &call->request;
    struct dure_ask *ask = &call->ask;
    bool creates = makes_new(request);
    ask->type = type_of(request);
    ask->id = creates ? DURE_NEW : request->id;
    ask->wait_until_ms = request->wait_ms > 0 ? rt->io->wall_ms(rt->io) + request->wait_ms : 0;
    ask->has_key = true;
    ask->key[0] = request->key[0];
    ask->key[1] = request->key[1];
    ask->fingerprint = request->fingerprint;
    /* The same for each attempt, as a client's is. */
    memcpy(call->trace.trace_id, ask->key, sizeof call->trace.trace_id);
    call->trace.span_id[0] = 1;
    call->trace.flags = request->key[0] & DURE_TRACE_SAMPLED;
    ask->trace = &call->trace;
    ask->decided = decided;
    ask->released = released;
    fill_payload(call);
    enum dure_idem_result result;
    struct dure_idem_reply reply = {0};
    int rv = dure_idem_begin(rt, ask->key, ask->fingerprint, &result, &reply);
    if (rv == DURE_EKEYREUSED) {
        sim_fail(call->node->sim, "a key was taken for another request");
    }
    if (rv != 0) {
        try_again(call);
        return;
    }
    if (result == DURE_IDEM_REPLY) {
        DURE_ASSERT(reply.body.len == sizeof call->reply);
        memcpy(&call->reply, reply.body.data, sizeof call->reply);
        dure_buf_fini(&reply.headers);
        dure_buf_fini(&reply.body);
        respond(call);
        return;
    }
    if (result == DURE_IDEM_STARTED) {
        ask->type = reply.type;
        ask->id = reply.id;
        ask->saga = reply.saga;
    }
    submit(call, result == DURE_IDEM_STARTED);
}

/* ---- Owner: reads ---------------------------------------------------------------------------- */

static void shown(struct dure_hold *hold, int rv)
{
    struct sim_call *call = (struct sim_call *)((char *)hold - offsetof(struct sim_call, hold));
    if (rv == 0) respond(call);
    else try_again(call);
}

static void read_one(struct sim_call *call)
{
    struct dure_view view = {0};
    int rv = dure_runtime_view(call->node->rt, type_of(&call->request), call->request.id, &view);
    call->reply = (struct sim_reply){.status = rv == 0 ? 200 : rv == DURE_ENOTFOUND ? 404 : 0};
    if (rv == 0) show(call, &view);
    call->hold.cb = shown;
    struct sim_node *node = call->node;
    dure_turn_hold(node->rt, &call->hold); /* May answer at once, and free the call. */
    sim_node_wake(node, node->sim->now_us + node->lag_us);
}

static void handle(struct sim_node *node, uint16_t from, const struct sim_request *request)
{
    struct sim_call *call = calloc(1, sizeof *call);
    DURE_ASSERT(call != NULL);
    call->node = node;
    call->from = from;
    call->request = *request;
    call->next = node->calls;
    call->link = &node->calls;
    if (call->next != NULL) call->next->link = &call->next;
    node->calls = call;
    if (node->rt->fatal != 0) try_again(call);
    else if (request->op == SIM_READ_ORDER || request->op == SIM_READ_PRODUCT) read_one(call);
    else command(call);
}

/* ---- Entry ----------------------------------------------------------------------------------- */

/* As cluster nodes do: by id or natural key; what has neither, by its idempotency key. */
static uint16_t owner_of(const struct sim_node *node, const struct sim_request *request)
{
    uint32_t shard = makes_new(request) ? (uint32_t)(request->key[0] % node->sim->settings.shards)
                                        : dure_shard_of(node->rt, request->id);
    return dure_shard_node(node->rt, shard);
}

void sim_gateway_request(struct sim_node *node, unsigned client, uint64_t attempt,
                         const struct sim_request *request)
{
    struct sim_pending *pending = malloc(sizeof *pending);
    DURE_ASSERT(pending != NULL);
    *pending = (struct sim_pending){.next = node->pendings, .number = ++node->requests,
                                    .attempt = attempt, .client = client,
                                    .owner = owner_of(node, request)};
    node->pendings = pending;
    struct sim_request copy = *request;
    copy.number = pending->number;
    sim_node_wake(node, node->sim->now_us + node->lag_us);
    if (pending->owner == node->number) {
        handle(node, node->number, &copy);
        return;
    }
    int rv = dure_peer_send(node->peers, pending->owner, DURE_PEER_FORWARD, &copy, sizeof copy);
    if (rv == 0) return;
    struct sim_reply reply = {.number = copy.number, .status = SIM_TRY_AGAIN};
    answer_number(node, &reply);
}

void sim_gateway_frame(void *arg, uint16_t from, enum dure_peer_kind kind, const void *bytes,
                       size_t len)
{
    struct sim_node *node = arg;
    if (kind == DURE_PEER_FORWARD) {
        DURE_ASSERT(len == sizeof(struct sim_request));
        handle(node, from, bytes);
    } else {
        DURE_ASSERT(len == sizeof(struct sim_reply));
        answer_number(node, bytes);
    }
}

void sim_gateway_down(void *arg, uint16_t down)
{
    struct sim_node *node = arg;
    struct sim_pending **at = &node->pendings;
    const struct sim_reply reply = {.status = SIM_TRY_AGAIN};
    while (*at != NULL) {
        struct sim_pending *pending = *at;
        if (pending->owner != down) {
            at = &pending->next;
            continue;
        }
        *at = pending->next;
        answer_client(node, pending, &reply);
        free(pending);
    }
}

void sim_gateway_crashed(struct sim_node *node)
{
    const struct sim_reply reply = {.status = SIM_TRY_AGAIN};
    while (node->calls != NULL) drop(node->calls);
    while (node->pendings != NULL) {
        struct sim_pending *pending = node->pendings;
        node->pendings = pending->next;
        answer_client(node, pending, &reply);
        free(pending);
    }
}
