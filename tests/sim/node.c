/*
 * A node: the real runtime, links and peers over stores in memory and the simulated wire. Its loop
 * runs a round when something has come or is due, as the real one does:
 *
 *   1. frames and requests were handed over as they came
 *   2. the turn, the checkpoint, the peers
 *   3. a write that the round began is finished later, by an event; a crash may come before
 *
 * A stopped node (SIGSTOP) does nothing until it goes on; its writes do not finish either, as far
 * as it can tell. A crash leaves what the stores have, with or without the writes under way.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

static struct sim_node *of_io(struct dure_io *io)
{
    return (struct sim_node *)((char *)io - offsetof(struct sim_node, io));
}

/* ---- Its io ---------------------------------------------------------------------------------- */

static int64_t wall_ms(struct dure_io *io)
{
    const struct sim_node *node = of_io(io);
    return 1700000000000 + node->skew_ms + node->sim->now_us / SIM_MS;
}

static uint64_t mono_ns(struct dure_io *io)
{
    return 1000000000u + (uint64_t)of_io(io)->sim->now_us * 1000;
}

static uint64_t random_u64(struct dure_io *io)
{
    struct sim_node *node = of_io(io);
    return sim_mix(node->random += SIM_GOLDEN);
}

static void soon(struct dure_io *io)
{
    struct sim_node *node = of_io(io);
    node->soon = true;
    if (!node->in_round) sim_node_wake(node, node->sim->now_us + node->lag_us);
}

static void alarm_at(struct dure_io *io, int64_t due_ms)
{
    of_io(io)->alarm_ms = due_ms;
}

static void work(struct dure_io *io, struct dure_work *job)
{
    (void)io;
    job->run(job);
    job->done(job);
}

bool sim_node_stalled(const struct sim_node *node)
{
    return node->stalled_until_us > node->sim->now_us;
}

/* ---- The disk -------------------------------------------------------------------------------- */

static void die_if_fatal(struct sim_node *node)
{
    if (node->fatal == 0 || !node->up) return;
    sim_note(node->sim, "fatal", node->number, node->fatal);
    if (node->fatal != DURE_EIO) {
        sim_fail(node->sim, "node %u stopped: %s", node->number,
                 dure_error_info(node->fatal)->name);
    }
    sim_node_crash(node, true, true, sim_about(node->sim, 50 * SIM_MS));
}

/* The fault that the next append shall meet. */
static void set_fault(struct sim_node *node)
{
    struct sim *sim = node->sim;
    enum dure_fault fault = DURE_FAULT_NONE;
    if (sim->phase == SIM_SAFETY) {
        if (sim_dice(sim, sim->settings.unknown)) {
            fault = sim_random(sim, 2) == 0 ? DURE_FAULT_UNKNOWN_DONE : DURE_FAULT_UNKNOWN_LOST;
        }
        bool full = node->full_until_us > sim->now_us || sim_dice(sim, sim->settings.no_space);
        if (full) fault = DURE_FAULT_NOSPC;
        if (node->broken) fault = DURE_FAULT_IO;
    }
    dure_journal_memory_fault(node->journal, fault);
}

static void watch_disk(struct sim_node *node);

static void synced(void *arg, uint64_t life)
{
    struct sim_node *node = arg;
    struct sim *sim = node->sim;
    if (!node->up || node->life != life) return;
    if (sim_node_stalled(node)) {
        sim_at(sim, node->stalled_until_us, synced, node, life);
        return;
    }
    bool crash = sim->phase == SIM_SAFETY && sim_dice(sim, sim->settings.crash_in_append);
    if (crash) {
        sim->faults++;
        bool append = sim_random(sim, 2) == 0, rows = sim_random(sim, 2) == 0;
        sim_node_crash(node, append, rows, sim_interval(sim, 200 * SIM_MS));
        return;
    }
    node->syncing = node->broken = false;
    set_fault(node); /* For the same bytes again, after UNKNOWN. */
    dure_journal_memory_hold(node->journal, false);
    node->journal->ops->poll(node->journal);
    dure_journal_memory_hold(node->journal, true);
    watch_disk(node);
    die_if_fatal(node);
    sim_node_wake(node, sim->now_us);
}

static void saved(void *arg, uint64_t life)
{
    struct sim_node *node = arg;
    struct sim *sim = node->sim;
    if (!node->up || node->life != life) return;
    if (sim_node_stalled(node)) {
        sim_at(sim, node->stalled_until_us, saved, node, life);
        return;
    }
    node->saving = false;
    dure_rows_memory_hold(node->rows, false);
    node->rows->ops->poll(node->rows);
    dure_rows_memory_hold(node->rows, true);
    watch_disk(node);
    die_if_fatal(node);
    sim_node_wake(node, sim->now_us);
}

/* Writes that have begun end later. */
static void watch_disk(struct sim_node *node)
{
    struct sim *sim = node->sim;
    if (node->rt->writing != NULL && !node->syncing) {
        node->syncing = true;
        sim_note(sim, "append", node->number, (int64_t)node->rt->writing->lsn);
        sim_at(sim, sim->now_us + sim_about(sim, sim->settings.sync_us), synced, node, node->life);
    }
    if (dure_rows_memory_busy(node->rows) && !node->saving) {
        node->saving = true;
        sim_at(sim, sim->now_us + sim_about(sim, 4 * sim->settings.sync_us), saved, node,
               node->life);
    }
}

/* ---- Rounds ---------------------------------------------------------------------------------- */

static void round_of(void *arg, uint64_t life)
{
    struct sim_node *node = arg;
    struct sim *sim = node->sim;
    if (!node->up || node->life != life || node->round_us != sim->now_us) return;
    node->round_us = INT64_MAX;
    if (sim_node_stalled(node)) {
        sim_node_wake(node, node->stalled_until_us);
        return;
    }
    node->soon = false;
    node->in_round = true;
    if (node->rt->writing == NULL) set_fault(node);
    bool full = sim->phase == SIM_SAFETY && node->full_until_us > sim->now_us;
    dure_rows_memory_fail(node->rows, full ? DURE_ENOSPC : 0);
    dure_turn_run(node->rt);
    dure_checkpoint_step(node->rt);
    dure_ids_peer_run(&node->ids, node->io.mono_ns(&node->io));
    int64_t next_us = sim->now_us + dure_peer_run(node->peers) * SIM_MS;
    node->in_round = false;
    watch_disk(node);
    int64_t alarm_us = sim->now_us + (node->alarm_ms - wall_ms(&node->io)) * SIM_MS;
    if (node->alarm_ms != INT64_MAX && alarm_us < next_us) next_us = alarm_us;
    /* An alarm that is due has been seen by this round. */
    if (next_us <= sim->now_us) next_us = sim->now_us + SIM_MS;
    if (node->alarm_ms <= wall_ms(&node->io)) node->alarm_ms = INT64_MAX;
    if (node->soon) next_us = sim->now_us + node->lag_us;
    die_if_fatal(node);
    if (node->up && node->life == life) sim_node_wake(node, next_us);
}

void sim_node_wake(struct sim_node *node, int64_t at_us)
{
    if (!node->up || at_us >= node->round_us) return;
    node->round_us = at_us;
    sim_at(node->sim, at_us, round_of, node, node->life);
}

/* ---- Life and death -------------------------------------------------------------------------- */

static void on_fatal(void *arg, int rv)
{
    struct sim_node *node = arg;
    node->fatal = rv;
}

void sim_node_make(struct sim *sim, uint16_t number)
{
    struct sim_node *node = &sim->nodes[number];
    *node = (struct sim_node){
        .sim = sim, .number = number, .round_us = INT64_MAX, .alarm_ms = INT64_MAX, .lag_us = 50,
        .random = sim_random(sim, UINT64_MAX), .wire = {.send = sim_wire_send},
        .io = {wall_ms, mono_ns, random_u64, soon, alarm_at, work},
        .skew_ms = (int64_t)sim_random(sim, 4000)};
    struct dure_store_options options = {.codec = dure_row_codec()};
    DURE_ASSERT(dure_journal_memory_open(&node->journal, &options) == 0);
    DURE_ASSERT(dure_rows_memory_open(&node->rows, &options) == 0);
    sim_node_start(node);
}

static void tell_others(struct sim_node *node, bool connected)
{
    struct sim *sim = node->sim;
    for (uint16_t i = 0; i < sim->settings.nodes; i++) {
        struct sim_node *other = &sim->nodes[i];
        if (i == node->number || !other->up || sim_random(sim, 2) == 0) continue;
        dure_peer_hint(other->peers, node->number, connected);
        sim_node_wake(other, sim->now_us + other->lag_us);
    }
}

static void open_peers(struct sim_node *node)
{
    const struct sim_settings *settings = &node->sim->settings;
    struct dure_peer_options options = {
        .node = node->number, .nodes = settings->nodes, .io = &node->io, .wire = &node->wire};
    int rv = dure_peer_open(&node->peers, &options);
    DURE_ASSERT(rv == 0);
    node->forward = (struct dure_peer_user){
        .frame = sim_gateway_frame, .down = sim_gateway_down, .arg = node};
    dure_peer_use(node->peers, DURE_PEER_FORWARD, &node->forward);
    node->forward_reply = (struct dure_peer_user){.frame = sim_gateway_frame, .arg = node};
    dure_peer_use(node->peers, DURE_PEER_REPLY, &node->forward_reply);
    dure_links_peer_init(&node->links_peer, node->peers);
    dure_look_peer_init(&node->look, node->peers);
    dure_ids_peer_init(&node->ids, node->peers);
    node->links_peer.ids = &node->ids;
    if (settings->nodes == 1) return;
    rv = dure_links_open(&node->links, settings->shards, node->number, settings->nodes,
                         &node->links_peer.transport);
    DURE_ASSERT(rv == 0);
}

void sim_node_start(struct sim_node *node)
{
    struct sim *sim = node->sim;
    const struct sim_settings *settings = &sim->settings;
    DURE_ASSERT(!node->up);
    open_peers(node);
    struct dure_options options = {.shards = settings->shards,
                                   .memory_bytes = settings->memory_bytes,
                                   .asks_max = 200,
                                   .group_turns_max = settings->group_turns_max,
                                   .node = node->number,
                                   .nodes = settings->nodes,
                                   .saga_deadline_ms = settings->saga_deadline_ms,
                                   .owner = node->number,
                                   .links = node->links,
                                   .look_wire = &node->look.wire};
    const char *message = "";
    node->fatal = 0;
    int rv = dure_runtime_open(&node->rt, &options, &node->io, node->journal, node->rows, &message);
    if (rv != 0) {
        sim_fail(sim, "node %u does not open: %s, %s", node->number, dure_error_info(rv)->name,
                 message);
        dure_links_close(node->links);
        dure_peer_close(node->peers);
        return;
    }
    node->rt->on_fatal = on_fatal;
    node->rt->on_record = sim_stream_record;
    node->rt->arg = node;
    node->links_peer.rt = node->look.rt = node->ids.rt = node->rt;
    dure_journal_memory_hold(node->journal, true);
    dure_rows_memory_hold(node->rows, true);
    node->up = true;
    node->round_us = node->alarm_ms = INT64_MAX;
    node->syncing = node->saving = false;
    sim_note(sim, "start", node->number, (int64_t)node->rt->lsn_durable);
    tell_others(node, true);
    sim_node_wake(node, sim->now_us);
}

static void restart(void *arg, uint64_t life)
{
    struct sim_node *node = arg;
    if (!node->up && node->life == life && !node->sim->failed) sim_node_start(node);
}

void sim_node_crash(struct sim_node *node, bool append_written, bool rows_written, int64_t after_us)
{
    struct sim *sim = node->sim;
    DURE_ASSERT(node->up && !node->in_round);
    struct dure_runtime *rt = node->rt;
    sim_note(sim, "crash", node->number, append_written * 2 + rows_written);
    uint64_t head = node->journal->ops->head(node->journal);
    if (rt->writing != NULL && !append_written && head == rt->writing->lsn) head--;
    rt->writing = NULL;
    node->up = false;
    node->life++;
    node->crashes++;
    dure_journal_memory_crash(node->journal, head);
    dure_rows_memory_crash(node->rows, rows_written);
    dure_runtime_close(rt);
    node->rt = NULL;
    sim_gateway_crashed(node);
    dure_look_peer_fini(&node->look);
    dure_links_close(node->links);
    node->links = NULL;
    dure_peer_close(node->peers);
    tell_others(node, false);
    if (after_us >= 0) sim_at(sim, sim->now_us + after_us, restart, node, node->life);
}

size_t sim_node_parcels(const struct sim_node *node)
{
    return node->links != NULL ? node->links->parcels : 0;
}

bool sim_node_quiet(const struct sim_node *node)
{
    return node->up && dure_runtime_idle(node->rt) && node->rt->retry == NULL &&
           sim_node_parcels(node) == 0 && node->calls == NULL && node->pendings == NULL;
}

void sim_node_free(struct sim_node *node)
{
    if (node->journal == NULL) return;
    if (node->up) sim_node_crash(node, true, true, -1);
    node->rows->ops->close(node->rows);
    node->journal->ops->close(node->journal);
}
