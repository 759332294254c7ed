/*
 * The contract of struct dure_rows_ops, proved by the same tests for the rows on LMDB, for those with
 * an index that is always being merged, and for the ones in memory.
 */
#include "tests/contract/fixture.h"

static const struct kind {
    bool lasting; /* Closed and opened again, they are the same. */
    struct dure_index_bounds index;
} lmdb_kind = {.lasting = true},
  merging_kind = {.lasting = true, .index = {.runs_max = 2, .merge_min = 1}},
  memory_kind = {.lasting = false};

struct suite {
    const struct kind *kind;
    struct fixture fixture;
    struct dure_rows *rows;
    int rv;         /* Of the last batch; 1: not complete. */
    unsigned fired;
};

/* A row of these tests: its letters are its index keys, letter n of field n ('-': none). A live
 * object is such a text in capitals. */
static void pack(void *arg, const struct dure_row_write *write, struct dure_buf *out)
{
    (void)arg;
    for (const char *at = write->value; *at != '\0'; at++) dure_buf_byte(out, (char)(*at + 32));
}

/* The types that the tests write rows of. */
static const uint32_t types[] = {7, 1, 2, UINT32_MAX, 3};

static size_t index_row(void *arg, uint32_t type, const void *row, size_t len,
                        struct dure_index_key *keys)
{
    (void)arg;
    if (type >= 1000) return 0; /* Types without an index. */
    const char *text = row;
    size_t count = 0;
    for (size_t i = 0; i < len && i < DURE_INDEX_KEYS_MAX; i++) {
        if (text[i] == '-') continue;
        keys[count++] = (struct dure_index_key){(uint16_t)i, (uint64_t)text[i]};
    }
    return count;
}

/* Of the live object, which has the capitals. */
static size_t index_live(void *arg, const struct dure_row_write *write, struct dure_index_key *keys)
{
    const char *text = write->value;
    size_t count = index_row(arg, write->type, text, strlen(text), keys);
    for (size_t i = 0; i < count; i++) keys[i].value += 32;
    return count;
}

static void open_rows(struct suite *suite)
{
    struct dure_store_options options = {.dir = suite->fixture.dir, .wake = fixture_wake,
                                         .wake_arg = &suite->fixture, .grow_bytes_min = 64 << 10,
                                         .codec = {.pack = pack, .index = index_row,
                                                   .index_live = index_live, .types = types,
                                                   .types_count = sizeof types / sizeof types[0]},
                                         .index = suite->kind->index};
    int rv = suite->kind == &memory_kind ? dure_rows_memory_open(&suite->rows, &options)
                                         : dure_rows_lmdb_open(&suite->rows, &options, NULL);
    assert_int_equal(rv, 0);
}

static int setup(void **state, const struct kind *kind)
{
    struct suite *suite = calloc(1, sizeof *suite);
    assert_non_null(suite);
    suite->kind = kind;
    fixture_open(&suite->fixture);
    open_rows(suite);
    *state = suite;
    return 0;
}

static int setup_lmdb(void **state)
{
    return setup(state, &lmdb_kind);
}

static int setup_merging(void **state)
{
    return setup(state, &merging_kind);
}

static int setup_memory(void **state)
{
    return setup(state, &memory_kind);
}

static int teardown(void **state)
{
    struct suite *suite = *state;
    if (suite->rows != NULL) suite->rows->ops->close(suite->rows);
    fixture_close(&suite->fixture);
    free(suite);
    return 0;
}

static void reopen(struct suite *suite)
{
    if (!suite->kind->lasting) return;
    suite->rows->ops->close(suite->rows);
    suite->rows = NULL;
    open_rows(suite);
}

/* ---- Acting ----------------------------------------------------------------------------------- */

static void written(void *arg, int rv)
{
    struct suite *suite = arg;
    suite->rv = rv;
    suite->fired++;
}

static void begin(struct suite *suite, struct dure_row_write *writes, size_t count)
{
    suite->rv = 1;
    suite->rows->ops->write(suite->rows, writes, count, written, suite);
}

static int finish(struct suite *suite)
{
    while (suite->rv == 1) {
        fixture_await(&suite->fixture);
        suite->rows->ops->poll(suite->rows);
    }
    return suite->rv;
}

static int write_all(struct suite *suite, struct dure_row_write *writes, size_t count)
{
    begin(suite, writes, count);
    return finish(suite);
}

/* A text, or NULL to delete. */
static struct dure_row_write put(enum dure_table table, uint32_t type, int64_t id, const char *text)
{
    return (struct dure_row_write){.table = table, .type = type, .id = id, .value = text,
                                   .value_len = text != NULL ? strlen(text) : 0};
}

static void put_one(struct suite *suite, uint32_t type, int64_t id, const char *text)
{
    struct dure_row_write write = put(DURE_TABLE_ROW, type, id, text);
    assert_int_equal(write_all(suite, &write, 1), 0);
}

/* text NULL: there must be nothing. */
static void check_get(struct suite *suite, enum dure_table table, uint32_t type, int64_t id,
                      const char *text)
{
    struct dure_buf out = {0};
    dure_buf_lit(&out, "<"); /* get adds. */
    int rv = suite->rows->ops->get(suite->rows, table, type, id, &out);
    assert_int_equal(rv, text != NULL ? 0 : DURE_ENOTFOUND);
    assert_int_equal(out.len, 1 + (text != NULL ? strlen(text) : 0));
    if (text != NULL) assert_memory_equal(out.data + 1, text, out.len - 1);
    dure_buf_fini(&out);
}

/* What a scan shows, as text: "1:one 2:two". */
struct seen {
    struct dure_buf text;
    uint32_t type;
    unsigned visits, stop_at;
    int rv;
};

static int see(void *arg, uint32_t type, int64_t id, const void *row, size_t len)
{
    struct seen *seen = arg;
    assert_int_equal(type, seen->type);
    if (seen->text.len > 0) dure_buf_byte(&seen->text, ' ');
    dure_buf_i64(&seen->text, id);
    if (row != NULL) {
        dure_buf_byte(&seen->text, ':');
        dure_buf_add(&seen->text, row, len);
    }
    return ++seen->visits == seen->stop_at ? seen->rv : 0;
}

static void check_seen(struct seen *seen, const char *due)
{
    dure_buf_byte(&seen->text, '\0');
    assert_string_equal(seen->text.data, due);
    dure_buf_fini(&seen->text);
}

static void check_scan(struct suite *suite, enum dure_table table, uint32_t type, int64_t from,
                       bool descending, const char *due)
{
    struct seen seen = {.type = type};
    assert_int_equal(suite->rows->ops->scan(suite->rows, table, type, from, descending, see, &seen),
                     0);
    check_seen(&seen, due);
}

static void check_index(struct suite *suite, uint32_t type, uint16_t field, char letter,
                        int64_t from, const char *due)
{
    struct seen seen = {.type = type};
    assert_int_equal(suite->rows->ops->scan_index(suite->rows, type, field, (uint64_t)letter, from,
                                                  see, &seen), 0);
    check_seen(&seen, due);
}

/* ---- The tests -------------------------------------------------------------------------------- */

/* New rows are empty: nothing to get, to scan, to find, and deleting nothing is no error. */
static void test_empty(void **state)
{
    struct suite *suite = *state;
    for (int table = 0; table < DURE_TABLES; table++) {
        check_get(suite, (enum dure_table)table, 1, 1, NULL);
        check_scan(suite, (enum dure_table)table, 1, INT64_MIN, false, "");
        check_scan(suite, (enum dure_table)table, 1, INT64_MAX, true, "");
        struct dure_row_write write = put((enum dure_table)table, 1, 1, NULL);
        assert_int_equal(write_all(suite, &write, 1), 0);
    }
    check_index(suite, 1, 0, 'a', INT64_MIN, "");
}

/* The five tables hold the same key apart, and each keeps what was written to it. */
static void test_tables(void **state)
{
    static const char *const texts[DURE_TABLES] = {"row", "key", "timer", "meta", "outbox"};
    struct suite *suite = *state;
    struct dure_row_write writes[DURE_TABLES];
    for (int i = 0; i < DURE_TABLES; i++) writes[i] = put((enum dure_table)i, 7, -3, texts[i]);
    assert_int_equal(write_all(suite, writes, DURE_TABLES), 0);
    reopen(suite);
    for (int i = 0; i < DURE_TABLES; i++) {
        check_get(suite, (enum dure_table)i, 7, -3, texts[i]);
        check_get(suite, (enum dure_table)i, 7, 3, NULL);
        check_get(suite, (enum dure_table)i, 8, -3, NULL);
    }
    for (int i = 0; i < DURE_TABLES; i++) {
        struct dure_row_write gone = put((enum dure_table)i, 7, -3, NULL);
        assert_int_equal(write_all(suite, &gone, 1), 0);
        for (int j = 0; j < DURE_TABLES; j++) {
            check_get(suite, (enum dure_table)j, 7, -3, j <= i ? NULL : texts[j]);
        }
    }
}

/* Ids order as signed numbers, whatever the order they were written in. */
static void test_id_order(void **state)
{
    struct suite *suite = *state;
    static const int64_t ids[] = {256, -1, INT64_MAX, 0, 1, INT64_MIN, -256, 255, -4294967296};
    struct dure_row_write writes[9];
    for (size_t i = 0; i < 9; i++) writes[i] = put(DURE_TABLE_ROW, 1, ids[i], "-");
    assert_int_equal(write_all(suite, writes, 9), 0);
    check_scan(suite, DURE_TABLE_ROW, 1, INT64_MIN, false,
               "-9223372036854775808:- -4294967296:- -256:- -1:- 0:- 1:- 255:- 256:- "
               "9223372036854775807:-");
    check_scan(suite, DURE_TABLE_ROW, 1, INT64_MAX, true,
               "9223372036854775807:- 256:- 255:- 1:- 0:- -1:- -256:- -4294967296:- "
               "-9223372036854775808:-");
}

/* Scans begin at `from` inclusive, or at the next one in their direction, and stay in their type. */
static void test_scan_bounds(void **state)
{
    struct suite *suite = *state;
    struct dure_row_write writes[] = {
        put(DURE_TABLE_ROW, 1, INT64_MAX, "x"), put(DURE_TABLE_ROW, 2, 10, "a"),
        put(DURE_TABLE_ROW, 2, 20, "b"),        put(DURE_TABLE_ROW, 2, 30, "c"),
        put(DURE_TABLE_ROW, 3, INT64_MIN, "y"), put(DURE_TABLE_ROW, UINT32_MAX, 1, "z")};
    assert_int_equal(write_all(suite, writes, 6), 0);
    static const struct { int64_t from; const char *up, *down; } rows[] = {
        {INT64_MIN, "10:a 20:b 30:c", ""}, {9, "10:a 20:b 30:c", ""},
        {10, "10:a 20:b 30:c", "10:a"},    {11, "20:b 30:c", "10:a"},
        {20, "20:b 30:c", "20:b 10:a"},    {29, "30:c", "20:b 10:a"},
        {30, "30:c", "30:c 20:b 10:a"},    {31, "", "30:c 20:b 10:a"},
        {INT64_MAX, "", "30:c 20:b 10:a"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_scan(suite, DURE_TABLE_ROW, 2, rows[i].from, false, rows[i].up);
        check_scan(suite, DURE_TABLE_ROW, 2, rows[i].from, true, rows[i].down);
    }
    check_scan(suite, DURE_TABLE_ROW, 0, INT64_MAX, true, "");
    check_scan(suite, DURE_TABLE_ROW, 4, INT64_MIN, false, "");
    check_scan(suite, DURE_TABLE_ROW, 4, INT64_MAX, true, "");
    check_scan(suite, DURE_TABLE_ROW, UINT32_MAX, INT64_MAX, true, "1:z");
    check_scan(suite, DURE_TABLE_ROW, UINT32_MAX, INT64_MIN, false, "1:z");
    check_scan(suite, DURE_TABLE_KEY, 2, INT64_MIN, false, "");
}

/* What visit returns ends a scan and is what the scan returns, in either direction and by index. */
static void test_scan_stops(void **state)
{
    struct suite *suite = *state;
    for (int64_t id = 1; id <= 5; id++) put_one(suite, 1, id, "a");
    static const int values[] = {1, -1, DURE_EIO, 77};
    for (size_t i = 0; i < 4; i++) {
        struct dure_rows *rows = suite->rows;
        struct seen up = {.type = 1, .stop_at = 2, .rv = values[i]}, down = up, index = up;
        assert_int_equal(rows->ops->scan(rows, DURE_TABLE_ROW, 1, 2, false, see, &up), values[i]);
        check_seen(&up, "2:a 3:a");
        assert_int_equal(rows->ops->scan(rows, DURE_TABLE_ROW, 1, 2, true, see, &down), values[i]);
        check_seen(&down, "2:a 1:a");
        assert_int_equal(rows->ops->scan_index(rows, 1, 0, 'a', 4, see, &index), values[i]);
        check_seen(&index, "4 5");
    }
    put_one(suite, 1, 6, "a"); /* A scan that was left holds nothing up. */
    check_index(suite, 1, 0, 'a', 6, "6");
}

/* The index finds exactly the rows that have the value now: rewritten with other keys, the same
 * keys or none, and deleted, their old entries are gone. */
static void test_index(void **state)
{
    struct suite *suite = *state;
    struct dure_row_write writes[] = {
        put(DURE_TABLE_ROW, 1, 3, "ab"), put(DURE_TABLE_ROW, 1, -1, "ac"),
        put(DURE_TABLE_ROW, 1, 2, "bb"), put(DURE_TABLE_ROW, 2, 1, "ab"),
        put(DURE_TABLE_KEY, 1, 9, "ab")}; /* Only ROW is indexed. */
    assert_int_equal(write_all(suite, writes, 5), 0);
    check_index(suite, 1, 0, 'a', INT64_MIN, "-1 3");
    check_index(suite, 1, 0, 'a', 0, "3");
    check_index(suite, 1, 0, 'a', 3, "3");
    check_index(suite, 1, 0, 'a', 4, "");
    check_index(suite, 1, 0, 'b', INT64_MIN, "2");
    check_index(suite, 1, 1, 'b', INT64_MIN, "2 3");
    check_index(suite, 1, 1, 'c', INT64_MIN, "-1");
    check_index(suite, 1, 2, 'b', INT64_MIN, "");
    check_index(suite, 2, 0, 'a', INT64_MIN, "1");
    check_index(suite, 3, 0, 'a', INT64_MIN, "");

    put_one(suite, 1, 3, "cb");  /* One key changed, one as it was. */
    check_index(suite, 1, 0, 'a', INT64_MIN, "-1");
    check_index(suite, 1, 0, 'c', INT64_MIN, "3");
    check_index(suite, 1, 1, 'b', INT64_MIN, "2 3");
    put_one(suite, 1, 3, "cb");  /* Nothing changed. */
    check_index(suite, 1, 0, 'c', INT64_MIN, "3");
    put_one(suite, 1, 3, "-bd"); /* One gone, one new. */
    check_index(suite, 1, 0, 'c', INT64_MIN, "");
    check_index(suite, 1, 1, 'b', INT64_MIN, "2 3");
    check_index(suite, 1, 2, 'd', INT64_MIN, "3");
    put_one(suite, 1, 3, "bc");  /* The same letters, in other fields. */
    put_one(suite, 1, 2, NULL);
    reopen(suite);
    check_index(suite, 1, 0, 'b', INT64_MIN, "3");
    check_index(suite, 1, 1, 'b', INT64_MIN, "");
    check_index(suite, 1, 1, 'c', INT64_MIN, "-1 3");
    check_index(suite, 1, 2, 'd', INT64_MIN, "");
    put_one(suite, 1, 3, NULL);
    put_one(suite, 1, -1, NULL);
    check_index(suite, 1, 0, 'a', INT64_MIN, "");
    check_index(suite, 1, 0, 'b', INT64_MIN, "");
    check_index(suite, 1, 1, 'c', INT64_MIN, "");
    check_index(suite, 2, 0, 'a', INT64_MIN, "1");
}

/* A live object is packed by the codec and indexed as its packed bytes would be; a fresh row is
 * indexed as any other, and found when it is rewritten. */
static void test_encode_and_fresh(void **state)
{
    struct suite *suite = *state;
    struct dure_row_write writes[] = {put(DURE_TABLE_ROW, 1, 1, "AB"), put(DURE_TABLE_ROW, 1, 2, "ab"),
                                      put(DURE_TABLE_ROW, 1, 3, "AA")};
    writes[0].encode = writes[2].encode = true;
    writes[0].value_len = writes[2].value_len = 1; /* Means nothing. */
    writes[1].fresh = writes[2].fresh = true;
    assert_int_equal(write_all(suite, writes, 3), 0);
    check_scan(suite, DURE_TABLE_ROW, 1, INT64_MIN, false, "1:ab 2:ab 3:aa");
    check_index(suite, 1, 0, 'a', INT64_MIN, "1 2 3");
    check_index(suite, 1, 1, 'b', INT64_MIN, "1 2");
    put_one(suite, 1, 2, "c");
    put_one(suite, 1, 3, NULL);
    check_index(suite, 1, 0, 'a', INT64_MIN, "1");
    check_index(suite, 1, 1, 'a', INT64_MIN, "");
    check_index(suite, 1, 1, 'b', INT64_MIN, "1");
    check_index(suite, 1, 0, 'c', INT64_MIN, "2");
    struct dure_row_write again = put(DURE_TABLE_ROW, 1, 3, "d"); /* Gone, so fresh once more. */
    again.fresh = true;
    assert_int_equal(write_all(suite, &again, 1), 0);
    check_index(suite, 1, 0, 'd', INT64_MIN, "3");
}

/* Values of no byte and of a MiB come back as they were. */
static void test_value_sizes(void **state)
{
    static const size_t sizes[] = {0, 1, 100, 2000, 4096, 70000, 1 << 20};
    struct suite *suite = *state;
    char *text = malloc((1 << 20) + 1);
    assert_non_null(text);
    for (size_t i = 0; i < 7; i++) {
        memset(text, 'q', sizes[i]);
        text[sizes[i]] = '\0';
        struct dure_row_write write = put(DURE_TABLE_KEY, 1, (int64_t)i, text);
        assert_int_equal(write_all(suite, &write, 1), 0);
    }
    reopen(suite);
    for (size_t i = 0; i < 7; i++) {
        memset(text, 'q', sizes[i]);
        text[sizes[i]] = '\0';
        check_get(suite, DURE_TABLE_KEY, 1, (int64_t)i, text);
    }
    free(text);
}

/* The callback fires in poll and nowhere else, once; a poll with nothing to tell does nothing. */
static void test_completion(void **state)
{
    struct suite *suite = *state;
    suite->rows->ops->poll(suite->rows);
    struct dure_row_write write = put(DURE_TABLE_ROW, 1, 1, "a");
    begin(suite, &write, 1);
    assert_int_equal(suite->fired, 0);
    fixture_await(&suite->fixture);
    assert_int_equal(suite->fired, 0);
    suite->rows->ops->poll(suite->rows);
    assert_int_equal(suite->fired, 1);
    assert_int_equal(suite->rv, 0);
    suite->rows->ops->poll(suite->rows);
    assert_int_equal(suite->fired, 1);
}

static int count_row(void *arg, uint32_t type, int64_t id, const void *row, size_t len)
{
    (void)type;
    (void)row;
    (void)len;
    struct { int64_t next, count; } *walk = arg;
    assert_int_equal(id, walk->next);
    walk->next++;
    walk->count++;
    return 0;
}

static int64_t count_rows(struct suite *suite)
{
    struct { int64_t next, count; } walk = {0, 0};
    assert_int_equal(suite->rows->ops->scan(suite->rows, DURE_TABLE_ROW, 1, INT64_MIN, false,
                                            count_row, &walk), 0);
    return walk.count;
}

/* A hundred thousand rows in one batch from the smallest map; then every tenth rewritten with
 * another key, and the index agrees. */
static void test_many(void **state)
{
    struct suite *suite = *state;
    const size_t count = 100000;
    struct dure_row_write *writes = calloc(count, sizeof *writes);
    assert_non_null(writes);
    static const char *const texts[2] = {"ab---------- a row of some length, as rows are ----------",
                                         "cd"};
    uint64_t before = suite->rows->ops->bytes(suite->rows);
    for (size_t i = 0; i < count; i++) { /* In no order. */
        int64_t id = (int64_t)(i * 7919 % count);
        writes[i] = put(DURE_TABLE_ROW, 1, id, texts[0]);
        writes[i].fresh = i % 2 == 0;
    }
    assert_int_equal(write_all(suite, writes, count), 0);
    assert_true(suite->rows->ops->bytes(suite->rows) >= before + count * strlen(texts[0]));
    assert_int_equal(count_rows(suite), count);
    for (size_t i = 0; i < count / 10; i++) {
        writes[i] = put(DURE_TABLE_ROW, 1, (int64_t)i * 10, texts[1]);
    }
    assert_int_equal(write_all(suite, writes, count / 10), 0);
    free(writes);
    reopen(suite);
    assert_int_equal(count_rows(suite), count);
    check_get(suite, DURE_TABLE_ROW, 1, 99990, "cd");
    check_get(suite, DURE_TABLE_ROW, 1, 99991, texts[0]);
    check_index(suite, 1, 0, 'c', 99960, "99960 99970 99980 99990");
    check_index(suite, 1, 0, 'a', 99995, "99995 99996 99997 99998 99999");
    check_index(suite, 1, 1, 'd', 99995, "");
}

/* Gets and scans go on while a batch is being written, and show all of it or nothing. */
static void test_read_while_writing(void **state)
{
    struct suite *suite = *state;
    const size_t count = 20000;
    struct dure_row_write *writes = calloc(count, sizeof *writes);
    assert_non_null(writes);
    for (size_t i = 0; i < count; i++) writes[i] = put(DURE_TABLE_ROW, 1, (int64_t)i, "ab-----");
    begin(suite, writes, count);
    do {
        int64_t there = count_rows(suite);
        assert_true(there == 0 || there == (int64_t)count);
        suite->rows->ops->poll(suite->rows);
    } while (suite->rv == 1);
    assert_int_equal(suite->rv, 0);
    free(writes);
    assert_int_equal(count_rows(suite), count);
}

/* Closed with a batch under way, it waits for it and fires nothing; the batch is whole. */
static void test_close_outstanding(void **state)
{
    struct suite *suite = *state;
    const size_t count = 20000;
    struct dure_row_write *writes = calloc(count, sizeof *writes);
    assert_non_null(writes);
    for (size_t i = 0; i < count; i++) writes[i] = put(DURE_TABLE_ROW, 1, (int64_t)i, "ab");
    begin(suite, writes, count);
    suite->rows->ops->close(suite->rows);
    suite->rows = NULL;
    free(writes);
    assert_int_equal(suite->fired, 0);
    open_rows(suite);
    assert_int_equal(count_rows(suite), suite->kind->lasting ? (int64_t)count : 0);
}

/* A batch that fails writes nothing of itself; the next one goes through. Memory fails on demand;
 * what a full disk does to LMDB's is in test_disk.c. */
static void test_failed_batch(void **state)
{
    static const int errors[] = {DURE_ENOSPC, DURE_EIO};
    struct suite *suite = *state;
    put_one(suite, 1, 1, "a");
    for (size_t i = 0; i < 2; i++) {
        struct dure_row_write writes[] = {
            put(DURE_TABLE_ROW, 1, 1, NULL), put(DURE_TABLE_ROW, 1, 2, "b"),
            put(DURE_TABLE_META, 0, 0, "m")};
        dure_rows_memory_fail(suite->rows, errors[i]);
        assert_int_equal(write_all(suite, writes, 3), errors[i]);
        check_scan(suite, DURE_TABLE_ROW, 1, INT64_MIN, false, "1:a");
        check_get(suite, DURE_TABLE_META, 0, 0, NULL);
        check_index(suite, 1, 0, 'b', INT64_MIN, "");
    }
    put_one(suite, 1, 2, "b");
    check_scan(suite, DURE_TABLE_ROW, 1, INT64_MIN, false, "1:a 2:b");
}

#define CONTRACT(setup)                                                                               \
    cmocka_unit_test_setup_teardown(test_empty, setup, teardown),                                  \
    cmocka_unit_test_setup_teardown(test_tables, setup, teardown),                                 \
    cmocka_unit_test_setup_teardown(test_id_order, setup, teardown),                               \
    cmocka_unit_test_setup_teardown(test_scan_bounds, setup, teardown),                            \
    cmocka_unit_test_setup_teardown(test_scan_stops, setup, teardown),                             \
    cmocka_unit_test_setup_teardown(test_index, setup, teardown),                                  \
    cmocka_unit_test_setup_teardown(test_encode_and_fresh, setup, teardown),                       \
    cmocka_unit_test_setup_teardown(test_value_sizes, setup, teardown),                            \
    cmocka_unit_test_setup_teardown(test_completion, setup, teardown),                             \
    cmocka_unit_test_setup_teardown(test_many, setup, teardown),                                   \
    cmocka_unit_test_setup_teardown(test_read_while_writing, setup, teardown),                     \
    cmocka_unit_test_setup_teardown(test_close_outstanding, setup, teardown)

int main(void)
{
    const struct CMUnitTest lmdb[] = {CONTRACT(setup_lmdb)};
    const struct CMUnitTest merging[] = {CONTRACT(setup_merging)};
    const struct CMUnitTest memory[] = {
        CONTRACT(setup_memory),
        cmocka_unit_test_setup_teardown(test_failed_batch, setup_memory, teardown)};
    int failed = cmocka_run_group_tests_name("rows on LMDB", lmdb, NULL, NULL);
    failed += cmocka_run_group_tests_name("rows on LMDB, merging", merging, NULL, NULL);
    return failed + cmocka_run_group_tests_name("rows in memory", memory, NULL, NULL);
}
