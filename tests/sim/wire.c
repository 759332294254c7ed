/*
 * The wire: datagrams between nodes. Each is lost, doubled, or late by the settings' chances; what
 * crosses a cut is lost; a node that is down hears nothing, a stopped one hears it when it goes on.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

struct flight {
    struct sim *sim;
    uint16_t from, to;
    uint64_t life; /* Of the receiver. */
    size_t len;
    _Alignas(16) char bytes[];
};

static void arrive(void *arg, uint64_t tag)
{
    (void)tag;
    struct flight *flight = arg;
    struct sim *sim = flight->sim;
    struct sim_node *node = &sim->nodes[flight->to];
    if (node->up && node->life == flight->life && sim_node_stalled(node)) {
        sim_at_give(sim, node->stalled_until_us, arrive, flight);
        return;
    }
    if (node->up && !sim->cut[flight->from][flight->to]) {
        dure_peer_received(node->peers, flight->bytes, flight->len);
        sim_node_wake(node, sim->now_us + node->lag_us);
    }
    free(flight);
}

static int64_t delay(struct sim *sim)
{
    const struct sim_settings *settings = &sim->settings;
    int64_t us = 20 + (int64_t)sim_random(sim, (uint64_t)settings->delay_us + 1);
    if (sim->phase == SIM_SAFETY && sim_dice(sim, settings->late)) {
        us += (int64_t)sim_random(sim, (uint64_t)settings->late_us + 1);
    }
    return us;
}

static void fly(struct sim_node *from, uint16_t to, const void *bytes, size_t len)
{
    struct sim *sim = from->sim;
    struct flight *flight = malloc(sizeof *flight + len);
    DURE_ASSERT(flight != NULL);
    *flight = (struct flight){
        .sim = sim, .from = from->number, .to = to, .life = sim->nodes[to].life, .len = len};
    memcpy(flight->bytes, bytes, len);
    sim_at_give(sim, sim->now_us + delay(sim), arrive, flight);
}

void sim_wire_send(struct dure_wire *wire, uint16_t to, const void *bytes, size_t len)
{
    struct sim_node *node = (struct sim_node *)((char *)wire - offsetof(struct sim_node, wire));
    struct sim *sim = node->sim;
    bool faulty = sim->phase == SIM_SAFETY;
    if (sim->cut[node->number][to]) return;
    if (faulty && sim_dice(sim, sim->settings.loss)) return;
    fly(node, to, bytes, len);
    if (faulty && sim_dice(sim, sim->settings.doubling)) fly(node, to, bytes, len);
}
