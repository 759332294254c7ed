/*
 * Samples of several nodes merge into what one node would have counted that had done it all:
 * percentiles exactly, by bucket; the ring keeps the newest, in order, whatever the clock does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "proto/samples.h"

#define S 1000000000u

static struct dure_samples ring;

static void push(int64_t slot)
{
    struct dure_sample sample = {.slot = slot, .took_ns = 2u * S};
    sample.gauges[DURE_SAMPLE_MAIL] = slot * 10;
    dure_samples_push(&ring, &sample);
}

static void holds(int64_t first, size_t count)
{
    assert_int_equal(ring.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(dure_samples_at(&ring, i)->slot, first + (int64_t)i);
        assert_int_equal(dure_samples_at(&ring, i)->gauges[DURE_SAMPLE_MAIL],
                         (first + (int64_t)i) * 10);
    }
}

/* A full ring drops the oldest, and finds what is newer than a slot wherever it begins. */
static void test_bounded(void **state)
{
    (void)state;
    ring = (struct dure_samples){0};
    for (int64_t slot = 1; slot <= 3 * DURE_SAMPLES_MAX + 7; slot++) {
        push(slot);
        holds(slot <= DURE_SAMPLES_MAX ? 1 : slot - DURE_SAMPLES_MAX + 1,
              slot <= DURE_SAMPLES_MAX ? (size_t)slot : DURE_SAMPLES_MAX);
        assert_int_equal(dure_samples_behind(&ring, slot), ring.count);
        assert_int_equal(dure_samples_behind(&ring, slot - 1), ring.count - 1);
        assert_int_equal(dure_samples_behind(&ring, 0), 0);
    }
}

/* A clock that is set back writes its times anew; none stands twice, and none out of order. */
static void test_clock_set_back(void **state)
{
    (void)state;
    ring = (struct dure_samples){0};
    for (int64_t slot = 1; slot <= DURE_SAMPLES_MAX + 50; slot++) push(slot);
    push(DURE_SAMPLES_MAX); /* 50 slots back. */
    holds(51, DURE_SAMPLES_MAX - 50);
    push(DURE_SAMPLES_MAX);
    holds(51, DURE_SAMPLES_MAX - 50);
    push(7); /* Before all that there is. */
    holds(7, 1);
    push(8);
    holds(7, 2);
}

/* By counting: the bucket of the wanted one of all, and its share of that bucket. */
static void test_quantile(void **state)
{
    (void)state;
    uint64_t none[4] = {0}, even[4] = {10, 10, 10, 10}, one[4] = {0, 0, 4, 0},
             open[4] = {0, 0, 0, 3};
    assert_true(dure_samples_quantile(none, 4, 1, 0.5) < 0);
    assert_true(dure_samples_quantile(even, 4, 1, 0.25) == 1); /* The 10th of 40. */
    assert_true(dure_samples_quantile(even, 4, 1, 0.5) == 2);
    assert_true(dure_samples_quantile(even, 4, 1, 0.625) == 3); /* Half of [2, 4). */
    assert_true(dure_samples_quantile(even, 4, 1, 0.75) == 4);
    assert_true(dure_samples_quantile(even, 4, 1, 0.99) == 4); /* Where the open one begins. */
    assert_true(dure_samples_quantile(one, 4, 1, 0.5) == 3);
    assert_true(dure_samples_quantile(one, 4, 1, 1) == 4);
    assert_true(dure_samples_quantile(open, 4, 0.5, 0.5) == 2);
}

static uint64_t random_state = 20261121;

static uint32_t below(uint32_t bound)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % bound;
}

/* What one node counts that answers everything, and the same spread at random over five: the merged
 * slot is the same to the last bucket, so each percentile is. The mean of the nodes' own is not. */
static void test_merge_is_exact(void **state)
{
    (void)state;
    enum { NODES = 5 };
    bool mean_differs = false;
    for (int round = 0; round < 200; round++) {
        struct dure_sample whole = {.slot = 9, .took_ns = 2u * S}, nodes[NODES];
        for (size_t n = 0; n < NODES; n++) nodes[n] = whole;
        for (uint32_t i = below(2000); i > 0; i--) {
            uint32_t node = below(NODES);
            uint32_t bucket = (below(8) + 3 * node) % DURE_METRICS_BUCKETS; /* Some are slower. */
            whole.http[bucket]++;
            nodes[node].http[bucket]++;
            whole.commit[bucket]++;
            nodes[node].commit[bucket]++;
            whole.counted[DURE_SAMPLE_REQUESTS]++;
            nodes[node].counted[DURE_SAMPLE_REQUESTS]++;
        }
        struct dure_samples_slot alone = {.slot = 9}, merged = {.slot = 9};
        dure_samples_add(&alone, 0, &whole);
        for (unsigned n = 0; n < NODES; n++) dure_samples_add(&merged, n, &nodes[n]);
        assert_int_equal(merged.nodes, (1u << NODES) - 1);
        assert_memory_equal(merged.http, alone.http, sizeof merged.http);
        assert_memory_equal(merged.commit, alone.commit, sizeof merged.commit);
        assert_true(merged.rates[DURE_SAMPLE_REQUESTS] == alone.rates[DURE_SAMPLE_REQUESTS]);
        double p99 = dure_samples_quantile(alone.http, DURE_METRICS_BUCKETS, 64e-6, 0.99), mean = 0;
        assert_true(dure_samples_quantile(merged.http, DURE_METRICS_BUCKETS, 64e-6, 0.99) == p99);
        for (unsigned n = 0; n < NODES; n++) {
            struct dure_samples_slot own = {.slot = 9};
            dure_samples_add(&own, n, &nodes[n]);
            mean += dure_samples_quantile(own.http, DURE_METRICS_BUCKETS, 64e-6, 0.99) / NODES;
        }
        mean_differs = mean_differs || mean < 0.9 * p99;
    }
    assert_true(mean_differs);
}

/* A sample that covers more than its slot, after a stall, counts by its time. */
static void test_rates_by_time(void **state)
{
    (void)state;
    struct dure_sample one = {.slot = 4, .took_ns = 2u * S}, two = {.slot = 4, .took_ns = 8ull * S};
    one.counted[DURE_SAMPLE_EVENTS] = 10; /* 5 a second. */
    two.counted[DURE_SAMPLE_EVENTS] = 16; /* 2 a second. */
    one.gauges[DURE_SAMPLE_QUEUED] = 3;
    two.gauges[DURE_SAMPLE_QUEUED] = 4;
    struct dure_samples_slot slot = {.slot = 4};
    dure_samples_add(&slot, 63, &one);
    dure_samples_add(&slot, 0, &two);
    assert_true(slot.rates[DURE_SAMPLE_EVENTS] == 7);
    assert_int_equal(slot.gauges[DURE_SAMPLE_QUEUED], 7);
    assert_true(slot.nodes == (1 | (uint64_t)1 << 63));
}

static int64_t member(const json_t *slot, const char *name)
{
    return json_integer_value(json_object_get(slot, name));
}

/* Slots come once each, in order, with who is in them; where nobody was is nothing, not a zero; and
 * nothing behind `until`, which may change still. */
static void test_slots(void **state)
{
    (void)state;
    struct dure_sample lists[3][4] = {0};
    const int64_t slots[3][4] = {{5, 6, 9, 10}, {6, 7, 9, 11}, {5}};
    const size_t counts[3] = {4, 4, 1};
    struct dure_samples_part parts[3];
    for (size_t n = 0; n < 3; n++) {
        for (size_t i = 0; i < counts[n]; i++) {
            lists[n][i].slot = slots[n][i];
            lists[n][i].took_ns = 2u * S;
            lists[n][i].gauges[DURE_SAMPLE_IN_FLIGHT] = (int64_t)n + 1;
        }
        parts[n] = (struct dure_samples_part){lists[n], counts[n]};
    }
    const struct {
        int64_t slot, nodes, in_flight; /* nodes in decimal, a digit each. */
    } wanted[] = {{5, 2, 4}, {6, 2, 3}, {7, 1, 2}, {9, 2, 3}, {10, 1, 1}};
    struct dure_buf out = {0};
    dure_samples_write(parts, 3, 10, &out);
    json_t *array = json_loadb(out.data, out.len, 0, NULL);
    assert_int_equal(json_array_size(array), 5);
    for (size_t i = 0; i < 5; i++) {
        const json_t *slot = json_array_get(array, i);
        assert_int_equal(member(slot, "time"), wanted[i].slot * DURE_SAMPLE_MS);
        assert_int_equal(json_array_size(json_object_get(slot, "nodes")), wanted[i].nodes);
        assert_int_equal(member(slot, "in_flight"), wanted[i].in_flight);
        assert_true(json_is_null(json_object_get(slot, "http_p99"))); /* Nothing came. */
    }
    json_decref(array);
    out.len = 0;
    dure_samples_write(parts, 3, 4, &out);
    assert_int_equal(out.len, 2);
    assert_memory_equal(out.data, "[]", 2);
    dure_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounded),       cmocka_unit_test(test_clock_set_back),
        cmocka_unit_test(test_quantile),      cmocka_unit_test(test_merge_is_exact),
        cmocka_unit_test(test_rates_by_time), cmocka_unit_test(test_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
