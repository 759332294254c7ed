/*
 * What all operations share: problems, headers, pages, and the parameters that SPEC A gives them.
 *
 * The sentences of a status are those of the table of errors. Any thread.
 */
#include <stdio.h>
#include <string.h>

#include "proto/openapi.h"
#include "proto/problem.h"

static const int statuses[] = {400, 404, 405, 406, 408, 409, 410, 412,
                               413, 414, 415, 422, 431, 503, 507};

/* "a queue is full, try again later; memory ran out": the table's sentences for the status. */
static void sentences(int status, struct dure_buf *out)
{
    dure_buf_text(out, dure_http_reason(status));
    const char *before = ": ";
    for (int code = -1; code >= DURE_ERROR_LAST; code--) {
        const struct dure_error_info *info = dure_error_info(code);
        if (info->http_status != status) continue;
        dure_buf_text(out, before);
        dure_buf_text(out, info->text);
        before = "; ";
    }
    dure_buf_byte(out, '\0');
}

static json_t *example(int status)
{
    struct dure_buf text = {0};
    struct dure_field_errors errors;
    errors.count = 0;
    dure_field_errors_add(&errors, "quantity", "is required");
    dure_problem_write(&text, status, status == 400 ? "quantity is required" : NULL,
                       (struct dure_span){"/shop/orders", 12}, status == 400 ? &errors : NULL);
    json_t *problem = json_loadb(text.data, text.len, 0, NULL);
    dure_buf_fini(&text);
    return problem;
}

static json_t *problem(const char *text, json_t *sample)
{
    json_t *media = json_pack("{s:o}", "schema", dure_describe_ref("schemas", "Problem"));
    if (sample != NULL) dure_describe_set(media, "example", sample);
    json_t *headers =
        json_pack("{s:o}", "traceresponse", dure_describe_ref("headers", "traceresponse"));
    return json_pack("{s:s,s:o,s:{s:o}}", "description", text, "headers", headers, "content",
                     DURE_PROBLEM_TYPE, media);
}

static void with_header(json_t *answer, const char *name)
{
    dure_describe_set(json_object_get(answer, "headers"), name,
                      dure_describe_ref("headers", "%s", name));
}

json_t *dure_openapi_responses(void)
{
    json_t *responses = json_object();
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct dure_buf text = {0};
        char name[32];
        sentences(statuses[i], &text);
        json_t *answer = problem(text.data, example(statuses[i]));
        dure_buf_fini(&text);
        if (statuses[i] == 503) with_header(answer, "Retry-After");
        if (statuses[i] == 405) with_header(answer, "Allow");
        snprintf(name, sizeof name, "Problem%d", statuses[i]);
        dure_describe_set(responses, name, answer);
    }
    dure_describe_set(responses, "Problem", problem("Any other refusal", NULL));
    return responses;
}

/* One that may be missing. */
static json_t *header(const char *text, const char *type)
{
    return json_pack("{s:s,s:{s:s}}", "description", text, "schema", "type", type);
}

static json_t *required_header(const char *text, const char *type)
{
    json_t *required = header(text, type);
    dure_describe_set(required, "required", json_true());
    return required;
}

json_t *dure_openapi_headers(void)
{
    json_t *headers = json_object();
    dure_describe_set(headers, "ETag", required_header("the version of what is answered", "string"));
    dure_describe_set(headers, "Location", required_header("where the item is", "string"));
    dure_describe_set(headers, "Allow", required_header("the methods that the path takes", "string"));
    dure_describe_set(headers, "Retry-After", required_header("seconds to wait", "integer"));
    dure_describe_set(headers, "Dure-Partial",
                      header("only when rows are missing: the nodes that could not be asked, as in "
                             "\"nodes 1, 2\"",
                             "string"));
    dure_describe_set(headers, "traceresponse",
                      header("the trace and span that the request's events name as traceparent; "
                             "of every request that could be read",
                             "string"));
    return headers;
}

static void parameter(struct dure_openapi *api, const char *in, const char *name, const char *text,
                      json_t *schema, json_t *sample)
{
    dure_describe_set(api->parameters, name,
                      dure_openapi_make_parameter(in, name, text, schema, sample));
}

static json_t *text_type(void)
{
    return json_pack("{s:s}", "type", "string");
}

static void list_parameters(struct dure_openapi *api)
{
    parameter(api, "query", "page", "from 0",
              json_pack("{s:s,s:i,s:i}", "type", "integer", "minimum", 0, "default", 0),
              json_integer(0));
    parameter(api, "query", "size", "items of a page; out of range is clamped",
              json_pack("{s:s,s:i,s:i,s:i}", "type", "integer", "minimum", 1, "maximum",
                        DURE_PAGE_SIZE_MAX, "default", DURE_PAGE_SIZE_DEFAULT),
              json_integer(20));
    parameter(api, "query", "sort", "field,asc or field,desc; repeatable", text_type(),
              json_string("id,desc"));
    parameter(api, "query", "after",
              "the items behind this id, by ascending id: for walking large collections",
              json_pack("{s:s,s:i}", "type", "integer", "minimum", 0), json_integer(0));
}

static void header_parameters(struct dure_openapi *api)
{
    json_t *key = json_pack("{s:s,s:i,s:i}", "type", "string", "minLength", 1, "maxLength",
                            DURE_KEY_BYTES_MAX);
    parameter(api, "header", "Idempotency-Key",
              "the same key and body again: the stored answer, for 24 h "
              "(draft-ietf-httpapi-idempotency-key-header)",
              key, json_string("8e03978e-40d5-43e8-bc93-6894a57f9324"));
    parameter(api, "header", "Prefer",
              "respond-async: answer once the item is on disk; wait=N: wait N seconds for the "
              "outcome, at most 30 (RFC 7240)",
              text_type(), json_string("wait=5"));
    parameter(api, "header", "If-Match", "only this version, else 412", text_type(),
              json_string("*"));
    parameter(api, "header", "traceparent",
              "the trace that what follows from this goes on with (w3.org/TR/trace-context-1); an "
              "invalid one is as none",
              text_type(),
              json_string("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    parameter(api, "header", "If-None-Match", "304 when the item still has this version",
              text_type(), json_string("\"0\""));
}

static void problem_schemas(struct dure_openapi *api)
{
    json_t *errors = json_pack("{s:s,s:{s:s,s:{s:{s:s},s:{s:s}},s:[s,s]}}", "type", "array",
                               "items", "type", "object", "properties", "field", "type", "string",
                               "message", "type", "string", "required", "field", "message");
    json_t *properties = json_pack(
        "{s:{s:s},s:{s:s},s:{s:s,s:i,s:i},s:{s:s},s:{s:s},s:{s:s,s:s},s:o}", "type", "type",
        "string", "title", "type", "string", "status", "type", "integer", "minimum", 400, "maximum",
        599, "detail", "type", "string", "instance", "type", "string", "message", "type", "string",
        "description", "the same as detail", "errors", errors);
    dure_describe_set(api->schemas, "Problem",
                      json_pack("{s:s,s:s,s:o,s:[s,s,s,s,s,s]}", "type", "object", "description",
                                "RFC 9457; errors names every wrong field of a 400", "properties",
                                properties, "required", "type", "title", "status", "detail",
                                "instance", "message"));
}

void dure_openapi_common(struct dure_openapi *api)
{
    problem_schemas(api);
    list_parameters(api);
    header_parameters(api);
    dure_describe_set(api->parameters, "id",
                      dure_openapi_make_parameter("path", "id", "of the item",
                                                  json_pack("{s:s,s:s,s:i}", "type", "integer",
                                                            "format", "int64", "minimum", 0),
                                                  json_integer(1)));
    dure_describe_set(api->schemas, "Link",
                      json_pack("{s:s,s:{s:{s:s}},s:[s]}", "type", "object", "properties", "href",
                                "type", "string", "required", "href"));
    json_t *sum = json_pack("{s:s,s:s,s:{s:s}}", "type", "object", "description",
                            "with ?sum=: of all items that match", "additionalProperties", "type",
                            "integer");
    dure_describe_set(
        api->schemas, "Page",
        json_pack("{s:s,s:{s:{s:s},s:{s:s},s:{s:s},s:{s:s},s:o,s:{s:s,s:s}},s:[s,s]}", "type",
                  "object", "properties", "size", "type", "integer", "totalElements", "type",
                  "integer", "totalPages", "type", "integer", "number", "type", "integer", "sum",
                  sum, "partial", "type", "boolean", "description",
                  "true: the rows of some nodes are missing", "required", "size", "number"));
}
