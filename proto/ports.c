/*
 * The ports' side of the node: ports.h tells what for.
 *
 *   1. on_asked  a copy is made, unless the question is here already, and waits in its port's line
 *   2. pump      while the adapter and the breaker have room, the first of the line goes to the adapter
 *   3. answer    the breaker hears of it; the answer becomes an ask of the actor
 *   4. released  the call is freed, and the next one goes
 *
 * An answer that the runtime has no room for is tried again after RETRY_MS. One that it refuses, say
 * because the actor is settled by now, is over, too. Loop thread.
 */
#include "proto/ports.h"

#include <stdlib.h>

#define PORTS_MAX 16
#define BUCKETS 4096 /* Of the questions that are here. */
#define RETRY_MS 50

struct line {
    const struct dure_port *port;
    struct dure_adapter adapter;
    struct dure_breaker breaker;
    struct call *first, **last; /* Waiting. */
    struct dure_port_state count;
};

struct call {
    struct dure_port_call port_call;
    struct dure_ask ask;
    struct dure_trace trace;
    struct dure_ports *ports;
    struct line *line;
    struct call *next;        /* Waiting, or answered and not taken. */
    struct call *same_bucket;
    _Alignas(16) char data[]; /* asked, then answer */
};

struct dure_ports {
    struct dure_runtime *rt;
    uv_timer_t timer;
    struct line lines[PORTS_MAX];
    size_t lines_count;
    struct call *buckets[BUCKETS];
    struct call *answered; /* The runtime had no room. */
    uint32_t calls;
    bool pumping, stopping;
};

/* ---- The questions that are here ------------------------------------------------------------- */

static struct call **bucket_of(struct dure_ports *ports, const struct line *line, int64_t id)
{
    uint64_t hash = ((uint64_t)id + (uint64_t)(line - ports->lines)) * 0x9e3779b97f4a7c15u;
    return &ports->buckets[hash >> 52];
}
_Static_assert(BUCKETS == 1 << 12, "the upper 12 bits of a hash name a bucket");

static bool is_here(struct dure_ports *ports, const struct line *line, int64_t id)
{
    const struct call *call = *bucket_of(ports, line, id);
    while (call != NULL && (call->line != line || call->port_call.id != id)) {
        call = call->same_bucket;
    }
    return call != NULL;
}

static void forget(struct call *call)
{
    struct call **at = bucket_of(call->ports, call->line, call->port_call.id);
    while (*at != call) at = &(*at)->same_bucket;
    *at = call->same_bucket;
    call->ports->calls--;
    free(call);
}

/* ---- 2: to the adapter ----------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer);

static void wake_in(struct dure_ports *ports, int64_t ms)
{
    uint64_t wanted = ms > 0 ? (uint64_t)ms : 0;
    if (uv_is_active((uv_handle_t *)&ports->timer) && uv_timer_get_due_in(&ports->timer) <= wanted) {
        return;
    }
    uv_timer_start(&ports->timer, on_timer, wanted, 0);
}

static int64_t now_ms(const struct dure_ports *ports)
{
    return (int64_t)(ports->rt->io->mono_ns(ports->rt->io) / 1000000);
}

/* True: the first of the line goes now. */
static bool may_go(struct dure_ports *ports, struct line *line)
{
    if (line->first == NULL || ports->stopping) return false;
    if (line->count.under_way >= line->adapter.calls_max) return false;
    int64_t now = now_ms(ports);
    if (dure_breaker_allow(&line->breaker, now)) return true;
    if (line->breaker.phase == DURE_BREAKER_OPEN) wake_in(ports, line->breaker.until_ms - now);
    return false;
}

static void pump_line(struct dure_ports *ports, struct line *line)
{
    while (may_go(ports, line)) {
        struct call *call = line->first;
        line->first = call->next;
        if (line->first == NULL) line->last = &line->first;
        line->count.waiting--;
        line->count.under_way++;
        line->adapter.ask(line->adapter.arg, &call->port_call);
    }
}

/* An adapter that answers at once comes back here: the outer round goes on then. */
static void pump(struct dure_ports *ports)
{
    if (ports->pumping) return;
    ports->pumping = true;
    for (size_t i = 0; i < ports->lines_count; i++) pump_line(ports, &ports->lines[i]);
    ports->pumping = false;
}

/* ---- 3 and 4: back to the actor -------------------------------------------------------------- */

static void decided(struct dure_ask *ask, const struct dure_answer *answer)
{
    (void)ask;
    (void)answer; /* An actor that wants no answer any more has what it needs. */
}

static void released(struct dure_ask *ask, int rv)
{
    (void)rv; /* What a full disk has taken back is asked again. */
    struct call *call = (struct call *)((char *)ask - offsetof(struct call, ask));
    struct dure_ports *ports = call->ports;
    call->line->count.under_way--;
    forget(call);
    pump(ports);
}

static void submit(struct call *call)
{
    struct dure_ports *ports = call->ports;
    const struct dure_port *port = call->port_call.port;
    call->ask = (struct dure_ask){.type = port->answer->aggregate->type, .command = port->answer,
                                  .id = call->port_call.id, .data = call->port_call.answer,
                                  .trace = call->port_call.trace,
                                  .decided = decided, .released = released};
    int rv = dure_ask_submit(ports->rt, &call->ask);
    if (rv == 0) return;
    if (rv == DURE_EBUSY || rv == DURE_ENOSPC) {
        call->next = ports->answered;
        ports->answered = call;
        wake_in(ports, RETRY_MS);
        return;
    }
    call->line->count.under_way--;
    forget(call);
}

static void on_timer(uv_timer_t *timer)
{
    struct dure_ports *ports = timer->data;
    struct call *call = ports->answered;
    ports->answered = NULL;
    while (call != NULL) {
        struct call *next = call->next;
        submit(call);
        call = next;
    }
    pump(ports);
}

void dure_port_answer(struct dure_port_call *port_call, bool up)
{
    struct call *call = (struct call *)port_call;
    struct line *line = call->line;
    struct dure_ports *ports = call->ports;
    line->count.answered++;
    if (!up) line->count.failed++;
    if (up) dure_breaker_succeeded(&line->breaker);
    else dure_breaker_failed(&line->breaker, now_ms(ports));
    submit(call);
    if (line->first != NULL) wake_in(ports, 0);
}
_Static_assert(offsetof(struct call, port_call) == 0, "a call is its public part");

/* The parent is the request that led to it, as for its events: the question is no span of ours. */
void dure_port_trace_header(const struct dure_port_call *call, char text[DURE_PORT_TRACE_BYTES])
{
    struct dure_buf header = {.data = text, .cap = DURE_PORT_TRACE_BYTES};
    if (call->trace != NULL) {
        dure_buf_lit(&header, "traceparent: ");
        dure_trace_write(call->trace, &header);
    }
    dure_buf_byte(&header, '\0');
}

/* ---- 1: asked -------------------------------------------------------------------------------- */

static struct line *line_of(struct dure_ports *ports, const struct dure_port *port)
{
    for (size_t i = 0; i < ports->lines_count; i++) {
        if (ports->lines[i].port == port) return &ports->lines[i];
    }
    return NULL;
}

static void on_asked(void *arg, const struct dure_port *port, const struct dure_event *event,
                     const struct dure_trace *trace)
{
    struct dure_ports *ports = arg;
    struct line *line = line_of(ports, port);
    if (line == NULL || ports->stopping || is_here(ports, line, event->id)) return;
    size_t asked_size = (port->asked->schema->size + 15) & ~(size_t)15;
    struct call *call = NULL;
    if (ports->calls < DURE_PORT_CALLS_MAX) {
        call = malloc(sizeof *call + asked_size + port->answer->schema->size);
    }
    if (call == NULL) {
        line->count.refused++;
        return;
    }
    *call = (struct call){.ports = ports, .line = line};
    memcpy(call->data, event->data, port->asked->schema->size);
    dure_schema_init(port->answer->schema, call->data + asked_size);
    call->port_call = (struct dure_port_call){.port = port, .id = event->id, .asked = call->data,
                                              .answer = call->data + asked_size};
    if (trace != NULL) {
        call->trace = *trace;
        call->port_call.trace = &call->trace;
    }
    struct call **bucket = bucket_of(ports, line, event->id);
    call->same_bucket = *bucket;
    *bucket = call;
    *line->last = call;
    line->last = &call->next;
    line->count.waiting++;
    line->count.asked++;
    ports->calls++;
    wake_in(ports, 0); /* The record is being released: not in the middle of that. */
}

/* ---- Open, close ----------------------------------------------------------------------------- */

int dure_ports_open(struct dure_ports **out, uv_loop_t *uv, struct dure_runtime *rt)
{
    struct dure_ports *ports = calloc(1, sizeof *ports);
    if (ports == NULL) return DURE_ENOMEM;
    ports->rt = rt;
    ports->timer.data = ports;
    if (uv_timer_init(uv, &ports->timer) != 0) {
        free(ports);
        return DURE_ESYSTEM;
    }
    rt->on_asked = on_asked;
    rt->asked_arg = ports;
    *out = ports;
    return 0;
}

int dure_ports_attach(struct dure_ports *ports, const struct dure_port *port,
                      const struct dure_adapter *adapter)
{
    DURE_ASSERT(line_of(ports, port) == NULL && adapter->calls_max > 0);
    if (ports->lines_count == PORTS_MAX) return DURE_ENOMEM;
    struct line *line = &ports->lines[ports->lines_count++];
    *line = (struct line){.port = port, .adapter = *adapter, .count.port = port};
    line->last = &line->first;
    line->count.breaker = &line->breaker;
    return dure_port_resume(ports->rt, port);
}

bool dure_ports_state(const struct dure_ports *ports, size_t i, struct dure_port_state *state)
{
    if (i >= ports->lines_count) return false;
    *state = ports->lines[i].count;
    return true;
}

void dure_ports_stop(struct dure_ports *ports)
{
    ports->stopping = true;
}

static void on_closed(uv_handle_t *handle)
{
    struct dure_ports *ports = handle->data;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (ports->buckets[i] != NULL) {
            struct call *call = ports->buckets[i];
            ports->buckets[i] = call->same_bucket;
            free(call);
        }
    }
    free(ports);
}

void dure_ports_close(struct dure_ports *ports)
{
    ports->rt->on_asked = NULL;
    uv_close((uv_handle_t *)&ports->timer, on_closed);
}
