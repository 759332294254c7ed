/*
 * dure-sim: runs seeds. Prints the seed and its settings first; on a violation what it was and the
 * command that shows it again. Several seeds are spread over processes.
 */
#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "actors/systems.h"
#include "tests/sim/sim.h"

struct options {
    uint64_t seed, seeds;
    unsigned nodes, jobs;
    int64_t seconds;
    const char *log;
    bool stop;
};

static const struct argp_option entries[] = {
    {"seed", 's', "N", 0, "The seed, or the first of several (1)", 0},
    {"seeds", 'n', "COUNT", 0, "How many seeds, one after the other (1)", 0},
    {"nodes", 'N', "1..5", 0, "So many nodes, instead of what the seed says", 0},
    {"seconds", 'S', "N", 0, "So many seconds of faults, instead of what the seed says", 0},
    {"jobs", 'j', "N", 0, "Processes (1)", 0},
    {"stop", 'x', 0, 0, "Stops at the first violation", 0},
    {"log", 'l', "FILE", 0, "Writes down every step (- is stdout)", 0},
    {0}};

static error_t take(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case 's': options->seed = strtoull(arg, NULL, 10); break;
    case 'n': options->seeds = strtoull(arg, NULL, 10); break;
    case 'N': options->nodes = (unsigned)strtoul(arg, NULL, 10); break;
    case 'S': options->seconds = strtoll(arg, NULL, 10); break;
    case 'j': options->jobs = (unsigned)strtoul(arg, NULL, 10); break;
    case 'x': options->stop = true; break;
    case 'l': options->log = arg; break;
    case ARGP_KEY_END:
        if (options->nodes > SIM_NODES_MAX) argp_error(state, "1 to %d nodes", SIM_NODES_MAX);
        if (options->jobs < 1 || options->jobs > 64) argp_error(state, "1 to 64 jobs");
        if (options->seeds > 1 && options->log != NULL) argp_error(state, "a log is of one seed");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct total {
    double virtual_s;
    uint64_t orders, faults, broken;
};

static void again(const struct options *options, uint64_t seed)
{
    printf("  again: dure-sim --seed %llu", (unsigned long long)seed);
    if (options->nodes != 0) printf(" --nodes %u", options->nodes);
    if (options->seconds != 0) printf(" --seconds %lld", (long long)options->seconds);
    printf(" --log -\n");
}

static bool run_seed(const struct options *options, uint64_t seed, FILE *log, struct total *total)
{
    static struct sim sim;
    struct sim_settings settings;
    sim_settings_draw(&settings, seed);
    if (options->nodes != 0) settings.nodes = (uint16_t)options->nodes;
    if (settings.shards < settings.nodes) settings.shards = settings.nodes;
    if (options->seconds != 0) settings.fault_us = options->seconds * SIM_SECOND;
    bool alone = options->seeds == 1;
    if (alone) sim_settings_print(&settings, log != NULL ? log : stdout);
    bool fine = sim_run(&sim, &settings, log);
    if (!fine) {
        if (!alone) sim_settings_print(&settings, stdout);
        printf("seed %llu: VIOLATION %s\n", (unsigned long long)seed, sim.failure);
        again(options, seed);
    }
    if (alone) {
        fprintf(log != NULL ? log : stdout,
                "seed %llu: %s, %.3f s, %llu events, %llu requests, %llu answers, %zu orders, "
                "%llu faults, hash %016llx\n",
                (unsigned long long)seed, fine ? "fine" : "broken",
                (double)sim.now_us / SIM_SECOND, (unsigned long long)sim.events_total,
                (unsigned long long)sim.tries, (unsigned long long)sim.acked, sim.orders_count,
                (unsigned long long)sim.faults, (unsigned long long)sim.hash);
    }
    total->virtual_s += (double)sim.now_us / SIM_SECOND;
    total->orders += sim.orders_count;
    total->faults += sim.faults;
    total->broken += !fine;
    sim_free(&sim);
    fflush(stdout);
    return fine;
}

/* Every jobs-th seed, from the job-th on. */
static int run_job(const struct options *options, unsigned job)
{
    struct total total = {0};
    for (uint64_t i = job; i < options->seeds && total.broken < 10; i += options->jobs) {
        bool fine = run_seed(options, options->seed + i, NULL, &total);
        if (!fine && options->stop) break;
    }
    double cpu_s = cpu_seconds();
    printf(
        "job %u: %.0f s simulated, %llu orders, %llu faults; %.0f times real time; %llu broken\n",
        job, total.virtual_s, (unsigned long long)total.orders, (unsigned long long)total.faults,
        total.virtual_s / cpu_s, (unsigned long long)total.broken);
    fflush(stdout);
    return total.broken == 0 ? 0 : 1;
}

static int run_jobs(const struct options *options)
{
    if (options->jobs == 1) return run_job(options, 0);
    for (unsigned job = 0; job < options->jobs; job++) {
        pid_t pid = fork();
        if (pid == 0) exit(run_job(options, job));
        if (pid < 0) return 2;
    }
    int worst = 0, status;
    while (wait(&status) > 0) {
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) worst = 1;
    }
    return worst;
}

int main(int argc, char **argv)
{
    struct options options = {.seed = 1, .seeds = 1, .jobs = 1};
    const struct argp argp = {
        .options = entries, .parser = take,
        .doc = "Simulates a cluster of dure nodes with the systems, under faults, from a seed."};
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    if (dure_registry_init(dure_systems()) != 0) return 2;
    if (options.seeds != 1) return run_jobs(&options);
    FILE *log = options.log == NULL             ? NULL
                : strcmp(options.log, "-") == 0 ? stdout
                                                : fopen(options.log, "w");
    if (options.log != NULL && log == NULL) {
        perror(options.log);
        return 2;
    }
    struct total total = {0};
    bool fine = run_seed(&options, options.seed, log, &total);
    if (log != NULL && log != stdout) fclose(log);
    return fine ? 0 : 1;
}
