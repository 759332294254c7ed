/*
 * The state of a node as JSON. Names come from the tables of the systems and need no escaping.
 * Cannot fail. Loop thread.
 */
#include "proto/node_state.h"

#include "proto/call.h"

static void comma(bool *first, struct dure_buf *out)
{
    if (!*first) dure_buf_byte(out, ',');
    *first = false;
}

static void write_aggregates(const struct dure_runtime *rt, struct dure_buf *out)
{
    bool first = true;
    dure_buf_lit(out, ",\"aggregates\":{");
    for (size_t i = 0; i < dure_registry_count(); i++) {
        const struct dure_type *type = dure_registry_type(i);
        bool counted = type->kind == DURE_KIND_AGGREGATE || type->kind == DURE_KIND_VIEW;
        if (!counted || rt->counters[i].count == 0) continue;
        comma(&first, out);
        dure_buf_printf(out, "\"%s\":%lld", type->name, (long long)rt->counters[i].count);
    }
    dure_buf_byte(out, '}');
}

static void write_saga_states(const int64_t *counts, struct dure_buf *out)
{
    bool first = true;
    dure_buf_byte(out, '{');
    for (size_t state = 0; state < DURE_SAGA_STATES; state++) {
        if (counts[state] == 0) continue;
        comma(&first, out);
        dure_buf_printf(out, "\"%s\":%lld", dure_metrics_saga_state(state),
                        (long long)counts[state]);
    }
    dure_buf_byte(out, '}');
}

static void write_sagas(const struct dure_runtime *rt, struct dure_buf *out)
{
    bool first = true;
    dure_buf_lit(out, ",\"sagas\":{");
    for (size_t i = 0; i < dure_registry_count(); i++) {
        const struct dure_type *type = dure_registry_type(i);
        int64_t under_way = 0;
        if (type->kind != DURE_KIND_SAGA) continue;
        for (size_t state = 0; state < DURE_SAGA_STATES; state++) under_way += rt->sagas[i][state];
        if (under_way == 0) continue;
        comma(&first, out);
        dure_buf_printf(out, "\"%s\":", type->name);
        write_saga_states(rt->sagas[i], out);
    }
    dure_buf_byte(out, '}');
}

static void write_breakers(const struct dure_runtime *rt, struct dure_buf *out)
{
    static const char *const phases[] = {[DURE_BREAKER_CLOSED] = "closed",
                                         [DURE_BREAKER_HALF_OPEN] = "half-open",
                                         [DURE_BREAKER_OPEN] = "open"};
    uint16_t nodes = rt->options.nodes > 1 ? rt->options.nodes : 1;
    bool first = true;
    dure_buf_lit(out, ",\"breakers\":[");
    for (size_t i = 0; i < dure_registry_looks(); i++) {
        const struct dure_look *look = dure_registry_look(i);
        for (uint16_t peer = 0; peer < nodes; peer++) {
            const struct dure_breaker *breaker = dure_look_breaker(rt, look, peer);
            comma(&first, out);
            dure_buf_printf(out, "{\"look\":\"%s\",\"peer\":%u,\"state\":\"%s\"}", look->name, peer,
                            phases[breaker->phase]);
        }
    }
    dure_buf_byte(out, ']');
}

static void write_peers_down(const struct dure_remotes *remotes, struct dure_buf *out)
{
    bool first = true;
    dure_buf_lit(out, ",\"peers_down\":[");
    for (uint16_t i = 0; remotes != NULL && i < dure_remote_nodes(remotes); i++) {
        if (i == dure_remote_self(remotes) || dure_peer_is_up(dure_remote_peers(remotes), i))
            continue;
        comma(&first, out);
        dure_buf_printf(out, "%u", i);
    }
    dure_buf_byte(out, ']');
}

void dure_node_state_write(const struct dure_gateway *gateway, struct dure_buf *out)
{
    const struct dure_runtime *rt = gateway->rt;
    dure_buf_printf(out,
                    "{\"node\":%u,\"up\":true,\"shards\":%lld,\"requests\":%llu,\"events\":%llu,"
                    "\"journal_bytes\":%llu",
                    rt->options.node, (long long)dure_metrics_shards(&rt->options),
                    (unsigned long long)gateway->metrics.latency_count,
                    (unsigned long long)rt->metrics.events,
                    (unsigned long long)rt->journal->ops->bytes(rt->journal));
    write_aggregates(rt, out);
    write_sagas(rt, out);
    write_breakers(rt, out);
    write_peers_down(gateway->remotes, out);
    dure_buf_byte(out, '}');
}

void dure_node_state_write_down(unsigned node, struct dure_buf *out)
{
    dure_buf_printf(out, "{\"node\":%u,\"up\":false}", node);
}
