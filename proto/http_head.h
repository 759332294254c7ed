/*
 * What a syntactically sound head means: target form, Host, framing, connection, expectation. Split
 * from http.c because nothing of it needs llhttp.
 */
#ifndef DURE_PROTO_HTTP_HEAD_H
#define DURE_PROTO_HTTP_HEAD_H

#include "proto/http.h"

/* Reads the request line (without CRLF) into *line. 0, or the status of the refusal with *detail.
 */
int dure_http_head_line(struct dure_http_line *line, const char *data, size_t len,
                        size_t target_bytes_max, const char **detail);

/* Sets what follows from method, target and headers; may move bytes of the target, which must be
 * writable. 0, or the status of the refusal with *detail. */
int dure_http_head_check(struct dure_http_head *head, struct dure_span method, const char **detail);

/* A character of a token (RFC 9110 section 5.6.2). */
bool dure_http_head_is_token(unsigned char c);

#endif
