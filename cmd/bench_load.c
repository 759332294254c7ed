/*
 * Happy path: resolve the address → create the products → open the accounts → start the workers →
 * wait for them → add up → report.
 *
 * Fails (a sentence on standard error, exit status 1) when the server cannot be reached, when it
 * refuses a product or an account, and when not a single order completes. Runs on the main thread;
 * each worker has one of its own.
 */
#include "cmd/bench_load.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cmd/bench_report.h"
#include "cmd/bench_worker.h"
#include "runtime/errors.h"

#define PREPARE_CONNECTIONS 8
#define PREPARE_DEPTH 32
#define SEED 20240404u

#define complain(...) fprintf(stderr, "dure bench: " __VA_ARGS__)

/* A worker with its thread and its sources. */
struct unit {
    uv_thread_t thread;
    struct dure_bench_orders orders;
    struct dure_bench_raw raw;
    struct dure_bench_worker worker;
};

/* ---- Where to ------------------------------------------------------------------------------- */

/* Splits "http://HOST[:PORT][/PREFIX]" (RFC 3986, without user and query). */
static bool split_url(const char *url, struct dure_bench_target *target, char host[256],
                      char port[6])
{
    const char *rest = strncmp(url, "http://", 7) == 0 ? url + 7 : url;
    bool bracketed = *rest == '[';
    size_t host_len = bracketed ? strcspn(rest + 1, "]") : strcspn(rest, ":/");
    if (host_len == 0 || host_len > 255) return false;
    memcpy(host, rest + bracketed, host_len);
    host[host_len] = '\0';
    const char *after = rest + host_len;
    if (bracketed) {
        if (after[1] != ']') return false;
        after += 2;
    }
    strcpy(port, "80");
    if (*after == ':') {
        size_t port_len = strspn(after + 1, "0123456789");
        if (port_len == 0 || port_len > 5) return false;
        memcpy(port, after + 1, port_len);
        port[port_len] = '\0';
        after += 1 + port_len;
    }
    size_t prefix_len = strlen(after);
    if ((*after != '\0' && *after != '/') || prefix_len > 200) return false;
    while (prefix_len > 0 && after[prefix_len - 1] == '/') prefix_len--;
    snprintf(target->host, sizeof(target->host), "%.*s", (int)(after - rest), rest);
    snprintf(target->path, sizeof(target->path), "%.*s", (int)prefix_len, after);
    return true;
}

static int try_connect(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno;
    int why = connect(fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    close(fd);
    return why;
}

/* The first address of the host that takes a connection. Complains and returns false without one.
 */
static bool find_server(const char *url, struct dure_bench_target *target)
{
    char host[256], port[6];
    if (!split_url(url, target, host, port)) {
        complain("%s is not of the form http://HOST[:PORT][/PREFIX]\n", url);
        return false;
    }
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int rv = getaddrinfo(host, port, &hints, &found);
    if (rv != 0) {
        complain("%s: %s\n", host, gai_strerror(rv));
        return false;
    }
    int why = 0;
    const struct addrinfo *address = found;
    while (address != NULL && (why = try_connect(address)) != 0) address = address->ai_next;
    if (address != NULL) {
        memcpy(&target->address, address->ai_addr, address->ai_addrlen);
    } else {
        complain("cannot connect to %s: %s\n", url, strerror(why));
    }
    bool ok = address != NULL;
    freeaddrinfo(found);
    return ok;
}

static struct dure_bench_target with_path(const struct dure_bench_target *base, const char *path)
{
    struct dure_bench_target target = *base;
    size_t used = strlen(target.path);
    snprintf(target.path + used, sizeof(target.path) - used, "%s", path);
    return target;
}

/* ---- Preparation ----------------------------------------------------------------------------- */

/* Sends `count` commands of `source`; true when each was completed. */
static bool prepare(const struct dure_bench_target *base, const char *path,
                    struct dure_bench_source *source, uint32_t count)
{
    const struct dure_bench_target target = with_path(base, path);
    struct dure_bench_worker *worker = calloc(1, sizeof(*worker));
    DURE_ASSERT(worker != NULL);
    atomic_int_fast64_t quota = count;
    worker->target = &target;
    worker->source = source;
    worker->mode = DURE_BENCH_PIPELINED;
    worker->connections = count < PREPARE_CONNECTIONS ? count : PREPARE_CONNECTIONS;
    worker->depth = PREPARE_DEPTH;
    worker->stop_ns = UINT64_MAX;
    worker->quota = &quota;
    worker->quota_total = count;
    worker->doing = "preparing";
    dure_bench_worker_run(worker);
    bool ok = worker->tally.completed == count;
    if (!ok)
        complain("only %llu of %u answers to POST %s were 201\n",
                 (unsigned long long)worker->tally.completed, count, target.path);
    free(worker);
    return ok;
}

static bool prepare_products(const struct dure_bench_target *base, int64_t *ids, uint32_t count)
{
    struct dure_bench_products products;
    dure_bench_source_products(&products, ids);
    bool ok = prepare(base, "/shop/inventories", &products.source, count);
    if (products.complaint.len > 0)
        complain("the server said: %.*s\n", (int)products.complaint.len, products.complaint.data);
    dure_buf_fini(&products.complaint);
    return ok;
}

static bool prepare_accounts(const struct dure_bench_target *base, uint32_t count)
{
    struct dure_bench_accounts accounts;
    dure_bench_source_accounts(&accounts);
    bool ok = prepare(base, "/shop/pays", &accounts.source, count);
    if (accounts.complaint.len > 0)
        complain("the server said: %.*s\n", (int)accounts.complaint.len, accounts.complaint.data);
    dure_buf_fini(&accounts.complaint);
    return ok;
}

/* ---- The run --------------------------------------------------------------------------------- */

static void unit_main(void *arg)
{
    struct unit *unit = arg;
    dure_bench_worker_run(&unit->worker);
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Everything but the connections' share and the source, which differ from unit to unit. */
static void set_up_timing(struct dure_bench_worker *worker,
                          const struct dure_bench_options *options, uint64_t start_ns,
                          atomic_int_fast64_t *quota)
{
    worker->mode = options->mode;
    worker->depth = options->depth;
    worker->measure_from_ns = start_ns + (uint64_t)(options->warmup * 1e9);
    if (options->orders > 0) {
        worker->quota = quota;
        worker->stop_ns = UINT64_MAX;
    } else {
        worker->stop_ns = worker->measure_from_ns + (uint64_t)(options->seconds * 1e9);
    }
}

static void drive(const struct dure_bench_options *options, const struct dure_bench_target *target,
                  const int64_t *products, struct dure_bench_load_result *result)
{
    struct unit *units = calloc(options->threads, sizeof(*units));
    DURE_ASSERT(units != NULL);
    atomic_int_fast64_t quota = (int_fast64_t)options->orders;
    double cpu_before = cpu_seconds();
    uint64_t start_ns = uv_hrtime();
    for (uint32_t i = 0; i < options->threads; i++) {
        struct unit *unit = &units[i];
        dure_bench_source_orders(&unit->orders, products, options->products, options->users,
                                 SEED + i, options->mode == DURE_BENCH_BULK);
        dure_bench_source_raw(&unit->raw, options->raw_body);
        unit->worker.source = options->raw ? &unit->raw.source : &unit->orders.source;
        unit->worker.target = target;
        unit->worker.connections =
            options->connections / options->threads + (i < options->connections % options->threads);
        set_up_timing(&unit->worker, options, start_ns, &quota);
        unit->worker.quota_total = (int64_t)options->orders;
        if (i == 0) unit->worker.doing = "measuring";
        DURE_ASSERT(uv_thread_create(&unit->thread, unit_main, unit) == 0);
    }
    for (uint32_t i = 0; i < options->threads; i++) {
        uv_thread_join(&units[i].thread);
        dure_bench_tally_merge(&result->tally, &units[i].worker.tally);
    }
    uint64_t measure_from_ns = units[0].worker.measure_from_ns;
    result->seconds = options->seconds;
    if (options->orders > 0 && result->tally.last_ns > measure_from_ns)
        result->seconds = (double)(result->tally.last_ns - measure_from_ns) / 1e9;
    result->cpu_seconds = cpu_seconds() - cpu_before;
    free(units);
}

int dure_bench_load_run(const struct dure_bench_options *options)
{
    struct dure_bench_target base = {0};
    if (!find_server(options->url, &base)) return 1;
    int64_t *products = calloc(options->products, sizeof(*products));
    struct dure_bench_load_result *result = calloc(1, sizeof(*result));
    DURE_ASSERT(products != NULL && result != NULL);
    bool ok = options->raw || (prepare_products(&base, products, options->products) &&
                               prepare_accounts(&base, options->users));
    if (ok) {
        const struct dure_bench_target target =
            with_path(&base, options->raw ? options->raw_path : "/shop/orders");
        drive(options, &target, products, result);
        dure_bench_report_load(options, result);
        ok = result->tally.completed > 0;
    }
    free(products);
    free(result);
    return ok ? 0 : 1;
}
