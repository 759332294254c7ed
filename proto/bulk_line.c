/*
 * Lines of a bulk request.
 *
 *   1. ask       a line whose aggregate is to be made on another node (forward.h) travels there as a
 *                request of its own; all others are asked here
 *   2. decided   makes the result line while the data lasts; an answer from elsewhere becomes one
 *   3. released  on disk: the slot is ready
 *
 * A node that is not reachable is a 503 in the lines that it owns. Loop thread.
 */
#include "proto/bulk_line.h"

#include <stdio.h>

#include "proto/command.h"
#include "proto/forward.h"
#include "proto/item.h"
#include "proto/problem.h"

/* ---- Results -------------------------------------------------------------------------------- */

static void result_item(struct dure_bulk_slot *slot, int status, const struct dure_view *view)
{
    const struct bulk *bulk = slot->bulk;
    struct dure_origin origin = {bulk->base, bulk->base_len, bulk->path};
    slot->status = status;
    slot->result.len = 0;
    dure_buf_lit(&slot->result, "{\"status\":");
    dure_buf_i64(&slot->result, status);
    dure_buf_lit(&slot->result, ",\"id\":");
    dure_buf_i64(&slot->result, view->id);
    dure_buf_lit(&slot->result, ",\"item\":");
    dure_item_write(bulk->collection, origin, view, &slot->result);
    dure_buf_lit(&slot->result, "}\n");
}

/* id 0: there is no resource. */
void dure_bulk_line_problem(struct dure_bulk_slot *slot, int status, const char *detail, int64_t id,
                            const struct dure_field_errors *errors)
{
    const struct bulk *bulk = slot->bulk;
    char bytes[DURE_ROUTE_PATH_BYTES + 24];
    struct dure_buf path = {.data = bytes, .cap = sizeof bytes};
    if (id != 0)
        dure_item_path(bulk->path, id, &path);
    else
        dure_buf_text(&path, bulk->path);
    slot->status = status;
    slot->result.len = 0;
    dure_buf_lit(&slot->result, "{\"status\":");
    dure_buf_i64(&slot->result, status);
    if (id != 0) {
        dure_buf_lit(&slot->result, ",\"id\":");
        dure_buf_i64(&slot->result, id);
    }
    dure_buf_lit(&slot->result, ",\"problem\":");
    dure_problem_write(&slot->result, status, detail, (struct dure_span){path.data, path.len},
                       errors);
    dure_buf_lit(&slot->result, "}\n");
}

void dure_bulk_line_error(struct dure_bulk_slot *slot, int rv)
{
    const struct dure_error_info *info = dure_error_info(rv);
    dure_bulk_line_problem(slot, info->http_status, info->text, 0, NULL);
}

/* The answer of the node that has the key. */
static void result_answer(struct dure_bulk_slot *slot, const struct dure_forward_reply *reply)
{
    slot->status = reply->status;
    slot->result.len = 0;
    dure_buf_printf(&slot->result, "{\"status\":%d", reply->status);
    if (reply->id != 0) {
        dure_buf_lit(&slot->result, ",\"id\":");
        dure_buf_i64(&slot->result, reply->id);
    }
    dure_buf_text(&slot->result, reply->status < 300 ? ",\"item\":" : ",\"problem\":");
    dure_buf_add(&slot->result, reply->body.data, reply->body.len);
    dure_buf_lit(&slot->result, "}\n");
}

static void result_lost(struct dure_bulk_slot *slot, uint16_t node, const char *how)
{
    char detail[128];
    snprintf(detail, sizeof detail, "node %u, which owns this, %s", node, how);
    dure_bulk_line_problem(slot, 503, detail, 0, NULL);
}

/* ---- Here ----------------------------------------------------------------------------------- */

static void decided(struct dure_ask *ask, const struct dure_answer *answer)
{
    struct dure_bulk_slot *slot = (struct dure_bulk_slot *)ask;
    DURE_ASSERT(slot->state == DURE_BULK_ASKED || slot->state == DURE_BULK_DECIDED);
    slot->state = DURE_BULK_DECIDED;
    slot->group = ask->rt->open->number;
    bool made = answer->verdict == DURE_DONE || answer->verdict == DURE_PENDING;
    if (made && answer->view.exists) {
        result_item(slot, 201, &answer->view);
    } else {
        int status = answer->status >= 400 ? answer->status : 409;
        struct dure_field_errors errors;
        bool explain = status == 400 && answer->detail != NULL;
        if (explain)
            dure_command_explain(slot->bulk->collection->aggregate->schema, answer->detail,
                                 &errors);
        dure_bulk_line_problem(slot, status, answer->detail,
                               answer->view.exists ? answer->view.id : 0, explain ? &errors : NULL);
    }
}

static void released(struct dure_ask *ask, int rv)
{
    struct dure_bulk_slot *slot = (struct dure_bulk_slot *)ask;
    if (rv != 0) dure_bulk_line_error(slot, rv);
    dure_bulk_ready(slot);
}

static int ask_here(struct dure_bulk_slot *slot)
{
    const struct bulk *bulk = slot->bulk;
    const struct dure_field *key = bulk->collection->key;
    struct dure_ask *ask = &slot->ask;
    ask->type = bulk->collection->type;
    ask->command = bulk->create;
    ask->data = slot->payload;
    ask->by_key = key != NULL;
    ask->id = DURE_NEW;
    if (key != NULL) memcpy(&ask->id, slot->payload + key->offset, sizeof ask->id);
    ask->if_match = 0;
    ask->has_key = false;
    ask->trace = dure_tracing_carried(&bulk->tracing);
    ask->wait_until_ms = bulk->wait_ms == 0 ? 0 : bulk->now_ms + bulk->wait_ms;
    ask->decided = decided;
    ask->released = released;
    ask->mail.kind = DURE_MAIL_COMMAND;
    return dure_ask_submit(bulk->gateway->rt, ask);
}

/* ---- Elsewhere ------------------------------------------------------------------------------ */

static void on_answer(struct dure_remote *remote, int rv, const void *bytes, size_t len)
{
    struct dure_bulk_slot *slot =
        (struct dure_bulk_slot *)((char *)remote - offsetof(struct dure_bulk_slot, remote));
    struct dure_forward_reply reply;
    if (rv == DURE_EUNAVAILABLE)
        result_lost(slot, remote->node, DURE_FORWARD_GONE);
    else if (rv != 0)
        dure_bulk_line_error(slot, rv);
    else if (dure_forward_read(&reply, bytes, len) != 0 || reply.body.len == 0)
        result_lost(slot, remote->node, DURE_FORWARD_UNREACHABLE);
    else
        result_answer(slot, &reply);
    slot->group = DURE_BULK_NO_GROUP;
    dure_bulk_ready(slot);
}

static int ask_node(struct dure_bulk_slot *slot, uint16_t node, const char *line, size_t len)
{
    const struct bulk *bulk = slot->bulk;
    char prefer[32] = "respond-async";
    if (bulk->wait_ms > 0)
        snprintf(prefer, sizeof prefer, "wait=%lld", (long long)(bulk->wait_ms + 999) / 1000);
    struct dure_header headers[] = {
        {{"content-type", 12}, {"application/json", 16}},
        {{"prefer", 6}, {prefer, strlen(prefer)}},
    };
    struct dure_forward_request request = {.method = DURE_POST,
                                           .target = {bulk->path, strlen(bulk->path)},
                                           .headers = headers,
                                           .headers_count = 2,
                                           .body = {line, len},
                                           .base = {bulk->base, bulk->base_len},
                                           .trace = dure_tracing_carried(&bulk->tracing)};
    slot->remote.done = on_answer;
    int rv = dure_forward_ask(bulk->gateway, &slot->remote, node, &request);
    if (rv == DURE_EUNAVAILABLE) result_lost(slot, node, DURE_FORWARD_UNREACHABLE);
    return rv;
}

int dure_bulk_line_ask(struct dure_bulk_slot *slot, const char *line, size_t len)
{
    const struct bulk *bulk = slot->bulk;
    const struct dure_gateway *gateway = bulk->gateway;
    uint16_t node = dure_forward_home(gateway, bulk->collection, slot->payload);
    bool here = gateway->remotes == NULL || node == dure_remote_self(gateway->remotes);
    int rv = here ? ask_here(slot) : ask_node(slot, node, line, len);
    if (rv != 0 && rv != DURE_EUNAVAILABLE) dure_bulk_line_error(slot, rv);
    return rv;
}
