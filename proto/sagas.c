/*
 * Sagas under way, one at a time.
 *
 *   1. one    the item by itself
 *   2. push   a RETRY or SKIP goes to the saga's mailbox; its next turn does the rest, so the
 *             answer is 202
 *
 * Fails with 404 for one that has ended or 409 for a push that nothing waits
 * for. Loop thread.
 */
#include "proto/sagas.h"

static const char *phase_name(uint8_t phase)
{
    static const char *const names[] = {"none", "forward", "undoing", "refusing", "late", "ended"};
    return phase < sizeof names / sizeof names[0] ? names[phase] : "unknown";
}

static void write_date(struct dure_buf *out, const char *name, int64_t ms)
{
    static const struct dure_field field = {
        .name = "date", .kind = DURE_DATE, .size = sizeof(int64_t)};
    dure_buf_printf(out, ",\"%s\":", name);
    dure_field_write_json(&field, &ms, out);
}

void dure_sagas_write(const struct dure_type *type, const struct dure_view *view,
                      struct dure_buf *out)
{
    const struct dure_saga_state *state = view->state;
    const struct dure_saga *saga = type->saga;
    dure_buf_printf(out, "{\"type\":\"%s\",\"id\":%lld,\"phase\":\"%s\",\"step\":", type->name,
                    (long long)view->id, phase_name(state->phase));
    if (state->step < saga->steps_count)
        dure_buf_printf(out, "\"%s\"", saga->steps[state->step].name);
    else
        dure_buf_lit(out, "null");
    dure_buf_printf(out, ",\"parked\":%s", state->parked ? "true" : "false");
    write_date(out, "started", state->started_ms);
    write_date(out, "since", state->since_ms);
    dure_buf_lit(out, ",\"reason\":");
    size_t len = strnlen(state->reason, sizeof state->reason);
    if (len > 0 && dure_utf8_valid(state->reason, len))
        dure_json_string(out, state->reason, len);
    else
        dure_buf_lit(out, "null");
    dure_buf_lit(out, ",\"data\":{");
    if (saga->data != NULL) dure_schema_write_json(saga->data, DURE_SAGA_DATA(state), out);
    dure_buf_printf(out, "},\"_links\":{\"self\":{\"href\":\"/sagas/%s/%lld\"}", type->name,
                    (long long)view->id);
    if (state->parked) {
        dure_buf_printf(out,
                        ",\"retry\":{\"href\":\"/sagas/%s/%lld/retry\"},"
                        "\"skip\":{\"href\":\"/sagas/%s/%lld/skip\"}",
                        type->name, (long long)view->id, type->name, (long long)view->id);
    }
    dure_buf_lit(out, "}}");
}

/* False: answered. */
static bool find(struct dure_call *call, struct dure_view *view)
{
    int rv = dure_runtime_view(call->gateway->rt, call->route.saga, call->route.id, view);
    if (rv == 0) return true;
    if (rv == DURE_ENOTFOUND) {
        dure_call_problem(call, 404, "there is no such saga under way", NULL);
        dure_call_respond_durable(call, NULL);
    } else {
        dure_call_fail(call, rv);
    }
    return false;
}

static void show(struct dure_call *call, int status, const struct dure_view *view)
{
    call->status = status;
    dure_call_clear(call);
    dure_buf_lit(&call->headers, "Content-Type: application/hal+json\r\n");
    dure_sagas_write(call->route.saga, view, &call->body);
}

void dure_sagas_get_one(struct dure_call *call)
{
    struct dure_view view;
    if (!find(call, &view)) return;
    show(call, 200, &view);
    dure_call_respond_durable(call, dure_sagas_get_one);
}

void dure_sagas_push(struct dure_call *call)
{
    struct dure_runtime *rt = call->gateway->rt;
    struct dure_view view;
    if (!find(call, &view)) return;
    if (!((const struct dure_saga_state *)view.state)->parked) {
        dure_call_refuse(call, 409, "the saga is not parked: it goes on by itself");
        return;
    }
    struct dure_mail *mail = dure_group_mail(rt);
    mail->kind = call->route.skip ? DURE_MAIL_SKIP : DURE_MAIL_RETRY;
    mail->type = call->route.saga;
    mail->id = call->route.id;
    dure_mailbox_push(rt, mail);
    rt->io->soon(rt->io);
    show(call, 202, &view);
    dure_buf_printf(&call->headers, "Location: /sagas/%s/%lld\r\n", call->route.saga->name,
                    (long long)call->route.id);
    dure_call_respond_durable(call, NULL);
}
