/*
 * What the command line of `dure bench` asks for; filled by bench.c, read by the other bench files.
 */
#ifndef DURE_CMD_BENCH_OPTIONS_H
#define DURE_CMD_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dure_bench_mode {
    DURE_BENCH_SINGLE,    /* One request in flight a connection. */
    DURE_BENCH_PIPELINED, /* `depth` requests in flight a connection. */
    DURE_BENCH_BULK,      /* One endless NDJSON request a connection, `depth` lines in flight. */
};

struct dure_bench_options {
    /* The load. */
    const char *url;
    enum dure_bench_mode mode;
    bool raw; /* Any path, counting 2xx, instead of orders. */
    const char *raw_path;
    const char *raw_body; /* NULL: GET. */
    uint32_t connections;
    uint32_t depth; /* Resolved: never 0. */
    uint32_t threads;
    double seconds;  /* Of measuring; unused when orders is not 0. */
    uint64_t orders; /* 0: by time. */
    double warmup;   /* Seconds before measuring. */
    uint32_t products;
    uint32_t users;
    bool json;

    /* The journal. */
    const char *journal_dir; /* NULL: measure the load. */
    size_t bytes;            /* Of one order. */
    uint32_t batch;          /* Orders a record. */
};

#endif
