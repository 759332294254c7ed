/*
 * The documents, once made.
 *
 *   1. the first request has a pool thread make it; those that come meanwhile wait
 *   2. all are answered from then on with the same bytes
 *
 * 503 when memory runs out. Loop thread, but for `run`.
 */
#include "proto/documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "proto/call.h"
#include "proto/openapi.h"

struct making {
    struct dure_work work;
    struct dure_gateway *gateway;
    enum dure_document which;
    struct dure_buf text;
};
_Static_assert(offsetof(struct making, work) == 0, "a work is its making");

/* The tables do not change any more, so any thread may read them. */
static void run(struct dure_work *work)
{
    struct making *making = (struct making *)work;
    const struct dure_documents_facts *facts = &making->gateway->documents.facts;
    const char *version = facts->version != NULL ? facts->version : "0";
    json_t *document = making->which == DURE_DOCUMENT_OPENAPI
                           ? dure_openapi_make(&making->gateway->routes, version)
                           : dure_asyncapi_make(&making->gateway->routes, version, &facts->ports);
    dure_describe_write(document, &making->text);
    json_decref(document);
}

static bool has_tag(const struct dure_request *request, const char *tag, size_t len)
{
    struct dure_span sent = dure_request_header(request, "if-none-match");
    return sent.len > 0 && (memmem(sent.data, sent.len, tag, len) != NULL || sent.data[0] == '*');
}

static void answer(struct dure_call *call, const struct dure_document_state *state)
{
    char tag[24];
    int len = snprintf(tag, sizeof tag, "\"%016llx\"", (unsigned long long)state->hash);
    dure_call_clear(call);
    dure_buf_printf(&call->headers, "ETag: %s\r\nCache-Control: no-cache\r\n", tag);
    call->status = has_tag(call->request, tag, (size_t)len) ? 304 : 200;
    if (call->status == 200) {
        dure_buf_lit(&call->headers, "Content-Type: application/json\r\n");
        dure_buf_add(&call->body, state->text.data, state->text.len);
    }
    dure_call_respond(call);
}

static void done(struct dure_work *work)
{
    struct making *making = (struct making *)work;
    struct dure_document_state *state = &making->gateway->documents.states[making->which];
    state->text = making->text;
    state->hash = XXH3_64bits(state->text.data, state->text.len);
    struct dure_call *call = state->waiting;
    state->waiting = NULL;
    free(making);
    while (call != NULL) {
        struct dure_call *next = call->next;
        answer(call, state);
        call = next;
    }
}

void dure_documents_get(struct dure_call *call, enum dure_document which)
{
    struct dure_gateway *gateway = call->gateway;
    struct dure_document_state *state = &gateway->documents.states[which];
    if (state->text.len > 0) {
        answer(call, state);
        return;
    }
    struct making *making = NULL;
    if (state->waiting == NULL) {
        making = calloc(1, sizeof *making);
        if (making == NULL) {
            dure_call_fail(call, DURE_ENOMEM);
            return;
        }
        *making =
            (struct making){.work = {.run = run, .done = done}, .gateway = gateway, .which = which};
    }
    call->next = state->waiting; /* Last come, first served: they leave together. */
    state->waiting = call;
    if (making != NULL) gateway->rt->io->work(gateway->rt->io, &making->work);
}

void dure_documents_fini(struct dure_documents *documents)
{
    for (size_t i = 0; i < DURE_DOCUMENTS; i++) dure_buf_fini(&documents->states[i].text);
}
