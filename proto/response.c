/*
 * The bytes of a response head (RFC 9112 section 4, RFC 9110 section 15).
 *
 *   status line, Date, framing, the handler's header lines, empty line
 *
 * The Connection header is the exchange's business (exchange.c), since only it knows the client's
 * version. Cannot fail. Loop thread.
 */
#include <time.h>

#include "proto/serving.h"

const char *dure_http_reason(int status)
{
    switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 203: return "Non-Authoritative Information";
    case 204: return "No Content";
    case 205: return "Reset Content";
    case 206: return "Partial Content";
    case 300: return "Multiple Choices";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 407: return "Proxy Authentication Required";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 424: return "Failed Dependency";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Unknown";
    }
}

/* IMF-fixdate (RFC 9110 section 5.6.7), made anew once a second. */
static void add_date(struct dure_server *server, struct dure_buf *out)
{
    time_t now = time(NULL);
    if (server->date_len == 0 || now != server->date_s) {
        struct tm tm;
        gmtime_r(&now, &tm);
        /* Names of days and months are English, since no setlocale is called. */
        server->date_len =
            strftime(server->date, sizeof server->date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
        server->date_s = now;
    }
    dure_buf_add(out, server->date, server->date_len);
}

void dure_response_head(struct dure_server *server, struct dure_buf *out, int status,
                        const struct dure_buf *headers, enum dure_response_framing framing,
                        size_t body_len)
{
    DURE_ASSERT(status >= 200 && status <= 599);
    if (status == 201) {
        dure_buf_lit(out, "HTTP/1.1 201 Created\r\n");
    } else if (status == 200) {
        dure_buf_lit(out, "HTTP/1.1 200 OK\r\n");
    } else {
        dure_buf_lit(out, "HTTP/1.1 ");
        dure_buf_u64(out, (uint64_t)status);
        dure_buf_byte(out, ' ');
        dure_buf_text(out, dure_http_reason(status));
        dure_buf_lit(out, "\r\n");
    }
    add_date(server, out);
    /* No length in a 204 (RFC 9110 section 8.6); that of a 304 would be another answer's. */
    if (framing == DURE_RESPONSE_LENGTH && status != 204 && status != 304) {
        dure_buf_lit(out, "Content-Length: ");
        dure_buf_u64(out, body_len);
        dure_buf_lit(out, "\r\n");
    } else if (framing == DURE_RESPONSE_CHUNKED) {
        dure_buf_lit(out, "Transfer-Encoding: chunked\r\n");
    }
    if (headers != NULL) dure_buf_add(out, headers->data, headers->len);
}
