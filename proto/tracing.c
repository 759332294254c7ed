/*
 * Choosing traces. Each request costs the look for its header, three random numbers and one line of
 * the answer. Loop thread.
 */
#include "proto/tracing.h"

#include <strings.h>

#include "proto/call.h"

static const char name[] = "traceparent";

/* More than one is none (section 3.2: a single header, and no joined one can be read). */
static bool is_alone(const struct dure_request *request)
{
    size_t count = 0;
    for (size_t i = 0; i < request->headers_count; i++) {
        struct dure_span sent = request->headers[i].name;
        if (sent.len == sizeof name - 1 && strncasecmp(sent.data, name, sent.len) == 0) count++;
    }
    return count == 1;
}

static bool read_sent(const struct dure_request *request, struct dure_trace *trace)
{
    struct dure_span sent = dure_request_header(request, name);
    return sent.data != NULL && is_alone(request) && dure_trace_read(trace, sent.data, sent.len);
}

void dure_tracing_begin(const struct dure_gateway *gateway, const struct dure_request *request,
                        struct dure_tracing *tracing)
{
    struct dure_io *io = gateway->rt->io;
    if (read_sent(request, &tracing->trace)) {
        dure_trace_enter(&tracing->trace, io->random(io));
        tracing->carried = true;
        return;
    }
    const uint64_t random[] = {io->random(io), io->random(io), io->random(io)};
    /* Of bits that the trace does not show, or its id would tell which ones were chosen. */
    uint32_t percent = gateway->tracing.percent;
    tracing->carried = percent >= 100 || (percent > 0 && io->random(io) % 100 < percent);
    dure_trace_begin(&tracing->trace, random, tracing->carried);
}

void dure_tracing_go_on(const struct dure_request *request, struct dure_tracing *tracing)
{
    tracing->carried = read_sent(request, &tracing->trace);
    if (!tracing->carried) tracing->trace = (struct dure_trace){0};
}

void dure_tracing_respond(const struct dure_tracing *tracing, struct dure_buf *headers)
{
    if (!dure_trace_is(&tracing->trace)) return;
    dure_buf_lit(headers, "traceresponse: ");
    dure_trace_write(&tracing->trace, headers);
    dure_buf_lit(headers, "\r\n");
}

void dure_tracing_end(const struct dure_gateway *gateway, const struct dure_tracing_line *line)
{
    const struct dure_tracing_options *options = &gateway->tracing;
    if (options->log == DURE_TRACING_LOG_NONE) return;
    if (options->log == DURE_TRACING_LOG_ERRORS && line->status < 500) return;
    options->line(options->arg, line);
}
