/*
 * Epochs (DESIGN 9): who takes a journal over begins a new epoch, and writes in it from then on, also
 * after restarts and checkpoints. A record of an older epoch behind it is of a writer that had been
 * deposed: recovery refuses it by name and touches nothing.
 */
#include "tests/unit/village.h"
#include "tests/unit/world.h"

static struct world world;

static int setup(void **state)
{
    (void)state;
    world_make(&world, 2);
    world.no_checkpoints = true;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

static void add(int64_t amount)
{
    world_do(&world, &village_add, 1, &(struct village_add){amount}, 200);
}

static struct dure_record_header header_of(uint64_t index)
{
    size_t len;
    struct dure_record_header header;
    memcpy(&header, dure_journal_memory_bytes(world.journal, index, &len), sizeof header);
    return header;
}

static void appended(void *arg, int rv)
{
    *(int *)arg = rv;
}

static void append(const void *record, size_t len)
{
    int rv = 1;
    world.journal->ops->append(world.journal, world_head(&world), record, len, appended, &rv);
    world.journal->ops->poll(world.journal);
    assert_int_equal(rv, 0);
}

/* Another node takes the journal over while ours is down: its EPOCH record follows ours. */
static void take_over(uint64_t epoch)
{
    size_t len;
    uint64_t head = world_head(&world);
    const char *last = dure_journal_memory_bytes(world.journal, head, &len);
    struct dure_record_header record = {
        .magic = DURE_RECORD_MAGIC, .version = DURE_RECORD_VERSION, .kind = DURE_RECORD_EPOCH,
        .epoch = epoch, .index = head + 1, .owner = 2, .time_ms = world_now_ms,
        .prev_hash = dure_record_hash(last, len)};
    dure_record_seal(&record, sizeof record);
    append(&record, sizeof record);
}

static void stop(void)
{
    world_stop(&world, true, true);
}

static void refused(uint64_t index, const char *why)
{
    const char *message = NULL;
    char name[64];
    uint64_t head = world_head(&world);
    snprintf(name, sizeof name, "record %llu ", (unsigned long long)index);
    assert_int_equal(world_open(&world, &message), DURE_ECORRUPT);
    assert_non_null(message);
    if (strstr(message, name) == NULL || strstr(message, why) == NULL) fail_msg("%s", message);
    assert_int_equal(world_head(&world), head);
}

/* A fresh journal is of epoch 1; what is taken over goes on in the new one, whatever a restart reads:
 * the whole journal, a tail, or no record at all. */
static void test_goes_on(void **state)
{
    (void)state;
    add(1);
    assert_int_equal(header_of(1).epoch, 1);
    for (uint64_t epoch = 2; epoch < 20; epoch += 3) {
        stop();
        take_over(epoch);
        world_reopen(&world);
        add(1);
        assert_int_equal(header_of(world_head(&world)).epoch, epoch);
        world_checkpoint(&world);
        add(1); /* A tail behind the checkpoint. */
        world_crash(&world);
        add(1);
        assert_int_equal(header_of(world_head(&world)).epoch, epoch);
        world_checkpoint(&world);
        world_crash(&world); /* And none. */
        add(1);
        assert_int_equal(header_of(world_head(&world)).epoch, epoch);
        assert_int_equal(header_of(world_head(&world)).kind, DURE_RECORD_BATCH);
    }
    const struct village_counter *counter = world_state(&world, &village_counter, 1);
    assert_int_equal(counter->sum, 1 + 6 * 4);
}

/* A node that was deposed while it slept appends as if nothing had been, its hash and index right: its
 * record is refused, from the journal alone and behind a checkpoint, and nothing of it is seen. */
static void test_deposed(void **state)
{
    (void)state;
    for (int checkpointed = 0; checkpointed < 2; checkpointed++) {
        teardown(NULL);
        setup(NULL);
        add(5);
        stop();
        take_over(2);
        world_reopen(&world);
        add(7);
        if (checkpointed) world_checkpoint(&world);
        stop();
        uint64_t head = world_head(&world);
        size_t len;
        const char *last = dure_journal_memory_bytes(world.journal, head, &len);
        struct dure_buf late = {0};
        dure_buf_add(&late, last, len);
        struct dure_record_header header = header_of(head);
        header.prev_hash = dure_record_hash(last, len);
        header.index = head + 1;
        header.epoch = 1;
        header.owner = 1;
        memcpy(late.data, &header, sizeof header);
        dure_record_seal(late.data, late.len);
        append(late.data, late.len);
        refused(head + 1, "deposed");
        dure_journal_memory_crash(world.journal, head);
        world_reopen(&world);
        const struct village_counter *counter = world_state(&world, &village_counter, 1);
        assert_int_equal(counter->sum, 12);
        dure_buf_fini(&late);
    }
}

/* An epoch begins once, and by its own record. */
static void test_begins_once(void **state)
{
    (void)state;
    add(1);
    stop();
    take_over(2);
    take_over(2);
    refused(3, "had begun");
    dure_journal_memory_crash(world.journal, 2);
    take_over(1);
    refused(3, "older epoch");
    dure_journal_memory_crash(world.journal, 2);
    world_reopen(&world);
    add(1);
    stop();
    size_t len;
    char *record = dure_journal_memory_bytes(world.journal, 3, &len);
    struct dure_record_header header = header_of(3);
    header.epoch = 3;
    memcpy(record, &header, sizeof header);
    dure_record_seal(record, len);
    refused(3, "newer epoch");
}

/* The rows were made of this very record: another one in its place, sound in itself and with nothing
 * behind it, is another journal's. */
static void test_rows_of_another_journal(void **state)
{
    (void)state;
    add(1);
    add(1);
    world_checkpoint(&world);
    stop();
    size_t len;
    char *record = dure_journal_memory_bytes(world.journal, 2, &len);
    struct dure_record_header header = header_of(2);
    header.time_ms++;
    memcpy(record, &header, sizeof header);
    dure_record_seal(record, len);
    refused(2, "rows were made of");
    record[len - 1] = (char)(record[len - 1] ^ 1);
    refused(2, "damaged");
}

int main(void)
{
    world_seed(20261121);
    if (dure_registry_init(village_systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deposed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_begins_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rows_of_another_journal, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
