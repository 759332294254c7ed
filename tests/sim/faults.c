/*
 * Faults: each kind comes at random intervals while the safety phase lasts. Ending it heals cuts
 * and full disks; nodes that are down or stopped go on as they would have.
 */
#include <string.h>

#include "tests/sim/sim.h"

static struct sim_node *any_node(struct sim *sim)
{
    return &sim->nodes[sim_random(sim, sim->settings.nodes)];
}

static bool coin(struct sim *sim)
{
    return sim_random(sim, 2) == 0;
}

static void again(struct sim *sim, int64_t mean_us, void (*run)(void *arg, uint64_t tag))
{
    if (mean_us > 0) sim_at(sim, sim->now_us + sim_interval(sim, mean_us), run, sim, 0);
}

static bool over(struct sim *sim)
{
    if (sim->phase != SIM_SAFETY) return true;
    sim->faults++;
    return false;
}

static void crash_one(struct sim *sim, struct sim_node *node)
{
    if (!node->up) return;
    bool append = coin(sim), rows = coin(sim);
    sim_node_crash(node, append, rows, sim_interval(sim, 400 * SIM_MS));
}

static void crash(void *arg, uint64_t tag)
{
    (void)tag;
    struct sim *sim = arg;
    if (over(sim)) return;
    crash_one(sim, any_node(sim));
    again(sim, sim->settings.crash_us, crash);
}

/* Down for many checkpoints of the others, which keep what they have for it. */
static void away(void *arg, uint64_t tag)
{
    (void)tag;
    struct sim *sim = arg;
    if (over(sim)) return;
    struct sim_node *node = any_node(sim);
    if (node->up) sim_node_crash(node, coin(sim), coin(sim), sim_about(sim, 8 * SIM_SECOND));
    again(sim, sim->settings.away_us, away);
}

/* All at once, as when the power fails. */
static void blackout(void *arg, uint64_t tag)
{
    (void)tag;
    struct sim *sim = arg;
    if (over(sim)) return;
    sim_note(sim, "blackout", 0, 0);
    for (unsigned i = 0; i < sim->settings.nodes; i++) crash_one(sim, &sim->nodes[i]);
    again(sim, sim->settings.blackout_us, blackout);
}

static void heal(void *arg, uint64_t tag)
{
    struct sim *sim = arg;
    sim_note(sim, "heal", (int64_t)(tag / SIM_NODES_MAX), (int64_t)(tag % SIM_NODES_MAX));
    sim->cut[tag / SIM_NODES_MAX][tag % SIM_NODES_MAX] = false;
}

static void cut_one(struct sim *sim, uint64_t from, uint64_t to, int64_t us)
{
    if (from == to) return;
    sim_note(sim, "cut", (int64_t)from, (int64_t)to);
    sim->cut[from][to] = true;
    sim_at(sim, sim->now_us + us, heal, sim, from * SIM_NODES_MAX + to);
}

/* One direction, a pair, or a node from all others. */
static void cut(void *arg, uint64_t tag)
{
    (void)tag;
    struct sim *sim = arg;
    if (over(sim)) return;
    uint64_t a = any_node(sim)->number, b = any_node(sim)->number, how = sim_random(sim, 3);
    int64_t us = sim_interval(sim, sim_random(sim, 4) == 0 ? 6 * SIM_SECOND : SIM_SECOND);
    for (uint64_t i = 0; i < sim->settings.nodes; i++) {
        if (how < 2 && i != b) continue;
        cut_one(sim, a, i, us);
        if (how > 0) cut_one(sim, i, a, us);
    }
    again(sim, sim->settings.cut_us, cut);
}

static void stall(void *arg, uint64_t tag)
{
    (void)tag;
    struct sim *sim = arg;
    if (over(sim)) return;
    struct sim_node *node = any_node(sim);
    node->stalled_until_us = sim->now_us + sim_interval(sim, 500 * SIM_MS);
    node->lag_us = sim_dice(sim, 300) ? sim_about(sim, 20 * SIM_MS) : 50;
    sim_note(sim, "stall", node->number, node->stalled_until_us);
    again(sim, sim->settings.stall_us, stall);
}

static void full(void *arg, uint64_t tag)
{
    (void)tag;
    struct sim *sim = arg;
    if (over(sim)) return;
    struct sim_node *node = any_node(sim);
    node->full_until_us = sim->now_us + sim_interval(sim, 600 * SIM_MS);
    sim_note(sim, "full", node->number, node->full_until_us);
    again(sim, sim->settings.full_us, full);
}

static void broken(void *arg, uint64_t tag)
{
    (void)tag;
    struct sim *sim = arg;
    if (over(sim)) return;
    struct sim_node *node = any_node(sim);
    node->broken = true;
    sim_note(sim, "broken", node->number, 0);
    again(sim, sim->settings.broken_us, broken);
}

void sim_faults_begin(struct sim *sim)
{
    const struct sim_settings *settings = &sim->settings;
    again(sim, settings->crash_us, crash);
    again(sim, settings->cut_us, cut);
    again(sim, settings->stall_us, stall);
    again(sim, settings->full_us, full);
    again(sim, settings->broken_us, broken);
    again(sim, settings->blackout_us, blackout);
    again(sim, settings->away_us, away);
}

void sim_faults_end(struct sim *sim)
{
    memset(sim->cut, 0, sizeof sim->cut);
    for (unsigned i = 0; i < sim->settings.nodes; i++) {
        struct sim_node *node = &sim->nodes[i];
        node->full_until_us = 0;
        node->broken = false;
        node->lag_us = 50;
    }
}
