/*
 * Tables as JSON Schema (draft 2020-12, which OpenAPI 3.1 takes as it is), for the documents that
 * explain the node: openapi.c and asyncapi.c.
 *
 * All results are new references; running out of memory is asserted, as in a dure_buf. Any thread.
 */
#ifndef DURE_PROTO_DESCRIBE_H
#define DURE_PROTO_DESCRIBE_H

#include <jansson.h>

#include "proto/route.h"

enum dure_describe_use {
    DURE_DESCRIBE_ITEM,   /* What an item shows: every field is there, null where absent. */
    DURE_DESCRIBE_BODY,   /* What a body brings: only REQUIRED ones have to be there. */
    DURE_DESCRIBE_CHANGE, /* What PATCH brings: none has to be there. */
    DURE_DESCRIBE_FILTER, /* One value of a query string. */
};

/* The value of one field; an ITEM's says what is set by commands only. */
json_t *dure_describe_field(const struct dure_field *field, enum dure_describe_use use);
/* An object with the schema's fields, HIDDEN ones left out, and of a body the id. `schema` may be
 * NULL: an object without any. */
json_t *dure_describe_object(const struct dure_schema *schema, enum dure_describe_use use);

/* A value that the field can have. */
json_t *dure_describe_sample(const struct dure_field *field);
/* A body for the command: that of its example, or its required fields. NULL: it takes none. */
json_t *dure_describe_body(const struct dure_command *command);
/* For PATCH and PUT: the editable fields, else the first transition; *command is what that one
 * means, else NULL. */
json_t *dure_describe_edit(const struct dure_aggregate *aggregate,
                           const struct dure_command **command);

/* "food.storeOrder.accept": the command of that name; NULL: there is none. */
const struct dure_command *dure_describe_command(const char *name, size_t len);

/* object[name] = value, which is given. */
void dure_describe_set(json_t *object, const char *name, json_t *value);
/* {"$ref":"#/components/KIND/NAME"} */
json_t *dure_describe_ref(const char *kind, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Appends it as compact JSON. */
void dure_describe_write(const json_t *document, struct dure_buf *out);

#endif
