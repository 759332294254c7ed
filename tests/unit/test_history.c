/*
 * An actor's history is all its published events, oldest first, wherever checkpoints, passivation and
 * restarts fell in between; it ends where the journal was trimmed, and damage is told, not shown.
 */
#include "runtime/history.h"
#include "tests/unit/village.h"
#include "tests/unit/world.h"

#define IDS 12
#define EVENTS_MAX 400

static struct world world;
static int64_t model[IDS + 1][EVENTS_MAX]; /* Amounts, in order. */
static size_t counts[IDS + 1];

static int setup(void **state)
{
    (void)state;
    memset(counts, 0, sizeof counts);
    world_make(&world, 3);
    world.no_checkpoints = true;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

/* `add` is one event, `pass` one here and one next door, both in one record. */
static void any_event(void)
{
    int64_t id = 1 + (int64_t)world_random(IDS - 1), amount = 1 + (int64_t)world_random(1000);
    bool pass = world_random(3) == 0;
    world_do(&world, pass ? &village_pass : &village_add, id, &(struct village_add){amount}, 200);
    for (int64_t to = id; to <= id + pass; to++) {
        assert_true(counts[to] < EVENTS_MAX);
        model[to][counts[to]++] = amount;
    }
}

struct reading {
    struct dure_history history; /* First. */
    int done;
};

static void done(struct dure_history *history)
{
    ((struct reading *)history)->done++;
}

static void read_history(struct reading *reading, uint64_t lsn, uint32_t at)
{
    *reading = (struct reading){.history = {.journal = world.journal, .shards = world.shards,
                                            .lsn = lsn, .at = at, .done = done}};
    dure_history_read(&world_io, &reading->history);
    assert_int_equal(reading->done, 1);
}

static void read_of(struct reading *reading, int64_t id)
{
    int rv;
    const struct dure_actor *actor = dure_actor_get(world.rt, village_counter.type, id, false, &rv);
    assert_non_null(actor);
    read_history(reading, actor->head.event_lsn, actor->head.event_at);
}

/* The next place behind `*at` where the text stands; the text itself is passed. */
static bool find(const struct dure_buf *json, size_t *at, const char *text)
{
    const char *found = memmem(json->data + *at, json->len - *at, text, strlen(text));
    if (found != NULL) *at = (size_t)(found - json->data) + strlen(text);
    return found != NULL;
}

/* The amounts of the events in a JSON array; also that each names this actor as its source. */
static size_t amounts_in(const struct dure_buf *json, int64_t id, int64_t *amounts, size_t max)
{
    char source[64];
    size_t count = 0, named = 0;
    snprintf(source, sizeof source, "\"source\":\"/village/counters/%lld\"", (long long)id);
    for (size_t at = 0; find(json, &at, source);) named++;
    for (size_t at = 0; find(json, &at, "\"amount\":");) {
        assert_true(count < max);
        amounts[count++] = strtoll(json->data + at, NULL, 10);
    }
    assert_int_equal(named, count);
    assert_true(json->data[0] == '[' && json->data[json->len - 1] == ']');
    return count;
}

static void check(int64_t id)
{
    struct reading reading;
    int64_t amounts[EVENTS_MAX];
    read_of(&reading, id);
    assert_int_equal(reading.history.rv, 0);
    assert_int_equal(amounts_in(&reading.history.json, id, amounts, EVENTS_MAX), counts[id]);
    assert_memory_equal(amounts, model[id], counts[id] * sizeof amounts[0]);
    dure_buf_fini(&reading.history.json);
}

static void test_all_lives(void **state)
{
    (void)state;
    for (int round = 0; round < 1200; round++) {
        any_event();
        switch (world_random(30)) {
        case 0: world_checkpoint(&world); break;
        case 1: world_crash(&world); break;
        case 2:
            world_checkpoint(&world);
            world.rt->options.memory_bytes = 0;
            dure_actor_passivate(world.rt);
            world.rt->options.memory_bytes = 64 << 20;
            break;
        default:
            if (round % 4 == 0) check(1 + (int64_t)world_random(IDS));
            break;
        }
    }
    for (int64_t id = 1; id <= IDS; id++) check(id);
    struct reading nobody;
    read_of(&nobody, 999);
    assert_int_equal(nobody.history.rv, 0);
    assert_int_equal(nobody.history.json.len, 2); /* [] */
    dure_buf_fini(&nobody.history.json);
}

/* At most so many, the newest. */
static void test_longest(void **state)
{
    (void)state;
    enum { MORE = 7, ALL = DURE_HISTORY_EVENTS_MAX + MORE };
    static int64_t amounts[ALL];
    for (int64_t i = 0; i < ALL; i++) {
        struct dure_mail *mail = dure_group_mail(world.rt);
        struct village_add *add = dure_group_alloc(world.rt, sizeof *add);
        add->amount = i;
        mail->kind = DURE_MAIL_COMMAND;
        mail->type = village_counter.type;
        mail->id = 1;
        mail->command = &village_add;
        mail->data = add;
        dure_mailbox_push(world.rt, mail);
    }
    world_run(&world);
    struct reading reading;
    read_of(&reading, 1);
    assert_int_equal(reading.history.rv, 0);
    assert_int_equal(amounts_in(&reading.history.json, 1, amounts, ALL), DURE_HISTORY_EVENTS_MAX);
    for (int64_t i = 0; i < DURE_HISTORY_EVENTS_MAX; i++) assert_int_equal(amounts[i], i + MORE);
    dure_buf_fini(&reading.history.json);
}

/* Records that were trimmed away: it begins behind them. */
static void test_trimmed(void **state)
{
    (void)state;
    int64_t amounts[10];
    for (int64_t i = 0; i < 10; i++) {
        world_do(&world, &village_add, 1, &(struct village_add){i}, 200);
    }
    for (uint64_t upto = 1; upto <= 10; upto++) {
        assert_int_equal(world.journal->ops->trim(world.journal, upto), 0);
        struct reading reading;
        read_of(&reading, 1);
        assert_int_equal(reading.history.rv, 0);
        size_t count = amounts_in(&reading.history.json, 1, amounts, 10);
        assert_int_equal(count, 10 - upto);
        for (size_t i = 0; i < count; i++) assert_int_equal(amounts[i], upto + i);
        dure_buf_fini(&reading.history.json);
    }
}

/* A damaged record on the way, and a place where no event of the actor's stands. */
static void test_damage(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        world_do(&world, &village_add, 1, &(struct village_add){1}, 200);
    }
    size_t len;
    struct reading reading;
    char *record = dure_journal_memory_bytes(world.journal, 3, &len);
    record[len / 2] = (char)(record[len / 2] ^ 1);
    read_of(&reading, 1);
    assert_int_equal(reading.history.rv, DURE_ECORRUPT);
    dure_buf_fini(&reading.history.json);
    record[len / 2] = (char)(record[len / 2] ^ 1);
    for (uint32_t at = 0; at < len + 200; at++) {
        if (at == sizeof(struct dure_record_header)) continue; /* There it is. */
        read_history(&reading, 3, at);
        assert_int_equal(reading.history.rv, DURE_ECORRUPT);
        dure_buf_fini(&reading.history.json);
    }
}

int main(void)
{
    world_seed(20261121);
    if (dure_registry_init(village_systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_lives, setup, teardown),
        cmocka_unit_test_setup_teardown(test_longest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trimmed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
