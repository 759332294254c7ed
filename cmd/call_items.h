/*
 * What a request consists of, from words as httpie takes them:
 *
 *   name=text      a text of the JSON body           name=@FILE   … from a file
 *   name:=json     any JSON value of the body        name:=@FILE  … from a file
 *   name==value    a parameter of the query string
 *   Name:value     a header; without a value it is left out
 *
 * The first of these signs in a word counts, the longest where several begin; a backslash before
 * one makes it part of the name.
 */
#ifndef DURE_CMD_CALL_ITEMS_H
#define DURE_CMD_CALL_ITEMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "runtime/buf.h"
#include "runtime/errors.h"

struct dure_call_items {
    json_t *body;          /* An object; NULL: no word of the body has come. */
    struct dure_buf query; /* "a=1&b=%20", encoded. */
    char **headers;        /* "Name: value", room for the NULL at the end. */
    size_t headers_count;
};

/* Adds one word. 0, or DURE_EINVAL with the reason in *why (static memory). */
DURE_MUST_CHECK int dure_call_items_add(struct dure_call_items *items, const char *word,
                                        const char **why);
/* A header, as "Name: value". */
void dure_call_items_header(struct dure_call_items *items, const char *name, const char *value);
bool dure_call_items_has_header(const struct dure_call_items *items, const char *name);
void dure_call_items_fini(struct dure_call_items *items);
/* A whole file, "-": standard input. 0 or DURE_EIO. */
DURE_MUST_CHECK int dure_call_items_read(const char *path, struct dure_buf *out);

#endif
