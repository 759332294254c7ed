/*
 * From a request to an ask, and from its answer to bytes.
 *
 *   1. read      the body into the call's payload, every wrong field named at once (400)
 *   2. key       Idempotency-Key: a known one gives the stored reply; a running one 409; another
 *                payload 422
 *   3. submit    the runtime takes the ask, or its queues are full (503)
 *   4. decided   in the turn: the reply is made, and stored with the key in the same record
 *   5. released  on disk: the reply leaves. If the write failed, the error's problem instead.
 *
 * A reply that is no outcome (5xx, a failed write) is not kept for the key. Loop thread.
 */
#include "proto/command.h"

#include <stdio.h>
#include <xxhash.h>

#include "proto/forward.h"
#include "proto/item.h"

/* ---- 1: read -------------------------------------------------------------------------------- */

static bool is_named(const struct dure_field_errors *errors, const char *field)
{
    for (size_t i = 0; i < errors->count; i++) {
        if (strcmp(errors->items[i].field, field) == 0) return true;
    }
    return false;
}

int dure_command_read(const struct dure_schema *schema, void *object, const char *json, size_t len,
                      struct dure_field_errors *errors)
{
    dure_schema_init(schema, object);
    errors->count = 0;
    int rv = dure_schema_read_json(schema, object, json, len, NULL, errors);
    if (rv != 0 && is_named(errors, "")) return rv; /* Not even an object. */
    if (rv == 0) return dure_schema_require(schema, object, errors);
    /* A wrong field is absent, too, but is named only once. */
    struct dure_field_errors missing;
    missing.count = 0;
    if (dure_schema_require(schema, object, &missing) != 0) {
        for (size_t i = 0; i < missing.count; i++) {
            const struct dure_field_error *one = &missing.items[i];
            if (!is_named(errors, one->field))
                dure_field_errors_add(errors, one->field, "%s", one->message);
        }
    }
    return rv;
}

void dure_command_explain(const struct dure_schema *schema, const char *detail,
                          struct dure_field_errors *errors)
{
    errors->count = 0;
    size_t len = strcspn(detail, " ");
    const struct dure_field *field = dure_schema_find(schema, detail, len);
    const char *message = field != NULL && detail[len] == ' ' ? detail + len + 1 : detail;
    dure_field_errors_add(errors, field != NULL ? field->name : "", "%s", message);
}

static void refuse_fields(struct dure_call *call, const struct dure_field_errors *errors)
{
    const char *what = is_named(errors, "") ? "the body is no JSON object that can be read"
                                            : "some fields are wrong, see errors";
    char detail[256];
    if (errors->count == 1 && errors->items[0].field[0] != '\0') {
        snprintf(detail, sizeof detail, "%s %s", errors->items[0].field, errors->items[0].message);
        what = detail;
    }
    dure_call_problem(call, 400, what, errors);
    dure_call_respond(call);
}

/* False: refused with 415. A body that nobody reads may be of any type. */
static bool check_content(struct dure_call *call)
{
    if (dure_negotiate_content(call->request) == DURE_CONTENT_JSON) return true;
    dure_call_refuse(call, 415, "the body must be JSON");
    return false;
}

/* ---- 4: decided ----------------------------------------------------------------------------- */

static void made(struct dure_call *call, const struct dure_answer *answer)
{
    const struct dure_view *view = &answer->view;
    call->answer_id = view->id;
    call->status = call->route.kind == DURE_ROUTE_COLLECTION ? 201 : 200;
    if (call->request->method == DURE_DELETE || !view->exists) {
        call->status = 204;
        return;
    }
    struct dure_origin origin = dure_item_origin(call);
    dure_item_headers(call, view);
    if (call->status == 201) {
        dure_buf_lit(&call->headers, "Location: ");
        dure_buf_add(&call->headers, origin.base, origin.base_len);
        dure_item_path(origin.path, view->id, &call->headers);
        dure_buf_lit(&call->headers, "\r\n");
    }
    dure_item_write(call->route.collection, origin, view, &call->body);
}

static void refused(struct dure_call *call, const struct dure_answer *answer)
{
    int status = answer->status >= 400 && answer->status < 600 ? answer->status : 409;
    struct dure_buf path = {0};
    struct dure_span instance = call->request->path;
    if (answer->view.exists && answer->view.aggregate == call->route.collection->aggregate) {
        call->answer_id = answer->view.id;
        dure_item_path(call->route.path, answer->view.id, &path);
        instance = (struct dure_span){path.data, path.len};
    }
    struct dure_field_errors errors;
    bool explain = status == 400 && answer->detail != NULL;
    if (explain)
        dure_command_explain(call->route.collection->aggregate->schema, answer->detail, &errors);
    dure_call_problem_at(call, status, answer->detail, explain ? &errors : NULL, instance);
    dure_buf_fini(&path);
}

static void decided(struct dure_ask *ask, const struct dure_answer *answer)
{
    struct dure_call *call = (struct dure_call *)ask;
    dure_call_clear(call);
    call->answer_id = 0;
    if (answer->verdict == DURE_DONE || answer->verdict == DURE_PENDING)
        made(call, answer);
    else
        refused(call, answer);
    if (!ask->has_key) return;
    if (answer->verdict == DURE_FAILED || call->status >= 500) {
        dure_idem_cancel(ask->rt, ask->key);
    } else {
        dure_idem_finish(ask->rt, ask, call->status, &call->headers, &call->body);
    }
    call->keyed = false;
}

static void released(struct dure_ask *ask, int rv)
{
    struct dure_call *call = (struct dure_call *)ask;
    if (rv == 0)
        dure_call_respond(call);
    else
        dure_call_fail(call, rv);
}

_Static_assert(offsetof(struct dure_call, ask) == 0, "an ask is its call");

/* ---- 2 and 3: key, submit ------------------------------------------------------------------- */

static uint64_t fingerprint(const struct dure_request *request)
{
    uint64_t where =
        XXH3_64bits_withSeed(request->path.data, request->path.len, (uint64_t)request->method);
    return XXH3_64bits_withSeed(request->body.data, request->body.len, where);
}

static void replay(struct dure_call *call, struct dure_idem_reply *reply)
{
    call->status = reply->status;
    dure_call_clear(call);
    dure_buf_add(&call->headers, reply->headers.data, reply->headers.len);
    dure_buf_add(&call->body, reply->body.data, reply->body.len);
    dure_buf_fini(&reply->headers);
    dure_buf_fini(&reply->body);
    dure_call_respond(call);
}

static void submit(struct dure_call *call, bool resume)
{
    struct dure_ask *ask = &call->ask;
    struct dure_runtime *rt = call->gateway->rt;
    int rv = resume ? dure_ask_resume(rt, ask) : dure_ask_submit(rt, ask);
    if (rv == 0) return;
    if (call->keyed) dure_idem_cancel(rt, ask->key);
    call->keyed = false;
    dure_call_fail(call, rv);
}

static void begin_key(struct dure_call *call, struct dure_span key)
{
    struct dure_ask *ask = &call->ask;
    if (key.len == 0 || key.len > DURE_KEY_BYTES_MAX) {
        dure_call_refuse(call, 400, "an Idempotency-Key has 1 to %d bytes", DURE_KEY_BYTES_MAX);
        return;
    }
    XXH128_hash_t hash = XXH3_128bits(key.data, key.len);
    ask->has_key = true;
    ask->key[0] = hash.high64;
    ask->key[1] = hash.low64;
    ask->fingerprint = fingerprint(call->request);
    enum dure_idem_result result;
    struct dure_idem_reply reply = {0};
    int rv = dure_idem_begin(call->gateway->rt, ask->key, ask->fingerprint, &result, &reply);
    if (rv != 0) {
        dure_call_fail(call, rv);
        return;
    }
    if (result == DURE_IDEM_REPLY) {
        replay(call, &reply);
        return;
    }
    call->keyed = true;
    if (result == DURE_IDEM_STARTED) {
        ask->type = reply.type;
        ask->id = reply.id;
        ask->saga = reply.saga;
    }
    submit(call, result == DURE_IDEM_STARTED);
}

/* False: refused with 412 (RFC 9110 section 13.1). If-Match is looked at again in the turn. */
static bool check_conditions(struct dure_call *call)
{
    const struct dure_request *request = call->request;
    bool none_match = dure_request_header(request, "if-none-match").data != NULL;
    if (call->route.kind == DURE_ROUTE_COLLECTION || call->route.kind == DURE_ROUTE_CREATE)
        return true;
    if (!none_match && !dure_negotiate_has_match(request)) return true;
    struct dure_view view = {0};
    struct dure_ask *ask = &call->ask;
    if (dure_runtime_view(call->gateway->rt, ask->type, ask->id, &view) != 0) return true;
    if (dure_negotiate_has_match(request))
        ask->if_match = dure_negotiate_match(request, view.version);
    if (!none_match || !dure_negotiate_none_match(request, view.version)) return true;
    dure_call_refuse(call, 412, "If-None-Match names the present version");
    return false;
}

/* What the caller has not set: type, command, id, by_key, data. */
static void ask(struct dure_call *call)
{
    struct dure_ask *ask = &call->ask;
    struct dure_runtime *rt = call->gateway->rt;
    int64_t wait_ms = dure_negotiate_wait_ms(call->request);
    ask->wait_until_ms = wait_ms == 0 ? 0 : rt->io->wall_ms(rt->io) + wait_ms;
    ask->decided = decided;
    ask->released = released;
    ask->has_key = false;
    ask->if_match = 0;
    ask->trace = dure_tracing_carried(&call->tracing);
    ask->mail.kind = DURE_MAIL_COMMAND; /* A call is used again: no mark of a resumed ask. */
    if (!check_conditions(call)) return;
    struct dure_span key = dure_request_header(call->request, "idempotency-key");
    if (key.data != NULL)
        begin_key(call, key);
    else
        submit(call, false);
}

/* ---- The routes ----------------------------------------------------------------------------- */

/* True: another node makes it. Without a natural key it may be made anywhere: where its
 * Idempotency-Key is kept, or where another node has brought it, or here if the other is busy. */
static bool goes_home(struct dure_call *call)
{
    const struct dure_collection *collection = call->route.collection;
    bool settled = call->inbound != NULL ||
                   dure_request_header(call->request, "idempotency-key").data != NULL;
    if (collection->key == NULL && (collection->beside == NULL || settled)) return false;
    uint16_t node = dure_forward_home(call->gateway, collection, call->payload);
    if (collection->key == NULL && !dure_forward_room(call->gateway, node)) return false;
    return dure_forward_node(call, node);
}

void dure_command_create(struct dure_call *call)
{
    const struct dure_collection *collection = call->route.collection;
    const struct dure_command *create = collection->aggregate->create;
    if (!check_content(call)) return;
    struct dure_field_errors errors;
    int rv = dure_command_read(create->schema, call->payload, call->request->body.data,
                               call->request->body.len, &errors);
    if (rv == 0 && collection->key != NULL && dure_field_is_null(collection->key, call->payload)) {
        errors.count = 0;
        dure_field_errors_add(&errors, collection->key->name, "is required");
        rv = DURE_EINVAL;
    }
    if (rv != 0) {
        refuse_fields(call, &errors);
        return;
    }
    call->ask.type = collection->type;
    call->ask.command = create;
    call->ask.data = call->payload;
    call->ask.by_key = collection->key != NULL;
    call->ask.id = DURE_NEW;
    if (collection->key != NULL)
        memcpy(&call->ask.id, call->payload + collection->key->offset, sizeof call->ask.id);
    if (!goes_home(call)) ask(call);
}

static void ask_existing(struct dure_call *call, const struct dure_command *command,
                         const void *data)
{
    call->ask.type = call->route.collection->type;
    call->ask.command = command;
    call->ask.data = data;
    call->ask.by_key = false;
    call->ask.id = call->route.id;
    ask(call);
}

void dure_command_run(struct dure_call *call)
{
    const struct dure_command *command = call->route.command;
    if (command->schema == NULL) {
        ask_existing(call, command, NULL);
        return;
    }
    struct dure_span body = call->request->body;
    if (body.len == 0)
        body = (struct dure_span){"{}", 2};
    else if (!check_content(call))
        return;
    struct dure_field_errors errors;
    if (dure_command_read(command->schema, call->payload, body.data, body.len, &errors) != 0)
        refuse_fields(call, &errors);
    else
        ask_existing(call, command, call->payload);
}

/* A governed status set to a text that is none of its own: no legal transition, so a 409. */
static bool only_governed(const struct dure_schema *schema, const struct dure_field_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++) {
        const char *name = errors->items[i].field;
        const struct dure_field *field = dure_schema_find(schema, name, strlen(name));
        if (field == NULL || field->kind != DURE_ENUM || !(field->flags & DURE_GOVERNED))
            return false;
    }
    return true;
}

/* What does not exist is a 404, however wrong the body. */
static void refuse_edit(struct dure_call *call, const struct dure_field_errors *errors)
{
    struct dure_view view;
    int rv =
        dure_runtime_view(call->gateway->rt, call->route.collection->type, call->route.id, &view);
    if (rv != 0)
        dure_call_fail(call, rv);
    else if (only_governed(call->route.collection->aggregate->schema, errors))
        dure_call_refuse(call, 409, "%s changes only by commands", errors->items[0].field);
    else
        refuse_fields(call, errors);
}

/* A missing field becomes null by PUT, and a required one cannot: all of them are named at once.
 * Governed ones stay as they are. */
static int require_editable(const struct dure_schema *schema, const struct dure_edit *edit,
                            struct dure_field_errors *errors)
{
    int rv = 0;
    for (size_t i = 0; i < schema->fields_count; i++) {
        const struct dure_field *field = &schema->fields[i];
        bool concerned = edit->replace || (edit->named >> i & 1);
        if (!concerned || !(field->flags & DURE_REQUIRED) || is_named(errors, field->name) ||
            field->flags & (DURE_GOVERNED | DURE_ID | DURE_HIDDEN) ||
            !dure_field_is_null(field, edit->state))
            continue;
        dure_field_errors_add(errors, field->name, "is required");
        rv = DURE_EINVAL;
    }
    return rv;
}

void dure_command_edit(struct dure_call *call)
{
    const struct dure_schema *schema = call->route.collection->aggregate->schema;
    if (!check_content(call)) return;
    struct dure_field_errors errors;
    errors.count = 0;
    bool replace = call->request->method == DURE_PUT &&
                   !call->route.collection->aggregate->put_keeps;
    call->edit = (struct dure_edit){.state = call->payload, .replace = replace};
    dure_schema_init(schema, call->payload);
    int rv = dure_schema_read_json(schema, call->payload, call->request->body.data,
                                   call->request->body.len, &call->edit.named, &errors);
    if (rv == 0 || !is_named(&errors, "")) {
        int missing = require_editable(schema, &call->edit, &errors);
        if (rv == 0) rv = missing;
    }
    if (rv == 0)
        ask_existing(call, NULL, &call->edit);
    else
        refuse_edit(call, &errors);
}

void dure_command_remove(struct dure_call *call)
{
    const struct dure_command *remove = call->route.collection->aggregate->remove;
    if (remove == NULL) {
        call->edit = (struct dure_edit){.remove = true};
        ask_existing(call, NULL, &call->edit);
        return;
    }
    if (remove->schema != NULL) dure_schema_init(remove->schema, call->payload);
    ask_existing(call, remove, remove->schema != NULL ? call->payload : NULL);
}
