/*
 * What the lines of a head mean (RFC 9110, RFC 9112).
 *
 *   1. request line: method SP target SP version, single spaces
 *   2. headers: names are tokens; Host, Content-Length, Transfer-Encoding, Connection and Expect
 *      are read, everything else is the handler's
 *   3. target: origin form; an absolute one is reduced to it, and its authority replaces Host
 *
 * Refuses whatever two readers could understand differently, since that is how requests are
 * smuggled. Pure functions; any thread.
 */
#include "proto/http_head.h"

#include <string.h>
#include <strings.h>

/* 18 digits cannot overflow; a body of 10^18 bytes is not meant. */
#define LENGTH_DIGITS_MAX 18

bool dure_http_head_is_token(unsigned char c)
{
    /* ! # $ % & ' * + - . ^ _ ` | ~ digits letters (RFC 9110 section 5.6.2), a bit each. */
    static const uint64_t low = 0x03ff6cfa00000000ULL, high = 0x57ffffffc7fffffeULL;
    if (c >= 128) return false;
    return ((c < 64 ? low >> c : high >> (c - 64)) & 1) != 0;
}

static int refuse(const char **detail, int status, const char *text)
{
    *detail = text;
    return status;
}

static bool is(struct dure_span span, const char *text)
{
    return strlen(text) == span.len && strncasecmp(span.data, text, span.len) == 0;
}

/* ---- 1: the request line ----------------------------------------------------------------------*/

static int check_version(struct dure_http_line *line, const char *text, size_t len,
                         const char **detail)
{
    bool shaped = len == 8 && memcmp(text, "HTTP/", 5) == 0 && text[5] >= '0' && text[5] <= '9' &&
                  text[6] == '.' && text[7] >= '0' && text[7] <= '9';
    if (!shaped) return refuse(detail, 400, "the request line does not end in an HTTP version");
    if (text[5] != '1' || text[7] > '1')
        return refuse(detail, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    line->http11 = text[7] == '1';
    return 0;
}

int dure_http_head_line(struct dure_http_line *line, const char *data, size_t len,
                        size_t target_bytes_max, const char **detail)
{
    size_t method = 0;
    while (method < len && dure_http_head_is_token((unsigned char)data[method])) method++;
    if (method == 0 || method == len || data[method] != ' ')
        return refuse(detail, 400, "the request does not begin with a method and a space");
    const char *target = data + method + 1;
    size_t rest = len - method - 1;
    const char *space = memchr(target, ' ', rest);
    if (space == NULL) return refuse(detail, 400, "the request line has no HTTP version");
    size_t target_len = (size_t)(space - target);
    int status = check_version(line, space + 1, rest - target_len - 1, detail);
    if (status != 0) return status;
    if (target_len == 0) return refuse(detail, 400, "the request line has no target");
    if (target_len > target_bytes_max) return refuse(detail, 414, "the request target is too long");
    /* After CONNECT the client speaks another protocol: nothing to stay connected for. */
    if (method == 7 && memcmp(data, "CONNECT", 7) == 0)
        return refuse(detail, 405, "this server is no proxy");
    if (memchr(target, '\t', target_len) != NULL || memchr(target, '#', target_len) != NULL)
        return refuse(detail, 400, "the request target holds a character that it may not");
    line->method_at = 0;
    line->method_len = method;
    line->target_at = method + 1;
    line->target_len = target_len;
    return 0;
}

/* ---- 2: headers -------------------------------------------------------------------------------*/

struct seen {
    struct dure_header *host;
    bool expect_other;
    bool length, encoding;
    bool close, keep_alive;
};

static int read_length(struct dure_http_head *head, struct seen *seen, struct dure_span value,
                       const char **detail)
{
    if (seen->length) return refuse(detail, 400, "Content-Length is given twice");
    seen->length = true;
    if (value.len == 0 || value.len > LENGTH_DIGITS_MAX)
        return refuse(detail, 400, "Content-Length is not a number of sensible size");
    uint64_t length = 0;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        if (c < '0' || c > '9') return refuse(detail, 400, "Content-Length is not a number");
        length = length * 10 + (uint64_t)(c - '0');
    }
    head->has_length = true;
    head->content_length = length;
    return 0;
}

/* RFC 9112 section 6.1: a coding that is not understood is 501; one that hides the end is 400. */
static int read_encoding(struct dure_http_head *head, struct seen *seen, struct dure_span value,
                         const char **detail)
{
    static const char chunked[] = "chunked";
    if (seen->encoding) return refuse(detail, 400, "Transfer-Encoding is given twice");
    seen->encoding = true;
    if (is(value, chunked)) {
        head->chunked = true;
        return 0;
    }
    size_t len = sizeof chunked - 1;
    bool last = value.len > len && strncasecmp(value.data + value.len - len, chunked, len) == 0 &&
                strchr(" \t,", value.data[value.len - len - 1]) != NULL;
    if (!last) return refuse(detail, 400, "Transfer-Encoding does not end in chunked");
    for (size_t i = 0; i + len < value.len; i++) {
        if (strncasecmp(value.data + i, chunked, len) == 0)
            return refuse(detail, 400, "Transfer-Encoding names chunked twice");
    }
    return refuse(detail, 501, "the only transfer coding understood is chunked");
}

static void read_connection(struct seen *seen, struct dure_span value)
{
    size_t at = 0;
    while (at < value.len) {
        size_t end = at;
        while (end < value.len && value.data[end] != ',') end++;
        struct dure_span token = {value.data + at, end - at};
        while (token.len > 0 && (token.data[0] == ' ' || token.data[0] == '\t'))
            token.data++, token.len--;
        while (token.len > 0 && strchr(" \t", token.data[token.len - 1]) != NULL) token.len--;
        if (is(token, "close")) seen->close = true;
        if (is(token, "keep-alive")) seen->keep_alive = true;
        at = end + 1;
    }
}

/* uri-host [ ":" port ], loosely: nothing that could end an authority or start another. */
static bool is_authority(struct dure_span value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (c <= ' ' || strchr("/\\?#@,\"<>{}|^`", c) != NULL) return false;
    }
    return true;
}

static int read_header(struct dure_http_head *head, struct seen *seen, struct dure_header *header,
                       const char **detail)
{
    struct dure_span name = header->name, value = header->value;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (dure_http_head_is_token(c)) continue;
        return refuse(detail, 400,
                      c == ' ' || c == '\t' ? "there is white space in or after a header's name"
                                            : "a header's name holds a character that it may not");
    }
    if (name.len == 0) return refuse(detail, 400, "a header has no name");
    if (name.len == 4 && is(name, "host")) {
        if (seen->host != NULL) return refuse(detail, 400, "Host is given twice");
        if (!is_authority(value)) return refuse(detail, 400, "Host is not a host");
        seen->host = header;
    } else if (name.len == 6 && is(name, "expect")) {
        if (is(value, "100-continue"))
            head->expect_continue = true;
        else
            seen->expect_other = true;
    } else if (name.len == 10 && is(name, "connection")) {
        read_connection(seen, value);
    } else if (name.len == 14 && is(name, "content-length")) {
        return read_length(head, seen, value, detail);
    } else if (name.len == 17 && is(name, "transfer-encoding")) {
        return read_encoding(head, seen, value, detail);
    }
    return 0;
}

/* What can only be said when all headers are known. */
static int check_together(struct dure_http_head *head, const struct seen *seen, const char **detail)
{
    if (seen->length && seen->encoding)
        return refuse(detail, 400, "there is a Content-Length and a Transfer-Encoding");
    if (seen->encoding && !head->http11)
        return refuse(detail, 400, "HTTP/1.0 has no Transfer-Encoding");
    if (head->http11 && seen->host == NULL) return refuse(detail, 400, "Host is missing");
    if (head->http11 && seen->expect_other)
        return refuse(detail, 417, "the only expectation understood is 100-continue");
    head->expect_continue = head->expect_continue && head->http11; /* RFC 9110 section 10.1.1. */
    head->keep_alive = !seen->close && (head->http11 || seen->keep_alive);
    return 0;
}

/* ---- 3: method and target ---------------------------------------------------------------------*/

static enum dure_method find_method(struct dure_span name)
{
    static const char *const names[] = {
        [DURE_GET] = "GET",         [DURE_HEAD] = "HEAD",   [DURE_POST] = "POST",
        [DURE_PUT] = "PUT",         [DURE_PATCH] = "PATCH", [DURE_DELETE] = "DELETE",
        [DURE_OPTIONS] = "OPTIONS",
    };
    for (unsigned i = 0; i < DURE_OTHER; i++) {
        /* Methods are case-sensitive (RFC 9110 section 9.1). */
        if (strlen(names[i]) == name.len && memcmp(names[i], name.data, name.len) == 0)
            return (enum dure_method)i;
    }
    return DURE_OTHER;
}

/*
 * "http://host:port/path?query" → "/path?query" (RFC 9112 section 3.2.2). Where there is a query
 * but no path, the authority moves one byte to the left to make room for the slash.
 */
static int reduce_absolute(struct dure_http_head *head, struct dure_header *host,
                           const char **detail)
{
    struct dure_span *target = &head->target;
    size_t scheme = target->len > 7 && strncasecmp(target->data, "http://", 7) == 0    ? 7
                    : target->len > 8 && strncasecmp(target->data, "https://", 8) == 0 ? 8
                                                                                       : 0;
    if (scheme == 0)
        return refuse(detail, 400, "the request target is neither a path nor an http URL");
    struct dure_span authority = {target->data + scheme, 0};
    size_t rest = target->len - scheme;
    while (authority.len < rest && strchr("/?", authority.data[authority.len]) == NULL)
        authority.len++;
    if (authority.len == 0 || !is_authority(authority))
        return refuse(detail, 400, "the request target names no host");
    struct dure_span path = {authority.data + authority.len, rest - authority.len};
    if (path.len == 0) {
        path =
            head->method == DURE_OPTIONS ? (struct dure_span){"*", 1} : (struct dure_span){"/", 1};
    } else if (path.data[0] == '?') {
        char *writable = (char *)(uintptr_t)authority.data;
        memmove(writable - 1, writable, authority.len);
        writable[authority.len - 1] = '/';
        authority.data--;
        path = (struct dure_span){path.data - 1, path.len + 1};
    }
    *target = path;
    if (host != NULL) host->value = authority;
    return 0;
}

static int read_target(struct dure_http_head *head, struct seen *seen, const char **detail)
{
    struct dure_span *target = &head->target;
    if (target->data[0] == '*') {
        if (target->len != 1 || head->method != DURE_OPTIONS)
            return refuse(detail, 400, "the target * is for OPTIONS");
    } else if (target->data[0] != '/') {
        int status = reduce_absolute(head, seen->host, detail);
        if (status != 0) return status;
    }
    const char *mark = memchr(target->data, '?', target->len);
    head->path = *target;
    head->query = (struct dure_span){target->data + target->len, 0};
    if (mark != NULL) {
        head->path.len = (size_t)(mark - target->data);
        head->query = (struct dure_span){mark + 1, target->len - head->path.len - 1};
    }
    return 0;
}

int dure_http_head_check(struct dure_http_head *head, struct dure_span method, const char **detail)
{
    struct seen seen = {0};
    head->method = find_method(method);
    for (size_t i = 0; i < head->headers_count; i++) {
        int status = read_header(head, &seen, &head->headers[i], detail);
        if (status != 0) return status;
    }
    int status = check_together(head, &seen, detail);
    if (status != 0) return status;
    return read_target(head, &seen, detail);
}
