/*
 * A saga always ends, completed or undone: refused at step k, exactly the steps k - 1 … 0 are undone,
 * in this order and once each, whatever crashes in between.
 *
 * Two nodes share the work, so that every step is records of its own on both: travellers and their
 * sagas (even ids) live on the first, parties (odd ids) on the second.
 */
#include "runtime/query.h"
#include "tests/unit/journey.h"
#include "tests/unit/world.h"

#define TRAVELLER 2
#define BASE 11 /* Party i: BASE + 2 i. */
#define PARTIES 4

struct frame { void *bytes; size_t len; };
struct node {
    struct world world; /* First: a frame's transport is its node. */
    struct node *peer;
    struct frame inbox[64];
    size_t frames;
    bool cut;           /* What it sends is lost. */
};
static struct node nodes[2];
#define HOME (&nodes[0].world)
#define AWAY (&nodes[1].world)

static int send_frame(struct dure_transport *transport, uint16_t shard, const void *bytes,
                      size_t len)
{
    struct node *node = (struct node *)transport;
    struct node *peer = node->peer;
    (void)shard;
    if (node->cut || peer->frames == 64) return 0; /* Lost. */
    peer->inbox[peer->frames++] = (struct frame){malloc(len), len};
    memcpy(peer->inbox[peer->frames - 1].bytes, bytes, len);
    return 0;
}

static void take_frames(struct node *node)
{
    for (size_t i = 0; i < node->frames; i++) {
        dure_links_receive(node->world.rt, node->inbox[i].bytes, node->inbox[i].len);
        free(node->inbox[i].bytes);
    }
    node->frames = 0;
}

static bool quiet(void)
{
    for (int i = 0; i < 2; i++) {
        if (nodes[i].frames > 0 || nodes[i].world.links->parcels > 0) return false;
        if (!world_idle(&nodes[i].world)) return false;
    }
    return true;
}

/* Where to pull the plug: in the middle of this record of this node. */
static struct plug { struct world *world; uint64_t head; bool written, pulled; } plug;

static void step(struct node *node)
{
    take_frames(node);
    if (plug.world == &node->world && !plug.pulled) {
        dure_turn_run(node->world.rt);
        if (node->world.rt->writing != NULL && world_head(&node->world) == plug.head) {
            plug.pulled = true;
            world_stop(&node->world, plug.written, true);
            world_reopen(&node->world);
            return;
        }
    }
    world_round(&node->world);
}

/* `ms`: 0 until all is quiet, else so long. */
static void run(int64_t ms)
{
    int64_t until = world_now_ms + ms;
    for (int i = 0; i < 100000; i++) {
        step(&nodes[0]);
        step(&nodes[1]);
        if (ms == 0 && quiet()) return;
        if (ms != 0 && world_now_ms >= until) return;
        if (i % 4 == 0) world_now_ms += 5;
    }
    fail_msg("it never ends");
}

static int setup(void **state)
{
    (void)state;
    memset(nodes, 0, sizeof nodes);
    memset(&plug, 0, sizeof plug);
    for (int i = 0; i < 2; i++) {
        nodes[i].peer = &nodes[1 - i];
        world_make_linked(&nodes[i].world, 2, (uint16_t)i, 2, send_frame);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        while (nodes[i].frames > 0) free(nodes[i].inbox[--nodes[i].frames].bytes);
        world_end(&nodes[i].world);
    }
    return 0;
}

static void mood(int number, int64_t book, int64_t unbook)
{
    world_do(AWAY, &journey_mood, BASE + 2 * number, &(struct journey_mood){book, unbook}, 200);
}

static void all_parties(int refusing)
{
    for (int i = 0; i < PARTIES; i++) mood(i, i == refusing, 0);
}

static struct world_ask ask;
static void start(enum journey_saga saga)
{
    world_ask(HOME, &ask, &journey_start, TRAVELLER, &(struct journey_start){saga, BASE, 2});
}

static const struct journey_party *party(int number)
{
    const struct journey_party *state = world_state(AWAY, &journey_party, BASE + 2 * number);
    assert_non_null(state);
    return state;
}

static const struct journey_traveller *traveller(void)
{
    const struct journey_traveller *state = world_state(HOME, &journey_traveller, TRAVELLER);
    assert_non_null(state);
    return state;
}

/* The parties of all events of one type, in the order of the journal: "0123". */
static const char *order_of(const struct dure_event_type *type)
{
    static char text[64];
    size_t count = 0;
    for (uint64_t index = 1; index <= world_head(AWAY); index++) {
        size_t len, at = sizeof(struct dure_record_header);
        const char *record = dure_journal_memory_bytes(AWAY->journal, index, &len);
        const struct dure_entry *entry;
        const void *body;
        while ((entry = dure_record_next(record, len, &at, &body)) != NULL) {
            const struct dure_entry_event *event = body;
            if (entry->kind != DURE_ENTRY_EVENT || event->event_code != type->code) continue;
            assert_true(count < sizeof text - 1);
            text[count++] = (char)('0' + (event->id - BASE) / 2);
        }
    }
    text[count] = '\0';
    return text;
}

/* What every run of a trip refused at step k must have come to; PARTIES: not refused. */
static void check_trip(int refusing)
{
    char forward[8] = "", back[8] = "";
    for (int i = 0; i < refusing; i++) forward[i] = (char)('0' + i);
    for (int i = 0; refusing < PARTIES && i < refusing; i++) back[i] = forward[refusing - 1 - i];
    assert_string_equal(order_of(&journey_booked), forward);
    assert_string_equal(order_of(&journey_unbooked), back);
    assert_null(world_saga(HOME, &journey_trip, TRAVELLER));
    assert_int_equal(traveller()->started, 1);
    assert_int_equal(traveller()->finished, refusing == PARTIES);
    assert_int_equal(traveller()->refused, refusing < PARTIES);
    assert_int_equal(traveller()->learned_done, refusing);
    assert_int_equal(traveller()->learned_refused, refusing < PARTIES);
    if (refusing < PARTIES) assert_int_equal(traveller()->refused_step, refusing);
    assert_int_equal(HOME->rt->counters[journey_trip.type->index].count, 0);
}

/* All forward; or refused at each step in turn. The asker hears how it ended. */
static void test_every_step(void **state)
{
    for (int refusing = 0; refusing <= PARTIES; refusing++) {
        teardown(state);
        setup(state);
        all_parties(refusing);
        start(JOURNEY_TRIP);
        run(0);
        check_trip(refusing);
        assert_int_equal(ask.released, 1);
        assert_int_equal(ask.status, refusing == PARTIES ? 200 : 409);
        if (refusing < PARTIES) assert_string_equal(ask.detail, "no booking here");
    }
}

/* One run of a trip; true when the plug was pulled. */
static bool trip_with_plug(int refusing, struct world *world, uint64_t record, bool written)
{
    teardown(NULL);
    setup(NULL);
    all_parties(refusing);
    world_checkpoint(AWAY);
    plug = (struct plug){world, world_head(world) + record, written, false};
    start(JOURNEY_TRIP);
    run(0);
    if (world_state(HOME, &journey_traveller, TRAVELLER) == NULL) {
        /* The command itself was lost, and nobody was told that it was taken. */
        assert_true(plug.pulled && !written && ask.released == 0);
        start(JOURNEY_TRIP);
        run(0);
    }
    return plug.pulled;
}

/* A crash of either node at every record of the run, with the record on disk and without it, for
 * every k: the same end. */
static void test_crash_at_every_record(void **state)
{
    (void)state;
    for (int refusing = 0; refusing <= PARTIES; refusing++) {
        for (int node = 0; node < 2; node++) {
            int pulled = 0;
            for (uint64_t record = 1;; record++) {
                bool more = false;
                for (int written = 0; written < 2; written++) {
                    more |= trip_with_plug(refusing, &nodes[node].world, record, written != 0);
                    check_trip(refusing);
                }
                if (!more) break;
                pulled++;
            }
            assert_true(pulled >= 1 && pulled >= refusing); /* It was worth it. */
        }
    }
}

/* A crash right behind a checkpoint that holds the saga in the middle of its way. */
static void test_checkpoint_in_the_middle(void **state)
{
    (void)state;
    for (int refusing = 0; refusing <= PARTIES; refusing++) {
        teardown(NULL);
        setup(NULL);
        all_parties(refusing);
        start(JOURNEY_TRIP);
        for (int i = 0; i < 1000 && !(quiet() && ask.released); i++) {
            step(&nodes[i % 2]);
            world_now_ms += 5;
            struct world *world = &nodes[i % 2].world;
            if (world->rt->writing != NULL) continue;
            world_checkpoint(world);
            if (i % 3 == 0) world_stop(world, true, true);
            if (i % 3 == 0) world_reopen(world);
            if (i % 3 == 0 && world == HOME) ask.released = 1; /* Its asker is gone. */
        }
        run(0);
        check_trip(refusing);
    }
}

/* `must`: refused, it waits for a person; retry asks again, skip goes on without. */
static void test_must(void **state)
{
    for (int skip = 0; skip < 2; skip++) {
        teardown(state);
        setup(state);
        all_parties(2);
        start(JOURNEY_STRICT);
        run(0);
        const struct dure_saga_state *saga = world_saga(HOME, &journey_strict, TRAVELLER);
        assert_non_null(saga);
        assert_int_equal(saga->phase, DURE_SAGA_FORWARD);
        assert_int_equal(saga->step, 2);
        assert_true(saga->parked);
        assert_string_equal(saga->reason, "no booking here");
        assert_string_equal(order_of(&journey_unbooked), "");
        assert_int_equal(ask.released, 0);

        world_push(HOME, &journey_strict, TRAVELLER, DURE_MAIL_RETRY); /* Still in that mood. */
        run(0);
        saga = world_saga(HOME, &journey_strict, TRAVELLER);
        assert_true(saga != NULL && saga->parked);
        assert_int_equal(HOME->rt->metrics.sagas_parked, 2);
        world_crash(HOME);
        run(0);
        assert_true(world_saga(HOME, &journey_strict, TRAVELLER)->parked); /* Nobody pushed it. */

        if (!skip) mood(2, 0, 0);
        world_push(HOME, &journey_strict, TRAVELLER, skip ? DURE_MAIL_SKIP : DURE_MAIL_RETRY);
        run(0);
        assert_null(world_saga(HOME, &journey_strict, TRAVELLER));
        assert_int_equal(traveller()->finished, 1);
        assert_string_equal(order_of(&journey_booked), skip ? "01" : "012");
        assert_int_equal(traveller()->learned_refused, 2);
    }
}

/* unless_gone: a party that was removed counts as done; a refusing one does not. */
static void test_unless_gone(void **state)
{
    (void)state;
    mood(0, 0, 0);
    mood(2, 0, 0);
    start(JOURNEY_STRICT); /* Party 1 was never there. */
    run(0);
    assert_null(world_saga(HOME, &journey_strict, TRAVELLER));
    assert_int_equal(traveller()->finished, 1);
    assert_string_equal(order_of(&journey_booked), "02");

    teardown(state);
    setup(state);
    all_parties(1);
    start(JOURNEY_STRICT);
    run(0);
    assert_true(world_saga(HOME, &journey_strict, TRAVELLER)->parked);
}

/* A compensation that is refused parks; retried, it is done once, and the rest follows. */
static void test_undo_refused(void **state)
{
    for (int skip = 0; skip < 2; skip++) {
        teardown(state);
        setup(state);
        all_parties(3);
        mood(1, 0, 1);
        start(JOURNEY_TRIP);
        run(0);
        const struct dure_saga_state *saga = world_saga(HOME, &journey_trip, TRAVELLER);
        assert_non_null(saga);
        assert_int_equal(saga->phase, DURE_SAGA_UNDOING);
        assert_int_equal(saga->step, 1);
        assert_true(saga->parked);
        assert_string_equal(saga->reason, "no booking here"); /* Why it is being undone. */
        world_crash(HOME);
        if (!skip) mood(1, 0, 0);
        world_push(HOME, &journey_trip, TRAVELLER, skip ? DURE_MAIL_SKIP : DURE_MAIL_RETRY);
        run(0);
        assert_null(world_saga(HOME, &journey_trip, TRAVELLER));
        assert_string_equal(order_of(&journey_unbooked), skip ? "20" : "210");
        assert_int_equal(traveller()->refused, 1);
    }
}

/* A compensation that is merely late is out already: neither retry nor skip sends or settles it a
 * second time. */
static void test_undo_late(void **state)
{
    for (int kind = DURE_MAIL_RETRY; kind <= DURE_MAIL_SKIP; kind++) {
        teardown(state);
        setup(state);
        all_parties(2);
        start(JOURNEY_TRIP);
        const struct dure_saga_state *saga;
        do {
            step(&nodes[1]);
            step(&nodes[0]);
            saga = world_saga(HOME, &journey_trip, TRAVELLER);
        } while (saga == NULL || saga->phase != DURE_SAGA_UNDOING);
        nodes[1].cut = true; /* The answer to the first compensation gets lost. */
        world_now_ms += DURE_SAGA_DEADLINE_MS_DEFAULT;
        run(1000);
        saga = world_saga(HOME, &journey_trip, TRAVELLER);
        assert_true(saga != NULL && saga->parked);
        world_push(HOME, &journey_trip, TRAVELLER, (enum dure_mail_kind)kind);
        nodes[1].cut = false;
        run(0);
        check_trip(2);
    }
}

/* The answer of a step does not come: with undo_late the saga gives up, and undoes that step as well
 * if it was done after all; without, it parks and goes on when the answer comes. */
static void deadline(enum journey_saga which, const struct dure_saga *type, bool refusing,
                     bool crash)
{
    teardown(NULL);
    setup(NULL);
    all_parties(refusing ? 1 : PARTIES);
    start(which);
    const struct dure_saga_state *saga;
    do {
        step(&nodes[1]);
        step(&nodes[0]);
        saga = world_saga(HOME, type, TRAVELLER);
    } while (saga == NULL || saga->step < 1);
    nodes[1].cut = true; /* Party 1 will answer into the void. */
    run(JOURNEY_DEADLINE_MS + 500);
    saga = world_saga(HOME, type, TRAVELLER);
    assert_non_null(saga);
    assert_int_equal(saga->step, 1);
    assert_int_equal(saga->phase, which == JOURNEY_LATE ? DURE_SAGA_LATE : DURE_SAGA_FORWARD);
    assert_int_equal(saga->parked != 0, which == JOURNEY_PATIENT);
    assert_non_null(strstr(saga->reason, "book-1"));
    assert_int_equal(party(1)->booked, !refusing);
    assert_string_equal(order_of(&journey_unbooked), "");
    if (crash) world_crash(HOME);
    if (crash) world_crash(AWAY);
    nodes[1].cut = false;
    run(0);
    assert_null(world_saga(HOME, type, TRAVELLER));
    bool done = which == JOURNEY_PATIENT && !refusing;
    assert_string_equal(order_of(&journey_booked), done ? "012" : refusing ? "0" : "01");
    assert_string_equal(order_of(&journey_unbooked), done ? "" : refusing ? "0" : "10");
    assert_int_equal(traveller()->finished, done);
    assert_int_equal(traveller()->refused, !done);
    assert_int_equal(traveller()->learned_refused, refusing);
    if (!done) assert_int_equal(traveller()->refused_step, 1);
}

static void test_deadline(void **state)
{
    (void)state;
    for (int crash = 0; crash < 2; crash++) {
        for (int refusing = 0; refusing < 2; refusing++) {
            deadline(JOURNEY_LATE, &journey_late, refusing != 0, crash != 0);
            deadline(JOURNEY_PATIENT, &journey_patient, refusing != 0, crash != 0);
        }
    }
}

/* An answer in the very moment of the deadline counts: the next step gets its whole time. */
static void test_answer_at_the_deadline(void **state)
{
    (void)state;
    all_parties(PARTIES);
    start(JOURNEY_PATIENT);
    const struct dure_saga_state *saga;
    do {
        step(&nodes[1]);
        step(&nodes[0]);
        saga = world_saga(HOME, &journey_patient, TRAVELLER);
    } while (saga == NULL || saga->step < 1);
    while (nodes[0].frames == 0) step(&nodes[1]); /* Party 1's answer is at the door … */
    world_now_ms += JOURNEY_DEADLINE_MS;
    take_frames(&nodes[0]);                       /* … and enters together with the deadline. */
    world_round(HOME);
    saga = world_saga(HOME, &journey_patient, TRAVELLER);
    assert_int_equal(saga->step, 2);
    assert_false(saga->parked);
    run(0);
    assert_int_equal(traveller()->finished, 1);
    assert_int_equal(HOME->rt->metrics.sagas_parked, 0);
}

static int listed;
static void listed_done(struct dure_query *query)
{
    assert_int_equal(query->rv, 0);
    listed = (int)query->ids_count;
    if (listed == 1) assert_int_equal(query->ids[0], TRAVELLER);
}

static int list_sagas(const struct dure_saga *saga)
{
    struct dure_query query = {
        .type = saga->type, .by_after = true, .size = 100, .done = listed_done};
    listed = -1;
    assert_int_equal(dure_query_start(HOME->rt, &query), 0);
    dure_query_fini(&query);
    return listed;
}

/* The list shows a saga exactly while it is under way, and where it stands, also from its row. */
static void test_list(void **state)
{
    (void)state;
    all_parties(2);
    assert_int_equal(list_sagas(&journey_strict), 0);
    int64_t began = world_now_ms;
    start(JOURNEY_STRICT);
    run(0);
    assert_int_equal(list_sagas(&journey_strict), 1);
    assert_int_equal(list_sagas(&journey_trip), 0);
    for (int i = 0; i < 2; i++) {
        const struct dure_saga_state *saga = world_saga(HOME, &journey_strict, TRAVELLER);
        assert_int_equal(saga->step, 2);
        assert_int_equal(saga->answered[0], BASE);
        assert_int_equal(saga->answered[1], BASE + 2);
        assert_int_equal(saga->started_ms, began);
        assert_true(saga->since_ms > began && saga->since_ms <= world_now_ms);
        world_checkpoint(HOME);
        world_crash(HOME);
        assert_int_equal(list_sagas(&journey_strict), 1);
    }
    world_push(HOME, &journey_strict, TRAVELLER, DURE_MAIL_SKIP);
    run(0);
    assert_int_equal(list_sagas(&journey_strict), 0);
}

/* Waiting has a limit: the asker hears "pending", and the saga goes on. */
static void test_pending(void **state)
{
    (void)state;
    all_parties(PARTIES);
    nodes[1].cut = true;
    start(JOURNEY_TRIP);
    run(DURE_WAIT_MS_MAX + 100);
    assert_int_equal(ask.released, 1);
    assert_int_equal(ask.verdict, DURE_PENDING);
    assert_int_equal(ask.rv, 0);
    nodes[1].cut = false;
    run(0);
    check_trip(PARTIES);
    assert_int_equal(ask.released, 1);
}

int main(void)
{
    if (dure_registry_init(journey_systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_step, setup, teardown),
        cmocka_unit_test_setup_teardown(test_crash_at_every_record, setup, teardown),
        cmocka_unit_test_setup_teardown(test_checkpoint_in_the_middle, setup, teardown),
        cmocka_unit_test_setup_teardown(test_must, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unless_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_undo_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_undo_late, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answer_at_the_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pending, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
