/*
 * The world of unit tests. Happy path: make, ask, run, look. One thread.
 */
#include "tests/unit/world.h"

#include "runtime/history.h"

#define ROUNDS_MAX 100000

int64_t world_now_ms = 1700000000000;
static uint64_t random_state = 1;

/* Knuth's MMIX generator; the upper bits are the good ones. */
static uint64_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return random_state >> 33;
}

static int64_t wall_ms(struct dure_io *io) { (void)io; return world_now_ms; }
static uint64_t mono_ns(struct dure_io *io) { (void)io; return (uint64_t)world_now_ms * 1000000; }
static uint64_t seed_of_turn(struct dure_io *io) { (void)io; return 7; }
static void soon(struct dure_io *io) { (void)io; }
static void alarm_at(struct dure_io *io, int64_t due) { (void)io; (void)due; }
static void work(struct dure_io *io, struct dure_work *job) { (void)io; job->run(job); job->done(job); }
struct dure_io world_io = {wall_ms, mono_ns, seed_of_turn, soon, alarm_at, work};

uint64_t world_seed(uint64_t otherwise)
{
    const char *given = getenv("DURE_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : otherwise;
    printf("seed %llu (DURE_TEST_SEED=… replays another)\n", (unsigned long long)seed);
    fflush(stdout);
    world_seed_set(seed);
    return seed;
}

void world_seed_set(uint64_t seed)
{
    random_state = seed;
}

uint64_t world_random(uint64_t below)
{
    return next_random() % below;
}

/* ---- Life and death --------------------------------------------------------------------------- */

static void make_stores(struct world *world)
{
    struct dure_store_options options = {.codec = dure_row_codec()};
    assert_int_equal(dure_journal_memory_open(&world->journal, &options), 0);
    assert_int_equal(dure_rows_memory_open(&world->rows, &options), 0);
    world_reopen(world);
}

void world_make(struct world *world, uint32_t shards)
{
    *world = (struct world){.shards = shards};
    make_stores(world);
}

void world_make_linked(struct world *world, uint32_t shards, uint16_t node, uint16_t nodes,
                       int (*send)(struct dure_transport *transport, uint16_t shard,
                                   const void *frame, size_t len))
{
    *world = (struct world){.shards = shards, .node = node, .nodes = nodes, .transport.send = send};
    make_stores(world);
}

static void on_fatal(void *arg, int rv)
{
    ((struct world *)arg)->fatal = rv;
}

int world_open(struct world *world, const char **message)
{
    /* More than any test fills but those that set it; what it takes to open goes by it. */
    struct dure_options options = {.shards = world->shards, .memory_bytes = 1 << 20,
                                   .asks_max = 10000,
                                   .group_turns_max = world->group_turns_max, .owner = world->node,
                                   .node = world->node, .nodes = world->nodes,
                                   .look_wire = world->look_wire, .outage = world->outage};
    if (world->nodes > 1) {
        assert_int_equal(dure_links_open(&world->links, world->shards, world->node, world->nodes,
                                         &world->transport), 0);
        options.links = world->links;
    }
    world->fatal = 0;
    int rv = dure_runtime_open(&world->rt, &options, &world_io, world->journal, world->rows,
                               message);
    if (rv == 0) {
        world->rt->on_fatal = on_fatal;
        world->rt->arg = world;
        return 0;
    }
    world->rt = NULL;
    if (world->links != NULL) dure_links_close(world->links);
    world->links = NULL;
    return rv;
}

void world_reopen(struct world *world)
{
    const char *message = "";
    int rv = world_open(world, &message);
    if (rv != 0) fail_msg("the node does not open: %s: %s", dure_error_info(rv)->name, message);
}

void world_stop(struct world *world, bool append_written, bool rows_written)
{
    struct dure_runtime *rt = world->rt;
    bool lost = rt->writing != NULL && !append_written;
    uint64_t head = world_head(world);
    if (lost && head == rt->writing->lsn) head--;
    rt->writing = NULL;
    dure_journal_memory_crash(world->journal, head);
    dure_rows_memory_crash(world->rows, rows_written);
    dure_runtime_close(rt);
    if (world->links != NULL) dure_links_close(world->links);
    world->links = NULL;
    world->rt = NULL;
}

void world_crash(struct world *world)
{
    world_stop(world, true, true);
    world_reopen(world);
}

void world_end(struct world *world)
{
    if (world->rt != NULL) world_stop(world, true, true);
    world->rows->ops->close(world->rows);
    world->journal->ops->close(world->journal);
}

/* ---- Time --------------------------------------------------------------------------------------- */

/* What /metrics shows of sagas and queues agrees with what there is. */
static void check_counts(const struct dure_runtime *rt)
{
    for (size_t i = 0; i < dure_registry_count(); i++) {
        int64_t sum = 0;
        for (size_t state = 0; state < DURE_SAGA_STATES; state++) {
            assert_true(rt->sagas[i][state] >= 0);
            sum += rt->sagas[i][state];
        }
        bool saga = dure_registry_type(i)->kind == DURE_KIND_SAGA;
        assert_int_equal(sum, saga ? rt->counters[i].count : 0);
    }
    uint32_t asks = 0, mail = 0;
    for (const struct dure_ask *ask = rt->intake; ask != NULL; ask = ask->handled_next) asks++;
    for (const struct dure_actor *actor = rt->ready; actor != NULL; actor = actor->ready_next) {
        mail += actor->mail_count;
    }
    assert_int_equal(rt->intake_count, asks);
    assert_int_equal(rt->ready_mail, mail);
}

void world_round(struct world *world)
{
    dure_turn_run(world->rt);
    world->journal->ops->poll(world->journal);
    if (!world->no_checkpoints) dure_checkpoint_step(world->rt);
    world->rows->ops->poll(world->rows);
    check_counts(world->rt);
}

bool world_idle(const struct world *world)
{
    return world->rt->fatal != 0 || dure_runtime_idle(world->rt);
}

void world_run(struct world *world)
{
    int rounds = 0;
    world_round(world);
    while (!world_idle(world) && rounds++ < ROUNDS_MAX) world_round(world);
    assert_true(rounds < ROUNDS_MAX);
    world_round(world);
}

void world_pass(struct world *world, int64_t ms)
{
    world_now_ms += ms;
    world_run(world);
}

void world_checkpoint(struct world *world)
{
    assert_int_equal(dure_checkpoint_flush(world->rt), 0);
}

/* ---- Asking ------------------------------------------------------------------------------------- */

static void decided(struct dure_ask *ask, const struct dure_answer *answer)
{
    struct world_ask *own = (struct world_ask *)ask;
    own->decided++;
    own->verdict = answer->verdict;
    own->status = answer->status;
    own->id = answer->view.id;
    own->version = answer->view.version;
    snprintf(own->detail, sizeof own->detail, "%s", answer->detail != NULL ? answer->detail : "");
}

static void released(struct dure_ask *ask, int rv)
{
    struct world_ask *own = (struct world_ask *)ask;
    assert_true(own->decided >= 1 && own->released == 0); /* Before, and once. */
    own->released++;
    own->rv = rv;
}

int world_ask_try(struct world *world, struct world_ask *ask, const struct dure_command *command,
                  int64_t id, const void *payload, bool by_key)
{
    struct dure_ask had = ask->ask; /* The test may have set a key or a precondition. */
    *ask = (struct world_ask){
        .ask = {.type = command->aggregate->type, .command = command, .id = id, .by_key = by_key,
                .wait_until_ms = world_now_ms + DURE_WAIT_MS_MAX, .has_key = had.has_key,
                .key = {had.key[0], had.key[1]}, .fingerprint = had.fingerprint,
                .if_match = had.if_match,
                .decided = had.decided != NULL ? had.decided : decided,
                .released = had.released != NULL ? had.released : released}};
    if (command->schema != NULL) {
        assert_true(command->schema->size <= sizeof ask->payload);
        if (payload != NULL) memcpy(ask->payload, payload, command->schema->size);
        else dure_schema_init(command->schema, ask->payload);
        ask->ask.data = ask->payload;
    }
    return dure_ask_submit(world->rt, &ask->ask);
}

void world_ask(struct world *world, struct world_ask *ask, const struct dure_command *command,
               int64_t id, const void *payload)
{
    *ask = (struct world_ask){0};
    assert_int_equal(world_ask_try(world, ask, command, id, payload, false), 0);
}

int64_t world_do(struct world *world, const struct dure_command *command, int64_t id,
                 const void *payload, int status)
{
    struct world_ask ask;
    world_ask(world, &ask, command, id, payload);
    if (status == 201) ask.ask.wait_until_ms = 0;
    world_run(world);
    assert_int_equal(ask.released, 1);
    assert_int_equal(ask.rv, 0);
    if (ask.status != status) fail_msg("%s: %d %s", command->name, ask.status, ask.detail);
    return ask.id;
}

int world_edit(struct world *world, const struct dure_aggregate *aggregate, int64_t id,
               const struct dure_edit *edit)
{
    struct world_ask ask = {.ask = {.type = aggregate->type, .id = id, .data = edit,
                                    .decided = decided, .released = released}};
    assert_int_equal(dure_ask_submit(world->rt, &ask.ask), 0);
    world_run(world);
    assert_int_equal(ask.released, 1);
    assert_int_equal(ask.rv, 0);
    return ask.status;
}

void world_remove(struct world *world, const struct dure_aggregate *aggregate, int64_t id,
                  int status)
{
    assert_int_equal(world_edit(world, aggregate, id, &(struct dure_edit){.remove = true}), status);
}

/* ---- Looking ------------------------------------------------------------------------------------ */

static const void *look(struct world *world, struct dure_type *type, int64_t id,
                        struct dure_view *view)
{
    int rv = dure_runtime_view(world->rt, type, id, view);
    if (rv == DURE_ENOTFOUND) return NULL;
    assert_int_equal(rv, 0);
    return view->state;
}

const void *world_state(struct world *world, const struct dure_aggregate *aggregate, int64_t id)
{
    struct dure_view view;
    return look(world, aggregate->type, id, &view);
}

uint64_t world_version(struct world *world, const struct dure_aggregate *aggregate, int64_t id)
{
    struct dure_view view;
    return look(world, aggregate->type, id, &view) != NULL ? view.version : 0;
}

const struct dure_saga_state *world_saga(struct world *world, const struct dure_saga *saga,
                                         int64_t id)
{
    struct dure_view view;
    return look(world, saga->type, id, &view);
}

void world_push(struct world *world, const struct dure_saga *saga, int64_t id,
                enum dure_mail_kind kind)
{
    struct dure_mail *mail = dure_group_mail(world->rt);
    mail->kind = kind;
    mail->type = saga->type;
    mail->id = id;
    dure_mailbox_push(world->rt, mail);
    world_run(world);
}

struct reading {
    struct dure_history history;
    int done;
};

static void history_done(struct dure_history *history)
{
    ((struct reading *)history)->done++;
}

static void read_history(struct world *world, struct dure_type *type, int64_t id,
                         struct dure_buf *json)
{
    int rv;
    const struct dure_actor *actor = dure_actor_get(world->rt, type, id, false, &rv);
    assert_non_null(actor);
    struct reading reading = {.history = {.journal = world->journal, .shards = world->shards,
                                          .lsn = actor->head.event_lsn,
                                          .at = actor->head.event_at, .done = history_done}};
    dure_history_read(&world_io, &reading.history);
    assert_int_equal(reading.done, 1);
    assert_int_equal(reading.history.rv, 0);
    dure_buf_add(json, reading.history.json.data, reading.history.json.len);
    dure_buf_fini(&reading.history.json);
}

void world_history(struct world *world, const struct dure_aggregate *aggregate, int64_t id,
                   struct dure_buf *json)
{
    read_history(world, aggregate->type, id, json);
}

int world_happened(struct world *world, const struct dure_aggregate *aggregate, int64_t id,
                   const char *name)
{
    struct dure_buf json = {0};
    char type[80];
    int count = 0;
    snprintf(type, sizeof type, "\"eventType\":\"%s\"", name);
    read_history(world, aggregate->type, id, &json);
    dure_buf_byte(&json, '\0');
    for (const char *at = json.data; (at = strstr(at, type)) != NULL; at++) count++;
    dure_buf_fini(&json);
    return count;
}

static void print_actor(struct world *world, struct dure_type *type, int64_t id,
                        struct dure_buf *out)
{
    int rv;
    const struct dure_actor *actor = dure_actor_get(world->rt, type, id, false, &rv);
    assert_non_null(actor);
    if (!actor->head.exists) return;
    dure_buf_printf(out, "%s %lld version %llu due %lld {", type->name, (long long)id,
                    (unsigned long long)actor->head.version, (long long)actor->head.due_ms);
    if (type->kind == DURE_KIND_SAGA) {
        struct dure_buf packed = {0};
        dure_row_pack_state(type, actor->state, &packed);
        for (size_t i = 0; i < packed.len; i++) {
            dure_buf_printf(out, "%02x", (unsigned char)packed.data[i]);
        }
        dure_buf_fini(&packed);
    } else {
        dure_schema_write_json(type->schema, actor->state, out);
    }
    dure_buf_lit(out, "} ");
    if (type->kind == DURE_KIND_AGGREGATE) read_history(world, type, id, out);
    dure_buf_byte(out, '\n');
}

void world_print(struct world *world, struct dure_buf *out)
{
    struct dure_runtime *rt = world->rt;
    for (size_t i = 0; i < dure_registry_count(); i++) {
        struct dure_type *type = dure_registry_type(i);
        const struct dure_type_counter *counter = &rt->counters[i];
        dure_buf_printf(out, "%s: %lld", type->name, (long long)counter->count);
        /* Of sagas it is only a bound: most leave nothing behind that it could be known from. */
        if (type->kind != DURE_KIND_SAGA) {
            dure_buf_printf(out, ", the largest %lld", (long long)counter->max_id);
        }
        dure_buf_byte(out, '\n');
        for (int64_t id = 0; id <= counter->max_id; id++) print_actor(world, type, id, out);
    }
    for (uint32_t shard = 0; shard < world->shards; shard++) {
        dure_buf_printf(out, "shard %u: sequence %llu\n", shard,
                        (unsigned long long)rt->sequences[shard]);
    }
}

uint64_t world_head(const struct world *world)
{
    return world->journal->ops->head(world->journal);
}

char *world_printed(struct world *world)
{
    struct dure_buf text = {0};
    world_print(world, &text);
    dure_buf_byte(&text, '\0');
    return text.data;
}

void world_assert_same(const char *is, const char *should)
{
    const char *line = is;
    size_t at = 0;
    for (; is[at] == should[at] && is[at] != '\0'; at++) {
        if (is[at] == '\n') line = is + at + 1;
    }
    if (is[at] == should[at]) return;
    size_t from = (size_t)(line - is);
    fail_msg("is:     %.*s\nshould: %.*s", (int)strcspn(line, "\n"), line,
             (int)strcspn(should + from, "\n"), should + from);
}

static void appended(void *arg, int rv)
{
    *(int *)arg = rv;
}

static int copy_record(void *arg, uint64_t index, const void *record, size_t len)
{
    struct dure_journal *to = arg;
    int rv = 1;
    to->ops->append(to, index - 1, record, len, appended, &rv);
    to->ops->poll(to);
    return rv;
}

void world_rebuild(struct world *world, struct world *bare)
{
    world_make(bare, world->shards);
    world_stop(bare, true, true);
    assert_int_equal(world->journal->ops->tail(world->journal, 1, copy_record, bare->journal), 0);
    world_reopen(bare);
}
