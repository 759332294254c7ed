/*
 * Requests that this node makes of others: HTTP by libcurl's multi interface on the libuv loop, so nothing
 * here blocks (names are resolved on curl's own threads).
 *
 *   - http and https only; certificates are checked; redirects are not followed, and no proxy is taken
 *     from the environment
 *   - a request as a whole has a time-out; an answer has at most DURE_OUTGOING_ANSWER_BYTES_MAX of body
 *   - unless `private_allowed`, no connection is made to an address that is not a public one, whatever
 *     the name resolved to (loopback, RFC 1918, link-local, unique local, carrier-grade NAT, multicast…)
 *
 * Retries are the caller's. Loop thread.
 */
#ifndef DURE_PROTO_OUTGOING_H
#define DURE_PROTO_OUTGOING_H

#include <sys/socket.h>
#include <uv.h>

#include "runtime/bounds.h"
#include "runtime/buf.h"
#include "runtime/errors.h"

struct dure_outgoing;

struct dure_outgoing_answer { /* Valid within cb. */
    int status;             /* Of HTTP; 0: there was no answer, see error. */
    const char *error;      /* "" when there is an answer. */
    const char *body;
    size_t body_len;
    int64_t retry_after_ms; /* What a Retry-After in seconds said; 0: nothing. */
};

struct dure_outgoing_request { /* Embedded; the caller keeps it, and what it points to, until cb. */
    const char *url;
    const char *const *headers; /* "Name: value", NULL at the end. */
    const char *body;           /* A POST of these bytes. */
    size_t body_len;
    int64_t timeout_ms;
    /* Once, never within dure_outgoing_post. */
    void (*cb)(struct dure_outgoing_request *request, const struct dure_outgoing_answer *answer);
    /* Private. */
    struct dure_outgoing *outgoing;
    struct dure_outgoing_request *next, **link;
    void *easy, *header_list;
    bool refused; /* The address was not public. */
    int64_t retry_after_ms;
    struct dure_buf answer;
    char error[256];
};

/* One for each that is asked: connections are kept, and private ones not shared with who may have none.
 * DURE_ENOMEM, DURE_ESYSTEM. */
DURE_MUST_CHECK int dure_outgoing_open(struct dure_outgoing **outgoing, uv_loop_t *uv,
                                       bool private_allowed);
/* DURE_ENOMEM, DURE_EINVAL (a URL that curl cannot read): cb does not come then. */
DURE_MUST_CHECK int dure_outgoing_post(struct dure_outgoing *outgoing,
                                       struct dure_outgoing_request *request);
/* Those under way get their cb without an answer. The memory is freed once the loop has run on. */
void dure_outgoing_close(struct dure_outgoing *outgoing);
/* Can everybody reach it? (IANA's special-purpose registries, RFC 6890.) */
bool dure_outgoing_is_public(const struct sockaddr *address);

#endif
