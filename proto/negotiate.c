/*
 * Reading the headers that choose how a request is answered. Every list header may come several
 * times and counts as one list (RFC 9110 section 5.3). What cannot be understood is as if absent,
 * except in conditions, where it never matches. Any thread.
 */
#include "proto/negotiate.h"

#include <string.h>
#include <strings.h>

#include "proto/console.h"
#include "proto/route.h"
#include "runtime/bounds.h"

static bool equals(struct dure_span span, const char *text)
{
    return span.len == strlen(text) && strncasecmp(span.data, text, span.len) == 0;
}

static struct dure_span trim(struct dure_span span)
{
    while (span.len > 0 && (span.data[0] == ' ' || span.data[0] == '\t')) {
        span.data++;
        span.len--;
    }
    while (span.len > 0 && (span.data[span.len - 1] == ' ' || span.data[span.len - 1] == '\t'))
        span.len--;
    return span;
}

/* Cuts the part before `separator` off `rest`; false at the end. */
static bool cut(struct dure_span *rest, char separator, struct dure_span *part)
{
    if (rest->data == NULL) return false;
    const char *at = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
    size_t len = at != NULL ? (size_t)(at - rest->data) : rest->len;
    *part = trim((struct dure_span){rest->data, len});
    if (at == NULL)
        *rest = (struct dure_span){0};
    else
        *rest = (struct dure_span){at + 1, rest->len - len - 1};
    return true;
}

/* The next value of a list header, over all its lines. */
struct list {
    const struct dure_request *request;
    const char *name;
    size_t name_len, at;
    struct dure_span rest;
};

static struct list list_of(const struct dure_request *request, const char *name)
{
    return (struct list){.request = request, .name = name, .name_len = strlen(name)};
}

static const struct dure_header *list_line(struct list *list)
{
    while (list->at < list->request->headers_count) {
        const struct dure_header *header = &list->request->headers[list->at++];
        if (header->name.len == list->name_len &&
            strncasecmp(header->name.data, list->name, list->name_len) == 0)
            return header;
    }
    return NULL;
}

static bool list_next(struct list *list, struct dure_span *value)
{
    while (!cut(&list->rest, ',', value)) {
        const struct dure_header *line = list_line(list);
        if (line == NULL) return false;
        list->rest =
            (struct dure_span){line->value.len > 0 ? line->value.data : "", line->value.len};
    }
    return true;
}

/* ---- Accept --------------------------------------------------------------------------------- */

/* Quality in thousandths; 1000 when none is given (RFC 9110 section 12.4.2). */
static int quality(struct dure_span parameters)
{
    struct dure_span parameter;
    while (cut(&parameters, ';', &parameter)) {
        if (parameter.len < 3 || (parameter.data[0] | 32) != 'q' || parameter.data[1] != '=')
            continue;
        int value = 0, unit = 1000;
        for (size_t i = 2; i < parameter.len && i < 7; i++) {
            char c = parameter.data[i];
            if (c == '.') continue;
            if (c < '0' || c > '9') return 0;
            value += (c - '0') * unit;
            unit /= 10;
        }
        return value > 1000 ? 1000 : value;
    }
    return 1000;
}

/* The most specific range decides (RFC 9110 section 12.5.1). */
struct preference {
    int specificity, quality;
};

static void prefer(struct preference *preference, int specificity, int value)
{
    if (specificity < preference->specificity) return;
    if (specificity == preference->specificity && value < preference->quality) return;
    *preference = (struct preference){specificity, value};
}

static bool is_json_suffix(struct dure_span type)
{
    return type.len > 17 && strncasecmp(type.data, "application/", 12) == 0 &&
           strncasecmp(type.data + type.len - 5, "+json", 5) == 0;
}

enum dure_accept dure_negotiate_accept(const struct dure_request *request)
{
    struct list list = list_of(request, "accept");
    struct preference json = {0}, hal = {0};
    struct dure_span value, range;
    bool any = false;
    while (list_next(&list, &value)) {
        if (value.len == 0) continue;
        any = true;
        cut(&value, ';', &range);
        int q = quality(value);
        if (equals(range, "*/*")) {
            prefer(&json, 1, q);
            prefer(&hal, 1, q);
        } else if (equals(range, "application/*")) {
            prefer(&json, 2, q);
            prefer(&hal, 2, q);
        } else if (equals(range, "application/json")) {
            prefer(&json, 3, q);
        } else if (equals(range, "application/hal+json")) {
            prefer(&hal, 3, q);
        } else if (is_json_suffix(range) || equals(range, "application/x-ndjson")) {
            prefer(&json, 2, q); /* Some JSON that we do not have: plain JSON will do. */
        }
    }
    if (!any || (hal.quality >= json.quality && hal.quality > 0)) return DURE_ACCEPT_HAL;
    return json.quality > 0 ? DURE_ACCEPT_JSON : DURE_ACCEPT_NONE;
}

bool dure_negotiate_html(const struct dure_request *request)
{
    struct list list = list_of(request, "accept");
    struct dure_span value, range;
    int html = 0, json = 0;
    while (list_next(&list, &value)) {
        cut(&value, ';', &range);
        int q = quality(value);
        if (equals(range, "text/html") && q > html) html = q;
        if ((equals(range, "application/json") || is_json_suffix(range)) && q > json) json = q;
    }
    return html > 0 && html >= json;
}

/* ---- Accept-Encoding ------------------------------------------------------------------------ */

unsigned dure_negotiate_encodings(const struct dure_request *request)
{
    static const char *const names[DURE_ENCODINGS] = {"identity", "gzip", "br"};
    struct list list = list_of(request, "accept-encoding");
    struct dure_span value = {0}, name = {0};
    int named[DURE_ENCODINGS] = {-1, -1, -1}, others = -1;
    while (list_next(&list, &value)) {
        cut(&value, ';', &name);
        for (size_t i = 0; i < DURE_ENCODINGS; i++) {
            if (equals(name, names[i])) named[i] = quality(value);
        }
        if (equals(name, "*")) others = quality(value);
    }
    unsigned taken = 1u << DURE_ENCODING_PLAIN; /* Who takes none at all gets it as it is. */
    for (size_t i = DURE_ENCODING_GZIP; i < DURE_ENCODINGS; i++) {
        if (named[i] > 0 || (named[i] < 0 && others > 0)) taken |= 1u << i;
    }
    return taken;
}

/* ---- Content-Type --------------------------------------------------------------------------- */

enum dure_content dure_negotiate_content(const struct dure_request *request)
{
    struct dure_span type = dure_request_header(request, "content-type"), name;
    if (type.data == NULL || type.len == 0) return DURE_CONTENT_JSON;
    cut(&type, ';', &name);
    if (equals(name, "application/json") || is_json_suffix(name)) return DURE_CONTENT_JSON;
    if (equals(name, "application/x-ndjson") || equals(name, "application/ndjson"))
        return DURE_CONTENT_NDJSON;
    return DURE_CONTENT_OTHER;
}

/* ---- Prefer --------------------------------------------------------------------------------- */

int64_t dure_negotiate_wait_ms(const struct dure_request *request)
{
    struct list list = list_of(request, "prefer");
    struct dure_span value = {0}, name = {0};
    int64_t wait_ms = -1;
    bool async = false;
    while (list_next(&list, &value)) {
        cut(&value, ';', &name);
        if (equals(name, "respond-async")) async = true;
        if (name.len < 6 || strncasecmp(name.data, "wait=", 5) != 0 || wait_ms >= 0) continue;
        bool digits = true;
        for (size_t i = 5; i < name.len; i++)
            digits = digits && name.data[i] >= '0' && name.data[i] <= '9';
        if (!digits) continue;
        int64_t seconds = dure_route_number(name.data + 5, name.len - 5);
        if (seconds < 0 || seconds > DURE_WAIT_MS_MAX / 1000) seconds = DURE_WAIT_MS_MAX / 1000;
        wait_ms = seconds * 1000;
    }
    /* Both together: wait so long, and only then go on without (RFC 7240 section 4.3). */
    if (wait_ms >= 0) return wait_ms;
    return async ? 0 : DURE_WAIT_MS_DEFAULT;
}

/* ---- Conditions ----------------------------------------------------------------------------- */

/* The version in an entity tag; UINT64_MAX when it is none of ours. */
static uint64_t tag_version(struct dure_span tag)
{
    if (tag.len < 3 || tag.data[0] != '"' || tag.data[tag.len - 1] != '"') return UINT64_MAX;
    int64_t version = dure_route_number(tag.data + 1, tag.len - 2);
    return version <= 0 ? UINT64_MAX : (uint64_t)version;
}

/* The next tag, compared weakly: without its W/. */
static bool weak_next(struct list *list, struct dure_span *tag)
{
    if (!list_next(list, tag)) return false;
    if (tag->len > 2 && tag->data[0] == 'W' && tag->data[1] == '/')
        *tag = (struct dure_span){tag->data + 2, tag->len - 2};
    return true;
}

bool dure_negotiate_none_match(const struct dure_request *request, uint64_t version)
{
    struct list list = list_of(request, "if-none-match");
    struct dure_span tag;
    while (weak_next(&list, &tag)) {
        if (equals(tag, "*") || tag_version(tag) == version) return true;
    }
    return false;
}

bool dure_negotiate_none_match_tag(const struct dure_request *request, const char *tag)
{
    struct list list = list_of(request, "if-none-match");
    struct dure_span one;
    while (weak_next(&list, &one)) {
        if (equals(one, "*")) return true;
        if (one.len == strlen(tag) && memcmp(one.data, tag, one.len) == 0) return true;
    }
    return false;
}

bool dure_negotiate_has_match(const struct dure_request *request)
{
    struct dure_span tag = dure_request_header(request, "if-match");
    return tag.data != NULL && !equals(trim(tag), "*");
}

uint64_t dure_negotiate_match(const struct dure_request *request, uint64_t version)
{
    struct list list = list_of(request, "if-match");
    struct dure_span tag;
    uint64_t named = 0;
    while (list_next(&list, &tag)) {
        if (equals(tag, "*")) return 0;
        uint64_t one = tag_version(tag);
        if (one == version) return one;
        if (named == 0 || named == UINT64_MAX) named = one;
    }
    return named == 0 ? UINT64_MAX : named;
}

/* ---- Where links lead to -------------------------------------------------------------------- */

static bool is_host(struct dure_span host)
{
    if (host.len == 0 || host.len > DURE_BASE_BYTES - sizeof "https://") return false;
    for (size_t i = 0; i < host.len; i++) {
        char c = host.data[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    memchr(".-_:[]~", c, 7) != NULL;
        if (!fine) return false;
    }
    return true;
}

size_t dure_negotiate_base(const struct dure_request *request, char base[DURE_BASE_BYTES])
{
    struct dure_span host = {0}, forwarded = {0}, proto = {0}, first = {0};
    for (size_t i = 0; i < request->headers_count; i++) {
        const struct dure_header *header = &request->headers[i];
        if (header->name.len == 4 && strncasecmp(header->name.data, "host", 4) == 0) {
            host = header->value;
        } else if (header->name.len > 12 &&
                   strncasecmp(header->name.data, "x-forwarded-", 12) == 0) {
            if (equals(header->name, "x-forwarded-host"))
                forwarded = header->value;
            else if (equals(header->name, "x-forwarded-proto"))
                proto = header->value;
        }
    }
    /* Proxies append: the first value is the client's. */
    if (cut(&forwarded, ',', &first) && is_host(first)) host = first;
    if (!is_host(host)) host = (struct dure_span){"localhost", 9};
    bool secure = cut(&proto, ',', &first) && equals(first, "https");
    size_t len = secure ? 8 : 7;
    memcpy(base, secure ? "https://" : "http://", len);
    memcpy(base + len, host.data, host.len);
    return len + host.len;
}
