/*
 * The sampler.
 *
 *   1. wait   for the end of a slot, by wall time: all nodes sample at the same moments
 *   2. take   what was counted since the last sample, and what is there now, into the ring
 *
 * A loop that was kept from it takes one sample for all that time, in the slot that it ends in; the
 * others stay empty. The first counts as a whole slot, too: the rate of a moment would be a spike.
 * Loop thread, some microseconds.
 */
#include "proto/sampler.h"

#include <stdlib.h>
#include <uv.h>

#include "proto/call.h"
#include "runtime/links.h"

/* Timers count whole milliseconds, and may be a little early. */
#define LATE_MS 20

struct totals { /* Since the node began. */
    uint64_t at_ns;
    uint64_t rates[DURE_SAMPLE_RATES];
    uint64_t http[DURE_METRICS_BUCKETS], commit[DURE_SAMPLE_COMMIT_BUCKETS];
};

struct dure_sampler {
    const struct dure_gateway *gateway;
    struct dure_sampler_options options;
    uv_timer_t timer; /* Unless options.loop is NULL. */
    int64_t slot;     /* That of the last sample, or before the first: of the start. */
    struct totals before;
    struct dure_samples samples;
};

static int64_t wall_ms(const struct dure_sampler *sampler)
{
    struct dure_io *io = sampler->gateway->rt->io;
    return io->wall_ms(io);
}

/* ---- 2: take --------------------------------------------------------------------------------- */

static void count_totals(const struct dure_gateway *gateway, struct totals *totals)
{
    const struct dure_metrics *metrics = &gateway->rt->metrics;
    struct dure_io *io = gateway->rt->io;
    *totals = (struct totals){.at_ns = io->mono_ns(io)};
    memcpy(totals->http, gateway->metrics.latency, sizeof totals->http);
    memcpy(totals->commit, metrics->append_ns_buckets, sizeof totals->commit);
    uint64_t *rates = totals->rates;
    rates[DURE_SAMPLE_REQUESTS] = gateway->metrics.latency_count;
    rates[DURE_SAMPLE_EVENTS] = metrics->events;
    for (size_t i = 0; i < DURE_SAMPLE_COMMIT_BUCKETS; i++)
        rates[DURE_SAMPLE_COMMITS] += totals->commit[i];
    rates[DURE_SAMPLE_TURNS] = metrics->turns;
    rates[DURE_SAMPLE_SAGAS] = metrics->sagas_started;
    for (size_t i = 0; i < DURE_METRICS_STATUSES / 100; i++)
        rates[DURE_SAMPLE_BULK_LINES] += gateway->metrics.bulk_lines[i];
}

static void read_gauges(const struct dure_gateway *gateway, int64_t *gauges)
{
    const struct dure_runtime *rt = gateway->rt;
    struct dure_server_stats stats = {0};
    if (gateway->server != NULL) dure_server_stats(gateway->server, &stats);
    gauges[DURE_SAMPLE_IN_FLIGHT] = rt->asks_count;
    gauges[DURE_SAMPLE_QUEUED] = rt->intake_count;
    gauges[DURE_SAMPLE_MAIL] = rt->ready_mail;
    gauges[DURE_SAMPLE_UNACKNOWLEDGED] = rt->links != NULL ? (int64_t)rt->links->parcels : 0;
    gauges[DURE_SAMPLE_ACTORS_BYTES] = rt->memory_bytes;
    gauges[DURE_SAMPLE_HTTP_BYTES] = (int64_t)(stats.request_bytes + stats.unsent_bytes);
    gauges[DURE_SAMPLE_JOURNAL_BYTES] = (int64_t)rt->journal->ops->bytes(rt->journal);
    gauges[DURE_SAMPLE_ROWS_BYTES] = (int64_t)rt->rows->ops->bytes(rt->rows);
}

void dure_sampler_take(struct dure_sampler *sampler)
{
    struct dure_sample sample = {.slot = wall_ms(sampler) / DURE_SAMPLE_MS};
    const struct totals *before = &sampler->before;
    struct totals now;
    if (sample.slot == sampler->slot) return;
    count_totals(sampler->gateway, &now);
    sample.took_ns = (uint64_t)DURE_SAMPLE_MS * 1000000;
    if (now.at_ns - before->at_ns > sample.took_ns) sample.took_ns = now.at_ns - before->at_ns;
    for (size_t i = 0; i < DURE_SAMPLE_RATES; i++)
        sample.counted[i] = now.rates[i] - before->rates[i];
    for (size_t i = 0; i < DURE_METRICS_BUCKETS; i++)
        sample.http[i] = (uint32_t)(now.http[i] - before->http[i]);
    for (size_t i = 0; i < DURE_SAMPLE_COMMIT_BUCKETS; i++)
        sample.commit[i] = (uint32_t)(now.commit[i] - before->commit[i]);
    read_gauges(sampler->gateway, sample.gauges);
    dure_samples_push(&sampler->samples, &sample);
    sampler->before = now;
    sampler->slot = sample.slot;
    if (sampler->options.taken != NULL) sampler->options.taken(sampler->options.arg, &sample);
}

const struct dure_samples *dure_sampler_samples(const struct dure_sampler *sampler)
{
    return &sampler->samples;
}

/* ---- 1: wait --------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer);

static void await_end_of_slot(struct dure_sampler *sampler)
{
    int64_t left_ms = DURE_SAMPLE_MS - wall_ms(sampler) % DURE_SAMPLE_MS;
    uv_update_time(sampler->timer.loop);
    int rv = uv_timer_start(&sampler->timer, on_timer, (uint64_t)left_ms + LATE_MS, 0);
    DURE_ASSERT(rv == 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct dure_sampler *sampler = timer->data;
    dure_sampler_take(sampler);
    await_end_of_slot(sampler);
}

/* ---- Open, close ----------------------------------------------------------------------------- */

int dure_sampler_open(struct dure_sampler **out, const struct dure_gateway *gateway,
                      const struct dure_sampler_options *options)
{
    struct dure_sampler *sampler = calloc(1, sizeof *sampler);
    if (sampler == NULL) return DURE_ENOMEM;
    sampler->gateway = gateway;
    sampler->slot = wall_ms(sampler) / DURE_SAMPLE_MS;
    count_totals(gateway, &sampler->before);
    sampler->options = *options;
    if (options->past != NULL) sampler->samples = *options->past;
    if (options->loop != NULL && uv_timer_init(options->loop, &sampler->timer) != 0) {
        free(sampler);
        return DURE_ESYSTEM;
    }
    sampler->timer.data = sampler;
    if (options->loop != NULL) {
        uv_unref((uv_handle_t *)&sampler->timer); /* No reason for the node to run. */
        await_end_of_slot(sampler);
    }
    *out = sampler;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void dure_sampler_close(struct dure_sampler *sampler)
{
    if (sampler == NULL) return;
    if (sampler->options.loop != NULL)
        uv_close((uv_handle_t *)&sampler->timer, on_closed);
    else
        free(sampler);
}
