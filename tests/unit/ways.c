/*
 * Ways: see the header.
 */
#include "tests/unit/ways.h"

#define TICKS_MAX 20000

int ways_nodes = 1;
uint32_t ways_turns_max;
struct world_ask ways_ask;
struct world *ways_asked;

static struct world single;

/* The step at which a node stops: counted over a whole way; 0: none. */
static struct { int at, node; bool written; int count; bool happened; } crash;

struct world *ways_node(int i)
{
    return ways_nodes == 2 ? &pair[i].world : &single;
}

struct world *ways_owner(int64_t id)
{
    return ways_node(ways_nodes == 2 ? (int)(id % 2) : 0);
}

int64_t ways_first_id(void)
{
    return ways_nodes == 2 ? 2 : 1;
}

void ways_make(void)
{
    crash.at = 0;
    ways_asked = NULL;
    if (ways_nodes == 2) pair_make(WAYS_SHARDS);
    else world_make(&single, WAYS_SHARDS);
    if (ways_turns_max != 0) {
        single.group_turns_max = ways_turns_max;
        world_crash(&single);
    }
}

void ways_end(void)
{
    if (ways_nodes == 2) pair_end();
    else world_end(&single);
}

void ways_step(int i)
{
    if (ways_nodes == 2) pair_step(&pair[i]);
    else world_round(&single);
    if (++crash.count != crash.at) return;
    struct world *world = ways_node(crash.node);
    if (ways_asked == world && !ways_ask.released) ways_asked = NULL;
    world_stop(world, crash.written, crash.written);
    world_reopen(world);
    crash.happened = true;
}

static bool quiet(void)
{
    return ways_nodes == 2 ? pair_quiet() : world_idle(&single);
}

void ways_settle(void)
{
    int ticks = 0;
    do {
        for (int i = 0; i < ways_nodes; i++) ways_step(i);
        if (ticks % 4 == 3) world_now_ms += 100; /* The wire reorders: what it lost is sent again. */
    } while (!quiet() && ++ticks < TICKS_MAX);
    assert_true(ticks < TICKS_MAX);
}

void ways_submit(const struct dure_command *command, int64_t id, const void *payload)
{
    ways_asked = ways_owner(id == DURE_NEW ? ways_first_id() : id);
    world_ask(ways_asked, &ways_ask, command, id, payload);
}

void ways_do(const struct dure_command *command, int64_t id, const void *payload,
             bool (*done)(void))
{
    ways_submit(command, id, payload);
    ways_settle();
    if (ways_asked != NULL) {
        assert_int_equal(ways_ask.released, 1);
    } else if (done == NULL || !done()) {
        ways_submit(command, id, payload);
        ways_settle();
        assert_true(ways_ask.status == 200 || ways_ask.status == 409);
    }
}

const struct dure_command *ways_command(const struct dure_aggregate *aggregate, const char *name)
{
    const struct dure_command *const *command = aggregate->commands;
    while (strcmp((*command)->name, name) != 0) command++;
    return *command;
}

const void *ways_state(const struct dure_aggregate *aggregate, int64_t id)
{
    return world_state(ways_owner(id), aggregate, id);
}

int64_t ways_count(const struct dure_type *type)
{
    int64_t count = 0;
    for (int i = 0; i < ways_nodes; i++) count += ways_node(i)->rt->counters[type->index].count;
    return count;
}

/* False: the way was over before the crash. */
static bool run(void (*prepare)(void), void (*way)(const void *arg), const void *arg, int at,
                int node, bool written)
{
    ways_make();
    prepare();
    crash.at = at;
    crash.node = node;
    crash.written = written;
    crash.count = 0;
    crash.happened = false;
    way(arg);
    bool happened = crash.happened;
    ways_end();
    return happened;
}

int ways_run_all(const char *name, void (*prepare)(void), void (*way)(const void *arg),
                 const void *arg)
{
    int crashes = 0;
    for (int node = 0; node < ways_nodes; node++) {
        for (int written = 0; written < 2; written++) {
            for (int at = 1; run(prepare, way, arg, at, node, written != 0); at++) crashes++;
        }
    }
    printf("%d node%s, %s: right after each of %d crashes\n", ways_nodes,
           ways_nodes > 1 ? "s" : "", name, crashes);
    return crashes;
}

static void run_table(const struct ways_table *table, int nodes, uint32_t turns_max,
                      int crashes_min)
{
    ways_nodes = nodes;
    ways_turns_max = turns_max;
    for (size_t i = 0; i < table->count; i++) {
        const void *way = (const char *)table->ways + i * table->size;
        int crashes = ways_run_all(*(const char *const *)way, table->prepare, table->walk, way);
        assert_true(crashes >= crashes_min);
    }
    ways_turns_max = 0;
}

void ways_on_one_node(const struct ways_table *table, int crashes_min)
{
    run_table(table, 1, 0, crashes_min);
}

void ways_turn_by_turn(const struct ways_table *table, int crashes_min)
{
    run_table(table, 1, 1, crashes_min);
}

void ways_on_two_nodes(const struct ways_table *table, int crashes_min)
{
    run_table(table, 2, 0, crashes_min);
}
