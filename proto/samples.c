/*
 * Samples.
 *
 *   1. push    one node's into its ring
 *   2. add     those of one slot, of all nodes: rates and gauges by adding, histograms by bucket
 *   3. write   slot by slot, percentiles from the added buckets
 *
 * Cannot fail. Pure.
 */
#include "proto/samples.h"

#define HTTP_FIRST_S 64e-6
#define COMMIT_FIRST_S 16e-6

_Static_assert(DURE_NODES_MAX <= 64, "a slot has a bit for each node");
_Static_assert(sizeof((struct dure_metrics *)0)->append_ns_buckets ==
                   DURE_SAMPLE_COMMIT_BUCKETS * sizeof(uint64_t),
               "buckets of commits");
_Static_assert(sizeof(struct dure_sample) == 2 * 8 + 6 * 8 + 8 * 8 + 46 * 4, "no gaps on the wire");

/* ---- 1: one node's --------------------------------------------------------------------------- */

const struct dure_sample *dure_samples_at(const struct dure_samples *samples, size_t i)
{
    DURE_ASSERT(i < samples->count);
    return &samples->ring[(samples->first + i) % DURE_SAMPLES_MAX];
}

size_t dure_samples_behind(const struct dure_samples *samples, int64_t slot)
{
    size_t count = samples->count;
    while (count > 0 && dure_samples_at(samples, count - 1)->slot > slot) count--;
    return count;
}

void dure_samples_push(struct dure_samples *samples, const struct dure_sample *sample)
{
    DURE_ASSERT(sample->took_ns > 0);
    samples->count = dure_samples_behind(samples, sample->slot - 1);
    if (samples->count == DURE_SAMPLES_MAX)
        samples->first = (samples->first + 1) % DURE_SAMPLES_MAX;
    else
        samples->count++;
    samples->ring[(samples->first + samples->count - 1) % DURE_SAMPLES_MAX] = *sample;
}

/* ---- 2: the cluster's ------------------------------------------------------------------------ */

void dure_samples_add(struct dure_samples_slot *slot, unsigned node,
                      const struct dure_sample *sample)
{
    DURE_ASSERT(node < DURE_NODES_MAX);
    DURE_ASSERT(sample->slot == slot->slot);
    slot->nodes |= (uint64_t)1 << node;
    double seconds = (double)(sample->took_ns > 0 ? sample->took_ns : 1) / 1e9;
    for (size_t i = 0; i < DURE_SAMPLE_RATES; i++)
        slot->rates[i] += (double)sample->counted[i] / seconds;
    for (size_t i = 0; i < DURE_SAMPLE_GAUGES; i++) slot->gauges[i] += sample->gauges[i];
    for (size_t i = 0; i < DURE_METRICS_BUCKETS; i++) slot->http[i] += sample->http[i];
    for (size_t i = 0; i < DURE_SAMPLE_COMMIT_BUCKETS; i++) slot->commit[i] += sample->commit[i];
}

double dure_samples_quantile(const uint64_t *buckets, size_t count, double first, double q)
{
    uint64_t all = 0, below = 0;
    for (size_t i = 0; i < count; i++) all += buckets[i];
    if (all == 0) return -1;
    double wanted = q * (double)all, from = 0, to = first;
    for (size_t i = 0; i < count - 1; i++) {
        if (buckets[i] > 0 && (double)(below + buckets[i]) >= wanted)
            return from + (to - from) * (wanted - (double)below) / (double)buckets[i];
        below += buckets[i];
        from = to;
        to *= 2;
    }
    return from;
}

/* ---- 3: as JSON ------------------------------------------------------------------------------ */

static void write_quantile(const char *name, const uint64_t *buckets, size_t count, double first,
                           double q, struct dure_buf *out)
{
    double value = dure_samples_quantile(buckets, count, first, q);
    if (value < 0)
        dure_buf_printf(out, ",\"%s\":null", name);
    else
        dure_buf_printf(out, ",\"%s\":%.9f", name, value);
}

static void write_nodes(uint64_t nodes, struct dure_buf *out)
{
    bool first = true;
    for (unsigned i = 0; i < 64; i++) {
        if (!(nodes & (uint64_t)1 << i)) continue;
        dure_buf_printf(out, first ? "%u" : ",%u", i);
        first = false;
    }
}

static void write_slot(const struct dure_samples_slot *slot, struct dure_buf *out)
{
    static const char *const rates[DURE_SAMPLE_RATES] = {"requests", "events", "commits",
                                                         "turns",    "sagas",  "bulk_lines"};
    static const char *const gauges[DURE_SAMPLE_GAUGES] = {
        "in_flight",    "queued",     "mail",          "unacknowledged",
        "actors_bytes", "http_bytes", "journal_bytes", "rows_bytes"};
    dure_buf_printf(out, "{\"time\":%lld,\"nodes\":[", (long long)slot->slot * DURE_SAMPLE_MS);
    write_nodes(slot->nodes, out);
    dure_buf_byte(out, ']');
    for (size_t i = 0; i < DURE_SAMPLE_RATES; i++)
        dure_buf_printf(out, ",\"%s\":%.3f", rates[i], slot->rates[i]);
    write_quantile("http_p50", slot->http, DURE_METRICS_BUCKETS, HTTP_FIRST_S, 0.5, out);
    write_quantile("http_p95", slot->http, DURE_METRICS_BUCKETS, HTTP_FIRST_S, 0.95, out);
    write_quantile("http_p99", slot->http, DURE_METRICS_BUCKETS, HTTP_FIRST_S, 0.99, out);
    write_quantile("commit_p50", slot->commit, DURE_SAMPLE_COMMIT_BUCKETS, COMMIT_FIRST_S, 0.5,
                   out);
    write_quantile("commit_p99", slot->commit, DURE_SAMPLE_COMMIT_BUCKETS, COMMIT_FIRST_S, 0.99,
                   out);
    for (size_t i = 0; i < DURE_SAMPLE_GAUGES; i++)
        dure_buf_printf(out, ",\"%s\":%lld", gauges[i], (long long)slot->gauges[i]);
    dure_buf_byte(out, '}');
}

void dure_samples_write(const struct dure_samples_part *parts, size_t count, int64_t until,
                        struct dure_buf *out)
{
    size_t at[DURE_NODES_MAX] = {0};
    DURE_ASSERT(count <= DURE_NODES_MAX);
    dure_buf_byte(out, '[');
    for (bool first = true;; first = false) {
        struct dure_samples_slot slot = {.slot = INT64_MAX};
        for (size_t i = 0; i < count; i++) {
            if (at[i] < parts[i].count && parts[i].samples[at[i]].slot < slot.slot)
                slot.slot = parts[i].samples[at[i]].slot;
        }
        if (slot.slot == INT64_MAX || slot.slot > until) break;
        for (size_t i = 0; i < count; i++) {
            while (at[i] < parts[i].count && parts[i].samples[at[i]].slot == slot.slot)
                dure_samples_add(&slot, (unsigned)i, &parts[i].samples[at[i]++]);
        }
        if (!first) dure_buf_byte(out, ',');
        write_slot(&slot, out);
    }
    dure_buf_byte(out, ']');
}
