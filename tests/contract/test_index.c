/*
 * The index of the rows on LMDB against a model: after any sequence of batches, wherever the merging
 * stands, closed and opened at any time, a scan shows exactly the rows that have the value.
 *
 * Every run prints its seed; `test_index SEED` repeats one.
 */
#include "tests/contract/fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#include "store/env.h"
#include "store/runs.h"

#define TYPES 2
#define IDS 150
#define FIELDS 2
#define LETTERS 4

static const uint32_t types[TYPES] = {5, 0x80000001};
static uint64_t seed = 1;

struct suite {
    struct fixture fixture;
    struct dure_rows *rows;
    struct dure_index_bounds bounds;
    int rv; /* Of the last batch; 1: not complete. */
    uint64_t random;
    /* The letters of each row; the first is 0 when there is no row. */
    char model[TYPES][IDS][FIELDS];
};

/* A row's letter n is the value of field n. */
static size_t index_row(void *arg, uint32_t type, const void *row, size_t len,
                        struct dure_index_key *keys)
{
    (void)arg;
    (void)type;
    for (size_t i = 0; i < len; i++) {
        keys[i] = (struct dure_index_key){(uint16_t)i, (uint64_t)((const char *)row)[i]};
    }
    return len;
}

static void open_rows(struct suite *suite)
{
    struct dure_store_options options = {
        .dir = suite->fixture.dir, .wake = fixture_wake, .wake_arg = &suite->fixture,
        .grow_bytes_min = 64 << 10,
        .codec = {.index = index_row, .types = types, .types_count = TYPES},
        .index = suite->bounds};
    assert_int_equal(dure_rows_lmdb_open(&suite->rows, &options, NULL), 0);
}

static int setup(void **state)
{
    struct suite *suite = calloc(1, sizeof *suite);
    assert_non_null(suite);
    suite->random = seed;
    fixture_open(&suite->fixture);
    *state = suite;
    return 0;
}

static int teardown(void **state)
{
    struct suite *suite = *state;
    if (suite->rows != NULL) suite->rows->ops->close(suite->rows);
    fixture_close(&suite->fixture);
    free(suite);
    return 0;
}

static void done(void *arg, int rv)
{
    *(int *)arg = rv;
}

static void write_all(struct suite *suite, struct dure_row_write *writes, size_t count)
{
    suite->rv = 1;
    suite->rows->ops->write(suite->rows, writes, count, done, &suite->rv);
    while (suite->rv == 1) {
        fixture_await(&suite->fixture);
        suite->rows->ops->poll(suite->rows);
    }
    assert_int_equal(suite->rv, 0);
}

/* 0 … below - 1; Marsaglia's xorshift64 (Journal of Statistical Software 8, 2003). */
static size_t pick(struct suite *suite, size_t below)
{
    suite->random ^= suite->random << 13;
    suite->random ^= suite->random >> 7;
    suite->random ^= suite->random << 17;
    return (size_t)(suite->random >> 16) % below;
}

/* Ids on both sides of 0. */
static int64_t id_at(size_t place)
{
    return (int64_t)place - IDS / 3;
}

/* ---- The model -------------------------------------------------------------------------------- */

/* At most `most` rows, none twice, get new letters or go. */
static void write_some(struct suite *suite, size_t most)
{
    struct dure_row_write writes[TYPES * IDS];
    bool taken[TYPES][IDS] = {0};
    size_t count = 0;
    for (size_t n = pick(suite, most) + 1; n > 0; n--) {
        size_t type = pick(suite, TYPES), place = pick(suite, IDS);
        char *row = suite->model[type][place];
        if (taken[type][place]) continue;
        taken[type][place] = true;
        struct dure_row_write write = {.table = DURE_TABLE_ROW, .type = types[type],
                                       .id = id_at(place)};
        if (row[0] != 0 && pick(suite, 3) == 0) {
            row[0] = 0;
        } else {
            write.fresh = row[0] == 0 && pick(suite, 2) == 0;
            for (size_t i = 0; i < FIELDS; i++) row[i] = (char)('a' + pick(suite, LETTERS));
            write.value = row;
            write.value_len = FIELDS;
        }
        writes[count++] = write;
    }
    write_all(suite, writes, count);
}

struct walk {
    const struct suite *suite;
    size_t type, field, next;
    char letter;
};

/* The next row of the model that has the letter; IDS: none. */
static size_t due(const struct walk *walk)
{
    size_t place = walk->next;
    for (; place < IDS; place++) {
        const char *row = walk->suite->model[walk->type][place];
        if (row[0] != 0 && row[walk->field] == walk->letter) break;
    }
    return place;
}

static int see(void *arg, uint32_t type, int64_t id, const void *row, size_t len)
{
    struct walk *walk = arg;
    (void)len;
    assert_null(row);
    assert_int_equal(type, types[walk->type]);
    size_t place = due(walk);
    assert_true(place < IDS);
    assert_int_equal(id, id_at(place));
    walk->next = place + 1;
    return 0;
}

static void check_scan(const struct suite *suite, size_t type, size_t field, char letter, size_t from)
{
    struct walk walk = {suite, type, field, from, letter};
    assert_int_equal(suite->rows->ops->scan_index(suite->rows, types[type], (uint16_t)field,
                                                  (uint64_t)letter, id_at(from), see, &walk), 0);
    assert_int_equal(due(&walk), IDS);
}

static void check_all(const struct suite *suite)
{
    for (size_t type = 0; type < TYPES; type++) {
        for (size_t field = 0; field < FIELDS; field++) {
            for (char letter = 'a'; letter < 'a' + LETTERS; letter++) {
                check_scan(suite, type, field, letter, 0);
            }
        }
    }
}

/* ---- The tests -------------------------------------------------------------------------------- */

/* Adds, removes and re-adds over hundreds of batches, with scans in between, and closed without
 * warning: whatever the sizes of runs and merges. */
static void test_model(void **state)
{
    static const struct { struct dure_index_bounds bounds; size_t most; } settings[] = {
        {{.runs_max = 1, .merge_min = 1}, 40},
        {{.runs_max = 2, .merge_min = 1}, 5},
        {{.runs_max = 3, .merge_min = 50}, 100},
        {{.runs_max = 32, .merge_min = 1, .small_runs = 2, .small_max = 20}, 20},
        {{.runs_max = 32, .merge_min = 1, .small_runs = 3, .small_max = 100, .entries_max = 200}, 10},
        {{.runs_max = 6, .merge_min = 7, .small_runs = 4, .small_max = 12}, 30},
        {{.entries_max = 50, .merge_min = 3}, 8},
        {{.merge_min = 1, .small_runs = 64}, 2}};
    struct suite *suite = *state;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        memset(suite->model, 0, sizeof suite->model);
        suite->bounds = settings[i].bounds;
        open_rows(suite);
        for (size_t batch = 0; batch < 250; batch++) {
            write_some(suite, settings[i].most);
            check_scan(suite, pick(suite, TYPES), pick(suite, FIELDS),
                       (char)('a' + pick(suite, LETTERS)), pick(suite, IDS));
            if (pick(suite, 10) != 0) continue;
            suite->rows->ops->close(suite->rows);
            open_rows(suite);
            check_all(suite);
        }
        check_all(suite);
        suite->rows->ops->close(suite->rows);
        suite->rows = NULL;
        fixture_empty(&suite->fixture);
    }
}

/* Large runs are being merged while hundreds of batches of one row come: there is a slot for each of
 * them, though nothing but one entry a batch has to be merged. */
static void test_slots_run_short(void **state)
{
    struct suite *suite = *state;
    suite->bounds = (struct dure_index_bounds){.runs_max = 32, .merge_min = 1, .small_runs = 64};
    open_rows(suite);
    const size_t many = 2000;
    struct dure_row_write *writes = calloc(many, sizeof *writes);
    assert_non_null(writes);
    for (size_t run = 0; run < 32; run++) {
        for (size_t i = 0; i < many; i++) {
            writes[i] = (struct dure_row_write){.table = DURE_TABLE_ROW, .type = types[0],
                                                .id = (int64_t)(1000 + run * many + i),
                                                .value = "zz", .value_len = 2};
        }
        write_all(suite, writes, many);
    }
    free(writes);
    for (size_t batch = 0; batch < 300; batch++) {
        write_some(suite, 1);
        if (batch % 10 == 0) check_all(suite);
    }
    check_all(suite);
}

/* The record, of rows that are closed. */
static struct dure_runs read_record(const struct suite *suite)
{
    struct dure_store_options options = {.dir = suite->fixture.dir, .read_only = true};
    struct dure_env env;
    struct dure_runs runs;
    MDB_txn *txn;
    MDB_dbi dbi;
    assert_int_equal(dure_env_open(&env, &options, "state", 1, NULL), 0);
    assert_int_equal(dure_env_begin(&env, false, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "store", 0, &dbi), 0);
    assert_int_equal(dure_runs_read(&runs, txn, dbi), 0);
    dure_env_abort(&env, txn);
    dure_env_close(&env);
    return runs;
}

/* With the default bounds hundreds of small batches do not make hundreds of runs, nor is the tree
 * written for them: small runs become one. */
static void test_small_runs(void **state)
{
    struct suite *suite = *state;
    open_rows(suite);
    for (size_t batch = 0; batch < 300; batch++) write_some(suite, 3);
    check_all(suite);
    suite->rows->ops->close(suite->rows);
    suite->rows = NULL;
    struct dure_runs runs = read_record(suite);
    assert_int_equal(runs.frozen, 0);
    assert_true(runs.newest > 290); /* Every batch had changes, or nearly. */
    assert_in_range(DURE_INDEX_SLOTS - dure_runs_count_free(&runs), 1, 16);
}

struct scanner {
    struct dure_rows *rows;
    atomic_bool stop;
    unsigned long scans, wrong;
};

static int count_one(void *arg, uint32_t type, int64_t id, const void *row, size_t len)
{
    (void)type;
    (void)id;
    (void)row;
    (void)len;
    ++*(size_t *)arg;
    return 0;
}

static void *scan_on(void *arg)
{
    struct scanner *scanner = arg;
    while (!atomic_load(&scanner->stop)) {
        for (char letter = 'a'; letter <= 'b'; letter++) {
            size_t count = 0;
            int rv = scanner->rows->ops->scan_index(scanner->rows, types[0], 0, (uint64_t)letter,
                                                    INT64_MIN, count_one, &count);
            if (rv != 0 || (count != 0 && count != IDS)) scanner->wrong++;
            scanner->scans++;
        }
    }
    return NULL;
}

/* All rows change their letter in each batch: a scan on another thread sees all or none of them,
 * while runs are frozen, merged and emptied under it. */
static void test_scan_while_writing(void **state)
{
    struct suite *suite = *state;
    suite->bounds = (struct dure_index_bounds){.runs_max = 5, .merge_min = 100, .small_runs = 3};
    open_rows(suite);
    struct scanner scanner = {.rows = suite->rows};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, scan_on, &scanner), 0);
    struct dure_row_write writes[IDS];
    for (size_t batch = 0; batch < 150; batch++) {
        for (size_t i = 0; i < IDS; i++) {
            writes[i] = (struct dure_row_write){.table = DURE_TABLE_ROW, .type = types[0],
                                                .id = id_at(i), .value = batch % 2 ? "ab" : "bb",
                                                .value_len = 2};
        }
        write_all(suite, writes, IDS);
    }
    atomic_store(&scanner.stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(scanner.wrong, 0);
    assert_true(scanner.scans > 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_model, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slots_run_short, setup, teardown),
        cmocka_unit_test_setup_teardown(test_small_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_scan_while_writing, setup, teardown),
    };
    if (argc > 1) seed = strtoull(argv[1], NULL, 0);
    if (seed == 0) seed = 1; /* xorshift would stay there. */
    printf("seed %llu\n", (unsigned long long)seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
