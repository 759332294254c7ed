/*
 * Time and chance: the heap of events, and the one source of random numbers. Events of one moment
 * run in the order in which they were made.
 */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include "tests/sim/sim.h"

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void add(struct sim *sim, struct sim_event event)
{
    DURE_ASSERT(event.at_us >= sim->now_us);
    if (sim->heap_count == sim->heap_cap) {
        sim->heap_cap = sim->heap_cap ? sim->heap_cap * 2 : 1024;
        sim->heap = realloc(sim->heap, sim->heap_cap * sizeof sim->heap[0]);
        DURE_ASSERT(sim->heap != NULL);
    }
    event.order = ++sim->order;
    size_t at = sim->heap_count++;
    while (at > 0 && before(&event, &sim->heap[(at - 1) / 2])) {
        sim->heap[at] = sim->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    sim->heap[at] = event;
}

void sim_at(struct sim *sim, int64_t at_us, void (*run)(void *arg, uint64_t tag), void *arg,
            uint64_t tag)
{
    add(sim, (struct sim_event){.at_us = at_us, .run = run, .arg = arg, .tag = tag});
}

void sim_at_give(struct sim *sim, int64_t at_us, void (*run)(void *arg, uint64_t tag), void *arg)
{
    add(sim, (struct sim_event){.at_us = at_us, .run = run, .arg = arg, .owned = true});
}

void sim_discard(struct sim *sim)
{
    for (size_t i = 0; i < sim->heap_count; i++) {
        if (sim->heap[i].owned) free(sim->heap[i].arg);
    }
    sim->heap_count = 0;
}

static struct sim_event take_first(struct sim *sim)
{
    struct sim_event first = sim->heap[0], last = sim->heap[--sim->heap_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= sim->heap_count) break;
        if (child + 1 < sim->heap_count && before(&sim->heap[child + 1], &sim->heap[child])) {
            child++;
        }
        if (!before(&sim->heap[child], &last)) break;
        sim->heap[at] = sim->heap[child];
        at = child;
    }
    sim->heap[at] = last;
    return first;
}

bool sim_step(struct sim *sim)
{
    if (sim->heap_count == 0) return false;
    struct sim_event event = take_first(sim);
    sim->now_us = event.at_us;
    sim->events_total++;
    event.run(event.arg, event.tag);
    return true;
}

/* splitmix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators"). */
uint64_t sim_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t sim_random(struct sim *sim, uint64_t below)
{
    return sim_mix(sim->random += SIM_GOLDEN) % below;
}

bool sim_dice(struct sim *sim, unsigned of_1000)
{
    return of_1000 > 0 && sim_random(sim, 1000) < of_1000;
}

int64_t sim_about(struct sim *sim, int64_t us)
{
    return us / 2 + (int64_t)sim_random(sim, (uint64_t)(us + us / 2) + 1);
}

int64_t sim_interval(struct sim *sim, int64_t mean_us)
{
    double uniform = ((double)sim_random(sim, 1u << 30) + 1) / (double)(1u << 30);
    return 1 + (int64_t)(-log(uniform) * (double)mean_us);
}

void sim_note(struct sim *sim, const char *what, int64_t a, int64_t b)
{
    uint64_t mix = (uint64_t)sim->now_us * 31 + (uint64_t)a * 1000003 + (uint64_t)b;
    sim->hash = (sim->hash ^ mix ^ (uint64_t)(unsigned char)what[0] << 56) * 0x100000001b3u;
    sim->hash ^= sim->hash >> 29;
    if (sim->log == NULL) return;
    fprintf(sim->log, "%lld.%06lld %s %lld %lld\n", (long long)(sim->now_us / SIM_SECOND),
            (long long)(sim->now_us % SIM_SECOND), what, (long long)a, (long long)b);
}

void sim_fail(struct sim *sim, const char *fmt, ...)
{
    if (sim->failed) return; /* The first is the news. */
    sim->failed = true;
    int len = snprintf(sim->failure, sizeof sim->failure, "at %.3f s: ",
                       (double)sim->now_us / SIM_SECOND);
    va_list args;
    va_start(args, fmt);
    vsnprintf(sim->failure + len, sizeof sim->failure - (size_t)len, fmt, args);
    va_end(args);
    sim_note(sim, "violation", 0, 0);
}
