/*
 * An Idempotency-Key makes a command take effect once: the same key and payload get the same reply
 * bytes for 24 hours, across crashes and full disks; afterwards the key is new, and nothing is left
 * of the old one.
 */
#include "runtime/idem.h"
#include "tests/unit/journey.h"
#include "tests/unit/world.h"

static struct world world;

static int setup(void **state)
{
    (void)state;
    world_make(&world, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

/* A client that does what the gateway does with a key. */
struct client {
    struct world_ask ask;
    bool keyed; /* finish or cancel is due. */
    int status, rv, released;
    enum dure_idem_result result;
    struct dure_buf reply;
};

static void decided(struct dure_ask *ask, const struct dure_answer *answer)
{
    struct client *client = (struct client *)ask;
    struct dure_buf headers = {0};
    client->status = answer->status;
    client->reply.len = 0;
    dure_buf_printf(&headers, "Status: %d\r\n", answer->status);
    dure_buf_printf(&client->reply, "{\"id\":%lld,\"verdict\":%d,\"at\":%lld}",
                    (long long)answer->view.id, (int)answer->verdict, (long long)world_now_ms);
    if (!client->keyed && world.rt->metrics.nospace == 0) fail_msg("decided twice");
    if (answer->verdict == DURE_FAILED) dure_idem_cancel(ask->rt, ask->key);
    else dure_idem_finish(ask->rt, ask, answer->status, &headers, &client->reply);
    client->keyed = false;
    dure_buf_fini(&headers);
}

static void released(struct dure_ask *ask, int rv)
{
    ((struct client *)ask)->released++;
    ((struct client *)ask)->rv = rv;
}

static const uint64_t *key_of(uint64_t number)
{
    static uint64_t key[2];
    key[0] = number * 0x9e3779b97f4a7c15u;
    key[1] = ~key[0] * 0xbf58476d1ce4e5b9u;
    return key;
}

/* begin, and submit what is new. Returns what begin said. */
static int request(struct client *client, uint64_t key, const struct dure_command *command,
                   int64_t id, const void *payload, uint64_t fingerprint)
{
    struct dure_idem_reply reply = {0};
    struct dure_buf bytes = client->reply;
    *client = (struct client){.reply = bytes};
    int rv = dure_idem_begin(world.rt, key_of(key), fingerprint, &client->result, &reply);
    if (rv != 0) return rv;
    if (client->result == DURE_IDEM_REPLY) {
        client->status = reply.status;
        client->reply.len = 0;
        dure_buf_add(&client->reply, reply.body.data, reply.body.len);
        dure_buf_fini(&reply.headers);
        dure_buf_fini(&reply.body);
        return 0;
    }
    client->keyed = true;
    client->ask.ask = (struct dure_ask){.has_key = true, .key = {key_of(key)[0], key_of(key)[1]},
                                        .fingerprint = fingerprint, .decided = decided,
                                        .released = released};
    if (client->result == DURE_IDEM_NEW) {
        assert_int_equal(world_ask_try(&world, &client->ask, command, id, payload, false), 0);
    } else {
        client->ask.ask.type = reply.type;
        client->ask.ask.id = reply.id;
        client->ask.ask.saga = reply.saga;
        client->ask.ask.wait_until_ms = world_now_ms + DURE_WAIT_MS_MAX;
        assert_int_equal(dure_ask_resume(world.rt, &client->ask.ask), 0);
    }
    return 0;
}

static int mood(struct client *client, uint64_t key, int64_t id, int64_t book)
{
    return request(client, key, &journey_mood, id, &(struct journey_mood){book, 0},
                   (uint64_t)book + 77);
}

static int64_t versions(int64_t id)
{
    return (int64_t)world_version(&world, &journey_party, id);
}

static int count_row(void *arg, uint32_t type, int64_t id, const void *row, size_t len)
{
    (void)type;
    (void)id;
    (void)row;
    (void)len;
    ++*(size_t *)arg;
    return 0;
}

/* Rows of these keys, and of the hours from `from_ms` on. */
static size_t rows_left(uint64_t keys, int64_t from_ms)
{
    size_t count = 0;
    for (uint64_t key = 0; key < keys; key++) {
        struct dure_buf row = {0};
        if (world.rows->ops->get(world.rows, DURE_TABLE_KEY, (uint32_t)(key_of(key)[1] >> 32),
                                 (int64_t)key_of(key)[0], &row) == 0) {
            count++;
        }
        dure_buf_fini(&row);
    }
    for (int64_t at = from_ms; at <= world_now_ms; at += 3600 * 1000) {
        assert_int_equal(world.rows->ops->scan(world.rows, DURE_TABLE_META,
                                               (uint32_t)(at / (3600 * 1000)), INT64_MIN, false,
                                               count_row, &count), 0);
    }
    return count;
}

/* The reply is stored byte for byte: in memory, in the rows, after a crash before and behind the
 * checkpoint. */
static void test_same_reply(void **state)
{
    (void)state;
    struct client first = {0}, again = {0};
    assert_int_equal(mood(&first, 1, 5, 1), 0);
    assert_int_equal(first.result, DURE_IDEM_NEW);
    world_run(&world);
    assert_int_equal(first.released, 1);
    for (int i = 0; i < 5; i++) {
        world_now_ms += 1000;
        if (i == 1 || i == 4) world_crash(&world);
        if (i >= 2) world_checkpoint(&world);
        assert_int_equal(mood(&again, 1, 5, 1), 0);
        assert_int_equal(again.result, DURE_IDEM_REPLY);
        assert_int_equal(again.status, 200);
        assert_int_equal(again.reply.len, first.reply.len);
        assert_memory_equal(again.reply.data, first.reply.data, first.reply.len);
        assert_int_equal(mood(&again, 1, 5, 0), DURE_EKEYREUSED);
    }
    assert_int_equal(versions(5), 1); /* It took effect once. */
    dure_buf_fini(&first.reply);
    dure_buf_fini(&again.reply);
}

/* While the first request runs, and until it is durable, a second one is told so. */
static void test_running(void **state)
{
    (void)state;
    struct client first = {0}, again = {0};
    dure_journal_memory_hold(world.journal, true);
    assert_int_equal(mood(&first, 1, 5, 1), 0);
    assert_int_equal(mood(&again, 1, 5, 1), DURE_EKEYRUNNING);
    assert_int_equal(mood(&again, 1, 5, 0), DURE_EKEYREUSED);
    world_round(&world); /* Decided, at the journal. */
    assert_int_equal(first.released, 0);
    assert_int_equal(mood(&again, 1, 5, 1), DURE_EKEYRUNNING);
    dure_journal_memory_hold(world.journal, false);
    world_run(&world);
    assert_int_equal(first.released, 1);
    assert_int_equal(mood(&again, 1, 5, 1), 0);
    assert_int_equal(again.result, DURE_IDEM_REPLY);
    dure_buf_fini(&first.reply);
    dure_buf_fini(&again.reply);
}

/* A reply that did not reach the disk is no reply: the key is as if it had never come. */
static void test_lost(void **state)
{
    (void)state;
    struct client first = {0};
    for (int crash = 0; crash < 2; crash++) {
        if (crash) dure_journal_memory_hold(world.journal, true);
        else dure_journal_memory_fault(world.journal, DURE_FAULT_NOSPC);
        assert_int_equal(mood(&first, 1, 5, 1), 0);
        if (!crash) {
            world_run(&world);
            assert_int_equal(first.rv, DURE_ENOSPC);
        } else {
            world_round(&world);
            world_stop(&world, false, false);
            world_reopen(&world);
        }
        assert_int_equal(versions(5), 0);
    }
    assert_int_equal(mood(&first, 1, 5, 1), 0);
    assert_int_equal(first.result, DURE_IDEM_NEW);
    world_run(&world);
    assert_int_equal(versions(5), 1);
    dure_buf_fini(&first.reply);
}

/* ---- A command whose saga is still under way ----------------------------------------------------- */

static void party_mood(int64_t id, int64_t book)
{
    world_do(&world, &journey_mood, id, &(struct journey_mood){book, 0}, 200);
}

static int start(struct client *client, uint64_t key, int64_t id)
{
    return request(client, key, &journey_start, id, &(struct journey_start){JOURNEY_STRICT, 20, 1},
                   (uint64_t)id);
}

static const struct journey_traveller *traveller(int64_t id)
{
    return world_state(&world, &journey_traveller, id);
}

/* A saga that parks at its third step, so that the reply stays open. */
static void begin_and_park(struct client *client)
{
    for (int64_t i = 0; i < 4; i++) party_mood(20 + i, i == 2);
    assert_int_equal(start(client, 1, 9), 0);
    world_run(&world);
    assert_int_equal(client->released, 0);
    assert_true(world_saga(&world, &journey_strict, 9)->parked);
}

static void unpark(void)
{
    party_mood(22, 0);
    world_push(&world, &journey_strict, 9, DURE_MAIL_RETRY);
}

/* A crash between "started" and "finished": the retry waits for the same saga and gets its end; the
 * command itself does not run again. With and without a checkpoint that holds the mark. */
static void test_resume(void **state)
{
    for (int checkpoint = 0; checkpoint < 2; checkpoint++) {
        teardown(state);
        setup(state);
        struct client first = {0}, again = {0};
        begin_and_park(&first);
        if (checkpoint) world_checkpoint(&world);
        world_crash(&world);
        assert_int_equal(start(&again, 1, 9), 0);
        assert_int_equal(again.result, DURE_IDEM_STARTED);
        world_run(&world);
        assert_int_equal(again.released, 0); /* It waits, as the first one did. */
        unpark();
        assert_int_equal(again.released, 1);
        assert_int_equal(again.status, 200);
        assert_int_equal(traveller(9)->started, 1);
        assert_int_equal(traveller(9)->finished, 1);
        world_crash(&world);
        assert_int_equal(start(&first, 1, 9), 0);
        assert_int_equal(first.result, DURE_IDEM_REPLY);
        assert_int_equal(first.reply.len, again.reply.len);
        assert_memory_equal(first.reply.data, again.reply.data, again.reply.len);
        dure_buf_fini(&first.reply);
        dure_buf_fini(&again.reply);
    }
}

/* A crash takes the answer along, and the saga is refused before anybody asks again: whoever then
 * does hears of the refusal, once and for all. */
static void test_refused_meanwhile(void **state)
{
    (void)state;
    struct client first = {0}, again = {0};
    const struct journey_start trip = {JOURNEY_TRIP, 20, 1};
    world_do(&world, &journey_mood, 20, &(struct journey_mood){0, 1}, 200);
    for (int64_t i = 1; i < 4; i++) party_mood(20 + i, i == 2);
    assert_int_equal(request(&first, 1, &journey_start, 9, &trip, 9), 0);
    world_run(&world);
    assert_int_equal(first.released, 0);
    assert_true(world_saga(&world, &journey_trip, 9)->parked);
    world_crash(&world);
    party_mood(20, 0);
    world_push(&world, &journey_trip, 9, DURE_MAIL_RETRY);
    world_run(&world);
    assert_int_equal(traveller(9)->refused, 1);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(request(&again, 1, &journey_start, 9, &trip, 9), 0);
        assert_int_equal(again.result, round == 0 ? DURE_IDEM_STARTED : DURE_IDEM_REPLY);
        world_run(&world);
        assert_int_equal(again.status, 409);
        world_crash(&world);
    }
    assert_int_equal(traveller(9)->started, 1);
    dure_buf_fini(&first.reply);
    dure_buf_fini(&again.reply);
}

/* Decides at the limit, and the record of that reply fails for want of space. */
static void lose_reply(struct client *first)
{
    dure_journal_memory_fault(world.journal, DURE_FAULT_NOSPC);
    world_now_ms += DURE_WAIT_MS_MAX;
    dure_turn_run(world.rt);
    assert_int_equal(first->status, 201);
    world.journal->ops->poll(world.journal);
    assert_int_equal(world.rt->metrics.nospace, 1);
    assert_int_equal(first->released, 0); /* It has begun: nobody may hear that nothing happened. */
}

/* The record of the reply fails for want of space: it is made again, and is then the key's reply. */
static void test_reply_finds_no_space(void **state)
{
    (void)state;
    struct client first = {0}, again = {0};
    begin_and_park(&first);
    lose_reply(&first);
    assert_int_equal(start(&again, 1, 9), DURE_EKEYRUNNING);
    world_pass(&world, 1000);
    assert_int_equal(first.released, 1);
    assert_int_equal(first.rv, 0);
    world_crash(&world);
    assert_int_equal(start(&again, 1, 9), 0);
    assert_int_equal(again.result, DURE_IDEM_REPLY);
    assert_int_equal(again.reply.len, first.reply.len);
    assert_memory_equal(again.reply.data, first.reply.data, first.reply.len);
    unpark();
    world_run(&world);
    assert_int_equal(traveller(9)->started + traveller(9)->finished, 2);
    dure_buf_fini(&first.reply);
    dure_buf_fini(&again.reply);
}

/* A crash before it could be made again: that the command has begun is still known, so a retry does
 * not run it twice. */
static void test_reply_lost(void **state)
{
    for (int checkpoint = 0; checkpoint < 3; checkpoint++) {
        teardown(state);
        setup(state);
        struct client first = {0}, again = {0};
        begin_and_park(&first);
        if (checkpoint == 1) world_checkpoint(&world);
        lose_reply(&first);
        if (checkpoint == 2) world_checkpoint(&world);
        world_crash(&world);
        assert_int_equal(start(&again, 1, 9), 0);
        assert_int_equal(again.result, DURE_IDEM_STARTED);
        unpark();
        world_run(&world);
        assert_int_equal(again.status, 200);
        assert_int_equal(traveller(9)->started, 1);
        assert_int_equal(traveller(9)->finished, 1);
        dure_buf_fini(&first.reply);
        dure_buf_fini(&again.reply);
    }
}

/* The first record of a node's life finds no space, and the reply that it held is made anew at once: it
 * is kept like any other. */
static void test_reply_made_anew(void **state)
{
    (void)state;
    struct client first = {0}, again = {0}, third = {0};
    begin_and_park(&first);
    world_crash(&world);
    unpark(); /* It ends, with nobody waiting for it. */
    world_crash(&world);
    assert_int_equal(start(&again, 1, 9), 0);
    assert_int_equal(again.result, DURE_IDEM_STARTED);
    dure_journal_memory_fault(world.journal, DURE_FAULT_NOSPC);
    world_run(&world);
    assert_int_equal(world.rt->metrics.nospace, 1);
    if (again.released == 0) world_pass(&world, 1000);
    assert_int_equal(again.released, 1);
    assert_int_equal(again.rv, 0);
    assert_int_equal(start(&third, 1, 9), 0);
    assert_int_equal(third.result, DURE_IDEM_REPLY);
    dure_buf_fini(&first.reply);
    dure_buf_fini(&again.reply);
    dure_buf_fini(&third.reply);
}

/* The command and its outcome stand in two records, both on their way; the second finds no space after
 * the first is on disk. That the command has begun is known then, also behind a checkpoint and a
 * crash. */
static void test_outcome_finds_no_space(void **state)
{
    (void)state;
    struct client first = {0}, again = {0};
    struct world_ask ask;
    for (int64_t i = 0; i < 4; i++) party_mood(20 + i, i == 2);
    dure_journal_memory_hold(world.journal, true);
    assert_int_equal(start(&first, 1, 9), 0);
    world_round(&world); /* Being written, parked at its third step. */
    world_ask(&world, &ask, &journey_mood, 22, &(struct journey_mood){0, 0});
    world_round(&world);
    struct dure_mail *mail = dure_group_mail(world.rt);
    *mail = (struct dure_mail){.kind = DURE_MAIL_RETRY, .type = journey_strict.type, .id = 9};
    dure_mailbox_push(world.rt, mail);
    world_round(&world);
    assert_null(world_saga(&world, &journey_strict, 9)); /* Ended, in the open group. */
    dure_journal_memory_hold(world.journal, false);
    world.journal->ops->poll(world.journal);
    dure_journal_memory_fault(world.journal, DURE_FAULT_NOSPC);
    world_run(&world);
    assert_int_equal(world.rt->metrics.nospace, 1);
    assert_non_null(world_saga(&world, &journey_strict, 9));
    for (int i = 0; i < 3; i++) { /* Enough for the position to pass the record. */
        party_mood(30 + i, 0);
        world_checkpoint(&world);
    }
    world_crash(&world);
    assert_int_equal(start(&again, 1, 9), 0);
    assert_int_equal(again.result, DURE_IDEM_STARTED);
    unpark();
    world_run(&world);
    assert_int_equal(again.released, 1);
    assert_int_equal(traveller(9)->started, 1);
    dure_buf_fini(&first.reply);
    dure_buf_fini(&again.reply);
}

/* A checkpoint while the reply is on its way to the disk, then a crash that loses the reply: the mark
 * of the beginning must not be lost with it. */
static void test_checkpoint_before_reply(void **state)
{
    (void)state;
    struct client first = {0}, again = {0};
    begin_and_park(&first);
    dure_journal_memory_hold(world.journal, true);
    world_now_ms += DURE_WAIT_MS_MAX;
    dure_turn_run(world.rt);
    assert_int_equal(first.status, 201);
    assert_non_null(world.rt->writing);
    assert_true(world.rt->dirty_count > 0);
    for (int i = 0; i < 3; i++) {
        dure_turn_run(world.rt);
        dure_checkpoint_step(world.rt);
        world.rows->ops->poll(world.rows);
    }
    assert_int_equal(world.rt->metrics.checkpoints, 1);
    world_stop(&world, false, true);
    world_reopen(&world);
    assert_int_equal(start(&again, 1, 9), 0);
    assert_int_equal(again.result, DURE_IDEM_STARTED);
    unpark();
    world_run(&world);
    assert_int_equal(traveller(9)->started, 1);
    dure_buf_fini(&first.reply);
    dure_buf_fini(&again.reply);
}

/* The reply becomes durable while a checkpoint with the mark before it is being written, and the next
 * one is filled meanwhile: that one has it, since the record that holds it is not replayed any more. */
static void test_checkpoint_behind_a_checkpoint(void **state)
{
    (void)state;
    struct client first = {0}, again = {0};
    begin_and_park(&first);
    dure_rows_memory_hold(world.rows, true);
    world_pass(&world, DURE_CHECKPOINT_INTERVAL_MS);
    unpark();
    world_run(&world);
    assert_int_equal(first.released, 1);
    world_pass(&world, DURE_CHECKPOINT_INTERVAL_MS);
    dure_rows_memory_hold(world.rows, false);
    for (int i = 0; i < 4; i++) world.rows->ops->poll(world.rows);
    assert_int_equal(world.rt->metrics.checkpoints, 2);
    world_stop(&world, true, true);
    world_reopen(&world);
    assert_int_equal(start(&again, 1, 9), 0);
    assert_int_equal(again.result, DURE_IDEM_REPLY);
    dure_buf_fini(&first.reply);
    dure_buf_fini(&again.reply);
}

/* Two commands have begun a saga each under one id, and the one whose saga has ended meanwhile is asked
 * again: it does not wait for the other's. */
static void test_resume_beside_another_saga(void **state)
{
    int seen = 0;
    for (int rounds = 0; rounds < 12; rounds++) {
        teardown(state);
        setup(state);
        struct client first = {0}, second = {0}, again = {0};
        struct journey_start trip = {JOURNEY_TRIP, 40, 1};
        for (int64_t i = 0; i < 4; i++) party_mood(40 + i, 0);
        begin_and_park(&first);
        world.group_turns_max = 1; /* Its saga goes on in other records. */
        world_crash(&world);
        assert_int_equal(request(&second, 2, &journey_start, 9, &trip, 2), 0);
        for (int i = 0; i < rounds; i++) world_round(&world);
        world_crash(&world);
        world_run(&world);
        assert_int_equal(request(&again, 2, &journey_start, 9, &trip, 2), 0);
        if (again.result == DURE_IDEM_STARTED) {
            seen++;
            world_run(&world);
            assert_true(world_saga(&world, &journey_strict, 9)->parked);
            assert_int_equal(again.released, 1);
            assert_int_equal(again.status, 200);
            assert_int_equal(traveller(9)->finished, 1);
        }
        dure_buf_fini(&first.reply);
        dure_buf_fini(&second.reply);
        dure_buf_fini(&again.reply);
    }
    world.group_turns_max = 0;
    assert_true(seen > 0);
}

/* ---- 24 hours ------------------------------------------------------------------------------------- */

/* Up to the last millisecond the key is known, then it is new, in memory as in the rows. */
static void test_expiry(void **state)
{
    for (int checkpoint = 0; checkpoint < 2; checkpoint++) {
        teardown(state);
        setup(state);
        struct client client = {0};
        assert_int_equal(mood(&client, 1, 5, 1), 0);
        world.no_checkpoints = true;
        world_run(&world);
        if (checkpoint) world_checkpoint(&world);
        world_now_ms += DURE_KEY_TTL_MS;
        assert_int_equal(mood(&client, 1, 5, 1), 0);
        assert_int_equal(client.result, DURE_IDEM_REPLY);
        world_now_ms++;
        assert_int_equal(mood(&client, 1, 5, 0), 0); /* Another payload, too. */
        assert_int_equal(client.result, DURE_IDEM_NEW);
        world_run(&world);
        assert_int_equal(versions(5), 2);
        world_crash(&world);
        assert_int_equal(mood(&client, 1, 5, 0), 0);
        assert_int_equal(client.result, DURE_IDEM_REPLY);
        dure_buf_fini(&client.reply);
    }
}

static void rounds(int count)
{
    for (int i = 0; i < count; i++) {
        world_round(&world);
        world_now_ms += 10;
    }
}

/* Expired keys leave the rows by themselves, a few a round; those in use stay; crashes in the middle
 * only delay it. */
static void test_sweep(void **state)
{
    (void)state;
    enum { KEYS = 3000 };
    static struct client clients[KEYS];
    int64_t began = world_now_ms;
    for (uint64_t key = 0; key < KEYS; key++) {
        assert_int_equal(mood(&clients[key], key, 1 + (int64_t)key % 50, 1), 0);
        world_run(&world);
        if (key % 100 == 0) world_now_ms += 4 * 60 * 1000; /* Two hours in all. */
    }
    world_checkpoint(&world);
    assert_int_equal(world.rt->idem->count, 0); /* All in the rows: key and hour. */
    assert_int_equal(rows_left(KEYS, began), 2 * KEYS);

    world_now_ms = began + DURE_KEY_TTL_MS + 3600 * 1000; /* The first hour has expired. */
    struct client again = {0};
    assert_int_equal(mood(&again, 0, 1, 0), 0); /* And its first key is used again. */
    world_run(&world);
    size_t before = rows_left(KEYS, began);
    rounds(3); /* Bounded work: hardly any of it is gone yet. */
    assert_true(rows_left(KEYS, began) + 200 > before);
    for (int i = 0; i < 10; i++) {
        rounds(100);
        world_stop(&world, true, i % 2 == 0);
        world_reopen(&world);
    }
    rounds(3000);
    world_checkpoint(&world);
    size_t middle = rows_left(KEYS, began);
    assert_true(middle > 0 && middle < 2 * KEYS - 1000);
    assert_int_equal(mood(&again, KEYS - 1, 1, 1), 0); /* Of the second hour: not expired. */
    assert_int_equal(again.result, DURE_IDEM_REPLY);
    assert_int_equal(mood(&again, 0, 1, 0), 0);
    assert_int_equal(again.result, DURE_IDEM_REPLY); /* The one used again stays. */

    world_now_ms = began + 3 * DURE_KEY_TTL_MS;
    rounds(5000);
    world_checkpoint(&world);
    assert_int_equal(rows_left(KEYS, began), 0);
    assert_int_equal(world.rt->idem->count, 0);
    assert_int_equal(mood(&again, 7, 8, 1), 0);
    assert_int_equal(again.result, DURE_IDEM_NEW);
    world_run(&world);
    for (uint64_t key = 0; key < KEYS; key++) dure_buf_fini(&clients[key].reply);
    dure_buf_fini(&again.reply);
}

/* A batch that finds no space changes nothing; the next one sweeps. And replies of commands that
 * changed nothing else do not pile up in memory: they are a reason for a checkpoint. */
static void test_sweep_without_space(void **state)
{
    (void)state;
    struct client client = {0};
    int64_t began = world_now_ms;
    assert_int_equal(request(&client, 1, &journey_mood, 5, &(struct journey_mood){1, 0}, 1), 0);
    world_run(&world);
    world_checkpoint(&world);
    for (uint64_t key = 10; key < 20; key++) {
        assert_int_equal(request(&client, key, &journey_mood, 5, &(struct journey_mood){1, 0}, 1), 0);
        client.ask.ask.if_match = 999; /* Refused: there is no such version. */
        world_run(&world);
        assert_int_equal(client.status, 412);
    }
    assert_int_equal(world.rt->dirty_count, 0);
    assert_int_equal(world.rt->idem->count, 10);
    world_pass(&world, DURE_CHECKPOINT_INTERVAL_MS + 1);
    world_run(&world);
    assert_int_equal(world.rt->idem->count, 0);
    assert_int_equal(rows_left(20, began), 2 * 11);

    world_now_ms = began + 2 * DURE_KEY_TTL_MS;
    dure_rows_memory_fail(world.rows, DURE_ENOSPC);
    rounds(20);
    assert_int_equal(rows_left(20, began), 2 * 11);
    rounds(1000);
    assert_int_equal(rows_left(20, began), 0);
    dure_buf_fini(&client.reply);
}

int main(void)
{
    if (dure_registry_init(journey_systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_same_reply, setup, teardown),
        cmocka_unit_test_setup_teardown(test_running, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(test_resume, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reply_finds_no_space, setup, teardown),
        cmocka_unit_test_setup_teardown(test_outcome_finds_no_space, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reply_made_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reply_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(test_checkpoint_before_reply, setup, teardown),
        cmocka_unit_test_setup_teardown(test_checkpoint_behind_a_checkpoint, setup, teardown),
        cmocka_unit_test_setup_teardown(test_resume_beside_another_saga, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expiry, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sweep, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sweep_without_space, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
