/*
 * The simulation: a cluster of the real runtime and systems, in one thread, from one seed.
 *
 *   time      a heap of events; the clock jumps from one to the next (world.c)
 *   wire      datagrams are lost, delayed, doubled, reordered, cut off (wire.c)
 *   disk      the stores in memory: slow, full, failing, crashing with a write under way (node.c)
 *   clients   orders, cancels, deposits, edits, reads; retried by key at other nodes (client*.c);
 *             in most runs also bike, second-hand and food (deeds.h)
 *   faults    at random until the safety phase ends (faults.c); then none, and all must end
 *   checks    one invariant a file (check_*.c)
 *
 * Everything random comes from the seed, so equal seeds are equal runs, byte for byte. Nothing here
 * is for other threads.
 */
#ifndef DURE_TESTS_SIM_H
#define DURE_TESTS_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "actors/shop/shop.h"
#include "runtime/ids_peer.h"
#include "runtime/links.h"
#include "runtime/look_peer.h"
#include "runtime/record.h"
#include "tests/sim/deeds.h"

#define SIM_NODES_MAX 5
#define SIM_SHARDS_MAX 32
#define SIM_CLIENTS_MAX 12
#define SIM_PRODUCTS_MAX 4
#define SIM_USERS_MAX 8
#define SIM_MS 1000 /* Microseconds. */
#define SIM_SECOND (1000 * SIM_MS)

struct sim_settings { /* Drawn from the seed (settings.c); the command line may fix some. */
    uint64_t seed;
    uint16_t nodes;
    uint32_t shards;
    int64_t fault_us;           /* Length of the safety phase. */
    unsigned clients, users, products;
    unsigned others;            /* Of 1000 requests for other systems than the shop. */
    int64_t memory_bytes;
    uint32_t group_turns_max;
    int64_t saga_deadline_ms;
    int64_t think_us;           /* Of a client between two requests, at most. */
    /* Wire: of 1000; microseconds. */
    unsigned loss, doubling, late;
    int64_t delay_us, late_us;  /* Mostly up to; the late ones up to. */
    /* Disk. */
    int64_t sync_us;            /* A write takes half to twice of it. */
    unsigned unknown, no_space, crash_in_append; /* Of 1000 appends. */
    /* Mean time between; 0: never. */
    int64_t crash_us, cut_us, stall_us, full_us, broken_us, blackout_us, away_us;
};

struct sim;
struct sim_node;

/* ---- What clients ask (gateway.c carries it) ------------------------------------------------- */

enum sim_op { SIM_OPEN_PRODUCT, SIM_DEPOSIT, SIM_PLACE, SIM_CANCEL, SIM_EDIT, SIM_READ_ORDER,
              SIM_READ_PRODUCT, SIM_DEED };

struct sim_request { /* Also as it travels between nodes. */
    uint64_t number;      /* Of the request at its entry node. */
    uint64_t key[2], fingerprint;
    int64_t id;           /* Of the order, product or user; PLACE: of the product. */
    int64_t user_id, quantity, price, amount, value;
    int64_t wait_ms;      /* 0: answer at once. */
    uint32_t op;
    uint32_t deed;        /* enum sim_deed_kind, with SIM_DEED. */
};

struct sim_reply {
    uint64_t number;
    int64_t id, a, b;   /* Order: status, price. Product: value of the last edit, price. */
    int32_t status;     /* HTTP's. SIM_TRY_AGAIN: no outcome. */
    int32_t zero;
};
#define SIM_TRY_AGAIN 0

struct sim_call;    /* At the owner: an ask or a read (gateway.c). */
struct sim_pending; /* At the entry node: a client waits. */

/* ---- Nodes (node.c) -------------------------------------------------------------------------- */

struct sim_node {
    struct sim *sim;
    uint16_t number;
    uint64_t life;        /* Events of an earlier one are void. */
    bool up;
    struct dure_io io;
    struct dure_wire wire;
    struct dure_journal *journal;
    struct dure_rows *rows;
    struct dure_peers *peers;
    struct dure_peer_user forward, forward_reply;
    struct dure_links_peer links_peer;
    struct dure_links *links;
    struct dure_look_peer look;
    struct dure_ids_peer ids;
    struct dure_runtime *rt;
    uint64_t random;
    int64_t skew_ms;      /* Its wall clock is that much ahead. */
    int64_t round_us;     /* When the next round is due; INT64_MAX: never. */
    int64_t alarm_ms;     /* What the runtime asked for, on its wall clock. */
    bool soon, in_round, syncing, saving;
    int64_t stalled_until_us, full_until_us;
    bool broken;          /* The next append fails with EIO. */
    int64_t lag_us;       /* Between being woken and running: slow nodes have more. */
    int fatal;
    struct sim_call *calls;
    struct sim_pending *pendings;
    uint64_t requests;
    unsigned crashes;
    int64_t trouble_us;   /* When it was last seen down, stopped or full … */
    uint64_t failures;    /* … or had more failed appends than these. */
};

void sim_node_make(struct sim *sim, uint16_t number);
void sim_node_start(struct sim_node *node);
/* As kill -9: what of the writes under way is on disk, as said. Restarts by itself after_us
 * later. */
void sim_node_crash(struct sim_node *node, bool append_written, bool rows_written,
                    int64_t after_us);
void sim_node_wake(struct sim_node *node, int64_t at_us);
/* Not running, or stopped for now: nothing reaches it. */
bool sim_node_stalled(const struct sim_node *node);
void sim_node_free(struct sim_node *node);
size_t sim_node_parcels(const struct sim_node *node); /* Not acknowledged by others. */
bool sim_node_quiet(const struct sim_node *node);

/* ---- Gateway (gateway.c) --------------------------------------------------------------------- */

/* A client's request has reached this node. */
void sim_gateway_request(struct sim_node *node, unsigned client, uint64_t attempt,
                         const struct sim_request *request);
void sim_gateway_frame(void *arg, uint16_t from, enum dure_peer_kind kind, const void *bytes,
                       size_t len);
void sim_gateway_down(void *arg, uint16_t node);
void sim_gateway_crashed(struct sim_node *node);

/* ---- Clients (client.c, client_ops.c) -------------------------------------------------------- */

struct sim_order { /* What the clients know of an order. */
    int64_t id;
    int64_t product_id, user_id, quantity;
    unsigned rank;        /* Seen at least: sim_rank. */
    int acked;            /* 201, 202 or 409 … */
    int64_t status;       /* … with this status. */
    unsigned cancels;     /* That were answered with 200 or 201. */
};

struct sim_client {
    struct sim *sim;
    unsigned number;
    bool busy;
    uint64_t attempt;     /* Counts up; answers of another are void. */
    uint64_t ops;
    struct sim_request request;
    uint64_t order_at;    /* CANCEL and READ_ORDER: which. */
    uint64_t seen;        /* READ: what must be seen at least. */
    struct sim_reply first; /* The answer was this: it is asked for once more. */
    bool again;
};

struct sim_product {
    int64_t id;
    int64_t opened;           /* Pieces. */
    uint64_t edited;          /* Value of the last acknowledged edit … */
    uint64_t editing;         /* … and of the last one asked. */
};

struct sim_user {
    int64_t id;               /* Its natural key. */
    int64_t deposited;
};

void sim_client_make(struct sim *sim, unsigned number);
/* The next request, unless the safety phase is over. */
void sim_client_next(struct sim_client *client);
/* From the gateway, by way of the network; status SIM_TRY_AGAIN: broken, refused, or busy. */
void sim_client_reply(struct sim *sim, unsigned client, uint64_t attempt,
                      const struct sim_reply *reply);
/* client_ops.c: makes a request, and learns from its outcome. */
void sim_client_choose(struct sim_client *client);
void sim_client_learn(struct sim_client *client, const struct sim_reply *reply);
/* How far an order has come: 1 received, 2 decided, 3 being cancelled, 4 cancelled. */
unsigned sim_rank(int64_t status);

/* ---- The whole ------------------------------------------------------------------------------- */

struct sim_event {
    int64_t at_us;
    uint64_t order;
    void (*run)(void *arg, uint64_t tag);
    void *arg;
    uint64_t tag;
    bool owned; /* arg is freed with it, if it never runs. */
};

enum sim_phase { SIM_SETUP, SIM_SAFETY, SIM_LIVENESS };

struct sim_stream { /* What a subscriber of one shard has seen live. */
    uint64_t *hashes; /* By sequence; 0: not seen. */
    uint64_t last, cap;
};

struct sim {
    struct sim_settings settings;
    enum sim_phase phase;
    int64_t now_us;
    uint64_t random, order;
    struct sim_event *heap;
    size_t heap_count, heap_cap;
    uint64_t hash;          /* Of all that happened. */
    FILE *log;              /* Or NULL. */
    bool failed;
    char failure[512];
    struct sim_node nodes[SIM_NODES_MAX];
    bool cut[SIM_NODES_MAX][SIM_NODES_MAX]; /* From, to. */
    struct sim_client clients[SIM_CLIENTS_MAX];
    struct sim_product products[SIM_PRODUCTS_MAX];
    unsigned products_count;
    struct sim_user users[SIM_USERS_MAX];
    struct sim_order *orders;
    size_t orders_count, orders_cap;
    uint64_t places, deposits; /* Answered. */
    struct sim_thing *things;  /* Of the other systems. */
    size_t things_count, things_cap;
    uint64_t deeds[SIM_DEEDS]; /* That were done. */
    int64_t pieces;            /* Put there, of all products. */
    struct sim_stream streams[SIM_SHARDS_MAX];
    uint64_t events_total, acked, tries, faults;
};

void sim_settings_draw(struct sim_settings *settings, uint64_t seed);
void sim_settings_print(const struct sim_settings *settings, FILE *out);

/* Runs one seed to its end. False: a violation, in sim->failure. Free it afterwards. */
bool sim_run(struct sim *sim, const struct sim_settings *settings, FILE *log);
void sim_free(struct sim *sim);

/* world.c */
void sim_at(struct sim *sim, int64_t at_us, void (*run)(void *arg, uint64_t tag), void *arg,
            uint64_t tag);
/* Gives arg, by malloc: run frees it, or hands it on. */
void sim_at_give(struct sim *sim, int64_t at_us, void (*run)(void *arg, uint64_t tag), void *arg);
void sim_discard(struct sim *sim); /* All events. */
bool sim_step(struct sim *sim); /* False: no event is left. */
#define SIM_GOLDEN 0x9e3779b97f4a7c15u
uint64_t sim_mix(uint64_t z); /* Each step of SIM_GOLDEN gives another number. */
uint64_t sim_random(struct sim *sim, uint64_t below);
bool sim_dice(struct sim *sim, unsigned of_1000);
/* About half to twice. */
int64_t sim_about(struct sim *sim, int64_t us);
/* Exponentially distributed. */
int64_t sim_interval(struct sim *sim, int64_t mean_us);
void sim_note(struct sim *sim, const char *what, int64_t a, int64_t b);
void sim_fail(struct sim *sim, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void sim_wire_send(struct dure_wire *wire, uint16_t to, const void *bytes, size_t len);
void sim_faults_begin(struct sim *sim);
void sim_faults_end(struct sim *sim);

/* Checks at the end of a run; each calls sim_fail with what it found. */
void sim_check_sagas(struct sim *sim);       /* Also while it runs: deadlines. */
void sim_check_deadlines(struct sim *sim);
void sim_check_acked(struct sim *sim);
void sim_check_once(struct sim *sim);
void sim_check_sums(struct sim *sim);
void sim_check_negative(struct sim *sim);
void sim_check_events(struct sim *sim);
void sim_check_traces(struct sim *sim);
void sim_check_views(struct sim *sim);
void sim_check_replay(struct sim *sim);
void sim_stream_record(void *arg, const struct dure_group *group);

/* check.c: for all of them. */
const void *sim_look(struct sim *sim, const struct dure_aggregate *aggregate, int64_t id);
void sim_each(struct sim *sim, struct dure_type *type,
              void (*visit)(struct sim *sim, void *arg, int64_t id, const void *state), void *arg);
/* Every event of every journal, oldest first within each. */
typedef void sim_event_visit(struct sim *sim, void *arg, const struct dure_type *type,
                             const struct dure_event *event, const struct dure_entry_event *head);
void sim_each_event(struct sim *sim, sim_event_visit *visit, void *arg);

#endif
