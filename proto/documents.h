/*
 * /openapi.json and /asyncapi.json: made once, at the first request, on a pool thread; kept until
 * the gateway closes. They depend on the tables and the settings alone, so every client gets the
 * same bytes, with an ETag and 304.
 */
#ifndef DURE_PROTO_DOCUMENTS_H
#define DURE_PROTO_DOCUMENTS_H

#include "proto/asyncapi.h"
#include "proto/route.h"

struct dure_call;

enum dure_document { DURE_DOCUMENT_OPENAPI, DURE_DOCUMENT_ASYNCAPI, DURE_DOCUMENTS };

/* What the documents tell besides the tables. Lent by whoever opens the gateway. */
struct dure_documents_facts {
    const char *version;
    struct dure_asyncapi_ports ports;
};

struct dure_document_state {
    struct dure_buf text;      /* Empty: not made yet. */
    struct dure_call *waiting; /* Not empty: it is being made. */
    uint64_t hash;
};

struct dure_documents { /* Embedded in the gateway. */
    struct dure_documents_facts facts;
    struct dure_document_state states[DURE_DOCUMENTS];
};

/* Answers, now or when it is made. */
void dure_documents_get(struct dure_call *call, enum dure_document which);
void dure_documents_fini(struct dure_documents *documents);

#endif
