/*
 * Requests that change something: POST, PUT, PATCH, DELETE and command routes (SPEC A2, A5 to A7).
 */
#ifndef DURE_PROTO_COMMAND_H
#define DURE_PROTO_COMMAND_H

#include "proto/call.h"

void dure_command_create(struct dure_call *call); /* POST /c */
void dure_command_run(struct dure_call *call);    /* PUT or POST /c/{id}/{command} */
void dure_command_edit(struct dure_call *call);   /* PATCH or PUT /c/{id} */
void dure_command_remove(struct dure_call *call); /* DELETE /c/{id} */

/*
 * Reads a payload of `schema` and names every wrong and every missing field at once. The object is
 * initialised here. 0 or DURE_EINVAL with *errors. Shared with bulk.
 */
DURE_MUST_CHECK int dure_command_read(const struct dure_schema *schema, void *object,
                                      const char *json, size_t len,
                                      struct dure_field_errors *errors);

/*
 * A handler's 400 says in its sentence what is wrong; its first word is mostly the field. Makes
 * the one error of it.
 */
void dure_command_explain(const struct dure_schema *schema, const char *detail,
                          struct dure_field_errors *errors);

#endif
