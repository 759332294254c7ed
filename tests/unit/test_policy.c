/*
 * A policy's command and its effects stand in the record of the event that caused them: both or
 * neither survive a crash.
 */
#include "tests/unit/village.h"
#include "tests/unit/world.h"

static struct world world;

static int setup(void **state)
{
    (void)state;
    world_make(&world, 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

static int64_t sum_of(int64_t id)
{
    const struct village_counter *counter = world_state(&world, &village_counter, id);
    return counter != NULL ? counter->sum : 0;
}

/* Names the published events of one record, in order: "Told Added ". */
static void events_of(uint64_t index, char *names)
{
    size_t len, at = sizeof(struct dure_record_header);
    const char *record = dure_journal_memory_bytes(world.journal, index, &len);
    const struct dure_entry *entry;
    const void *body;
    names[0] = '\0';
    while ((entry = dure_record_next(record, len, &at, &body)) != NULL) {
        const struct dure_entry_event *event = body;
        if (entry->kind != DURE_ENTRY_EVENT) continue;
        const struct dure_event_type *type =
            dure_registry_event(dure_registry_type_by_code(event->type_code), event->event_code);
        strcat(strcat(names, type->name), " ");
    }
}

/* Event, command and effect are one record, in this order. */
static void test_one_record(void **state)
{
    (void)state;
    uint64_t head = world_head(&world);
    world_do(&world, &village_tell, 5, &(struct village_add){7}, 200);
    assert_int_equal(world_head(&world), head + 1);
    char names[256];
    events_of(head + 1, names);
    assert_string_equal(names, "Told Added ");
    assert_int_equal(sum_of(5 + VILLAGE_TOLD), 7);
}

/* A refusal by the policy's target is its own affair: the cause stands, the asker hears 200. */
static void test_refused_by_target(void **state)
{
    (void)state;
    world_do(&world, &village_tell, 5, &(struct village_add){-7}, 200);
    assert_null(world_state(&world, &village_counter, 5 + VILLAGE_TOLD));
    assert_non_null(world_state(&world, &village_counter, 5));
}

/* Lost or kept, cause and effect go together. */
static void test_crash(void **state)
{
    (void)state;
    for (int64_t id = 1; id <= 20; id++) {
        bool written = id % 2 == 0;
        struct world_ask ask;
        world_ask(&world, &ask, &village_tell, id, &(struct village_add){id});
        dure_journal_memory_hold(world.journal, true);
        world_round(&world);
        assert_non_null(world.rt->writing);
        assert_int_equal(ask.released, 0); /* Nothing is answered before it is on disk. */
        world_stop(&world, written, false);
        world_reopen(&world);
        world_run(&world);
        assert_int_equal(world_state(&world, &village_counter, id) != NULL, written);
        assert_int_equal(sum_of(id + VILLAGE_TOLD), written ? id : 0);
        world_crash(&world); /* Replaying runs no policy a second time. */
        world_run(&world);
        assert_int_equal(sum_of(id + VILLAGE_TOLD), written ? id : 0);
    }
}

/* A full disk takes back cause and effect alike. */
static void test_full_disk(void **state)
{
    (void)state;
    struct world_ask ask;
    dure_journal_memory_fault(world.journal, DURE_FAULT_NOSPC);
    world_ask(&world, &ask, &village_tell, 3, &(struct village_add){9});
    world_run(&world);
    assert_int_equal(ask.rv, DURE_ENOSPC);
    assert_null(world_state(&world, &village_counter, 3));
    assert_int_equal(sum_of(3 + VILLAGE_TOLD), 0);
    world_do(&world, &village_tell, 3, &(struct village_add){9}, 200);
    assert_int_equal(sum_of(3 + VILLAGE_TOLD), 9);
}

int main(void)
{
    if (dure_registry_init(village_systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_record, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_by_target, setup, teardown),
        cmocka_unit_test_setup_teardown(test_crash, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
