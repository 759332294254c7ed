/*
 * A journal whose file was damaged: one byte at a time is changed all over it, and opening it, the
 * walk and every get must either give exactly the records that were written (each passing its own
 * check) or say that the data is corrupt. Never a wrong record, never one fewer in silence.
 *
 * The attempts run in a child, as LMDB may find a tree that contradicts itself and end the process,
 * or follow a page's own offsets out of the map (its pages carry no checksums): a process that ends
 * gave no wrong record. Opening alone must survive everything: the meta pages are checked before
 * LMDB sees them (store/meta.c). The child writes a letter an attempt; when it ends in the middle, the
 * next one goes on behind.
 */
#include "tests/contract/fixture.h"

#include <sys/mman.h>

#include "runtime/record.h"

#define RECORDS 400
#define META_BYTES (2 * 4096)

/* What was written, from 1: every attempt compares with all of it. */
static char *written[RECORDS + 1];

struct attempts {
    struct fixture fixture;
    char path[256]; /* The data file. */
    uint64_t bytes;
    size_t count;
    struct attempt { uint64_t at; uint8_t flip; } *list;
    char *verdicts; /* Shared with the child: 0 not tried, 't'rying, 'o'k, 's'aid so, 'w'rong,
                       'l'ess by the last record, 'x' ended by a signal. */
};

static size_t record_bytes(uint64_t n)
{
    /* Small ones in the tree's own pages, larger ones on pages of their own. */
    return n % 3 == 0 ? 4096 + n * 8 : 64 + n % 50 * 8;
}

static char *make_record(uint64_t n)
{
    size_t len = record_bytes(n);
    char *record = malloc(len); /* Aligned as a header wants it. */
    assert_non_null(record);
    fixture_pattern(record, len, n);
    struct dure_record_header header = {.magic = DURE_RECORD_MAGIC, .version = DURE_RECORD_VERSION,
                                        .kind = DURE_RECORD_BATCH, .epoch = 1, .index = n};
    memcpy(record, &header, sizeof header);
    dure_record_seal(record, len);
    return record;
}

static void stored(void *arg, int rv)
{
    assert_int_equal(rv, 0);
    *(bool *)arg = true;
}

static struct dure_store_options options_of(struct attempts *all, bool read_only)
{
    return (struct dure_store_options){.dir = all->fixture.dir, .read_only = read_only,
                                       .wake = fixture_wake, .wake_arg = &all->fixture,
                                       .grow_bytes_min = 64 << 10};
}

static int setup(void **state)
{
    struct attempts *all = calloc(1, sizeof *all);
    assert_non_null(all);
    fixture_open(&all->fixture);
    struct dure_store_options options = options_of(all, false);
    struct dure_journal *journal;
    assert_int_equal(dure_journal_lmdb_open(&journal, &options, NULL), 0);
    for (uint64_t n = 1; n <= RECORDS; n++) {
        bool done = false;
        written[n] = make_record(n);
        journal->ops->append(journal, n - 1, written[n], record_bytes(n), stored, &done);
        while (!done) {
            fixture_await(&all->fixture);
            journal->ops->poll(journal);
        }
    }
    journal->ops->close(journal);
    fixture_path(all->path, &all->fixture, "journal/data.mdb");
    all->bytes = fixture_file_bytes(all->path);
    *state = all;
    return 0;
}

static int teardown(void **state)
{
    struct attempts *all = *state;
    for (uint64_t n = 1; n <= RECORDS; n++) free(written[n]);
    fixture_close(&all->fixture);
    free(all->list);
    if (all->verdicts != NULL) munmap(all->verdicts, all->count);
    free(all);
    return 0;
}

/* ---- One attempt ------------------------------------------------------------------------------ */

enum { WRONG = 1, ONE_LESS = 2 };

/* As the runtime does it: no record is looked at that does not pass its check. */
static int judge(uint64_t index, const void *record, size_t len)
{
    int rv = dure_record_check(record, len, index);
    if (rv != 0) return rv;
    if (index < 1 || index > RECORDS || len != record_bytes(index)) return WRONG;
    return memcmp(record, written[index], len) == 0 ? 0 : WRONG;
}

static int visit(void *arg, uint64_t index, const void *record, size_t len)
{
    ++*(uint64_t *)arg;
    return judge(index, record, len);
}

static int read_all(struct dure_journal *journal)
{
    uint64_t count = 0, head = journal->ops->head(journal);
    if (journal->ops->first(journal) != 1 || head + 1 < RECORDS || head > RECORDS) return WRONG;
    int rv = journal->ops->tail(journal, 1, visit, &count);
    if (rv == 0 && count != head) rv = WRONG;
    struct dure_buf out = {0};
    int worst = rv;
    for (uint64_t n = 1; n <= head && worst != WRONG; n++) {
        out.len = 0;
        rv = journal->ops->get(journal, n, &out);
        if (rv == 0) rv = judge(n, out.data, out.len);
        /* "Not found" of a record between first and head is not silence. */
        if (rv != 0) worst = rv;
    }
    dure_buf_fini(&out);
    return worst == 0 && head < RECORDS ? ONE_LESS : worst;
}

static char verdict_of(int rv)
{
    switch (rv) {
    case 0: return 'o';
    case DURE_ECORRUPT:
    case DURE_EFORMAT:
    case DURE_EIO:
    case DURE_ENOTFOUND: return 's';
    case ONE_LESS: return 'l';
    default: return 'w';
    }
}

static int try_rest(void *arg)
{
    struct attempts *all = arg;
    int fd = open(all->path, O_RDWR);
    if (fd < 0) return 100;
    for (size_t i = 0; i < all->count; i++) {
        if (all->verdicts[i] != 0) continue;
        uint8_t was, is;
        if (pread(fd, &was, 1, (off_t)all->list[i].at) != 1) return 101;
        is = was ^ all->list[i].flip;
        all->verdicts[i] = 't';
        if (pwrite(fd, &is, 1, (off_t)all->list[i].at) != 1) return 102;
        struct dure_store_options options = options_of(all, true);
        struct dure_journal *journal;
        int rv = dure_journal_lmdb_open(&journal, &options, NULL);
        if (rv == 0) {
            rv = read_all(journal);
            journal->ops->close(journal);
        }
        if (pwrite(fd, &was, 1, (off_t)all->list[i].at) != 1) return 103;
        all->verdicts[i] = verdict_of(rv);
    }
    close(fd);
    return 0;
}

/* ---- All attempts -------------------------------------------------------------------------------- */

static void repair(struct attempts *all, const struct attempt *attempt)
{
    uint8_t byte;
    int fd = open(all->path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)attempt->at), 1);
    byte ^= attempt->flip;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)attempt->at), 1);
    close(fd);
}

/* Of a meta page: it makes the newest. One bit of it can turn the last but one into the newest, and
 * nothing in the file tells (store/meta.c): then the last record is missing, which the runtime sees
 * when a checkpoint has included it. */
static bool is_number(uint64_t at)
{
    return at < META_BYTES && at % 4096 >= 144 && at % 4096 < 152;
}

/* Every attempt has a verdict afterwards; *said of them is the number of those that were noticed. */
static void try_all(struct attempts *all, size_t *said)
{
    size_t ok = 0, bad = 0, less = 0, ended_by_signal = 0;
    all->verdicts = mmap(NULL, all->count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(all->verdicts != MAP_FAILED);
    for (int ended = 1; ended != 0;) {
        ended = fixture_in_child(try_rest, all);
        assert_true(ended < 100 || ended > 103);
        char *trying = ended != 0 ? memchr(all->verdicts, 't', all->count) : NULL;
        if (ended != 0) {
            assert_non_null(trying);
            repair(all, &all->list[trying - all->verdicts]);
            *trying = ended == EXIT_FAILURE ? 's' : 'x';
        }
    }
    *said = 0;
    for (size_t i = 0; i < all->count; i++) {
        ok += all->verdicts[i] == 'o';
        *said += all->verdicts[i] == 's';
        if (all->verdicts[i] == 'o' || all->verdicts[i] == 's') continue;
        if (all->verdicts[i] == 'x' && all->list[i].at >= META_BYTES) {
            ended_by_signal++;
            continue;
        }
        if (all->verdicts[i] == 'l' && is_number(all->list[i].at) && less++ == 0) continue;
        bad++;
        print_error("byte %llu (page %llu, %llu) xor %02x: %s\n", (unsigned long long)all->list[i].at,
                    (unsigned long long)all->list[i].at / 4096,
                    (unsigned long long)all->list[i].at % 4096, all->list[i].flip,
                    all->verdicts[i] == 'x' ? "a signal" : "wrong records");
    }
    print_message("%zu attempts: %zu without effect, %zu noticed, %zu ended, %zu bad\n", all->count, ok,
                  *said, ended_by_signal, bad);
    assert_int_equal(bad, 0);
}

static void add(struct attempts *all, uint64_t at, uint8_t flip)
{
    all->list = realloc(all->list, (all->count + 1) * sizeof all->list[0]);
    assert_non_null(all->list);
    all->list[all->count++] = (struct attempt){at, flip};
}

/* The pages that say where the trees are: every byte of them that means something, every bit. */
static void test_meta_pages(void **state)
{
    struct attempts *all = *state;
    for (uint64_t page = 0; page < 2; page++) {
        for (uint64_t at = 0; at < 160; at++) {
            for (unsigned bit = 0; bit < 8; bit++) add(all, page * 4096 + at, (uint8_t)(1u << bit));
        }
    }
    size_t said;
    try_all(all, &said);
    assert_true(said > 100);
}

/* The heads of all pages: what kind they are, how full, where their entries lie. */
static void test_page_heads(void **state)
{
    struct attempts *all = *state;
    for (uint64_t page = 2; page < all->bytes / 4096; page++) {
        for (uint64_t at = 8; at < 24; at++) add(all, page * 4096 + at, (uint8_t)(1u << page % 8));
    }
    size_t said;
    try_all(all, &said);
    assert_true(said > 100);
}

/* All over the file, in strides that hit every place of a page sooner or later. */
static void test_everywhere(void **state)
{
    struct attempts *all = *state;
    for (uint64_t at = META_BYTES; at < all->bytes; at += 509) add(all, at, (uint8_t)(1u << at % 8));
    size_t said;
    try_all(all, &said);
    assert_true(said > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_meta_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_page_heads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_everywhere, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
