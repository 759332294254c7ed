/*
 * A sealed record is read back as it was; one with any bit changed, cut short, longer, or standing at
 * another index is refused; its entries come in order and the walk never leaves the record; and only
 * its own successor follows it.
 */
#include "tests/unit/world.h"

#define ENTRIES 5

/* A record of a few entries of 0, 8, 16 … bytes, each filled with its number. */
static void make(struct dure_buf *record, uint64_t index)
{
    struct dure_record_header head = {
        .magic = DURE_RECORD_MAGIC, .version = DURE_RECORD_VERSION, .kind = DURE_RECORD_BATCH,
        .epoch = 3, .index = index, .owner = 9, .prev_hash = 77, .time_ms = world_now_ms,
        .entries = ENTRIES};
    record->len = 0;
    dure_buf_add(record, &head, sizeof head);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        struct dure_entry entry = {.len = 8 * i, .kind = DURE_ENTRY_EVENT + i};
        dure_buf_add(record, &entry, sizeof entry);
        memset(dure_buf_reserve(record, entry.len), (int)i, entry.len);
        record->len += entry.len;
    }
    dure_record_seal(record->data, record->len);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct dure_buf record = {0};
    make(&record, 12);
    assert_int_equal(dure_record_check(record.data, record.len, 12), 0);
    struct dure_record_header head;
    memcpy(&head, record.data, sizeof head);
    assert_int_equal(head.len, record.len);
    assert_int_equal(head.index, 12);
    assert_int_equal(head.epoch, 3);
    assert_int_equal(head.owner, 9);
    assert_int_equal(head.prev_hash, 77);
    assert_int_equal(head.time_ms, world_now_ms);
    size_t at = sizeof head;
    const void *body;
    for (uint32_t i = 0; i < ENTRIES; i++) {
        const struct dure_entry *entry = dure_record_next(record.data, record.len, &at, &body);
        assert_non_null(entry);
        assert_int_equal(entry->kind, DURE_ENTRY_EVENT + i);
        assert_int_equal(entry->len, 8 * i);
        for (uint32_t j = 0; j < entry->len; j++) assert_int_equal(((const char *)body)[j], i);
    }
    assert_int_equal(at, record.len);
    assert_null(dure_record_next(record.data, record.len, &at, &body));
    assert_int_equal(at, record.len);
    dure_buf_fini(&record);
}

/* Every bit of every byte. */
static void test_damage(void **state)
{
    (void)state;
    struct dure_buf record = {0};
    make(&record, 1);
    uint64_t hash = dure_record_hash(record.data, record.len);
    const size_t version = offsetof(struct dure_record_header, version);
    for (size_t bit = 0; bit < record.len * 8; bit++) {
        char mask = (char)(1 << bit % 8);
        record.data[bit / 8] = (char)(record.data[bit / 8] ^ mask);
        bool newer = bit / 8 == version || bit / 8 == version + 1;
        int rv = dure_record_check(record.data, record.len, 1);
        /* Version 1 has one bit: without it, it is 0, which is not newer. */
        if (newer && bit != version * 8) assert_int_equal(rv, DURE_EFORMAT);
        else assert_int_equal(rv, DURE_ECORRUPT);
        assert_true(dure_record_hash(record.data, record.len) != hash);
        record.data[bit / 8] = (char)(record.data[bit / 8] ^ mask);
    }
    assert_int_equal(dure_record_check(record.data, record.len, 1), 0);
    dure_buf_fini(&record);
}

/* A torn write, in whatever length; and bytes behind the end. Each from memory of just that size. */
static void test_length(void **state)
{
    (void)state;
    struct dure_buf record = {0};
    make(&record, 1);
    for (size_t len = 0; len <= record.len + 16; len++) {
        char *torn = calloc(1, len + 1);
        memcpy(torn, record.data, len < record.len ? len : record.len);
        char *exact = malloc(len > 0 ? len : 1);
        memcpy(exact, torn, len);
        int rv = dure_record_check(exact, len, 1);
        assert_int_equal(rv, len == record.len ? 0 : DURE_ECORRUPT);
        free(torn);
        free(exact);
    }
    dure_buf_fini(&record);
}

/* Sound, but not the record of this place. */
static void test_index(void **state)
{
    (void)state;
    struct dure_buf record = {0};
    make(&record, 5);
    assert_int_equal(dure_record_check(record.data, record.len, 4), DURE_ECORRUPT);
    assert_int_equal(dure_record_check(record.data, record.len, 6), DURE_ECORRUPT);
    assert_int_equal(dure_record_check(record.data, record.len, 5 + (1ull << 32)), DURE_ECORRUPT);
    assert_int_equal(dure_record_check(record.data, record.len, 5), 0);
    dure_buf_fini(&record);
}

/* Whatever the bytes of the entries and wherever it begins: the walk stays inside, and ends. */
static void test_walk_stays_inside(void **state)
{
    (void)state;
    for (int round = 0; round < 5000; round++) {
        size_t len = sizeof(struct dure_record_header) + 8 * world_random(12);
        char *record = malloc(len);
        for (size_t i = 0; i < len; i++) {
            record[i] = (char)(world_random(3) ? 0 : world_random(round % 2 ? 256 : 40));
        }
        size_t at = world_random(4) ? sizeof(struct dure_record_header) : world_random(2 * len);
        size_t steps = 0, before = at;
        const void *body;
        const struct dure_entry *entry;
        while ((entry = dure_record_next(record, len, &at, &body)) != NULL) {
            assert_true(at > before && at <= len);
            assert_ptr_equal((const char *)body + entry->len, record + at);
            before = at;
            assert_true(steps++ < len);
        }
        assert_int_equal(at, before);
        free(record);
    }
}

/* ---- The successor of another -------------------------------------------------------------------- */

struct link {
    uint64_t index, epoch, prev_hash;
    uint8_t kind;
    uint32_t entries; /* As the header says; one event stands in it. */
};

static int follow(struct dure_record_chain *chain, const struct link *link, const char **why)
{
    struct { struct dure_record_header head; struct dure_entry entry; struct dure_entry_event event;
    } record = {.head = {.magic = DURE_RECORD_MAGIC, .version = DURE_RECORD_VERSION,
                         .kind = link->kind, .epoch = link->epoch, .index = link->index,
                         .prev_hash = link->prev_hash, .entries = link->entries},
                .entry = {.len = sizeof record.event, .kind = DURE_ENTRY_EVENT}};
    dure_record_seal(&record, sizeof record);
    *why = "";
    return dure_record_follow(chain, &record, sizeof record, link->index, why);
}

/* Each rule of the chain, one broken at a time. */
static void test_chain(void **state)
{
    (void)state;
    enum { BATCH = DURE_RECORD_BATCH, EPOCH = DURE_RECORD_EPOCH };
    const struct { struct link link; int rv; const char *why; } cases[] = {
        {{5, 4, 77, BATCH, 1}, 0, ""},
        {{5, 5, 77, EPOCH, 1}, 0, ""},
        {{5, 9, 77, EPOCH, 1}, 0, ""},
        {{5, 4, 78, BATCH, 1}, DURE_ECORRUPT, "chain is broken"},
        {{5, 4, 0, BATCH, 1}, DURE_ECORRUPT, "chain is broken"},
        {{5, 3, 77, BATCH, 1}, DURE_ECORRUPT, "older epoch"},
        {{5, 3, 77, EPOCH, 1}, DURE_ECORRUPT, "older epoch"},
        {{5, 0, 77, BATCH, 1}, DURE_ECORRUPT, "older epoch"},
        {{5, 5, 77, BATCH, 1}, DURE_ECORRUPT, "newer epoch"},
        {{5, 4, 77, EPOCH, 1}, DURE_ECORRUPT, "had begun"},
        {{5, 4, 77, DURE_RECORD_SNAPSHOT, 1}, DURE_EFORMAT, "kind"},
        {{5, 4, 77, 0, 1}, DURE_EFORMAT, "kind"},
        {{5, 4, 77, BATCH, 2}, DURE_ECORRUPT, "header counts"},
        {{5, 4, 77, BATCH, 0}, DURE_ECORRUPT, "header counts"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dure_record_chain chain = {.hash = 77, .epoch = 4};
        const char *why;
        assert_int_equal(follow(&chain, &cases[i].link, &why), cases[i].rv);
        if (strstr(why, cases[i].why) == NULL) fail_msg("case %zu: %s", i, why);
        assert_true(chain.hash != 77 && chain.epoch >= 4); /* Moved on, and never back. */
    }
    /* Unknown before: whatever it is. Only the first record of all follows nothing. */
    struct dure_record_chain unknown = {0};
    const char *why;
    assert_int_equal(follow(&unknown, &(struct link){5, 3, 99, BATCH, 1}, &why), 0);
    assert_int_equal(unknown.epoch, 3);
    unknown = (struct dure_record_chain){0};
    assert_int_equal(follow(&unknown, &(struct link){1, 1, 0, BATCH, 1}, &why), 0);
    unknown = (struct dure_record_chain){0};
    assert_int_equal(follow(&unknown, &(struct link){1, 1, 99, BATCH, 1}, &why), DURE_ECORRUPT);
}

/* Entries that are shorter than what they say, of unknown kinds, or of a length out of step. */
static void test_entries(void **state)
{
    (void)state;
    struct { struct dure_record_header head; struct dure_entry entry; char body[64]; } record = {
        .head = {.magic = DURE_RECORD_MAGIC, .version = DURE_RECORD_VERSION, .epoch = 1,
                 .kind = DURE_RECORD_BATCH, .index = 5, .entries = 1}};
    for (uint32_t kind = 0; kind < 13; kind++) {
        for (uint32_t len = 0; len <= 80; len += 4) {
            for (uint32_t data_len = 0; data_len <= 64; data_len += 8) {
                bool event = kind == DURE_ENTRY_EVENT, taken = kind == DURE_ENTRY_TAKEN;
                bool actor = kind == DURE_ENTRY_SAGA || kind == DURE_ENTRY_TIMER;
                bool feed = kind == DURE_ENTRY_FEED;
                struct dure_entry_event as_event = {.data_len = data_len};
                struct dure_entry_actor as_actor = {.data_len = data_len};
                struct dure_entry_feed as_feed = {.data_len = data_len};
                record.entry = (struct dure_entry){.len = len, .kind = kind};
                memset(record.body, 0, sizeof record.body);
                if (event) memcpy(record.body, &as_event, sizeof as_event);
                if (actor) memcpy(record.body, &as_actor, sizeof as_actor);
                if (feed) memcpy(record.body, &as_feed, sizeof as_feed);
                size_t bytes = sizeof record.head + sizeof record.entry + sizeof record.body;
                dure_record_seal(&record, bytes);
                struct dure_record_chain chain = {0};
                const char *why;
                int rv = dure_record_follow(&chain, &record, bytes, 5, &why);
                uint32_t least = event ? 48 + data_len : actor ? 32 + data_len : taken ? 16 : 8;
                if (kind == DURE_ENTRY_TRACE) least = 24;
                if (feed) least = (uint32_t)sizeof as_feed + data_len;
                bool known = kind >= DURE_ENTRY_EVENT && kind <= DURE_ENTRY_TRACE;
                bool fits = len == sizeof record.body && len >= least && known;
                /* What lies behind a shorter one reads as an entry of kind 0. */
                if (fits) assert_int_equal(rv, 0);
                else assert_true(rv == DURE_ECORRUPT || rv == DURE_EFORMAT);
                if (len == sizeof record.body && !known) assert_int_equal(rv, DURE_EFORMAT);
            }
        }
    }
}

/* An event has the trace that it points back to, or none; what points to anything else is refused. */
static void test_trace(void **state)
{
    (void)state;
    struct {
        struct dure_record_header head;
        struct dure_entry trace_entry;
        struct dure_entry_trace trace;
        struct dure_entry entry;
        struct dure_entry_event event;
    } record = {.head = {.magic = DURE_RECORD_MAGIC, .version = DURE_RECORD_VERSION,
                         .kind = DURE_RECORD_BATCH, .epoch = 1, .index = 5, .entries = 2},
                .trace_entry = {.len = sizeof record.trace, .kind = DURE_ENTRY_TRACE},
                .trace = {{1, 2, 3}, {4, 5, 6}},
                .entry = {.len = sizeof record.event, .kind = DURE_ENTRY_EVENT}};
    const uint32_t right = sizeof record.trace + sizeof record.entry;
    for (uint32_t back = 0; back < 256; back++) {
        struct dure_record_chain chain = {0};
        const char *why = "";
        record.event.trace_back = back;
        dure_record_seal(&record, sizeof record);
        int rv = dure_record_follow(&chain, &record, sizeof record, 5, &why);
        assert_int_equal(rv, back == 0 || back == right ? 0 : DURE_ECORRUPT);
        if (rv != 0) assert_non_null(strstr(why, "trace"));
    }
    struct dure_trace trace;
    record.event.trace_back = 0;
    assert_false(dure_record_trace(&record.event, &trace));
    record.event.trace_back = right;
    assert_true(dure_record_trace(&record.event, &trace));
    assert_int_equal(trace.flags, 0);
    record.event.flags = DURE_EVENT_SAMPLED | DURE_EVENT_FIRST;
    assert_true(dure_record_trace(&record.event, &trace));
    assert_int_equal(trace.flags, DURE_TRACE_SAMPLED);
    assert_memory_equal(trace.trace_id, record.trace.trace_id, sizeof trace.trace_id);
    assert_memory_equal(trace.span_id, record.trace.span_id, sizeof trace.span_id);
}

int main(void)
{
    world_seed(20261121);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_index),
        cmocka_unit_test(test_walk_stays_inside),
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
