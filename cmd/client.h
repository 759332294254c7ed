/*
 * HTTP from the command line, by libcurl: one request at a time, blocking. For the commands that
 * talk to a running node (call, sagas, top). The environment's proxies are not asked: nodes are
 * near.
 */
#ifndef DURE_CMD_CLIENT_H
#define DURE_CMD_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/buf.h"
#include "runtime/errors.h"

#define DURE_CLIENT_URL "http://127.0.0.1:8088" /* Where a node is by default. */

struct dure_client; /* Keeps its connection from request to request. */

struct dure_client_request {
    const char *method, *url;
    const char *const *headers; /* "Name: value", NULL at the end; or NULL. */
    const void *body;           /* NULL: none. */
    size_t body_len;
    double timeout_s; /* For the whole; 0: none. */
    /* Each piece as it comes; NULL: it is gathered in the reply. False stops. */
    bool (*on_body)(void *arg, const struct dure_client *client, const char *bytes, size_t len);
    void *arg;
};

struct dure_client_reply { /* Zeroed by the caller before the first use; each request empties it. */
    int status;
    struct dure_buf head; /* From the status line to the last header, lines ended by CR LF. */
    struct dure_buf body;
};

/* NULL: no memory. */
struct dure_client *dure_client_new(void);
void dure_client_free(struct dure_client *client); /* Safe on NULL. */

/* 0, or DURE_EUNAVAILABLE: there was no (whole) answer, and dure_client_error says why. */
DURE_MUST_CHECK int dure_client_send(struct dure_client *client,
                                     const struct dure_client_request *request,
                                     struct dure_client_reply *reply);
const char *dure_client_error(const struct dure_client *client);
/* Within on_body: the head so far. */
const struct dure_client_reply *dure_client_reply(const struct dure_client *client);
void dure_client_reply_fini(struct dure_client_reply *reply);
/* The value of a header, NUL-terminated, in static memory; "" when there is none. */
const char *dure_client_header(const struct dure_client_reply *reply, const char *name);
/* The exit status of an answer, as httpie's --check-status: 0, or the first digit from 3xx on. */
int dure_client_exit(int status);

#endif
