/*
 * GET /openapi.json: what a node serves, as OpenAPI 3.1 (spec.openapis.org/oas/v3.1.0), from the
 * very tables that the code runs on: routes, fields, commands, errors, sagas.
 *
 * What goes beyond OpenAPI, for whoever wants to run the examples on a new node:
 *   x-dure-after     ids of the operations whose examples come first
 *   x-dure-settings  settings that such a node needs
 *   x-dure-status    what comes of the example, where that is a refusal
 */
#ifndef DURE_PROTO_OPENAPI_H
#define DURE_PROTO_OPENAPI_H

#include "proto/describe.h"

/* A new reference. `version` is the node's. Any thread, once the routes are made. */
json_t *dure_openapi_make(const struct dure_routes *routes, const char *version);

/* ---- Shared by the openapi_*.c files -------------------------------------------------------- */

struct dure_openapi {
    const struct dure_routes *routes;
    json_t *paths, *schemas, *parameters; /* Borrowed from the document. */
};

/* An operation with its 406 and default answers. `problems`: further statuses, 0 at the end. */
json_t *dure_openapi_operation(const char *tag, const char *summary, const int *problems);
/* The parameter of that name in components.parameters. */
void dure_openapi_parameter(json_t *operation, const char *name);
/* An answer with a body; schema is given, NULL: there is no body. The type may be a list. */
void dure_openapi_answer(json_t *operation, int status, const char *description,
                         const char *const *types, json_t *schema);
/* That answer brings the header of components.headers as well. */
void dure_openapi_header(json_t *operation, int status, const char *name);
/* paths[path][method] = operation, which gets the id. */
void dure_openapi_put(struct dure_openapi *api, const char *path, const char *method,
                      const char *id, json_t *operation);
/* A parameter of a path or a query; schema and example are given. */
json_t *dure_openapi_make_parameter(const char *in, const char *name, const char *description,
                                    json_t *schema, json_t *example);

/* openapi_collection.c: all routes of one collection. */
void dure_openapi_collection(struct dure_openapi *api, const struct dure_collection *collection);
/* openapi_schemas.c: its components. */
void dure_openapi_schemas(struct dure_openapi *api, const struct dure_collection *collection);
/* A parameter of lists, which a field of that name cannot filter by. */
bool dure_openapi_is_reserved(const char *name);
/* openapi_node.c: what is beside the collections. */
void dure_openapi_node(struct dure_openapi *api);
/* openapi_history.c: of it, the last minutes. */
void dure_openapi_history(struct dure_openapi *api);
/* openapi_answers.c: components.responses, .headers, and the schemas of problems. */
json_t *dure_openapi_responses(void);
json_t *dure_openapi_headers(void);
void dure_openapi_common(struct dure_openapi *api);

extern const char *const dure_openapi_json[], *const dure_openapi_hal[];

#endif
