/*
 * The best n of many are exactly those that sorting all of them gives, in the same order, whatever
 * the order in which they came.
 */
#include "runtime/best.h"

#include "tests/unit/world.h"

struct entry {
    int64_t key, number;
};

static int by_key(const void *arg, const void *a, const void *b)
{
    (void)arg;
    const struct entry *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static int by_falling_key(const void *arg, const void *a, const void *b)
{
    return by_key(arg, b, a);
}

static int qsort_order(const void *a, const void *b)
{
    return by_key(NULL, a, b);
}

static int qsort_falling(const void *a, const void *b)
{
    return by_falling_key(NULL, a, b);
}

static void check(size_t max, size_t offered, uint64_t keys, bool falling)
{
    struct entry *all = calloc(offered + 1, sizeof *all);
    struct dure_best best = {.entry_bytes = sizeof *all, .max = max,
                             .compare = falling ? by_falling_key : by_key};
    for (size_t i = 0; i < offered; i++) {
        all[i] = (struct entry){(int64_t)world_random(keys) - 5, (int64_t)i};
        assert_int_equal(dure_best_offer(&best, &all[i]), 0);
        assert_int_equal(best.count, i < max ? i + 1 : max);
    }
    dure_best_sort(&best);
    qsort(all, offered, sizeof *all, falling ? qsort_falling : qsort_order);
    assert_int_equal(best.count, offered < max ? offered : max);
    for (size_t i = 0; i < best.count; i++) {
        assert_memory_equal(dure_best_at(&best, i), &all[i], sizeof *all);
    }
    dure_best_fini(&best);
    assert_int_equal(best.count, 0);
    free(all);
}

/* Random numbers of entries, bounds and keys; few keys make ties. */
static void test_against_sorting(void **state)
{
    (void)state;
    for (int round = 0; round < 400; round++) {
        check(1 + world_random(40), world_random(200), round % 2 ? 4 : 1000000, round % 3 == 0);
    }
    check(1, 1000, 1000, false);
    check(1000, 1000, 1000, false); /* Grows beyond its first size, and is just not full. */
    check(3, 0, 1, false);
}

/* Offered in order and against it: both ends of the heap's work. */
static void test_sorted_input(void **state)
{
    (void)state;
    for (int falling = 0; falling < 2; falling++) {
        struct dure_best best = {.entry_bytes = sizeof(struct entry), .max = 7, .compare = by_key};
        for (int64_t i = 0; i < 100; i++) {
            struct entry entry = {falling ? 99 - i : i, 0};
            assert_int_equal(dure_best_offer(&best, &entry), 0);
        }
        dure_best_sort(&best);
        for (int64_t i = 0; i < 7; i++) {
            assert_int_equal(((const struct entry *)dure_best_at(&best, (size_t)i))->key, i);
        }
        dure_best_fini(&best);
    }
}

int main(void)
{
    world_seed(20261121);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_sorting),
        cmocka_unit_test(test_sorted_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
