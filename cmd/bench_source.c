/*
 * Commands out, verdicts in. JSON is written and read by hand here, and only here: the generator
 * shares the machine with the server it measures, so an order costs it two searches in the answer
 * instead of a parse. What it looks for is exact ("status":"주문완료"), so a server that says
 * anything else is not counted as having completed the order.
 */
#include "cmd/bench_source.h"

#include <string.h>

/* Large enough that no run exhausts them, small enough that topping up never overflows. */
#define STOCK "1000000000000"
#define MONEY "1000000000000"
#define PRICE "10"

#define COMPLETED_MARK "\"status\":\"주문완료\""
#define STATUS_MARK "\"status\":"
#define ID_MARK "\"id\":"

#define COMPLAINT_BYTES_MAX 400

/* The number right after the first `mark`, or -1 when there is none. */
static int64_t number_after(const char *data, size_t len, const char *mark, size_t mark_len)
{
    const char *at = memmem(data, len, mark, mark_len);
    if (at == NULL) return -1;
    int64_t value = -1;
    const char *end = data + len;
    for (at += mark_len; at < end && *at >= '0' && *at <= '9' && value < INT64_MAX / 10 - 9; at++)
        value = (value < 0 ? 0 : value * 10) + (*at - '0');
    return value;
}

static struct dure_bench_verdict by_status(int status)
{
    struct dure_bench_verdict verdict = {DURE_BENCH_REFUSED, status};
    if (status / 100 == 2) verdict.kind = DURE_BENCH_COMPLETED;
    return verdict;
}

/* ---- Products ------------------------------------------------------------------------------- */

static void next_product(struct dure_bench_source *source, struct dure_buf *body)
{
    struct dure_bench_products *products = (struct dure_bench_products *)source;
    dure_buf_lit(body, "{\"stockName\":\"bench ");
    dure_buf_u64(body, ++products->sent);
    dure_buf_lit(body, "\",\"stockCount\":" STOCK ",\"price\":" PRICE "}");
}

static void complain(struct dure_buf *complaint, int status, const char *data, size_t len)
{
    if (complaint->len > 0) return;
    int shown = (int)(len < COMPLAINT_BYTES_MAX ? len : COMPLAINT_BYTES_MAX);
    dure_buf_printf(complaint, "%d %.*s", status, shown, data);
}

static struct dure_bench_verdict judge_product(struct dure_bench_source *source, int status,
                                               const char *data, size_t len)
{
    struct dure_bench_products *products = (struct dure_bench_products *)source;
    struct dure_bench_verdict verdict = by_status(status);
    int64_t id = number_after(data, len, ID_MARK, sizeof(ID_MARK) - 1);
    if (verdict.kind == DURE_BENCH_COMPLETED && id >= 0 && products->ids_count < products->sent) {
        products->ids[products->ids_count++] = id;
    } else {
        verdict.kind = DURE_BENCH_REFUSED;
        complain(&products->complaint, status, data, len);
    }
    return verdict;
}

void dure_bench_source_products(struct dure_bench_products *products, int64_t *ids)
{
    *products = (struct dure_bench_products){
        .source = {.next = next_product, .judge = judge_product},
        .ids = ids,
    };
}

/* ---- Accounts ------------------------------------------------------------------------------- */

static void next_account(struct dure_bench_source *source, struct dure_buf *body)
{
    struct dure_bench_accounts *accounts = (struct dure_bench_accounts *)source;
    dure_buf_lit(body, "{\"userId\":");
    dure_buf_u64(body, ++accounts->sent);
    dure_buf_lit(body, ",\"payAmount\":" MONEY "}");
}

static struct dure_bench_verdict judge_account(struct dure_bench_source *source, int status,
                                               const char *data, size_t len)
{
    struct dure_bench_accounts *accounts = (struct dure_bench_accounts *)source;
    struct dure_bench_verdict verdict = by_status(status);
    if (verdict.kind != DURE_BENCH_COMPLETED) complain(&accounts->complaint, status, data, len);
    return verdict;
}

void dure_bench_source_accounts(struct dure_bench_accounts *accounts)
{
    *accounts = (struct dure_bench_accounts){
        .source = {.next = next_account, .judge = judge_account},
    };
}

/* ---- Orders --------------------------------------------------------------------------------- */

/* splitmix64 (Steele, Lea, Flood 2014): one multiplication chain, good enough to spread keys. */
static uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform below `end` by multiplication instead of division (Lemire 2019; the bias is < 2^-32). */
static uint32_t random_below(uint64_t *state, uint32_t end)
{
    return (uint32_t)(((random_next(state) >> 32) * end) >> 32);
}

static void next_order(struct dure_bench_source *source, struct dure_buf *body)
{
    struct dure_bench_orders *orders = (struct dure_bench_orders *)source;
    dure_buf_lit(body, "{\"productId\":");
    dure_buf_i64(body, orders->products[random_below(&orders->random, orders->products_count)]);
    dure_buf_lit(body, ",\"quantity\":1,\"userId\":");
    dure_buf_u64(body, random_below(&orders->random, orders->users_count) + 1u);
    dure_buf_byte(body, '}');
}

static bool says_completed(const char *data, size_t len)
{
    return memmem(data, len, COMPLETED_MARK, sizeof(COMPLETED_MARK) - 1) != NULL;
}

static struct dure_bench_verdict judge_order(struct dure_bench_source *source, int status,
                                             const char *data, size_t len)
{
    (void)source;
    if (status == 201 && says_completed(data, len))
        return (struct dure_bench_verdict){DURE_BENCH_COMPLETED, status};
    if (status / 100 == 2) return (struct dure_bench_verdict){DURE_BENCH_PENDING, status};
    return (struct dure_bench_verdict){DURE_BENCH_REFUSED, status};
}

/* `status` is that of the whole stream; a refused line names its own, in its problem. */
static struct dure_bench_verdict judge_order_line(struct dure_bench_source *source, int status,
                                                  const char *data, size_t len)
{
    (void)source;
    if (says_completed(data, len)) return (struct dure_bench_verdict){DURE_BENCH_COMPLETED, 201};
    int64_t named = number_after(data, len, STATUS_MARK, sizeof(STATUS_MARK) - 1);
    if (named >= 300 && named < DURE_BENCH_STATUS_END)
        return (struct dure_bench_verdict){DURE_BENCH_REFUSED, (int)named};
    return (struct dure_bench_verdict){DURE_BENCH_PENDING, status};
}

void dure_bench_source_orders(struct dure_bench_orders *orders, const int64_t *products,
                              uint32_t products_count, uint32_t users_count, uint64_t seed,
                              bool by_line)
{
    *orders = (struct dure_bench_orders){
        .source = {.next = next_order, .judge = by_line ? judge_order_line : judge_order},
        .products = products,
        .products_count = products_count,
        .users_count = users_count,
        .random = seed,
    };
}

/* ---- Raw ------------------------------------------------------------------------------------ */

static void next_raw(struct dure_bench_source *source, struct dure_buf *body)
{
    dure_buf_text(body, ((struct dure_bench_raw *)source)->body);
}

static struct dure_bench_verdict judge_raw(struct dure_bench_source *source, int status,
                                           const char *data, size_t len)
{
    (void)source, (void)data, (void)len;
    return by_status(status);
}

void dure_bench_source_raw(struct dure_bench_raw *raw, const char *body)
{
    *raw = (struct dure_bench_raw){
        .source = {.next = body == NULL ? NULL : next_raw, .judge = judge_raw},
        .body = body,
    };
}
