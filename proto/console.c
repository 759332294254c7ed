/*
 * Serving the console's files.
 *
 *   1. find    `/` is index.html, /console/NAME is NAME
 *   2. choose  the smallest encoding that the client takes
 *   3. answer  304 when it has these very bytes, else the file
 *
 * Fails with 404. Nothing here waits for the disk. Loop thread.
 */
#include "proto/console.h"

#include <stdio.h>

#define PREFIX "/console/"

/* Only what we serve ourselves; nobody may frame the page or send its forms elsewhere. */
#define POLICY                                                                                     \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "              \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static const struct dure_console_file *find(const struct dure_call *call)
{
    const struct dure_console *console = call->gateway->console;
    struct dure_span name = {"index.html", 10};
    size_t prefix = sizeof PREFIX - 1;
    if (call->route.kind == DURE_ROUTE_CONSOLE) {
        if (call->request->path.len <= prefix) return NULL;
        name =
            (struct dure_span){call->request->path.data + prefix, call->request->path.len - prefix};
    }
    for (size_t i = 0; console != NULL && i < console->files_count; i++) {
        const struct dure_console_file *file = &console->files[i];
        if (strlen(file->name) == name.len && memcmp(file->name, name.data, name.len) == 0)
            return file;
    }
    return NULL;
}

bool dure_console_wanted(const struct dure_call *call)
{
    return call->gateway->console != NULL && dure_negotiate_html(call->request);
}

static enum dure_encoding choose(const struct dure_call *call, const struct dure_console_file *file)
{
    unsigned taken = dure_negotiate_encodings(call->request);
    for (int i = DURE_ENCODING_BROTLI; i > DURE_ENCODING_PLAIN; i--) {
        if (taken & 1u << i && file->bytes[i].data != NULL) return (enum dure_encoding)i;
    }
    return DURE_ENCODING_PLAIN;
}

/* The same file in another encoding is another representation (RFC 9110 section 8.8.3). */
static void write_headers(const struct dure_console_file *file, enum dure_encoding encoding,
                          const char *tag, struct dure_buf *out)
{
    static const char *const names[DURE_ENCODINGS] = {NULL, "gzip", "br"};
    dure_buf_printf(out, "ETag: %s\r\nVary: Accept, Accept-Encoding\r\nCache-Control: %s\r\n", tag,
                    file->immutable ? "public, max-age=31536000, immutable" : "no-cache");
    dure_buf_printf(out, "Content-Type: %s\r\n", file->type);
    if (names[encoding] != NULL) dure_buf_printf(out, "Content-Encoding: %s\r\n", names[encoding]);
    dure_buf_lit(out, "Content-Security-Policy: " POLICY "\r\n"
                      "X-Content-Type-Options: nosniff\r\n"
                      "Referrer-Policy: same-origin\r\n");
}

void dure_console_get(struct dure_call *call)
{
    static const char *const suffixes[DURE_ENCODINGS] = {"", "-gzip", "-br"};
    const struct dure_console_file *file = find(call);
    if (file == NULL) {
        dure_call_refuse(call, 404, "the console has no such file");
        return;
    }
    enum dure_encoding encoding = choose(call, file);
    char tag[96];
    int len = snprintf(tag, sizeof tag, "\"%s%s\"", file->digest, suffixes[encoding]);
    DURE_ASSERT(len > 0 && (size_t)len < sizeof tag);
    dure_call_clear(call);
    write_headers(file, encoding, tag, &call->headers);
    call->status = dure_negotiate_none_match_tag(call->request, tag) ? 304 : 200;
    if (call->status == 200)
        dure_buf_add(&call->body, file->bytes[encoding].data, file->bytes[encoding].len);
    dure_call_respond(call);
}
