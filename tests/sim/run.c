/*
 * One seed from beginning to end:
 *
 *   setup     products and accounts, without faults
 *   safety    faults and clients at once; deadlines are watched
 *   liveness  no faults, no new requests: everything that was begun must end
 *   checks    then
 */
#include "tests/sim/sim.h"

#include <stdlib.h>
#include <string.h>

#define SETUP_US_MAX (60 * SIM_SECOND)
/* Sagas may have to wait for deadlines, resends and retries in turn. */
#define LIVENESS_US_MAX (120 * SIM_SECOND)
#define WATCH_US (200 * SIM_MS)

static bool ready(const struct sim *sim)
{
    for (unsigned i = 0; i < sim->settings.products; i++) {
        if (sim->products[i].id == 0) return false;
    }
    for (unsigned i = 0; i < sim->settings.users; i++) {
        if (sim->users[i].deposited == 0) return false;
    }
    return true;
}

static bool quiet(const struct sim *sim)
{
    for (unsigned i = 0; i < sim->settings.clients; i++) {
        if (sim->clients[i].busy) return false;
    }
    for (unsigned i = 0; i < sim->settings.nodes; i++) {
        const struct sim_node *node = &sim->nodes[i];
        if (!sim_node_quiet(node)) return false;
        for (size_t j = 0; j < dure_registry_count(); j++) {
            bool saga = dure_registry_type(j)->kind == DURE_KIND_SAGA;
            if (saga && node->rt->counters[j].count != 0) return false;
        }
    }
    return true;
}

static void watch(void *arg, uint64_t tag)
{
    (void)tag;
    struct sim *sim = arg;
    sim_check_deadlines(sim);
    sim_at(sim, sim->now_us + WATCH_US, watch, sim, 0);
}

static void run_phase(struct sim *sim, enum sim_phase phase, int64_t length_us,
                      bool (*done)(const struct sim *sim))
{
    int64_t until_us = sim->now_us + length_us, look_us = sim->now_us;
    sim->phase = phase;
    sim_note(sim, "phase", (int64_t)phase, 0);
    while (!sim->failed && sim->now_us < until_us && sim_step(sim)) {
        if (done == NULL || sim->now_us < look_us) continue;
        look_us = sim->now_us + 20 * SIM_MS;
        if (done(sim)) return;
    }
}

static void check(struct sim *sim)
{
    static void (*const checks[])(struct sim * sim) = {
        sim_check_sagas,    sim_check_once,   sim_check_sums,  sim_check_acked,
        sim_check_negative, sim_check_events, sim_check_views, sim_check_deeds,
        sim_check_replay,   sim_check_traces,
    };
    for (size_t i = 0; !sim->failed && i < sizeof checks / sizeof checks[0]; i++) checks[i](sim);
}

static void wait_for_nodes(struct sim *sim)
{
    int64_t until_us = sim->now_us + 10 * SIM_SECOND;
    bool all = false;
    while (!sim->failed && !all && sim->now_us < until_us && sim_step(sim)) {
        all = true;
        for (unsigned i = 0; i < sim->settings.nodes; i++) all &= sim->nodes[i].up;
    }
}

/* Nothing is wrong, but something never ends. */
static void describe(struct sim *sim)
{
    for (unsigned i = 0; i < sim->settings.clients; i++) {
        const struct sim_client *client = &sim->clients[i];
        if (!client->busy) continue;
        sim_fail(sim, "client %u has had no answer to request %u for %lld", i, client->request.op,
                 (long long)client->request.id);
    }
    for (unsigned i = 0; i < sim->settings.nodes; i++) {
        const struct sim_node *node = &sim->nodes[i];
        if (sim_node_quiet(node)) continue;
        sim_fail(sim, "node %u never becomes quiet: %zu messages, %s", i, sim_node_parcels(node),
                 dure_runtime_idle(node->rt) ? "idle" : "busy");
    }
    sim_fail(sim, "it never becomes quiet");
}

bool sim_run(struct sim *sim, const struct sim_settings *settings, FILE *log)
{
    *sim = (struct sim){.settings = *settings, .random = sim_mix(~settings->seed), .log = log};
    for (unsigned i = 0; i < settings->users; i++) sim->users[i].id = 1 + (int64_t)i;
    for (uint16_t i = 0; i < settings->nodes; i++) sim_node_make(sim, i);
    for (unsigned i = 0; i < settings->clients; i++) sim_client_make(sim, i);
    run_phase(sim, SIM_SETUP, SETUP_US_MAX, ready);
    if (!sim->failed && !ready(sim)) sim_fail(sim, "the shop does not open");
    sim_faults_begin(sim);
    watch(sim, 0);
    run_phase(sim, SIM_SAFETY, settings->fault_us, NULL);
    sim_faults_end(sim);
    run_phase(sim, SIM_LIVENESS, LIVENESS_US_MAX, quiet);
    wait_for_nodes(sim);
    bool ended = !sim->failed && quiet(sim);
    if (!sim->failed) check(sim);
    if (!sim->failed && !ended) describe(sim);
    return !sim->failed;
}

void sim_free(struct sim *sim)
{
    FILE *log = sim->log;
    sim->log = NULL;
    for (unsigned i = 0; i < sim->settings.nodes; i++) sim_node_free(&sim->nodes[i]);
    sim_discard(sim);
    sim->log = log;
    for (unsigned i = 0; i < SIM_SHARDS_MAX; i++) free(sim->streams[i].hashes);
    free(sim->orders);
    free(sim->things);
    free(sim->heap);
}
