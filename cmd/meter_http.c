/*
 * The meter behind an HTTP endpoint.
 *
 *   POST URL, Idempotency-Key: "dr-1-response-7"
 *   {"drId":1,"userId":3,"responseId":7,"capacity":400}
 *   → 200 {"adjustPoint":383,"isReal":true}
 *
 * The key is the same each time a reading is asked, so the endpoint reads once however often it must be
 * asked. Everything but a 2xx with both fields has failed and is asked again later: by the kepco's
 * timer, not before what Retry-After says. The breaker hears of time-outs, connections that fail,
 * 429 and 5xx. Loop thread.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cmd/meter.h"

#define TIMEOUT_MS 5000

struct reading {
    int64_t adjust_point;
    int8_t is_real;
};
static const struct dure_field fields[] = {
    DURE_FIELD(struct reading, adjust_point, "adjustPoint", DURE_INT, .flags = DURE_REQUIRED,
               .min = 0, .max = DR_ADJUST_MAX),
    DURE_FIELD(struct reading, is_real, "isReal", DURE_BOOL, .flags = DURE_REQUIRED),
};
static const struct dure_schema schema = DURE_SCHEMA("Reading", struct reading, fields);

struct question {
    struct dure_outgoing_request request;
    struct dure_port_call *call;
    const char *headers[4];
    char key[96], trace[DURE_PORT_TRACE_BYTES], body[192];
};

static bool read_answer(const struct dure_outgoing_answer *answer, struct reading *reading)
{
    struct dure_field_errors errors = {0};
    dure_schema_init(&schema, reading);
    return answer->status >= 200 && answer->status < 300 &&
           dure_schema_read_json(&schema, reading, answer->body, answer->body_len, NULL,
                                 &errors) == 0 &&
           dure_schema_require(&schema, reading, &errors) == 0;
}

static void on_answer(struct dure_outgoing_request *request,
                      const struct dure_outgoing_answer *answer)
{
    struct question *question = (struct question *)request;
    struct dr_meter_answer *result = question->call->answer;
    struct reading reading;
    result->outcome = DR_METER_FAILED;
    result->retry_ms = answer->retry_after_ms;
    if (read_answer(answer, &reading)) {
        result->outcome = DR_METER_READ;
        result->adjust_point = reading.adjust_point;
        result->is_real = reading.is_real;
    }
    bool up = answer->status != 0 && answer->status != 429 && answer->status < 500;
    dure_port_answer(question->call, up);
    free(question);
}
_Static_assert(offsetof(struct question, request) == 0, "a question is its request");

void dure_meter_http_ask(void *arg, struct dure_port_call *call)
{
    struct dure_meter *meter = arg;
    const struct dr_meter_asked *asked = call->asked;
    struct question *question = calloc(1, sizeof *question);
    int rv = question != NULL ? 0 : DURE_ENOMEM;
    if (rv == 0) {
        int64_t capacity = asked->capacity != DURE_NULL ? asked->capacity : 0;
        int len = snprintf(question->body, sizeof question->body,
                           "{\"drId\":%lld,\"userId\":%lld,\"responseId\":%lld,\"capacity\":%lld}",
                           (long long)asked->dr_id, (long long)asked->user_id,
                           (long long)asked->response_id, (long long)capacity);
        snprintf(question->key, sizeof question->key,
                 "Idempotency-Key: \"dr-%lld-response-%lld\"", (long long)asked->dr_id,
                 (long long)asked->response_id);
        question->headers[0] = "Content-Type: application/json";
        question->headers[1] = question->key;
        dure_port_trace_header(call, question->trace);
        if (question->trace[0] != '\0') question->headers[2] = question->trace;
        question->call = call;
        question->request = (struct dure_outgoing_request){
            .url = meter->url, .headers = question->headers, .body = question->body,
            .body_len = (size_t)len, .timeout_ms = TIMEOUT_MS, .cb = on_answer};
        rv = dure_outgoing_post(meter->outgoing, &question->request);
    }
    if (rv == 0) return;
    free(question);
    ((struct dr_meter_answer *)call->answer)->outcome = DR_METER_FAILED;
    dure_port_answer(call, false);
}
