/*
 * Clients: one request at a time each, at any node. What has no outcome is asked again, with the
 * same key, at another one, until it has: connection refused or broken, 503, no answer in time.
 */
#include "tests/sim/sim.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define GIVE_UP_US (3 * SIM_SECOND)

static void ask(struct sim_client *client);

static void ask_again(void *arg, uint64_t attempt)
{
    struct sim_client *client = arg;
    if (client->busy && client->attempt == attempt) ask(client);
}

static void timed_out(void *arg, uint64_t attempt)
{
    struct sim_client *client = arg;
    if (!client->busy || client->attempt != attempt) return;
    sim_note(client->sim, "timeout", client->number, (int64_t)client->request.op);
    client->attempt++;
    ask(client);
}

static void retry_later(struct sim_client *client)
{
    struct sim *sim = client->sim;
    client->attempt++;
    sim_at(sim, sim->now_us + sim_about(sim, 30 * SIM_MS), ask_again, client, client->attempt);
}

struct travel {
    struct sim_client *client;
    struct sim_node *node;
    uint64_t attempt;
};

static void arrive(void *arg, uint64_t tag)
{
    (void)tag;
    struct travel travel = *(struct travel *)arg;
    struct sim_client *client = travel.client;
    struct sim *sim = client->sim;
    bool current = client->busy && client->attempt == travel.attempt;
    if (current && travel.node->up && sim_node_stalled(travel.node)) {
        sim_at_give(sim, travel.node->stalled_until_us, arrive, arg); /* The kernel took it. */
        return;
    }
    free(arg);
    if (!current) return;
    if (!travel.node->up) {
        retry_later(client); /* Connection refused. */
        return;
    }
    sim_gateway_request(travel.node, client->number, travel.attempt, &client->request);
}

static void ask(struct sim_client *client)
{
    struct sim *sim = client->sim;
    struct travel *travel = malloc(sizeof *travel);
    DURE_ASSERT(travel != NULL);
    *travel = (struct travel){client, &sim->nodes[sim_random(sim, sim->settings.nodes)],
                              client->attempt};
    sim->tries++;
    sim_note(sim, "ask", client->number * 100 + client->request.op, travel->node->number);
    sim_at_give(sim, sim->now_us + sim_about(sim, 200), arrive, travel);
    sim_at(sim, sim->now_us + GIVE_UP_US, timed_out, client, client->attempt);
}

static void next(void *arg, uint64_t tag)
{
    (void)tag;
    sim_client_next(arg);
}

void sim_client_next(struct sim_client *client)
{
    struct sim *sim = client->sim;
    if (sim->phase == SIM_LIVENESS) return;
    client->attempt++;
    client->busy = true;
    client->request = (struct sim_request){0};
    sim_client_choose(client);
    if (!client->busy) { /* Nothing to do yet. */
        sim_at(sim, sim->now_us + sim_about(sim, 50 * SIM_MS), next, client, 0);
        return;
    }
    struct sim_request *request = &client->request;
    uint64_t name[3] = {sim->settings.seed, client->number, ++client->ops};
    request->key[0] = XXH3_64bits(name, sizeof name);
    request->key[1] = XXH3_64bits_withSeed(name, sizeof name, 7);
    request->fingerprint = XXH3_64bits(request, sizeof *request);
    ask(client);
}

static bool reads(const struct sim_client *client)
{
    return client->request.op == SIM_READ_ORDER || client->request.op == SIM_READ_PRODUCT;
}

/* The same key has the same answer, byte for byte, wherever and whenever it is asked. */
static void compare(struct sim_client *client, const struct sim_reply *reply)
{
    const struct sim_reply *first = &client->first;
    bool same = first->status == reply->status && first->id == reply->id &&
                first->a == reply->a && first->b == reply->b;
    if (same) return;
    sim_fail(client->sim, "one key was answered with %d for %lld, and then with %d for %lld",
             first->status, (long long)first->id, reply->status, (long long)reply->id);
}

void sim_client_reply(struct sim *sim, unsigned number, uint64_t attempt,
                      const struct sim_reply *reply)
{
    struct sim_client *client = &sim->clients[number];
    if (!client->busy || client->attempt != attempt) return;
    sim_note(sim, "reply", reply->status, reply->id);
    if (reply->status == SIM_TRY_AGAIN) {
        retry_later(client);
        return;
    }
    sim->acked++;
    client->attempt++;
    if (client->again) {
        compare(client, reply);
    } else if (!reads(client) && sim_dice(sim, 100)) {
        client->first = *reply;
        client->again = true;
        ask(client);
        return;
    }
    client->again = client->busy = false;
    sim_client_learn(client, reply);
    int64_t think = (int64_t)sim_random(sim, (uint64_t)sim->settings.think_us + 1);
    sim_at(sim, sim->now_us + 1 + think, next, client, 0);
}

void sim_client_make(struct sim *sim, unsigned number)
{
    struct sim_client *client = &sim->clients[number];
    *client = (struct sim_client){.sim = sim, .number = number};
    sim_at(sim, sim->now_us + (int64_t)number, next, client, 0);
}
