/*
 * The contract of struct dure_journal_ops, proved for the journal on LMDB and the one in memory by
 * the same tests. At the end what only the one in memory can: faults.
 */
#include "tests/contract/fixture.h"

#define MIB ((size_t)1 << 20)

static const struct kind {
    const char *name;
    bool lasting; /* Closed and opened again, it is the same. */
} lmdb_kind = {"LMDB", true}, memory_kind = {"memory", false};

struct suite {
    const struct kind *kind;
    struct fixture fixture;
    struct dure_journal *journal;
    int rv;         /* Of the last append; 1: not complete. */
    unsigned fired;
};

static void open_journal(struct suite *suite)
{
    struct dure_store_options options = {.dir = suite->fixture.dir, .wake = fixture_wake,
                                         .wake_arg = &suite->fixture, .grow_bytes_min = 64 << 10};
    int rv = suite->kind == &memory_kind
                 ? dure_journal_memory_open(&suite->journal, &options)
                 : dure_journal_lmdb_open(&suite->journal, &options, NULL);
    assert_int_equal(rv, 0);
}

static int setup(void **state, const struct kind *kind)
{
    struct suite *suite = calloc(1, sizeof *suite);
    assert_non_null(suite);
    suite->kind = kind;
    fixture_open(&suite->fixture);
    open_journal(suite);
    *state = suite;
    return 0;
}

static int setup_lmdb(void **state) { return setup(state, &lmdb_kind); }
static int setup_memory(void **state) { return setup(state, &memory_kind); }

static int teardown(void **state)
{
    struct suite *suite = *state;
    if (suite->journal != NULL) suite->journal->ops->close(suite->journal);
    fixture_close(&suite->fixture);
    free(suite);
    return 0;
}

/* ---- Acting ----------------------------------------------------------------------------------- */

static void appended(void *arg, int rv)
{
    struct suite *suite = arg;
    suite->rv = rv;
    suite->fired++;
}

static void begin(struct suite *suite, uint64_t expect, const void *record, size_t len)
{
    suite->rv = 1;
    suite->journal->ops->append(suite->journal, expect, record, len, appended, suite);
}

static int finish(struct suite *suite)
{
    while (suite->rv == 1) {
        fixture_await(&suite->fixture);
        suite->journal->ops->poll(suite->journal);
    }
    return suite->rv;
}

static int append(struct suite *suite, uint64_t expect, const void *record, size_t len)
{
    begin(suite, expect, record, len);
    return finish(suite);
}

static uint64_t head(struct suite *suite) { return suite->journal->ops->head(suite->journal); }
static uint64_t first(struct suite *suite) { return suite->journal->ops->first(suite->journal); }

/* Record n of the test: its bytes come from n and its length. */
static int append_pattern(struct suite *suite, uint64_t n, size_t len)
{
    char *record = malloc(len);
    assert_non_null(record);
    fixture_pattern(record, len, n);
    int rv = append(suite, n - 1, record, len);
    free(record);
    return rv;
}

static void fill(struct suite *suite, uint64_t count, size_t len)
{
    for (uint64_t n = head(suite) + 1; count > 0; n++, count--) {
        assert_int_equal(append_pattern(suite, n, len), 0);
    }
}

static void check_bytes(const void *record, size_t len, uint64_t n)
{
    char *due = malloc(len);
    assert_non_null(due);
    fixture_pattern(due, len, n);
    assert_memory_equal(record, due, len);
    free(due);
}

static void check_get(struct suite *suite, uint64_t n, size_t len)
{
    struct dure_buf out = {0};
    assert_int_equal(suite->journal->ops->get(suite->journal, n, &out), 0);
    assert_int_equal(out.len, len);
    check_bytes(out.data, len, n);
    dure_buf_fini(&out);
}

static void check_missing(struct suite *suite, uint64_t index)
{
    struct dure_buf out = {0};
    dure_buf_lit(&out, "kept");
    assert_int_equal(suite->journal->ops->get(suite->journal, index, &out), DURE_ENOTFOUND);
    assert_int_equal(out.len, 4);
    dure_buf_fini(&out);
}

struct walk {
    uint64_t next, stop; /* Index 0: does not stop. */
    unsigned visits;
    int rv;
};

static int visit(void *arg, uint64_t index, const void *record, size_t len)
{
    struct walk *walk = arg;
    assert_int_equal(index, walk->next);
    assert_int_equal((uintptr_t)record % 8, 0);
    check_bytes(record, len, index);
    walk->next++;
    walk->visits++;
    return index == walk->stop ? walk->rv : 0;
}

static unsigned walk_from(struct suite *suite, uint64_t from, uint64_t due)
{
    struct walk walk = {.next = due};
    assert_int_equal(suite->journal->ops->tail(suite->journal, from, visit, &walk), 0);
    return walk.visits;
}

/* Closes and opens; what does not last stays as it is. */
static void reopen(struct suite *suite)
{
    if (!suite->kind->lasting) return;
    suite->journal->ops->close(suite->journal);
    suite->journal = NULL;
    open_journal(suite);
}

/* ---- The tests -------------------------------------------------------------------------------- */

/* A new journal is empty: head 0, first 1, nothing to get or to walk. */
static void test_empty(void **state)
{
    struct suite *suite = *state;
    assert_int_equal(head(suite), 0);
    assert_int_equal(first(suite), 1);
    check_missing(suite, 0);
    check_missing(suite, 1);
    assert_int_equal(walk_from(suite, 0, 1), 0);
    assert_int_equal(walk_from(suite, 1, 1), 0);
    assert_int_equal(suite->journal->ops->trim(suite->journal, 0), 0);
    assert_int_equal(suite->journal->ops->trim(suite->journal, 9), 0);
    assert_int_equal(first(suite), 1);
    fill(suite, 1, 10);
    check_get(suite, 1, 10);
}

/* Records are there in the order of their acknowledgement, by get and by tail. */
static void test_order(void **state)
{
    struct suite *suite = *state;
    for (uint64_t n = 1; n <= 200; n++) {
        assert_int_equal(append_pattern(suite, n, n), 0);
        assert_int_equal(head(suite), n);
        assert_int_equal(first(suite), 1);
    }
    for (uint64_t n = 1; n <= 200; n++) check_get(suite, n, n);
    check_missing(suite, 0);
    check_missing(suite, 201);
    check_missing(suite, UINT64_MAX);
    assert_int_equal(walk_from(suite, 0, 1), 200);
    assert_int_equal(walk_from(suite, 1, 1), 200);
    assert_int_equal(walk_from(suite, 150, 150), 51);
    assert_int_equal(walk_from(suite, 200, 200), 1);
    assert_int_equal(walk_from(suite, 201, 201), 0);
}

/* An append whose expect is not the head is refused, writes nothing, and the record at expect + 1
 * tells whether it was one's own: its bytes are those sent, or another's. */
static void test_expect(void **state)
{
    struct suite *suite = *state;
    fill(suite, 2, 100);
    assert_int_equal(append(suite, 1, "of another", 10), DURE_EREFUSED);
    assert_int_equal(append(suite, 3, "too early", 9), DURE_EREFUSED);
    assert_int_equal(append(suite, 0, "late", 4), DURE_EREFUSED);
    assert_int_equal(head(suite), 2);
    check_missing(suite, 3);

    char mine[100];
    fixture_pattern(mine, sizeof mine, 2); /* The same bytes sent again with the same expect. */
    assert_int_equal(append(suite, 1, mine, sizeof mine), DURE_EREFUSED);
    struct dure_buf there = {0};
    assert_int_equal(suite->journal->ops->get(suite->journal, 2, &there), 0);
    assert_int_equal(there.len, sizeof mine);
    assert_memory_equal(there.data, mine, sizeof mine);
    dure_buf_fini(&there);
    fill(suite, 1, 100);
    assert_int_equal(walk_from(suite, 1, 1), 3);
}

/* Every size around a page and up to several MiB comes back bit for bit, also from a new opening. */
static void test_sizes(void **state)
{
    static const size_t sizes[] = {1, 2, 7, 8, 9, 2000, 2030, 2040, 4064, 4080, 4096, 4097, 8176,
                                   65536, 65537, 999999, 3 * MIB, 8 * MIB + 5, 1};
    const size_t count = sizeof sizes / sizeof sizes[0];
    struct suite *suite = *state;
    for (size_t i = 0; i < count; i++) assert_int_equal(append_pattern(suite, i + 1, sizes[i]), 0);
    reopen(suite);
    for (size_t i = 0; i < count; i++) check_get(suite, i + 1, sizes[i]);
    assert_int_equal(walk_from(suite, 1, 1), count);
}

/* get adds behind what the buffer holds. */
static void test_get_appends(void **state)
{
    struct suite *suite = *state;
    assert_int_equal(append(suite, 0, "one", 3), 0);
    assert_int_equal(append(suite, 1, "two", 3), 0);
    struct dure_buf out = {0};
    assert_int_equal(suite->journal->ops->get(suite->journal, 1, &out), 0);
    assert_int_equal(suite->journal->ops->get(suite->journal, 2, &out), 0);
    assert_int_equal(out.len, 6);
    assert_memory_equal(out.data, "onetwo", 6);
    dure_buf_fini(&out);
}

/* The callback fires in poll and nowhere else, once; a poll with nothing to tell does nothing. */
static void test_completion(void **state)
{
    struct suite *suite = *state;
    suite->journal->ops->poll(suite->journal);
    begin(suite, 0, "record", 6);
    assert_int_equal(suite->fired, 0);
    fixture_await(&suite->fixture); /* It is done, and the owner was told … */
    assert_int_equal(suite->fired, 0);
    suite->journal->ops->poll(suite->journal); /* … but only poll fires it. */
    assert_int_equal(suite->rv, 0);
    assert_int_equal(suite->fired, 1);
    suite->journal->ops->poll(suite->journal);
    assert_int_equal(suite->fired, 1);
}

struct chain {
    struct suite *suite;
    uint64_t left;
};

static void append_next(void *arg, int rv)
{
    struct chain *chain = arg;
    assert_int_equal(rv, 0);
    if (--chain->left == 0) {
        chain->suite->rv = 0;
        return;
    }
    struct dure_journal *journal = chain->suite->journal;
    journal->ops->append(journal, journal->ops->head(journal), "again", 5, append_next, chain);
}

/* A callback may ask for the next append. */
static void test_append_in_callback(void **state)
{
    struct suite *suite = *state;
    struct chain chain = {suite, 20};
    suite->rv = 1;
    suite->journal->ops->append(suite->journal, 0, "first", 5, append_next, &chain);
    assert_int_equal(finish(suite), 0);
    assert_int_equal(head(suite), 20);
}

/* What visit returns ends the walk and is what tail returns. */
static void test_tail_stops(void **state)
{
    struct suite *suite = *state;
    fill(suite, 10, 50);
    static const int values[] = {1, -1, DURE_ECORRUPT, 12345};
    for (size_t i = 0; i < 4; i++) {
        struct walk walk = {.next = 3, .stop = 5, .rv = values[i]};
        assert_int_equal(suite->journal->ops->tail(suite->journal, 3, visit, &walk), values[i]);
        assert_int_equal(walk.visits, 3);
    }
    fill(suite, 1, 50); /* A walk that was left holds nothing up. */
    assert_int_equal(walk_from(suite, 1, 1), 11);
}

/* Trimmed records are gone, the others stay; the numbers go on, also when all are gone, and a new
 * opening sees the same. */
static void test_trim(void **state)
{
    struct suite *suite = *state;
    fill(suite, 10, 3000);
    assert_int_equal(suite->journal->ops->trim(suite->journal, 4), 0);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(first(suite), 5);
        assert_int_equal(head(suite), 10);
        check_missing(suite, 4);
        check_get(suite, 5, 3000);
        assert_int_equal(walk_from(suite, 1, 5), 6);
        reopen(suite);
    }
    assert_int_equal(suite->journal->ops->trim(suite->journal, 2), 0); /* Long gone. */
    assert_int_equal(first(suite), 5);

    assert_int_equal(suite->journal->ops->trim(suite->journal, 99), 0);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(first(suite), 11);
        assert_int_equal(head(suite), 10);
        check_missing(suite, 10);
        assert_int_equal(walk_from(suite, 1, 11), 0);
        reopen(suite);
    }
    assert_int_equal(append(suite, 9, "stale", 5), DURE_EREFUSED);
    fill(suite, 3, 3000);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(first(suite), 11);
        assert_int_equal(head(suite), 13);
        check_missing(suite, 10);
        assert_int_equal(walk_from(suite, 1, 11), 3);
        reopen(suite);
    }
    assert_int_equal(suite->journal->ops->trim(suite->journal, 12), 0);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(first(suite), 13);
        assert_int_equal(head(suite), 13);
        assert_int_equal(walk_from(suite, 1, 13), 1);
        reopen(suite);
    }
}

/* Trimming many records at once needs no room that the map does not have. */
static void test_trim_many(void **state)
{
    struct suite *suite = *state;
    fill(suite, 1500, 200);
    assert_int_equal(suite->journal->ops->trim(suite->journal, 1499), 0);
    assert_int_equal(first(suite), 1500);
    fill(suite, 100, 5000);
    assert_int_equal(suite->journal->ops->trim(suite->journal, 1599), 0);
    assert_int_equal(walk_from(suite, 1, 1600), 1);
}

/* On one machine the right to try is always given. */
static void test_lease(void **state)
{
    struct suite *suite = *state;
    assert_int_equal(suite->journal->ops->lease(suite->journal, 0, 1, 1000), 0);
    assert_int_equal(suite->journal->ops->lease(suite->journal, 63, 1, 1000), 0);
    assert_int_equal(suite->journal->ops->lease(suite->journal, 0, 1, 1000), 0);
}

/* bytes is at least what was appended. */
static void test_bytes(void **state)
{
    struct suite *suite = *state;
    uint64_t before = suite->journal->ops->bytes(suite->journal);
    fill(suite, 4, MIB);
    uint64_t after = suite->journal->ops->bytes(suite->journal);
    assert_true(after >= before + 4 * MIB);
    assert_true(after < before + 5 * MIB);
}

/* The map starts at 64 KiB and grows to 200 MiB without anybody noticing, readers between. */
static void test_growth(void **state)
{
    struct suite *suite = *state;
    const uint64_t count = 100;
    char *record = malloc(2 * MIB);
    assert_non_null(record);
    fixture_pattern(record, 2 * MIB, 1);
    for (uint64_t n = 1; n <= count; n++) {
        memcpy(record, &n, sizeof n);
        assert_int_equal(append(suite, n - 1, record, 2 * MIB), 0);
        struct dure_buf out = {0};
        assert_int_equal(suite->journal->ops->get(suite->journal, n / 2 + 1, &out), 0);
        uint64_t told;
        memcpy(&told, out.data, sizeof told);
        assert_int_equal(told, n / 2 + 1);
        assert_memory_equal(out.data + 8, record + 8, 2 * MIB - 8);
        dure_buf_fini(&out);
    }
    free(record);
    reopen(suite);
    assert_int_equal(head(suite), count);
    fill(suite, 3, 2 * MIB); /* From a small first map again. */
    check_get(suite, count + 3, 2 * MIB);
}

struct growing {
    struct suite *suite;
    unsigned visits;
};

static int slow_visit(void *arg, uint64_t index, const void *record, size_t len)
{
    struct growing *growing = arg;
    check_bytes(record, len, index);
    growing->visits++;
    return 0;
}

/* What is walked stays still while an append that needs a larger map is under way. */
static void test_walk_while_growing(void **state)
{
    struct suite *suite = *state;
    fill(suite, 20, 30000);
    char *record = malloc(16 * MIB);
    assert_non_null(record);
    fixture_pattern(record, 16 * MIB, 21);
    begin(suite, 20, record, 16 * MIB);
    struct growing growing = {.suite = suite};
    assert_int_equal(suite->journal->ops->tail(suite->journal, 1, slow_visit, &growing), 0);
    assert_in_range(growing.visits, 20, 21);
    assert_int_equal(finish(suite), 0);
    free(record);
    check_get(suite, 21, 16 * MIB);
}

/* Closed with an append under way, it waits for it, fires nothing, and has it at the next opening. */
static void test_close_outstanding(void **state)
{
    struct suite *suite = *state;
    fill(suite, 3, 1000);
    char *record = malloc(4 * MIB);
    assert_non_null(record);
    fixture_pattern(record, 4 * MIB, 4);
    unsigned fired = suite->fired;
    begin(suite, 3, record, 4 * MIB);
    suite->journal->ops->close(suite->journal);
    suite->journal = NULL;
    free(record);
    assert_int_equal(suite->fired, fired);
    open_journal(suite);
    if (!suite->kind->lasting) return;
    assert_int_equal(head(suite), 4);
    check_get(suite, 4, 4 * MIB);
}

/* ---- Faults: memory only ------------------------------------------------------------------------ */

/* NOSPC and IO write nothing; the append after them goes through. */
static void test_fault_not_written(void **state)
{
    static const struct { enum dure_fault fault; int rv; } rows[] = {
        {DURE_FAULT_NOSPC, DURE_ENOSPC}, {DURE_FAULT_IO, DURE_EIO},
        {DURE_FAULT_UNKNOWN_LOST, DURE_EUNKNOWN}};
    struct suite *suite = *state;
    for (size_t i = 0; i < 3; i++) {
        uint64_t at = head(suite);
        dure_journal_memory_fault(suite->journal, rows[i].fault);
        assert_int_equal(append_pattern(suite, at + 1, 100), rows[i].rv);
        assert_int_equal(head(suite), at);
        check_missing(suite, at + 1);
        assert_int_equal(append_pattern(suite, at + 1, 100), 0);
        check_get(suite, at + 1, 100);
    }
}

/* UNKNOWN though written: sent again it is refused, and the record there is one's own: an ACK. */
static void test_fault_unknown_done(void **state)
{
    struct suite *suite = *state;
    fill(suite, 1, 100);
    dure_journal_memory_fault(suite->journal, DURE_FAULT_UNKNOWN_DONE);
    assert_int_equal(append_pattern(suite, 2, 100), DURE_EUNKNOWN);
    assert_int_equal(append_pattern(suite, 2, 100), DURE_EREFUSED);
    assert_int_equal(head(suite), 2);
    check_get(suite, 2, 100);
}

/* REFUSED for another's record: it is there, its bytes are not one's own. */
static void test_fault_refused(void **state)
{
    struct suite *suite = *state;
    fill(suite, 1, 16);
    dure_journal_memory_fault(suite->journal, DURE_FAULT_REFUSE);
    assert_int_equal(append_pattern(suite, 2, 16), DURE_EREFUSED);
    assert_int_equal(head(suite), 2);
    char mine[16];
    fixture_pattern(mine, sizeof mine, 2);
    struct dure_buf there = {0};
    assert_int_equal(suite->journal->ops->get(suite->journal, 2, &there), 0);
    assert_int_equal(there.len, sizeof mine);
    assert_memory_not_equal(there.data, mine, sizeof mine);
    dure_buf_fini(&there);
}

/* Held, an append completes only when it is let go, which wakes the owner. */
static void test_hold(void **state)
{
    struct suite *suite = *state;
    dure_journal_memory_hold(suite->journal, true);
    begin(suite, 0, "record", 6);
    suite->journal->ops->poll(suite->journal);
    assert_int_equal(suite->fired, 0);
    assert_int_not_equal(sem_trywait(&suite->fixture.woken), 0);
    dure_journal_memory_hold(suite->journal, false);
    assert_int_equal(finish(suite), 0);
    assert_int_equal(head(suite), 1);
}

/* ------------------------------------------------------------------------------------------------ */

#define BOTH(setup)                                                                               \
    cmocka_unit_test_setup_teardown(test_empty, setup, teardown),                                  \
    cmocka_unit_test_setup_teardown(test_order, setup, teardown),                                  \
    cmocka_unit_test_setup_teardown(test_expect, setup, teardown),                                 \
    cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),                                  \
    cmocka_unit_test_setup_teardown(test_get_appends, setup, teardown),                            \
    cmocka_unit_test_setup_teardown(test_completion, setup, teardown),                             \
    cmocka_unit_test_setup_teardown(test_append_in_callback, setup, teardown),                     \
    cmocka_unit_test_setup_teardown(test_tail_stops, setup, teardown),                             \
    cmocka_unit_test_setup_teardown(test_trim, setup, teardown),                                   \
    cmocka_unit_test_setup_teardown(test_trim_many, setup, teardown),                              \
    cmocka_unit_test_setup_teardown(test_lease, setup, teardown),                                  \
    cmocka_unit_test_setup_teardown(test_bytes, setup, teardown),                                  \
    cmocka_unit_test_setup_teardown(test_growth, setup, teardown),                                 \
    cmocka_unit_test_setup_teardown(test_walk_while_growing, setup, teardown),                     \
    cmocka_unit_test_setup_teardown(test_close_outstanding, setup, teardown)

int main(void)
{
    const struct CMUnitTest lmdb[] = {BOTH(setup_lmdb)};
    const struct CMUnitTest memory[] = {
        BOTH(setup_memory),
        cmocka_unit_test_setup_teardown(test_fault_not_written, setup_memory, teardown),
        cmocka_unit_test_setup_teardown(test_fault_unknown_done, setup_memory, teardown),
        cmocka_unit_test_setup_teardown(test_fault_refused, setup_memory, teardown),
        cmocka_unit_test_setup_teardown(test_hold, setup_memory, teardown),
    };
    int failed = cmocka_run_group_tests_name("journal on LMDB", lmdb, NULL, NULL);
    return failed + cmocka_run_group_tests_name("journal in memory", memory, NULL, NULL);
}
