/*
 * Happy path: open the journal → append a record → its callback says durable → append the next … →
 * report. One append is outstanding at a time, as in a node: there, the next record forms while
 * this one syncs; here it is always ready.
 *
 * Fails when the directory holds anything (the records written here are noise, a node must never
 * find them), or with the store's own errors. All on one thread; the store's calls only `wake`.
 */
#include "cmd/bench_journal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "cmd/bench_report.h"
#include "store/store.h"

#define complain(...) fprintf(stderr, "dure bench: " __VA_ARGS__)

struct run {
    uv_loop_t loop;
    uv_async_t async;
    struct dure_journal *journal;
    struct dure_buf record;
    bool outstanding;
    int rv;
    uint64_t sent_ns, measure_from_ns, stop_ns;
    struct dure_bench_journal_result result;
};

static bool is_fresh(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL) return errno == ENOENT;
    bool fresh = true;
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) fresh = false;
    }
    closedir(dir);
    return fresh;
}

/* Bytes that a file system or a disk cannot compress away. */
static void fill_record(struct dure_buf *record, size_t len)
{
    uint64_t x = 88172645463325252u;
    while (record->len < len) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17; /* xorshift64 (Marsaglia 2003) */
        size_t left = len - record->len;
        dure_buf_add(record, &x, left < sizeof(x) ? left : sizeof(x));
    }
}

static void on_appended(void *arg, int rv)
{
    struct run *run = arg;
    uint64_t now = uv_hrtime();
    run->outstanding = false;
    run->rv = rv;
    if (rv != 0 || run->sent_ns < run->measure_from_ns) return;
    run->result.records++;
    run->result.seconds = (double)(now - run->measure_from_ns) / 1e9;
    dure_bench_histogram_add(&run->result.latency, now - run->sent_ns);
}

static void append_next(struct run *run)
{
    struct dure_journal *journal = run->journal;
    run->outstanding = true;
    run->sent_ns = uv_hrtime();
    journal->ops->append(journal, journal->ops->head(journal), run->record.data, run->record.len,
                         on_appended, run);
}

static void on_wake(uv_async_t *async)
{
    struct run *run = async->data;
    run->journal->ops->poll(run->journal);
    if (run->outstanding) return;
    if (run->rv != 0 || uv_hrtime() >= run->stop_ns) {
        uv_close((uv_handle_t *)async, NULL);
    } else {
        append_next(run);
    }
}

/* Called by the store's thread. */
static void wake(void *arg)
{
    uv_async_send(&((struct run *)arg)->async);
}

static int append_all(struct run *run, const struct dure_bench_options *options)
{
    const struct dure_store_options store = {
        .dir = options->journal_dir,
        .wake = wake,
        .wake_arg = run,
    };
    const char *message = NULL;
    int rv = dure_journal_lmdb_open(&run->journal, &store, &message);
    if (rv != 0) {
        complain("%s: %s\n", options->journal_dir,
                 message != NULL ? message : dure_error_info(rv)->text);
        uv_close((uv_handle_t *)&run->async, NULL);
        uv_run(&run->loop, UV_RUN_DEFAULT);
        return rv;
    }
    fill_record(&run->record, options->bytes * options->batch);
    run->measure_from_ns = uv_hrtime() + (uint64_t)(options->warmup * 1e9);
    run->stop_ns = run->measure_from_ns + (uint64_t)(options->seconds * 1e9);
    append_next(run);
    uv_run(&run->loop, UV_RUN_DEFAULT);
    run->journal->ops->close(run->journal);
    if (run->rv != 0) complain("an append failed: %s\n", dure_error_info(run->rv)->text);
    return run->rv;
}

int dure_bench_journal_run(const struct dure_bench_options *options)
{
    if (!is_fresh(options->journal_dir)) {
        complain("%s is not empty: the journal is measured in a directory of its own\n",
                 options->journal_dir);
        return 1;
    }
    struct run *run = calloc(1, sizeof(*run));
    DURE_ASSERT(run != NULL);
    DURE_ASSERT(uv_loop_init(&run->loop) == 0);
    DURE_ASSERT(uv_async_init(&run->loop, &run->async, on_wake) == 0);
    run->async.data = run;
    int rv = append_all(run, options);
    if (rv == 0) dure_bench_report_journal(options, &run->result);
    DURE_ASSERT(uv_loop_close(&run->loop) == 0);
    dure_buf_fini(&run->record);
    free(run);
    return rv == 0 ? 0 : 1;
}
