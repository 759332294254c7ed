/*
 * Opening a data directory: one process, one format, no network file system, nothing written by a
 * reader, and a file that was cut off.
 */
#include "tests/contract/fixture.h"

#include "store/env.h"

static int setup(void **state)
{
    struct fixture *fixture = malloc(sizeof *fixture);
    assert_non_null(fixture);
    fixture_open(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_close(*state);
    free(*state);
    return 0;
}

static struct dure_store_options options_of(const struct fixture *fixture, bool read_only)
{
    return (struct dure_store_options){.dir = fixture->dir, .read_only = read_only,
                                       .wake = fixture_wake, .wake_arg = (void *)(uintptr_t)fixture,
                                       .grow_bytes_min = 64 << 10};
}

static void stored(void *arg, int rv)
{
    assert_int_equal(rv, 0);
    *(bool *)arg = true;
}

/* Five records and a row, closed again. */
static void make_data(struct fixture *fixture)
{
    struct dure_store_options options = options_of(fixture, false);
    struct dure_journal *journal;
    struct dure_rows *rows;
    assert_int_equal(dure_journal_lmdb_open(&journal, &options, NULL), 0);
    assert_int_equal(dure_rows_lmdb_open(&rows, &options, NULL), 0);
    static char record[20000];
    for (uint64_t n = 1; n <= 5; n++) {
        bool done = false;
        fixture_pattern(record, sizeof record, n);
        journal->ops->append(journal, n - 1, record, sizeof record, stored, &done);
        while (!done) {
            fixture_await(fixture);
            journal->ops->poll(journal);
        }
    }
    struct dure_row_write write = {.table = DURE_TABLE_META, .id = 1, .value = "row", .value_len = 3};
    bool done = false;
    rows->ops->write(rows, &write, 1, stored, &done);
    while (!done) {
        fixture_await(fixture);
        rows->ops->poll(rows);
    }
    rows->ops->close(rows);
    journal->ops->close(journal);
}

/* ---- A directory's image: names, bytes, times ---------------------------------------------------- */

static uint64_t image_sum;

static int add_to_image(const char *path, const struct stat *info, int flag, struct FTW *at)
{
    (void)at;
    static char bytes[1 << 20];
    uint32_t crc = dure_crc32c(0, path, strlen(path));
    crc = dure_crc32c(crc, &info->st_mtim, sizeof info->st_mtim);
    crc = dure_crc32c(crc, &info->st_size, sizeof info->st_size);
    if (flag == FTW_F) {
        int fd = open(path, O_RDONLY);
        assert_true(fd >= 0);
        ssize_t len;
        while ((len = read(fd, bytes, sizeof bytes)) > 0) crc = dure_crc32c(crc, bytes, (size_t)len);
        close(fd);
    }
    image_sum += crc; /* The order of a directory means nothing. */
    return 0;
}

static uint64_t image(const struct fixture *fixture)
{
    image_sum = 0;
    assert_int_equal(nftw(fixture->dir, add_to_image, 16, FTW_PHYS), 0);
    return image_sum;
}

static void write_file(const struct fixture *fixture, const char *name, const char *text)
{
    char path[256];
    fixture_path(path, fixture, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int try_open(const struct fixture *fixture, bool read_only, const char **message)
{
    struct dure_store_options options = options_of(fixture, read_only);
    struct dure_journal *journal;
    int rv = dure_journal_lmdb_open(&journal, &options, message);
    if (rv == 0) journal->ops->close(journal);
    return rv;
}

/* ---- The tests ------------------------------------------------------------------------------------ */

static int open_in_child(void *arg)
{
    const char *message = "";
    int rv = try_open(arg, false, &message);
    if (rv == DURE_ELOCKED && strstr(message, "another process") == NULL) return 100;
    return -rv;
}

static int read_in_child(void *arg)
{
    return -try_open(arg, true, NULL);
}

/* While one process has the directory, a second one is told so, reader or writer; afterwards not. */
static void test_lock(void **state)
{
    struct fixture *fixture = *state;
    make_data(fixture);
    struct dure_store_options options = options_of(fixture, false);
    struct dure_journal *journal;
    assert_int_equal(dure_journal_lmdb_open(&journal, &options, NULL), 0);
    uint64_t before = image(fixture);
    assert_int_equal(fixture_in_child(open_in_child, fixture), -DURE_ELOCKED);
    assert_int_equal(fixture_in_child(read_in_child, fixture), -DURE_ELOCKED);
    assert_true(image(fixture) == before);
    journal->ops->close(journal);
    assert_int_equal(fixture_in_child(read_in_child, fixture), 0);
}

static int die_holding(void *arg)
{
    struct dure_store_options options = options_of(arg, false);
    struct dure_journal *journal;
    if (dure_journal_lmdb_open(&journal, &options, NULL) != 0) return 1;
    raise(SIGKILL);
    return 2;
}

/* A process that was killed leaves no lock behind. */
static void test_lock_of_the_dead(void **state)
{
    struct fixture *fixture = *state;
    make_data(fixture);
    assert_int_equal(fixture_in_child(die_holding, fixture), 128 + SIGKILL);
    assert_int_equal(try_open(fixture, false, NULL), 0);
}

/* A newer format is refused in words, an unreadable one too, and not a byte or time changes. */
static void test_format(void **state)
{
    static const struct { const char *text; int rv; const char *says; } rows[] = {
        {"dure 2\n", DURE_EFORMAT, "newer version"}, {"dure 999\n", DURE_EFORMAT, "newer version"},
        {"", DURE_ECORRUPT, "unreadable"},           {"dure", DURE_ECORRUPT, "unreadable"},
        {"dure 0\n", DURE_ECORRUPT, "unreadable"},   {"mongo 1\n", DURE_ECORRUPT, "unreadable"}};
    struct fixture *fixture = *state;
    make_data(fixture);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        write_file(fixture, "format", rows[i].text);
        uint64_t before = image(fixture);
        for (int read_only = 0; read_only < 2; read_only++) {
            const char *message = NULL;
            assert_int_equal(try_open(fixture, read_only, &message), rows[i].rv);
            assert_non_null(strstr(message, rows[i].says));
            assert_non_null(strstr(message, fixture->dir));
            assert_true(image(fixture) == before);
        }
    }
    write_file(fixture, "format", "dure 1\n");
    assert_int_equal(try_open(fixture, false, NULL), 0);
}

static int try_rows(const struct fixture *fixture, bool read_only, bool meta_only,
                    const char **message)
{
    struct dure_store_options options = options_of(fixture, read_only);
    options.meta_only = meta_only;
    struct dure_rows *rows;
    struct dure_buf row = {0};
    int rv = dure_rows_lmdb_open(&rows, &options, message);
    if (rv != 0) return rv;
    rv = rows->ops->get(rows, DURE_TABLE_META, 0, 1, &row);
    if (rv == 0) assert_int_equal(row.len, 3);
    dure_buf_fini(&row);
    rows->ops->close(rows);
    return rv;
}

/* state/ as the version before made it: one database for the rows of all types. */
static void make_old_state(struct fixture *fixture)
{
    static const char *const names[] = {"row", "key", "timer", "meta", "outbox", "index"};
    static const unsigned char first[12] = {[4] = 0x80, [11] = 1};
    struct dure_store_options options = options_of(fixture, false);
    struct dure_env env;
    MDB_txn *txn;
    assert_int_equal(dure_env_open(&env, &options, "state", 6, NULL), 0);
    assert_int_equal(dure_env_begin(&env, true, &txn), 0);
    for (size_t i = 0; i < 6; i++) {
        MDB_dbi dbi;
        MDB_val key = {sizeof first, (void *)(uintptr_t)first}, value = {3, (void *)(uintptr_t)"old"};
        assert_int_equal(mdb_dbi_open(txn, names[i], MDB_CREATE, &dbi), 0);
        assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
    }
    assert_int_equal(dure_env_commit(&env, txn), 0);
    dure_env_close(&env);
}

/* Rows of the version before are refused in words that name the way out; only what every version has
 * alike can be read, and nothing but the environment's lock changes. */
static void test_old_rows(void **state)
{
    struct fixture *fixture = *state;
    make_old_state(fixture);
    for (int read_only = 0; read_only < 2; read_only++) {
        const char *message = "";
        assert_int_equal(try_rows(fixture, read_only, false, &message), DURE_EFORMAT);
        assert_non_null(strstr(message, "older version"));
        assert_non_null(strstr(message, "dure rebuild"));
        assert_non_null(strstr(message, fixture->dir));
    }
    uint64_t before = image(fixture);
    assert_int_equal(try_rows(fixture, true, true, NULL), 0);
    assert_true(image(fixture) == before);
}

/* Rows of a newer version are refused, also where only META is asked for. */
static void test_newer_rows(void **state)
{
    struct fixture *fixture = *state;
    make_data(fixture);
    assert_int_equal(try_rows(fixture, true, true, NULL), 0);
    struct dure_store_options options = options_of(fixture, false);
    struct dure_env env;
    MDB_txn *txn;
    MDB_dbi dbi;
    uint32_t version = 3;
    MDB_val key = {6, (void *)(uintptr_t)"format"}, value = {sizeof version, &version};
    assert_int_equal(dure_env_open(&env, &options, "state", 1, NULL), 0);
    assert_int_equal(dure_env_begin(&env, true, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "store", 0, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
    assert_int_equal(dure_env_commit(&env, txn), 0);
    dure_env_close(&env);
    for (int mode = 0; mode < 3; mode++) {
        const char *message = "";
        assert_int_equal(try_rows(fixture, mode > 0, mode > 1, &message), DURE_EFORMAT);
        assert_non_null(strstr(message, "newer version"));
        assert_non_null(strstr(message, fixture->dir));
    }
}

/* A new directory whose making was cut short by a power failure is made again. */
static void test_half_made(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture, "lock", "");
    write_file(fixture, "format.new", "du");
    assert_int_equal(try_open(fixture, false, NULL), 0);
    assert_int_equal(try_open(fixture, true, NULL), 0);
}

/* Network file systems are told by statfs's number; the local ones that Linux has are none of them. */
static void test_network(void **state)
{
    (void)state;
    static const uint32_t network[] = {0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x73757245,
                                       0x5346414f, 0x6b414653, 0x00c36400, 0x01021997, 0x0bd00bd0};
    static const uint32_t local[] = {0xef53 /* ext4 */, 0x58465342 /* XFS */, 0x9123683e /* btrfs */,
                                     0x01021994 /* tmpfs */, 0x794c7630 /* overlayfs */,
                                     0xf2f52010 /* F2FS */, 0x2fc12fc1 /* ZFS */, 0};
    for (size_t i = 0; i < sizeof network / sizeof network[0]; i++) {
        assert_true(dure_env_is_network(network[i]));
    }
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++) {
        assert_false(dure_env_is_network(local[i]));
    }
}

static int count_record(void *arg, uint64_t index, const void *record, size_t len)
{
    static char due[20000];
    fixture_pattern(due, sizeof due, index);
    assert_int_equal(len, sizeof due);
    assert_memory_equal(record, due, len);
    ++*(unsigned *)arg;
    return 0;
}

/* A reader sees everything and writes nothing: no byte, no time, no file; where there is nothing it
 * says so and makes nothing. */
static void test_read_only(void **state)
{
    struct fixture *fixture = *state;
    struct dure_store_options options = options_of(fixture, true);
    struct dure_journal *journal;
    struct dure_rows *rows;
    uint64_t before = image(fixture);
    assert_int_equal(dure_journal_lmdb_open(&journal, &options, NULL), DURE_ENOTFOUND);
    assert_true(image(fixture) == before);
    make_data(fixture);
    before = image(fixture);
    assert_int_equal(dure_journal_lmdb_open(&journal, &options, NULL), 0);
    assert_int_equal(dure_rows_lmdb_open(&rows, &options, NULL), 0);
    unsigned count = 0;
    assert_int_equal(journal->ops->tail(journal, 1, count_record, &count), 0);
    assert_int_equal(count, 5);
    assert_true(journal->ops->bytes(journal) >= 5 * 20000);
    struct dure_buf row = {0};
    assert_int_equal(rows->ops->get(rows, DURE_TABLE_META, 0, 1, &row), 0);
    assert_int_equal(row.len, 3);
    dure_buf_fini(&row);
    rows->ops->close(rows);
    journal->ops->close(journal);
    assert_true(image(fixture) == before);
}

static void cut(const struct fixture *fixture, uint64_t bytes)
{
    char path[256];
    fixture_path(path, fixture, "journal/data.mdb");
    assert_int_equal(truncate(path, (off_t)bytes), 0);
}

static int tail_in_child(void *arg)
{
    struct dure_store_options options = options_of(arg, false);
    struct dure_journal *journal;
    int rv = dure_journal_lmdb_open(&journal, &options, NULL);
    if (rv != 0) return -rv;
    struct dure_buf out = {0};
    static char due[20000];
    for (uint64_t n = 1; rv == 0 && n <= 5; n++) {
        out.len = 0;
        fixture_pattern(due, sizeof due, n);
        rv = journal->ops->get(journal, n, &out);
        if (rv == 0 && (out.len != sizeof due || memcmp(out.data, due, sizeof due) != 0)) {
            rv = DURE_ECORRUPT; /* What dure_record_check says of it. */
        }
    }
    return -rv;
}

/* Wherever the journal's file is cut, opening it or reading says so: no signal, no fewer records. Only
 * the unused end of its last page may go unnoticed. */
static void test_cut_off(void **state)
{
    struct fixture *fixture = *state;
    make_data(fixture);
    char path[256];
    fixture_path(path, fixture, "journal/data.mdb");
    uint64_t whole = fixture_file_bytes(path);
    assert_int_equal(fixture_in_child(tail_in_child, fixture), 0);
    for (uint64_t bytes = whole - 1; bytes > 0; bytes -= bytes < 1777 ? bytes : 1777) {
        cut(fixture, bytes);
        int rv = fixture_in_child(tail_in_child, fixture);
        bool unused = rv == 0 && whole - bytes < 4096;
        if (!unused && rv != -DURE_ECORRUPT && rv != EXIT_FAILURE) { /* The last: LMDB said so. */
            fail_msg("cut to %llu of %llu bytes: %d", (unsigned long long)bytes,
                     (unsigned long long)whole, rv);
        }
        fixture_empty(fixture);
        make_data(fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lock, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lock_of_the_dead, setup, teardown),
        cmocka_unit_test_setup_teardown(test_format, setup, teardown),
        cmocka_unit_test_setup_teardown(test_old_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_newer_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_half_made, setup, teardown),
        cmocka_unit_test(test_network),
        cmocka_unit_test_setup_teardown(test_read_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut_off, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
