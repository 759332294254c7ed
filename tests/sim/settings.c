/*
 * What a seed means: calm and stormy runs, small and large ones. Each draw is independent, so that
 * rare combinations come up.
 */
#include "tests/sim/sim.h"

static uint64_t draw(struct sim *dice, uint64_t low, uint64_t high)
{
    return low + sim_random(dice, high - low + 1);
}

/* Mostly never; else about so often. */
static int64_t sometimes(struct sim *dice, unsigned of_1000, int64_t low_ms, int64_t high_ms)
{
    int64_t ms = (int64_t)draw(dice, (uint64_t)low_ms, (uint64_t)high_ms);
    return sim_dice(dice, of_1000) ? ms * SIM_MS : 0;
}

void sim_settings_draw(struct sim_settings *settings, uint64_t seed)
{
    struct sim dice = {.random = sim_mix(seed * SIM_GOLDEN)};
    *settings = (struct sim_settings){
        .seed = seed,
        .nodes = (uint16_t)draw(&dice, 1, SIM_NODES_MAX),
        .fault_us = (int64_t)draw(&dice, 2, 12) * SIM_SECOND,
        .clients = (unsigned)draw(&dice, 2, 8),
        .users = (unsigned)draw(&dice, 1, SIM_USERS_MAX),
        .products = (unsigned)draw(&dice, 1, SIM_PRODUCTS_MAX),
        .saga_deadline_ms = (int64_t)draw(&dice, 300, 5000),
        .think_us = (int64_t)draw(&dice, 1, sim_dice(&dice, 300) ? 20 : 400) * SIM_MS,
        .loss = (unsigned)(sim_dice(&dice, 600) ? draw(&dice, 0, 200) : 0),
        .doubling = (unsigned)(sim_dice(&dice, 500) ? draw(&dice, 0, 200) : 0),
        .late = (unsigned)(sim_dice(&dice, 500) ? draw(&dice, 0, 100) : 0),
        .delay_us = (int64_t)draw(&dice, 50, 3000),
        .late_us = (int64_t)draw(&dice, 5, 2000) * SIM_MS,
        .sync_us = (int64_t)draw(&dice, 200, 8000),
        .unknown = (unsigned)(sim_dice(&dice, 300) ? draw(&dice, 1, 50) : 0),
        .no_space = (unsigned)(sim_dice(&dice, 300) ? draw(&dice, 1, 100) : 0),
        .crash_in_append = (unsigned)(sim_dice(&dice, 500) ? draw(&dice, 1, 40) : 0),
    };
    if (settings->clients < settings->products) settings->clients = settings->products;
    settings->shards = (uint32_t)draw(&dice, settings->nodes,
                                      sim_dice(&dice, 500) ? settings->nodes + 3 : SIM_SHARDS_MAX);
    settings->memory_bytes = sim_dice(&dice, 500) ? 4 << 20 : (int64_t)draw(&dice, 20, 200) << 10;
    settings->group_turns_max = sim_dice(&dice, 400) ? (uint32_t)draw(&dice, 1, 8) : 0;
    settings->crash_us = sometimes(&dice, 600, 500, 5000);
    settings->cut_us = sometimes(&dice, 500, 500, 5000);
    settings->stall_us = sometimes(&dice, 300, 500, 5000);
    settings->full_us = sometimes(&dice, 300, 500, 5000);
    settings->broken_us = sometimes(&dice, 150, 1000, 8000);
    settings->blackout_us = sometimes(&dice, 150, 2000, 8000);
    settings->away_us = sometimes(&dice, 200, 1000, 4000);
    settings->others = sim_dice(&dice, 500) ? (unsigned)draw(&dice, 100, 800) : 0;
}

void sim_settings_print(const struct sim_settings *settings, FILE *out)
{
    fprintf(out,
            "seed %llu: %u nodes, %u shards, %lld s of faults, %u clients, %u users, %u products\n"
            "  of 1000 requests %u for other systems than the shop\n"
            "  memory %lld, turns in a group %u, saga deadline %lld ms, thinking %lld us\n"
            "  of 1000 datagrams %u lost, %u doubled, %u late; delay %lld us, late %lld us\n"
            "  sync %lld us; of 1000 appends %u unknown, %u without space, %u crash\n"
            "  every so many ms: crash %lld, cut %lld, stall %lld, full %lld, broken %lld, "
            "blackout %lld, away %lld\n",
            (unsigned long long)settings->seed, settings->nodes, settings->shards,
            (long long)(settings->fault_us / SIM_SECOND), settings->clients, settings->users,
            settings->products, settings->others, (long long)settings->memory_bytes,
            settings->group_turns_max, (long long)settings->saga_deadline_ms,
            (long long)settings->think_us, settings->loss, settings->doubling, settings->late,
            (long long)settings->delay_us,
            (long long)settings->late_us, (long long)settings->sync_us, settings->unknown,
            settings->no_space, settings->crash_in_append, (long long)(settings->crash_us / SIM_MS),
            (long long)(settings->cut_us / SIM_MS), (long long)(settings->stall_us / SIM_MS),
            (long long)(settings->full_us / SIM_MS), (long long)(settings->broken_us / SIM_MS),
            (long long)(settings->blackout_us / SIM_MS), (long long)(settings->away_us / SIM_MS));
}
