/*
 * The console's files: a table of bytes that the program brings (cmd/web/bundle.mjs writes it),
 * served at `/` to who accepts HTML, and below /console/.
 *
 * An answer carries the file in the best encoding that Accept-Encoding admits (RFC 9110 section
 * 12.5.3), an entity tag for each of them, and a policy under which the page runs only its own
 * files.
 */
#ifndef DURE_PROTO_CONSOLE_H
#define DURE_PROTO_CONSOLE_H

#include "proto/call.h"

enum dure_encoding { DURE_ENCODING_PLAIN, DURE_ENCODING_GZIP, DURE_ENCODING_BROTLI };
#define DURE_ENCODINGS 3

struct dure_console_file {
    const char *name;   /* "app-1a2b.js", below /console/; "index.html" is the page at `/`. */
    const char *type;   /* The Content-Type. */
    const char *digest; /* Of the plain bytes; the entity tags begin with it. */
    bool immutable;     /* The name changes with the bytes: to be kept for good. */
    struct dure_span
        bytes[DURE_ENCODINGS]; /* NULL where it is not smaller; PLAIN is always there. */
};

struct dure_console {
    const struct dure_console_file *files;
    size_t files_count;
};

/* Answers a call of kind HOME or CONSOLE; 404 for a file that is not there. */
void dure_console_get(struct dure_call *call);
/* True when `/` is to be answered with the page: there is one, and HTML is accepted by name. */
bool dure_console_wanted(const struct dure_call *call);

#endif
