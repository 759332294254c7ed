/*
 * A full disk, on a tmpfs of a few MiB: ENOSPC and nothing written, again and again; what still fits
 * is written; when there is space, work goes on. Needs root, or user namespaces.
 */
#include "tests/contract/fixture.h"

#define DISK_MIB 24
#define KIB ((size_t)1 << 10)

struct suite {
    struct fixture fixture;
    struct dure_journal *journal;
    struct dure_rows *rows;
    int rv; /* Of the last append or batch; 1: not complete. */
};

static size_t index_row(void *arg, uint32_t type, const void *row, size_t len,
                        struct dure_index_key *keys)
{
    (void)arg;
    (void)type;
    if (len == 0) return 0;
    keys[0] = (struct dure_index_key){0, (uint64_t)*(const char *)row};
    return 1;
}

static const uint32_t types[] = {1};

/* With an index that is merged in every other batch. */
static void open_stores(struct suite *suite)
{
    struct dure_store_options options = {
        .dir = suite->fixture.dir, .wake = fixture_wake, .wake_arg = &suite->fixture,
        .codec = {.index = index_row, .types = types, .types_count = 1},
        .index = {.runs_max = 2, .merge_min = 100}};
    assert_int_equal(dure_journal_lmdb_open(&suite->journal, &options, NULL), 0);
    assert_int_equal(dure_rows_lmdb_open(&suite->rows, &options, NULL), 0);
}

static void close_stores(struct suite *suite)
{
    suite->rows->ops->close(suite->rows);
    suite->journal->ops->close(suite->journal);
}

static int setup(void **state)
{
    struct suite *suite = calloc(1, sizeof *suite);
    assert_non_null(suite);
    fixture_open(&suite->fixture);
    fixture_mount(&suite->fixture, DISK_MIB);
    open_stores(suite);
    *state = suite;
    return 0;
}

static int teardown(void **state)
{
    struct suite *suite = *state;
    close_stores(suite);
    fixture_close(&suite->fixture);
    free(suite);
    return 0;
}

static void done(void *arg, int rv)
{
    ((struct suite *)arg)->rv = rv;
}

static int finish(struct suite *suite)
{
    while (suite->rv == 1) {
        fixture_await(&suite->fixture);
        suite->rows->ops->poll(suite->rows);
        suite->journal->ops->poll(suite->journal);
    }
    return suite->rv;
}

static int append(struct suite *suite, size_t len)
{
    uint64_t head = suite->journal->ops->head(suite->journal);
    char *record = malloc(len);
    assert_non_null(record);
    fixture_pattern(record, len, head + 1);
    suite->rv = 1;
    suite->journal->ops->append(suite->journal, head, record, len, done, suite);
    int rv = finish(suite);
    free(record);
    return rv;
}

static int check_record(void *arg, uint64_t index, const void *record, size_t len)
{
    (void)arg;
    char *due = malloc(len);
    assert_non_null(due);
    fixture_pattern(due, len, index);
    assert_memory_equal(record, due, len);
    free(due);
    return 0;
}

static void check_journal(struct suite *suite, uint64_t head)
{
    assert_int_equal(suite->journal->ops->head(suite->journal), head);
    assert_int_equal(suite->journal->ops->tail(suite->journal, 1, check_record, NULL), 0);
}

/* Rows first … first + count - 1 of `len` bytes that all begin with `letter`. */
static int write_rows(struct suite *suite, int64_t first, size_t count, size_t len, char letter)
{
    char *text = malloc(len);
    struct dure_row_write *writes = calloc(count, sizeof *writes);
    assert_non_null(text);
    assert_non_null(writes);
    memset(text, letter, len);
    for (size_t i = 0; i < count; i++) {
        writes[i] = (struct dure_row_write){.table = DURE_TABLE_ROW, .type = 1,
                                            .id = first + (int64_t)i, .value = text,
                                            .value_len = len};
    }
    suite->rv = 1;
    suite->rows->ops->write(suite->rows, writes, count, done, suite);
    int rv = finish(suite);
    free(writes);
    free(text);
    return rv;
}

struct census {
    size_t rows, letters[128];
};

static int count_row(void *arg, uint32_t type, int64_t id, const void *row, size_t len)
{
    (void)type;
    (void)id;
    struct census *census = arg;
    assert_true(len > 0);
    census->rows++;
    census->letters[*(const char *)row & 127]++;
    return 0;
}

static int count_id(void *arg, uint32_t type, int64_t id, const void *row, size_t len)
{
    (void)type;
    (void)id;
    (void)row;
    (void)len;
    ++*(size_t *)arg;
    return 0;
}

/* So many rows with that letter, by scan and by index, and no others. */
static void check_rows(struct suite *suite, char letter, size_t count)
{
    struct census census = {0};
    struct dure_rows *rows = suite->rows;
    assert_int_equal(rows->ops->scan(rows, DURE_TABLE_ROW, 1, INT64_MIN, false, count_row, &census),
                     0);
    assert_int_equal(census.rows, count);
    assert_int_equal(census.letters[(int)letter], count);
    size_t indexed = 0;
    assert_int_equal(rows->ops->scan_index(rows, 1, 0, (uint64_t)letter, INT64_MIN, count_id,
                                           &indexed), 0);
    assert_int_equal(indexed, count);
}

static void free_space(const struct suite *suite, const char *name)
{
    char path[256];
    fixture_path(path, &suite->fixture, name);
    assert_int_equal(unlink(path), 0);
}

/* ---- The tests -------------------------------------------------------------------------------- */

/* The journal fills the disk: ENOSPC with the head where it was, as often as one tries; reads go on;
 * a new opening sees the same; with space the next append is the next record. */
static void test_journal(void **state)
{
    struct suite *suite = *state;
    fixture_fill(&suite->fixture, "ballast", 8 << 20);
    uint64_t head = 0;
    int rv;
    while ((rv = append(suite, 100 * KIB)) == 0) head++;
    assert_int_equal(rv, DURE_ENOSPC);
    assert_true(head >= 40); /* 4 of the 8 MiB at least. */
    for (int i = 0; i < 5; i++) {
        assert_int_equal(append(suite, 300 * KIB), DURE_ENOSPC);
        check_journal(suite, head);
    }
    fixture_fill(&suite->fixture, "rest", 0);
    close_stores(suite);
    open_stores(suite);
    check_journal(suite, head);
    assert_int_equal(append(suite, 300 * KIB), DURE_ENOSPC);
    free_space(suite, "ballast");
    for (int i = 0; i < 20; i++) assert_int_equal(append(suite, 300 * KIB), 0);
    check_journal(suite, head + 20);
}

/* A batch that does not fit writes nothing at all, not of its deletes and index entries either; a
 * later one succeeds when space was freed. */
static void test_rows(void **state)
{
    struct suite *suite = *state;
    assert_int_equal(write_rows(suite, 0, 500, 1000, 'a'), 0);
    fixture_fill(&suite->fixture, "ballast", 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(write_rows(suite, -200, 9000, 1500, 'b'), DURE_ENOSPC);
        check_rows(suite, 'a', 500);
    }
    close_stores(suite);
    open_stores(suite);
    check_rows(suite, 'a', 500);
    assert_int_equal(write_rows(suite, -200, 9000, 1500, 'b'), DURE_ENOSPC);
    free_space(suite, "ballast");
    assert_int_equal(write_rows(suite, 0, 500, 1500, 'b'), 0);
    check_rows(suite, 'b', 500);
}

/* What fits is written though little is left: no fixed sum is asked for. Ten rows go into 300 KiB,
 * and two thousand rows that are rewritten as they are go into the pages that the last time freed. */
static void test_rows_that_fit(void **state)
{
    struct suite *suite = *state;
    for (int i = 0; i < 3; i++) assert_int_equal(write_rows(suite, 0, 2000, 500, 'a'), 0);
    fixture_fill(&suite->fixture, "ballast", 0);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(write_rows(suite, 0, 2000, 500, 'b'), 0);
        check_rows(suite, 'b', 2000);
    }
    int rv = 0;
    for (int64_t first = 2000; rv == 0; first += 1000) { /* The room that had been made before. */
        rv = write_rows(suite, first, 1000, 500, 'b');
    }
    assert_int_equal(rv, DURE_ENOSPC);
    fixture_fill(&suite->fixture, "ballast", 300 * KIB);
    assert_int_equal(write_rows(suite, 100000, 10, 500, 'b'), 0);
}

/* More than was guessed beforehand: rows of 20 KiB each on a disk that has room for half of them. It
 * is a full disk and not a failed one, whatever LMDB says of a short write. */
static void test_rows_larger_than_guessed(void **state)
{
    struct suite *suite = *state;
    assert_int_equal(write_rows(suite, 0, 10, 100, 'a'), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(write_rows(suite, 0, 2000, 20 * KIB, 'b'), DURE_ENOSPC);
        check_rows(suite, 'a', 10);
    }
    assert_int_equal(write_rows(suite, 0, 500, 20 * KIB, 'b'), 0);
    check_rows(suite, 'b', 500);
}

/* A batch that failed leaves the disk to the journal. */
static void test_room_goes_back(void **state)
{
    struct suite *suite = *state;
    assert_int_equal(append(suite, 100 * KIB), 0);
    assert_int_equal(write_rows(suite, 0, 4000, 10 * KIB, 'b'), DURE_ENOSPC);
    uint64_t head = 1;
    for (; head < 101; head++) assert_int_equal(append(suite, 100 * KIB), 0);
    check_journal(suite, head);
}

/* Dropping records needs no space that a full disk has not. */
static void test_trim_when_full(void **state)
{
    struct suite *suite = *state;
    uint64_t head = 0;
    while (append(suite, 50 * KIB) == 0) head++;
    fixture_fill(&suite->fixture, "rest", 0);
    assert_int_equal(suite->journal->ops->trim(suite->journal, head / 2), 0);
    assert_int_equal(suite->journal->ops->first(suite->journal), head / 2 + 1);
    for (int i = 0; i < 50; i++) assert_int_equal(append(suite, 50 * KIB), 0); /* In their place. */
    check_journal(suite, head + 50);
}

static int open_full(void *arg)
{
    struct fixture *fixture = arg;
    struct dure_store_options options = {.dir = fixture->dir, .wake = fixture_wake,
                                         .wake_arg = fixture};
    struct dure_journal *journal;
    struct dure_rows *rows;
    int rv = dure_journal_lmdb_open(&journal, &options, NULL);
    if (rv != 0) return rv;
    rv = dure_rows_lmdb_open(&rows, &options, NULL);
    if (rv == 0) rows->ops->close(rows);
    journal->ops->close(journal);
    return rv;
}

/* A new directory on a disk with hardly any space: ENOSPC however much it is, and with space the same
 * directory is opened as if nothing had been. */
static void test_new_on_full(void **state)
{
    (void)state;
    for (size_t leave = 0; leave <= 80 * KIB; leave += 4 * KIB) {
        struct fixture fixture;
        fixture_open(&fixture);
        fixture_mount(&fixture, 1);
        fixture_fill(&fixture, "ballast", leave);
        int rv = open_full(&fixture);
        assert_true(rv == DURE_ENOSPC || rv == 0);
        if (leave == 0) assert_int_equal(rv, DURE_ENOSPC);
        struct suite suite = {.fixture = fixture};
        free_space(&suite, "ballast");
        assert_int_equal(open_full(&fixture), 0);
        fixture_close(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_journal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rows_that_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rows_larger_than_guessed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_room_goes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trim_when_full, setup, teardown),
        cmocka_unit_test(test_new_on_full),
    };
    fixture_may_mount();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
