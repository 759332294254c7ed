/*
 * The pair: see its header. One thread.
 */
#include "tests/unit/pair.h"

struct pair_node pair[2];

static void deliver(struct pair_node *node, bool shuffled, const void *bytes, size_t len)
{
    if (node->frames == PAIR_FRAMES_MAX) return;
    struct pair_frame *frame = &node->inbox[node->frames++];
    *frame = (struct pair_frame){malloc(len), len};
    memcpy(frame->bytes, bytes, len);
    if (!shuffled || node->frames < 2) return;
    size_t other = world_random(node->frames);
    struct pair_frame swap = node->inbox[other];
    node->inbox[other] = *frame;
    *frame = swap;
}

static int send_frame(struct dure_transport *transport, uint16_t shard, const void *bytes,
                      size_t len)
{
    struct pair_node *node = (struct pair_node *)transport;
    (void)shard;
    if (node->narrow && node->room == 0) {
        node->full = true;
        return DURE_EBUSY;
    }
    node->room--;
    uint64_t dice = node->bad_wire ? world_random(10) : 9;
    if (dice < 3) return 0; /* Lost. */
    deliver(node->peer, node->bad_wire, bytes, len);
    if (dice < 5) deliver(node->peer, node->bad_wire, bytes, len); /* Doubled. */
    return 0;
}

void pair_make(uint32_t shards)
{
    memset(pair, 0, sizeof pair);
    for (int i = 0; i < 2; i++) {
        pair[i].peer = &pair[1 - i];
        world_make_linked(&pair[i].world, shards, (uint16_t)i, 2, send_frame);
    }
}

void pair_lose(struct pair_node *node, size_t kept)
{
    while (node->frames > kept) free(node->inbox[--node->frames].bytes);
}

void pair_end(void)
{
    for (int i = 0; i < 2; i++) {
        pair_lose(&pair[i], 0);
        world_end(&pair[i].world);
    }
}

void pair_step(struct pair_node *node)
{
    if (node->frames > 0) {
        /* A narrow wire keeps the order: what comes too early would be as good as lost. */
        struct pair_frame frame = node->narrow ? node->inbox[0] : node->inbox[node->frames - 1];
        node->frames--;
        if (node->narrow) memmove(node->inbox, node->inbox + 1, node->frames * sizeof frame);
        dure_links_receive(node->world.rt, frame.bytes, frame.len);
        free(frame.bytes);
    }
    world_round(&node->world);
}

bool pair_quiet(void)
{
    for (int i = 0; i < 2; i++) {
        if (pair[i].frames > 0 || pair[i].world.links->parcels > 0) return false;
        if (!world_idle(&pair[i].world)) return false;
    }
    return true;
}

void pair_run(void)
{
    for (int i = 0; i < 400000 && !pair_quiet(); i++) {
        pair_step(&pair[0]);
        pair_step(&pair[1]);
        if (i % 4 == 0) world_now_ms += 5;
    }
    assert_true(pair_quiet());
}

void pair_run_narrow(void)
{
    for (int i = 0; i < 400000 && !pair_quiet(); i++) {
        struct pair_node *node = &pair[i % 2];
        pair_step(node);
        if (!node->full) continue;
        node->full = false;
        node->room = 3;
        dure_links_room(node->world.rt, (uint16_t)(1 - i % 2));
    }
    assert_true(pair_quiet());
}

struct world *pair_home(int64_t id)
{
    return &pair[id % pair[0].world.shards % 2].world;
}
