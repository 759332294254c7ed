/*
 * Results to text. No failures but a closed standard output, which is ignored.
 */
#include "cmd/bench_report.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const mode_names[] = {
    [DURE_BENCH_SINGLE] = "single",
    [DURE_BENCH_PIPELINED] = "pipelined",
    [DURE_BENCH_BULK] = "bulk",
};

static double ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

static double per_second(uint64_t count, double seconds)
{
    return seconds > 0 ? (double)count / seconds : 0;
}

static double mean_ms(const struct dure_bench_histogram *latency)
{
    return latency->total == 0 ? 0 : (double)latency->sum_ns / (double)latency->total / 1e6;
}

static void print_latency_json(const struct dure_bench_histogram *latency)
{
    printf("\"latency_ms\":{\"mean\":%.3f,\"p50\":%.3f,\"p99\":%.3f,\"p99_9\":%.3f,\"max\":%.3f}",
           mean_ms(latency), ms(dure_bench_histogram_percentile(latency, 50)),
           ms(dure_bench_histogram_percentile(latency, 99)),
           ms(dure_bench_histogram_percentile(latency, 99.9)), ms(latency->max_ns));
}

static void print_latency_table(const struct dure_bench_histogram *latency)
{
    printf("latency     mean %.3f ms, p50 %.3f, p99 %.3f, p99.9 %.3f, max %.3f\n", mean_ms(latency),
           ms(dure_bench_histogram_percentile(latency, 50)),
           ms(dure_bench_histogram_percentile(latency, 99)),
           ms(dure_bench_histogram_percentile(latency, 99.9)), ms(latency->max_ns));
}

static void print_load_json(const struct dure_bench_options *options,
                            const struct dure_bench_load_result *result)
{
    const struct dure_bench_tally *tally = &result->tally;
    printf("{\"target\":\"%s\",\"mode\":\"%s\",\"connections\":%" PRIu32 ",\"depth\":%" PRIu32
           ",\"threads\":%" PRIu32 ",\"products\":%" PRIu32 ",\"users\":%" PRIu32
           ",\"seconds\":%.3f,\"completed\":%" PRIu64 ",\"per_second\":%.1f,\"pending\":%" PRIu64
           ",\"refused\":{",
           options->raw ? "raw" : "orders", mode_names[options->mode], options->connections,
           options->depth, options->threads, options->products, options->users, result->seconds,
           tally->completed, per_second(tally->completed, result->seconds), tally->pending);
    const char *comma = "";
    for (int status = 0; status < DURE_BENCH_STATUS_END; status++) {
        if (tally->refused[status] == 0) continue;
        printf("%s\"%d\":%" PRIu64, comma, status, tally->refused[status]);
        comma = ",";
    }
    printf("},\"unanswered\":%" PRIu64 ",\"malformed\":%" PRIu64 ",\"connects_failed\":%" PRIu64
           ",\"generator_cpu_seconds\":%.2f,",
           tally->unanswered, tally->malformed, tally->connects_failed, result->cpu_seconds);
    print_latency_json(&tally->latency);
    printf("}\n");
}

static void print_load_table(const struct dure_bench_options *options,
                             const struct dure_bench_load_result *result)
{
    const struct dure_bench_tally *tally = &result->tally;
    printf("%-11s %s, %" PRIu32 " connections, %" PRIu32 " in flight each, %" PRIu32 " threads\n",
           options->raw ? "requests" : "orders", mode_names[options->mode], options->connections,
           options->depth, options->threads);
    printf("completed   %" PRIu64 " in %.2f s = %.0f/s\n", tally->completed, result->seconds,
           per_second(tally->completed, result->seconds));
    print_latency_table(&tally->latency);
    if (tally->pending > 0)
        printf("pending     %" PRIu64 " answered before their saga had ended\n", tally->pending);
    for (int status = 0; status < DURE_BENCH_STATUS_END; status++) {
        if (tally->refused[status] > 0)
            printf("status %-3d  %" PRIu64 "\n", status, tally->refused[status]);
    }
    if (tally->unanswered > 0) printf("unanswered  %" PRIu64 "\n", tally->unanswered);
    if (tally->malformed > 0) printf("malformed   %" PRIu64 "\n", tally->malformed);
    if (tally->connects_failed > 0)
        printf("connecting  failed %" PRIu64 " times\n", tally->connects_failed);
    printf("generator   %.2f s of CPU\n", result->cpu_seconds);
}

void dure_bench_report_load(const struct dure_bench_options *options,
                            const struct dure_bench_load_result *result)
{
    if (options->json) {
        print_load_json(options, result);
    } else {
        print_load_table(options, result);
    }
}

void dure_bench_report_journal(const struct dure_bench_options *options,
                               const struct dure_bench_journal_result *result)
{
    double records = per_second(result->records, result->seconds);
    double orders = records * options->batch;
    double mib = orders * (double)options->bytes / (1024 * 1024);
    if (options->json) {
        printf("{\"target\":\"journal\",\"bytes\":%zu,\"batch\":%" PRIu32
               ",\"seconds\":%.3f,\"records\":%" PRIu64 ",\"records_per_second\":%.1f"
               ",\"orders_per_second\":%.1f,\"mib_per_second\":%.1f,",
               options->bytes, options->batch, result->seconds, result->records, records, orders,
               mib);
        print_latency_json(&result->latency);
        printf("}\n");
        return;
    }
    printf("journal     %" PRIu32 " orders of %zu bytes a record\n", options->batch,
           options->bytes);
    printf("records     %" PRIu64 " in %.2f s = %.0f/s\n", result->records, result->seconds,
           records);
    printf("orders      %.0f/s, %.1f MiB/s\n", orders, mib);
    print_latency_table(&result->latency);
}
