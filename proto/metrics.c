/*
 * /metrics (Prometheus text exposition format 0.0.4).
 *
 *   1. requests are counted as their answers leave
 *   2. a scrape writes these counters, the runtime's, the stores' and the server's, each family
 *      with its type and one line that says what it is
 *
 * Cannot fail. Loop thread.
 */
#include "proto/metrics.h"

#include "proto/call.h"
#include "proto/ports.h"
#include "runtime/links.h"

static const char *const methods[DURE_METRICS_METHODS] = {"GET",   "HEAD",   "POST",    "PUT",
                                                          "PATCH", "DELETE", "OPTIONS", "OTHER"};

void dure_metrics_count(struct dure_http_metrics *metrics, enum dure_method method, int status,
                        uint64_t took_ns)
{
    DURE_ASSERT((unsigned)method < DURE_METRICS_METHODS);
    DURE_ASSERT(status >= 0 && status < DURE_METRICS_STATUSES);
    metrics->requests[method][status]++;
    size_t bucket = 0;
    while (bucket < DURE_METRICS_BUCKETS - 1 && took_ns >> bucket >= 64000) bucket++;
    metrics->latency[bucket]++;
    metrics->latency_ns_sum += took_ns;
    metrics->latency_count++;
}

static void family(struct dure_buf *out, const char *name, const char *type, const char *help)
{
    dure_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void counter(struct dure_buf *out, const char *name, uint64_t value, const char *help)
{
    family(out, name, "counter", help);
    dure_buf_printf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void gauge(struct dure_buf *out, const char *name, int64_t value, const char *help)
{
    family(out, name, "gauge", help);
    dure_buf_printf(out, "%s %lld\n", name, (long long)value);
}

/* Buckets of doubling width; the last one is open. */
static void buckets(struct dure_buf *out, const char *name, const uint64_t *counts, size_t count,
                    double first)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += counts[i];
        if (i < count - 1)
            dure_buf_printf(out, "%s_bucket{le=\"%.9g\"} %llu\n", name,
                            first * (double)((uint64_t)1 << i), (unsigned long long)sum);
        else
            dure_buf_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)sum);
    }
}

static void write_requests(const struct dure_http_metrics *metrics, struct dure_buf *out)
{
    family(out, "dure_http_requests_total", "counter", "Answered requests.");
    for (size_t method = 0; method < DURE_METRICS_METHODS; method++) {
        for (size_t status = 0; status < DURE_METRICS_STATUSES; status++) {
            uint64_t count = metrics->requests[method][status];
            if (count == 0) continue;
            dure_buf_printf(out, "dure_http_requests_total{method=\"%s\",status=\"%zu\"} %llu\n",
                            methods[method], status, (unsigned long long)count);
        }
    }
    family(out, "dure_http_request_seconds", "histogram", "From the whole request to its answer.");
    buckets(out, "dure_http_request_seconds", metrics->latency, DURE_METRICS_BUCKETS, 64e-6);
    dure_buf_printf(
        out, "dure_http_request_seconds_sum %.9f\ndure_http_request_seconds_count %llu\n",
        (double)metrics->latency_ns_sum / 1e9, (unsigned long long)metrics->latency_count);
    family(out, "dure_bulk_lines_total", "counter", "Answered lines of bulk requests.");
    for (size_t i = 2; i <= 5; i++) {
        dure_buf_printf(out, "dure_bulk_lines_total{status=\"%zuxx\"} %llu\n", i,
                        (unsigned long long)metrics->bulk_lines[i]);
    }
}

static void write_server(const struct dure_server *server, struct dure_buf *out)
{
    if (server == NULL) return;
    struct dure_server_stats stats;
    dure_server_stats(server, &stats);
    gauge(out, "dure_http_open_connections", (int64_t)stats.connections, "Open connections.");
    gauge(out, "dure_http_requests_in_flight", (int64_t)stats.exchanges, "Requests under way.");
    gauge(out, "dure_http_request_bytes", (int64_t)stats.request_bytes,
          "Memory of requests that arrive or wait for their answers.");
    gauge(out, "dure_http_unread_bytes", (int64_t)stats.unsent_bytes,
          "Memory of answers that clients have not read.");
    counter(out, "dure_http_connections_total", stats.connections_total, "Connections taken.");
    counter(out, "dure_http_refused_total", stats.refused_total, "Refused for overload.");
    counter(out, "dure_http_malformed_total", stats.malformed_total, "What was no HTTP.");
    counter(out, "dure_http_timeouts_total", stats.timeouts_total,
            "Connections that were too slow.");
    counter(out, "dure_http_received_bytes_total", stats.bytes_in_total, "Bytes in.");
    counter(out, "dure_http_sent_bytes_total", stats.bytes_out_total, "Bytes out.");
}

int64_t dure_metrics_shards(const struct dure_options *options)
{
    if (options->nodes == 0) return options->shards;
    return (options->shards - options->node + options->nodes - 1) / options->nodes;
}

static void write_runtime(const struct dure_runtime *rt, struct dure_buf *out)
{
    const struct dure_metrics *metrics = &rt->metrics;
    counter(out, "dure_asks_total", metrics->asks, "Commands taken from outside.");
    counter(out, "dure_asks_refused_total", metrics->asks_refused,
            "Commands refused: queues full.");
    counter(out, "dure_turns_total", metrics->turns, "Messages handled by actors.");
    counter(out, "dure_events_total", metrics->events, "Events.");
    counter(out, "dure_journal_records_total", metrics->records, "Journal records made durable.");
    counter(out, "dure_journal_bytes_total", metrics->record_bytes, "Their bytes.");
    counter(out, "dure_journal_failed_total", metrics->failed_appends, "Appends that failed.");
    counter(out, "dure_nospace_total", metrics->nospace, "Appends that met a full disk.");
    counter(out, "dure_checkpoints_total", metrics->checkpoints, "Checkpoints finished.");
    counter(out, "dure_checkpoint_rows_total", metrics->checkpoint_rows, "Rows written back.");
    counter(out, "dure_actors_loaded_total", metrics->loaded, "Actors read from their rows.");
    counter(out, "dure_actors_passivated_total", metrics->passivated,
            "Actors dropped from memory.");
    counter(out, "dure_deferred_total", metrics->deferred,
            "Messages that went on in a later record.");
    counter(out, "dure_projections_total", metrics->projections, "Events applied to views.");
    family(out, "dure_commit_seconds", "histogram", "From append to durable.");
    buckets(out, "dure_commit_seconds", metrics->append_ns_buckets, 24, 16e-6);
    uint64_t appends = 0;
    for (size_t i = 0; i < 24; i++) appends += metrics->append_ns_buckets[i];
    dure_buf_printf(out, "dure_commit_seconds_sum %.9f\ndure_commit_seconds_count %llu\n",
                    (double)metrics->append_ns_sum / 1e9, (unsigned long long)appends);
    family(out, "dure_commit_turns", "histogram", "Turns in one record.");
    buckets(out, "dure_commit_turns", metrics->batch_turns_buckets, 16, 1);
    uint64_t batches = 0;
    for (size_t i = 0; i < 16; i++) batches += metrics->batch_turns_buckets[i];
    dure_buf_printf(out, "dure_commit_turns_sum %llu\ndure_commit_turns_count %llu\n",
                    (unsigned long long)metrics->turns, (unsigned long long)batches);
    gauge(out, "dure_shards", dure_metrics_shards(&rt->options), "Shards that this node serves.");
    gauge(out, "dure_asks_in_flight", rt->asks_count, "Commands under way.");
    gauge(out, "dure_asks_queued", rt->intake_count, "Of them, those that no turn has taken yet.");
    gauge(out, "dure_mail_queued", rt->ready_mail, "Messages in the mailboxes of actors.");
    gauge(out, "dure_actors", rt->actors_count, "Actors in memory.");
    gauge(out, "dure_actors_bytes", rt->memory_bytes, "Memory that they take.");
    gauge(out, "dure_actors_dirty", (int64_t)rt->dirty_count,
          "Actors that differ from their rows.");
    gauge(out, "dure_timers", (int64_t)rt->timers_count, "Timers that are set.");
    gauge(out, "dure_journal_durable_lsn", (int64_t)rt->lsn_durable, "Last durable record.");
    gauge(out, "dure_journal_first_lsn", (int64_t)rt->journal->ops->first(rt->journal),
          "First record still there.");
    gauge(out, "dure_journal_size_bytes", (int64_t)rt->journal->ops->bytes(rt->journal),
          "Journal on disk.");
    gauge(out, "dure_checkpoint_lsn", (int64_t)dure_checkpoint_lsn(rt), "Replay begins behind it.");
    gauge(out, "dure_rows_size_bytes", (int64_t)rt->rows->ops->bytes(rt->rows), "Rows on disk.");
}

const char *dure_metrics_saga_state(size_t state)
{
    static const char *const states[DURE_SAGA_STATES] = {
        [DURE_SAGA_PARKED] = "parked",     [DURE_SAGA_FORWARD] = "forward",
        [DURE_SAGA_UNDOING] = "undoing",   [DURE_SAGA_REFUSING] = "refusing",
        [DURE_SAGA_LATE] = "late"};
    DURE_ASSERT(state < DURE_SAGA_STATES);
    return states[state];
}

/* Aggregates by type, and the sagas that are under way. */
static void write_types(const struct dure_runtime *rt, struct dure_buf *out)
{
    family(out, "dure_aggregates", "gauge", "Aggregates and rows of views that exist.");
    for (size_t i = 0; i < dure_registry_count(); i++) {
        const struct dure_type *type = dure_registry_type(i);
        if (type->kind != DURE_KIND_AGGREGATE && type->kind != DURE_KIND_VIEW) continue;
        dure_buf_printf(out, "dure_aggregates{type=\"%s\"} %lld\n", type->name,
                        (long long)rt->counters[i].count);
    }
    family(out, "dure_sagas", "gauge", "Sagas under way, by state.");
    for (size_t i = 0; i < dure_registry_count(); i++) {
        const struct dure_type *type = dure_registry_type(i);
        if (type->kind != DURE_KIND_SAGA) continue;
        for (size_t state = 0; state < DURE_SAGA_STATES; state++) {
            dure_buf_printf(out, "dure_sagas{type=\"%s\",state=\"%s\"} %lld\n", type->name,
                            dure_metrics_saga_state(state), (long long)rt->sagas[i][state]);
        }
    }
    counter(out, "dure_sagas_started_total", rt->metrics.sagas_started, "Sagas begun.");
    family(out, "dure_sagas_ended_total", "counter", "Sagas ended, by outcome.");
    dure_buf_printf(out,
                    "dure_sagas_ended_total{outcome=\"done\"} %llu\n"
                    "dure_sagas_ended_total{outcome=\"refused\"} %llu\n",
                    (unsigned long long)rt->metrics.sagas_done,
                    (unsigned long long)rt->metrics.sagas_refused);
    counter(out, "dure_sagas_parked_total", rt->metrics.sagas_parked, "Sagas parked.");
}

/* Per other node, each counter of what we exchange with it. */
static void write_peers(const struct dure_peers *peers, struct dure_buf *out)
{
    static const struct {
        const char *name, *help;
        size_t offset;
    } rows[] = {
#define ROW(name, member, help) {name, help, offsetof(struct dure_peer_status, member)}
        ROW("dure_peer_sessions_total", sessions, "Sessions begun with another node."),
        ROW("dure_peer_frames_sent_total", frames_sent, "Frames sent to it."),
        ROW("dure_peer_frames_received_total", frames_received, "Frames that came from it."),
        ROW("dure_peer_sent_bytes_total", bytes_sent, "Bytes sent to it."),
        ROW("dure_peer_received_bytes_total", bytes_received, "Bytes that came from it."),
        ROW("dure_peer_datagrams_sent_total", datagrams_sent, "Datagrams sent to it."),
        ROW("dure_peer_datagrams_resent_total", datagrams_resent, "Of them, sent again."),
#undef ROW
    };
    struct dure_peer_status status;
    family(out, "dure_peer_up", "gauge", "Whether the other node is reached.");
    for (uint16_t i = 0; i < dure_peer_nodes(peers); i++) {
        if (i != dure_peer_self(peers))
            dure_buf_printf(out, "dure_peer_up{peer=\"%u\"} %d\n", i, dure_peer_is_up(peers, i));
    }
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        family(out, rows[row].name, "counter", rows[row].help);
        for (uint16_t i = 0; i < dure_peer_nodes(peers); i++) {
            if (i == dure_peer_self(peers)) continue;
            dure_peer_status(peers, i, &status);
            uint64_t value;
            memcpy(&value, (const char *)&status + rows[row].offset, sizeof value);
            dure_buf_printf(out, "%s{peer=\"%u\"} %llu\n", rows[row].name, i,
                            (unsigned long long)value);
        }
    }
}

static void write_cluster(const struct dure_gateway *gateway, struct dure_buf *out)
{
    const struct dure_links *links = gateway->rt->links;
    if (gateway->remotes == NULL) return;
    counter(out, "dure_forwarded_total", gateway->forwarded, "Requests sent to their owner.");
    counter(out, "dure_inbound_total", gateway->inbound, "Requests that other nodes sent here.");
    write_peers(dure_remote_peers(gateway->remotes), out);
    if (links == NULL) return;
    counter(out, "dure_links_sent_total", links->sent, "Messages to other journals.");
    counter(out, "dure_links_resent_total", links->resent, "Messages sent again.");
    counter(out, "dure_links_doubles_total", links->doubles, "Messages that came again.");
    counter(out, "dure_links_gaps_total", links->gaps, "Messages that came too early.");
    gauge(out, "dure_links_unacknowledged", (int64_t)links->parcels, "Messages not acknowledged.");
}

/* The other node is a `peer`: `node` is whose numbers these are, in a cluster. */
static void breaker_value(const struct dure_look *look, uint16_t peer, const char *family_name,
                          uint64_t value, struct dure_buf *out)
{
    dure_buf_printf(out, "%s{look=\"%s\",peer=\"%u\"} %llu\n", family_name, look->name, peer,
                    (unsigned long long)value);
}

/* The circuit breakers of looks (runtime/look.c): one a look and node. */
static void write_breakers(const struct dure_runtime *rt, struct dure_buf *out)
{
    static const struct {
        const char *name, *type, *help;
    } families[] = {
        {"dure_breaker_state", "gauge", "Circuit breakers: 0 closed, 1 half-open, 2 open."},
        {"dure_breaker_opened_total", "counter", "How often they opened."},
        {"dure_breaker_denied_total", "counter", "What went on without asking: they were open."},
    };
    uint16_t nodes = rt->options.nodes > 1 ? rt->options.nodes : 1;
    for (size_t what = 0; what < sizeof families / sizeof families[0]; what++) {
        family(out, families[what].name, families[what].type, families[what].help);
        for (size_t i = 0; i < dure_registry_looks(); i++) {
            const struct dure_look *look = dure_registry_look(i);
            for (uint16_t node = 0; node < nodes; node++) {
                const struct dure_breaker *breaker = dure_look_breaker(rt, look, node);
                uint64_t value = what == 0   ? (uint64_t)breaker->phase
                                 : what == 1 ? breaker->opened
                                             : breaker->denied;
                breaker_value(look, node, families[what].name, value, out);
            }
        }
    }
    counter(out, "dure_looks_unknown_total", rt->metrics.looks_unknown,
            "Commands handled without what they should have seen.");
}

/* What the node asks of others, by port. */
static void write_ports(const struct dure_ports *ports, struct dure_buf *out)
{
    static const struct {
        const char *name, *type, *help;
    } families[] = {
        {"dure_port_asked_total", "counter", "Questions that came."},
        {"dure_port_answered_total", "counter", "Questions that adapters gave back."},
        {"dure_port_failed_total", "counter", "Of these: the other side was down."},
        {"dure_port_refused_total", "counter", "Questions there was no room for: they come again."},
        {"dure_port_waiting", "gauge", "Questions in line."},
        {"dure_port_under_way", "gauge", "Questions with an adapter, or answers on their way."},
        {"dure_port_breaker_open", "gauge", "1: the other side is left alone for now."},
        {"dure_port_breaker_opened_total", "counter", "How often that began."},
    };
    struct dure_port_state state;
    if (ports == NULL || !dure_ports_state(ports, 0, &state)) return;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        family(out, families[i].name, families[i].type, families[i].help);
        for (size_t port = 0; dure_ports_state(ports, port, &state); port++) {
            const uint64_t values[] = {state.asked,
                                       state.answered,
                                       state.failed,
                                       state.refused,
                                       state.waiting,
                                       state.under_way,
                                       state.breaker->phase != DURE_BREAKER_CLOSED,
                                       state.breaker->opened};
            dure_buf_printf(out, "%s{port=\"%s.%s\"} %llu\n", families[i].name, state.port->system,
                            state.port->name, (unsigned long long)values[i]);
        }
    }
}

void dure_metrics_write(const struct dure_gateway *gateway, struct dure_buf *out)
{
    write_requests(&gateway->metrics, out);
    write_server(gateway->server, out);
    write_runtime(gateway->rt, out);
    write_types(gateway->rt, out);
    write_cluster(gateway, out);
    write_breakers(gateway->rt, out);
    write_ports(gateway->ports, out);
}
