/*
 * Reading Prometheus' text format (prometheus.io/docs/instrumenting/exposition_formats), as far as
 * our own pages use it. Unknown samples are passed over. Main thread only.
 */
#include "cmd/top_page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(struct dure_top_node, member)

static const struct {
    const char *name;
    size_t offset; /* Of a double. All samples of the name are added up. */
} rows[] = {
    {"dure_http_requests_total", AT(requests)},
    {"dure_bulk_lines_total", AT(lines)},
    {"dure_http_refused_total", AT(refused)},
    {"dure_events_total", AT(events)},
    {"dure_journal_records_total", AT(records)},
    {"dure_turns_total", AT(turns)},
    {"dure_asks_total", AT(asks)},
    {"dure_http_open_connections", AT(connections)},
    {"dure_asks_in_flight", AT(in_flight)},
    {"dure_asks_queued", AT(asks_queued)},
    {"dure_mail_queued", AT(mail_queued)},
    {"dure_actors", AT(actors)},
    {"dure_actors_bytes", AT(actor_bytes)},
    {"dure_aggregates", AT(aggregates)},
    {"dure_sagas", AT(sagas)},
    {"dure_journal_size_bytes", AT(journal_bytes)},
    {"dure_journal_durable_lsn", AT(behind)},
    {"dure_port_breaker_open", AT(breakers_open)},
};

struct sample {
    const char *name, *labels; /* Labels between the braces. */
    size_t name_len, labels_len;
    double value;
};

static bool is(const struct sample *sample, const char *name)
{
    return strlen(name) == sample->name_len && memcmp(sample->name, name, sample->name_len) == 0;
}

static bool has(const struct sample *sample, const char *label)
{
    return sample->labels_len > 0 &&
           memmem(sample->labels, sample->labels_len, label, strlen(label)) != NULL;
}

/* name{labels} value */
static bool split(const char *line, const char *end, struct sample *sample)
{
    *sample = (struct sample){.name = line};
    while (line < end && *line != '{' && *line != ' ') line++;
    sample->name_len = (size_t)(line - sample->name);
    if (line < end && *line == '{') {
        sample->labels = line + 1;
        const char *close = memrchr(line, '}', (size_t)(end - line));
        if (close == NULL) return false;
        sample->labels_len = (size_t)(close - sample->labels);
        line = close + 1;
    }
    if (line >= end || *line != ' ') return false;
    char number[64], *stop;
    snprintf(number, sizeof number, "%.*s", (int)(end - line - 1), line + 1);
    sample->value = strtod(number, &stop);
    return stop != number;
}

static void read_bucket(struct dure_top_histogram *histogram, const struct sample *sample)
{
    const char *le = memmem(sample->labels, sample->labels_len, "le=\"", 4);
    if (le == NULL || histogram->buckets == DURE_TOP_BUCKETS) return;
    histogram->le[histogram->buckets] = strtod(le + 4, NULL); /* "+Inf" is infinity. */
    histogram->count[histogram->buckets++] = sample->value;
}

static void read_histogram(struct dure_top_histogram *histogram, const struct sample *sample,
                           const char *suffix)
{
    if (strcmp(suffix, "_bucket") == 0)
        read_bucket(histogram, sample);
    else if (strcmp(suffix, "_sum") == 0)
        histogram->sum = sample->value;
    else
        histogram->total = sample->value;
}

static void take(struct dure_top_node *node, const struct sample *sample)
{
    static const char *const suffixes[] = {"_bucket", "_sum", "_count"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (is(sample, rows[i].name)) *(double *)((char *)node + rows[i].offset) += sample->value;
    }
    if (is(sample, "dure_checkpoint_lsn")) node->behind -= sample->value;
    if (is(sample, "dure_sagas") && has(sample, "state=\"parked\"")) node->parked += sample->value;
    if (is(sample, "dure_breaker_state") && sample->value > 0) node->breakers_open++;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char name[64];
        snprintf(name, sizeof name, "dure_http_request_seconds%s", suffixes[i]);
        if (is(sample, name)) read_histogram(&node->answer, sample, suffixes[i]);
        snprintf(name, sizeof name, "dure_commit_seconds%s", suffixes[i]);
        if (is(sample, name)) read_histogram(&node->commit, sample, suffixes[i]);
    }
}

/* The node whose sample it is: node="N" comes first on the page of a cluster. */
static struct dure_top_node *node_of(struct dure_top_page *page, const struct sample *sample)
{
    unsigned long number = 0;
    if (sample->labels_len > 6 && memcmp(sample->labels, "node=\"", 6) == 0)
        number = strtoul(sample->labels + 6, NULL, 10);
    if (number >= DURE_NODES_MAX) return NULL;
    if (number >= page->nodes_count) page->nodes_count = number + 1;
    struct dure_top_node *node = &page->nodes[number];
    if (!node->known) node->up = true;
    node->known = true;
    return node;
}

void dure_top_page_read(struct dure_top_page *page, const char *text, size_t len)
{
    const char *end = text + len;
    *page = (struct dure_top_page){0};
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline != NULL ? newline : end;
        struct sample sample;
        if (*text != '#' && split(text, stop, &sample)) {
            struct dure_top_node *node = node_of(page, &sample);
            if (node != NULL && is(&sample, "dure_node_up"))
                node->up = sample.value > 0;
            else if (node != NULL)
                take(node, &sample);
        }
        text = stop + 1;
    }
}

double dure_top_quantile(const struct dure_top_histogram *before,
                         const struct dure_top_histogram *after, double q)
{
    bool fits = before->buckets == after->buckets && after->total >= before->total;
    double total = after->total - (fits ? before->total : 0);
    if (!(total > 0)) return NAN;
    for (size_t i = 0; i < after->buckets; i++) {
        double count = after->count[i] - (fits ? before->count[i] : 0);
        if (count >= q * total) return after->le[i];
    }
    return NAN;
}
