/*
 * CORS headers. Header values come from the parser and hold no line ends. Cannot fail. Any thread.
 */
#include "proto/cors.h"

static void add_header(struct dure_buf *headers, const char *name, struct dure_span value)
{
    dure_buf_text(headers, name);
    dure_buf_add(headers, value.data, value.len);
    dure_buf_lit(headers, "\r\n");
}

void dure_cors_add(const struct dure_request *request, struct dure_buf *headers)
{
    struct dure_span origin = dure_request_header(request, "origin");
    if (origin.data == NULL || origin.len == 0) return;
    add_header(headers, "Access-Control-Allow-Origin: ", origin);
    dure_buf_lit(headers, "Access-Control-Allow-Credentials: true\r\n"
                          "Access-Control-Expose-Headers: Location, ETag, Retry-After, Allow, "
                          "Dure-Partial, traceresponse\r\n"
                          "Vary: Origin\r\n");
}

bool dure_cors_is_preflight(const struct dure_request *request)
{
    return request->method == DURE_OPTIONS && dure_request_header(request, "origin").len > 0 &&
           dure_request_header(request, "access-control-request-method").len > 0;
}

void dure_cors_preflight(const struct dure_request *request, struct dure_buf *headers)
{
    struct dure_span asked = dure_request_header(request, "access-control-request-headers");
    dure_buf_lit(headers,
                 "Access-Control-Allow-Methods: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"
                 "Access-Control-Max-Age: 3600\r\n");
    /* With credentials a * would be taken literally: what is asked for is named. */
    if (asked.len > 0) add_header(headers, "Access-Control-Allow-Headers: ", asked);
}
