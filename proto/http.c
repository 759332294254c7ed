/*
 * HTTP/1.1 requests on llhttp. The only file that knows llhttp.
 *
 * llhttp is fed nothing but complete, clean lines and counted data. This closes what its versions
 * accept although RFC 9112 does not (a bare CR or LF as a line end, obs-fold, control characters,
 * endless chunk extensions), and makes the verdict independent of how the bytes arrive.
 *
 *   1. scan: each line ends in CRLF and has no control character; limits are checked on the way
 *   2. parse: llhttp splits the whole head into target and headers; http_head.c says what they mean
 *   3. body: a length is counted; of a chunked one llhttp gets size line, data and CRLF in turn
 *
 * Fails only by BAD, with status and sentence. Whatever thread the caller has.
 */
#include "proto/http.h"

#include <llhttp.h>
#include <string.h>

#include "proto/http_head.h"

/* The longest method of the IANA registry has 18 characters. */
#define METHOD_BYTES_MAX 32
/* Around the target: method, two spaces, version, CR. */
#define LINE_BYTES_EXTRA (METHOD_BYTES_MAX + 12)
/* RFC 9112 section 2.2: empty lines before a request are skipped. More than these are no HTTP. */
#define BLANK_LINES_MAX 2
/* A chunk's size line, and the extensions of all chunks of a request together. */
#define CHUNK_LINE_BYTES_MAX 256
#define EXTENSIONS_BYTES_MAX (16 * 1024)
/* 2^60 is more than any body; more digits only serve to overflow somebody's integer. */
#define CHUNK_DIGITS_MAX 15

static const char crlf[2] = "\r\n";

enum part { PART_LENGTH, PART_SIZE, PART_DATA, PART_DATA_END, PART_TRAILERS };

_Static_assert(sizeof(llhttp_t) <= DURE_HTTP_PARSER_BYTES, "llhttp's state fits");

static enum dure_http_result bad(struct dure_http *http, int status, const char *detail)
{
    http->status = status;
    http->detail = detail;
    return DURE_HTTP_BAD;
}

static llhttp_t *parser(struct dure_http *http)
{
    return (llhttp_t *)(void *)http->parser;
}

void dure_http_init(struct dure_http *http, const struct dure_http_limits *limits)
{
    *http = (struct dure_http){.limits = *limits};
}

void dure_http_reset(struct dure_http *http)
{
    memset((char *)http + offsetof(struct dure_http, status), 0,
           offsetof(struct dure_http, parser) - offsetof(struct dure_http, status));
}

/* ---- 1: lines ---------------------------------------------------------------------------------*/

/* Offset of the first control character but HT, in [from, to); `to` when there is none. */
static size_t find_control(const char *data, size_t from, size_t to)
{
    while (from < to) {
        unsigned char c = (unsigned char)data[from];
        if ((c < 0x20 && c != '\t') || c == 0x7f) break;
        from++;
    }
    return from;
}

/* Scans on to the end of a line. DONE: its CR is at *at; MORE: clean so far up to *at. RFC 9112
 * section 2.2 lets a server accept a bare LF; we do not, since an intermediary might disagree about
 * where the line ends. */
static enum dure_http_result find_line_end(struct dure_http *http, const char *data, size_t len,
                                           size_t bound, size_t *at)
{
    size_t to = len < bound ? len : bound;
    *at = find_control(data, *at, to);
    if (*at >= to) return DURE_HTTP_MORE; /* Beyond it where the last line ended at the bound. */
    switch (data[*at]) {
    case '\n': return bad(http, 400, "a line ends in LF without CR");
    case '\r': break;
    case '\0': return bad(http, 400, "there is a NUL byte in the request");
    default: return bad(http, 400, "there is a control character in the request");
    }
    if (*at + 1 == len) return DURE_HTTP_MORE;
    if (data[*at + 1] != '\n') return bad(http, 400, "there is a CR without LF in the request");
    return DURE_HTTP_DONE;
}

/* A line of the head is [line_at, end). DONE: the head is complete. */
static enum dure_http_result take_line(struct dure_http *http, const char *data, size_t end)
{
    size_t len = end - http->line_at;
    size_t next = end + 2;
    if (http->headers_at > 0) {
        if (len == 0) return DURE_HTTP_DONE;
        if (data[http->line_at] == ' ' || data[http->line_at] == '\t')
            return bad(http, 400, "a header line begins with white space (obsolete line folding)");
        if (++http->headers_count > http->limits.headers_count_max)
            return bad(http, 431, "there are too many headers");
    } else if (len == 0) {
        if (++http->blank_lines > BLANK_LINES_MAX)
            return bad(http, 400, "there are empty lines instead of a request");
    } else {
        const char *detail = NULL;
        int status = dure_http_head_line(&http->line, data + http->line_at, len,
                                         http->limits.line_bytes_max, &detail);
        if (status != 0) return bad(http, status, detail);
        http->line.method_at += http->line_at;
        http->line.target_at += http->line_at;
        http->headers_at = next;
    }
    http->line_at = next;
    return DURE_HTTP_MORE;
}

/* The offset that the present line's CR must not reach. The empty line behind headers of exactly
 * the limit begins at the limit. */
static size_t line_bound(const struct dure_http *http)
{
    if (http->headers_at > 0) return http->headers_at + http->limits.headers_bytes_max + 1;
    if (!http->method_seen) return http->line_at + METHOD_BYTES_MAX;
    return http->line_at + http->limits.line_bytes_max + LINE_BYTES_EXTRA;
}

/* All up to the bound is clean, and the line goes on. */
static enum dure_http_result reach_bound(struct dure_http *http, const char *data)
{
    if (http->headers_at > 0) return bad(http, 431, "the headers are too long");
    if (http->method_seen) return bad(http, 414, "the request target is too long");
    if (memchr(data + http->line_at, ' ', METHOD_BYTES_MAX) == NULL)
        return bad(http, 400, "the request does not begin with a method");
    http->method_seen = true;
    return DURE_HTTP_MORE;
}

enum dure_http_result dure_http_scan(struct dure_http *http, const char *data, size_t len,
                                     size_t *used)
{
    *used = 0;
    for (;;) {
        size_t bound = line_bound(http);
        enum dure_http_result result = find_line_end(http, data, len, bound, &http->scanned);
        if (result == DURE_HTTP_BAD) return result;
        if (result == DURE_HTTP_MORE) {
            if (http->scanned < bound) return DURE_HTTP_MORE;
            if (reach_bound(http, data) == DURE_HTTP_BAD) return DURE_HTTP_BAD;
            continue;
        }
        size_t end = http->scanned;
        http->scanned = end + 2;
        result = take_line(http, data, end);
        if (result == DURE_HTTP_DONE) *used = end + 2;
        if (result != DURE_HTTP_MORE) return result;
    }
}

/* ---- 2: the head ------------------------------------------------------------------------------*/

struct reading {
    struct dure_http_head *head;
    size_t headers_max;
    bool complete;
};

/* A head is fed in one piece, so a span comes in one piece, too; joining costs nothing. */
static void extend(struct dure_span *span, const char *at, size_t len)
{
    if (span->data == NULL) span->data = at;
    span->len = (size_t)(at - span->data) + len;
}

static int on_url(llhttp_t *llhttp, const char *at, size_t len)
{
    struct reading *reading = llhttp->data;
    extend(&reading->head->target, at, len);
    return 0;
}

static int on_header_field(llhttp_t *llhttp, const char *at, size_t len)
{
    struct reading *reading = llhttp->data;
    if (reading->head->headers_count == reading->headers_max) return HPE_USER;
    extend(&reading->head->headers[reading->head->headers_count].name, at, len);
    return 0;
}

static int on_header_value(llhttp_t *llhttp, const char *at, size_t len)
{
    struct reading *reading = llhttp->data;
    if (reading->head->headers_count == reading->headers_max) return HPE_USER;
    extend(&reading->head->headers[reading->head->headers_count].value, at, len);
    return 0;
}

static int on_header_value_complete(llhttp_t *llhttp)
{
    struct reading *reading = llhttp->data;
    if (reading->head->headers_count == reading->headers_max) return HPE_USER;
    struct dure_span *value = &reading->head->headers[reading->head->headers_count].value;
    if (value->data == NULL) value->data = "";
    while (value->len > 0 &&
           (value->data[value->len - 1] == ' ' || value->data[value->len - 1] == '\t'))
        value->len--;
    reading->head->headers_count++;
    if (reading->head->headers_count < reading->headers_max)
        reading->head->headers[reading->head->headers_count] = (struct dure_header){0};
    return 0;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    struct reading *reading = llhttp->data;
    reading->complete = true;
    llhttp->upgrade = 0; /* We stay with HTTP/1.1, which RFC 9110 section 7.8 allows. */
    return HPE_PAUSED;
}

static const llhttp_settings_t head_settings = {
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
};

static int on_chunk_header(llhttp_t *llhttp)
{
    struct dure_http *http = llhttp->data;
    http->left = llhttp->content_length;
    http->part = http->left > 0 ? PART_DATA : PART_TRAILERS;
    return 0;
}

static const llhttp_settings_t body_settings = {.on_chunk_header = on_chunk_header};

/* Sentences for what llhttp finds and the checks before it do not. */
static enum dure_http_result bad_head(struct dure_http *http, llhttp_errno_t error)
{
    switch (error) {
    case HPE_INVALID_URL: return bad(http, 400, "the request target is malformed");
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        return bad(http, 400, "Content-Length is given twice, or with Transfer-Encoding");
    case HPE_INVALID_CONTENT_LENGTH: return bad(http, 400, "Content-Length is not a number");
    case HPE_INVALID_TRANSFER_ENCODING:
        return bad(http, 400, "Transfer-Encoding does not end in chunked");
    default: return bad(http, 400, "a header line is malformed");
    }
}

static enum dure_http_result begin_body(struct dure_http *http, const struct dure_http_head *head,
                                        const char *end)
{
    http->part = PART_LENGTH;
    http->left = head->content_length;
    if (!head->chunked) return DURE_HTTP_DONE;
    http->part = PART_SIZE;
    llhttp_t *llhttp = parser(http);
    const char *rest = llhttp_get_error_pos(llhttp);
    llhttp->settings = (void *)(uintptr_t)&body_settings;
    llhttp_resume(llhttp);
    llhttp_errno_t error = llhttp_execute(llhttp, rest, (size_t)(end - rest));
    return error == HPE_OK ? DURE_HTTP_DONE : bad_head(http, error);
}

enum dure_http_result dure_http_parse(struct dure_http *http, char *data, size_t len,
                                      struct dure_http_head *head)
{
    const struct dure_http_line *line = &http->line;
    DURE_ASSERT(http->headers_at > 0 && line->target_at < len);
    struct dure_header *headers = head->headers;
    *head = (struct dure_http_head){.headers = headers, .http11 = line->http11};
    struct reading reading = {.head = head, .headers_max = http->headers_count};
    if (reading.headers_max > 0) headers[0] = (struct dure_header){0};

    /* llhttp refuses methods that it does not know and treats some others in special ways. The
     * method has been read, so it always hears POST. */
    llhttp_t *llhttp = parser(http);
    llhttp_init(llhttp, HTTP_REQUEST, &head_settings);
    llhttp->data = &reading;
    llhttp_errno_t error = llhttp_execute(llhttp, "POST ", 5);
    if (error == HPE_OK)
        error = llhttp_execute(llhttp, data + line->target_at, len - line->target_at);
    llhttp->data = NULL;
    if (error != HPE_PAUSED || !reading.complete) return bad_head(http, error);
    if (head->headers_count != http->headers_count)
        return bad(http, 400, "a header line is malformed");
    if (head->target.data != data + line->target_at || head->target.len != line->target_len)
        return bad(http, 400, "the request target is malformed");

    struct dure_span method = {data + line->method_at, line->method_len};
    const char *detail = NULL;
    int status = dure_http_head_check(head, method, &detail);
    if (status != 0) return bad(http, status, detail);
    return begin_body(http, head, data + len);
}

/* ---- 3: the body ------------------------------------------------------------------------------*/

static llhttp_errno_t feed(struct dure_http *http, const char *data, size_t len)
{
    llhttp_t *llhttp = parser(http);
    llhttp->data = http; /* The connection may have moved since. */
    return llhttp_execute(llhttp, data, len);
}

/* Lends the next `left` bytes. */
static void take_piece(struct dure_http *http, const char *data, size_t len, size_t *used,
                       struct dure_span *piece)
{
    *used = len < http->left ? len : (size_t)http->left;
    *piece = (struct dure_span){data, *used};
    http->left -= *used;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* chunk = chunk-size [ chunk-ext ] CRLF (RFC 9112 section 7.1); [0, end) is without the CRLF. */
static enum dure_http_result take_size(struct dure_http *http, const char *data, size_t end)
{
    size_t digits = 0;
    while (digits < end && is_hex(data[digits])) digits++;
    if (digits == 0 || (digits < end && data[digits] != ';'))
        return bad(http, 400, "a chunk size is not a hexadecimal number");
    if (digits > CHUNK_DIGITS_MAX) return bad(http, 400, "a chunk size is too large");
    http->extensions_bytes += end - digits;
    if (http->extensions_bytes > EXTENSIONS_BYTES_MAX)
        return bad(http, 400, "the chunk extensions are too long");
    /* Extensions are ignored, as section 7.1.1 wants; llhttp 8.1 stumbles over quoted ones. */
    if (feed(http, data, digits) != HPE_OK || feed(http, crlf, sizeof crlf) != HPE_OK)
        return bad(http, 400, "a chunk size is too large");
    return DURE_HTTP_MORE;
}

static enum dure_http_result take_trailer(struct dure_http *http, const char *data, size_t end)
{
    http->trailers_bytes += end + 2;
    if (end > 0) {
        if (data[0] == ' ' || data[0] == '\t')
            return bad(http, 400, "a trailer line begins with white space");
        size_t name = 0;
        while (name < end && dure_http_head_is_token((unsigned char)data[name])) name++;
        if (name == 0 || name == end || data[name] != ':')
            return bad(http, 400, "a trailer line is malformed");
        if (++http->trailers_count > http->limits.headers_count_max)
            return bad(http, 431, "there are too many trailers");
    }
    if (feed(http, data, end + 2) != HPE_OK) return bad(http, 400, "a trailer line is malformed");
    return end == 0 ? DURE_HTTP_DONE : DURE_HTTP_MORE;
}

static enum dure_http_result body_line(struct dure_http *http, const char *data, size_t len,
                                       size_t *used)
{
    bool trailers = http->part == PART_TRAILERS;
    size_t bound = CHUNK_LINE_BYTES_MAX;
    if (trailers) {
        bound = http->limits.headers_bytes_max + 1;
        bound = bound > http->trailers_bytes ? bound - http->trailers_bytes : 0;
    }
    size_t end = 0;
    enum dure_http_result result = find_line_end(http, data, len, bound, &end);
    if (result == DURE_HTTP_MORE && end == bound) {
        return trailers ? bad(http, 431, "the trailers are too long")
                        : bad(http, 400, "a chunk's size line is too long");
    }
    if (result != DURE_HTTP_DONE) return result;
    *used = end + 2;
    return trailers ? take_trailer(http, data, end) : take_size(http, data, end);
}

static enum dure_http_result data_end(struct dure_http *http, const char *data, size_t len,
                                      size_t *used)
{
    size_t known = len < 2 ? len : 2;
    if (memcmp(data, crlf, known) != 0)
        return bad(http, 400, "a chunk is longer than its size says");
    if (known < 2) return DURE_HTTP_MORE;
    if (feed(http, crlf, sizeof crlf) != HPE_OK) return bad(http, 400, "a chunk is malformed");
    http->part = PART_SIZE;
    *used = 2;
    return DURE_HTTP_MORE;
}

enum dure_http_result dure_http_body(struct dure_http *http, const char *data, size_t len,
                                     size_t *used, struct dure_span *piece)
{
    *used = 0;
    *piece = (struct dure_span){0};
    if (http->part == PART_LENGTH) {
        take_piece(http, data, len, used, piece);
        return http->left == 0 ? DURE_HTTP_DONE : DURE_HTTP_MORE;
    }
    if (len == 0) return DURE_HTTP_MORE;
    if (http->part == PART_DATA) {
        take_piece(http, data, len, used, piece);
        if (feed(http, data, *used) != HPE_OK) return bad(http, 400, "a chunk is malformed");
        if (http->left == 0) http->part = PART_DATA_END;
        return DURE_HTTP_MORE;
    }
    if (http->part == PART_DATA_END) return data_end(http, data, len, used);
    return body_line(http, data, len, used);
}
