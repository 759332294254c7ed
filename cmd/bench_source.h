/*
 * What a load run sends, and how it reads the answers: the products, the accounts and the orders of
 * the shop system, and raw requests. One thread each source.
 */
#ifndef DURE_CMD_BENCH_SOURCE_H
#define DURE_CMD_BENCH_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/bench_tally.h"
#include "runtime/buf.h"

struct dure_bench_source {
    /* Appends the next command's JSON, without a newline. NULL: requests have no body (GET). */
    void (*next)(struct dure_bench_source *source, struct dure_buf *body);
    /* Reads an answer: a response's body, or a bulk result line (its status is the response's). */
    struct dure_bench_verdict (*judge)(struct dure_bench_source *source, int status,
                                       const char *data, size_t len);
};

/* Creates products and collects their ids, which the server chooses. */
struct dure_bench_products {
    struct dure_bench_source source;
    uint32_t sent;
    int64_t *ids; /* Lent by the caller: room for all that are asked for. */
    uint32_t ids_count;
    struct dure_buf complaint; /* The first answer that was not a 201, for the user. */
};

/* Opens the accounts 1, 2, 3 …, or tops them up. */
struct dure_bench_accounts {
    struct dure_bench_source source;
    uint32_t sent;
    struct dure_buf complaint;
};

/* Orders one unit of a random product for a random user; `by_line`: in bulk. */
struct dure_bench_orders {
    struct dure_bench_source source;
    const int64_t *products; /* Lent. */
    uint32_t products_count;
    uint32_t users_count;
    uint64_t random; /* State of the generator: the same seed orders the same things. */
};

struct dure_bench_raw {
    struct dure_bench_source source;
    const char *body; /* NULL: GET. */
};

void dure_bench_source_products(struct dure_bench_products *products, int64_t *ids);
void dure_bench_source_accounts(struct dure_bench_accounts *accounts);
void dure_bench_source_orders(struct dure_bench_orders *orders, const int64_t *products,
                              uint32_t products_count, uint32_t users_count, uint64_t seed,
                              bool by_line);
void dure_bench_source_raw(struct dure_bench_raw *raw, const char *body);

#endif
