/*
 * What a request's headers ask for (RFC 9110 sections 8.3, 12.5.1, 13.1; RFC 7240). Pure.
 */
#ifndef DURE_PROTO_NEGOTIATE_H
#define DURE_PROTO_NEGOTIATE_H

#include "proto/server.h"

enum dure_accept { DURE_ACCEPT_NONE, DURE_ACCEPT_JSON, DURE_ACCEPT_HAL };

/* Which JSON the Accept headers admit; HAL when there are none or both are as good. */
enum dure_accept dure_negotiate_accept(const struct dure_request *request);

/* HTML is accepted by its name, and no less than JSON is: it is a browser. */
bool dure_negotiate_html(const struct dure_request *request);
/* Set of encodings that are accepted: bit 1 << enum dure_encoding (proto/console.h). */
unsigned dure_negotiate_encodings(const struct dure_request *request);

enum dure_content { DURE_CONTENT_JSON, DURE_CONTENT_NDJSON, DURE_CONTENT_OTHER };

/* Of the body. Without a Content-Type it is JSON (SPEC A5). */
enum dure_content dure_negotiate_content(const struct dure_request *request);

/* How long to wait for a saga, from Prefer: 0 for respond-async, else up to DURE_WAIT_MS_MAX. */
int64_t dure_negotiate_wait_ms(const struct dure_request *request);

/* If-None-Match holds `version`, by weak comparison. */
bool dure_negotiate_none_match(const struct dure_request *request, uint64_t version);
/* The same for a tag of any kind, as it is written. */
bool dure_negotiate_none_match_tag(const struct dure_request *request, const char *tag);
/*
 * A present If-Match: 0 with *; `version` when the list holds it; else a version that it names, or
 * UINT64_MAX when it names none that we could ever have given. Comparison is strong, so a weak tag
 * never matches (RFC 9110 section 13.1.1).
 */
uint64_t dure_negotiate_match(const struct dure_request *request, uint64_t version);
bool dure_negotiate_has_match(const struct dure_request *request);

#define DURE_BASE_BYTES 280

/* "http://host": what links begin with. From X-Forwarded-Host and -Proto, else Host. Only bytes
 * that need no escaping get in. Returns the length. */
size_t dure_negotiate_base(const struct dure_request *request, char base[DURE_BASE_BYTES]);

#endif
