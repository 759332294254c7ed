/*
 * Peers: within a session every frame comes whole, once and in order, whatever the wire does; when
 * a session ends both sides hear of it, and nothing of it reaches the next one.
 */
#include "runtime/peer.h"
#include "tests/unit/world.h"

#define NODES 3
#define LOG_MAX 200000

/* ---- A wire that keeps datagrams for a while, and nodes on it -------------------------------- */

struct parcel {
    uint16_t from, to;
    int64_t due_ms;
    size_t len;
    char *bytes;
};
static struct parcel air[LOG_MAX];
static size_t air_count;
static int64_t now_ms;
static unsigned loss, doubling; /* Of 100. */
static int64_t delay_ms;        /* At most. */
static bool cut[NODES][NODES];  /* From, to. */
static struct parcel kept[LOG_MAX]; /* Copies of all that was ever sent, while `keeping`. */
static size_t kept_count;
static bool keeping;

struct node {
    struct dure_wire wire; /* First. */
    uint16_t number;
    struct dure_peers *peers;
    struct dure_peer_user user;
    uint64_t next[NODES];       /* Number of the frame that must come next, by sender. */
    uint64_t given[NODES];      /* Frames that we sent in this session. */
    unsigned ups, downs, rooms;
    uint64_t frames;
    bool stopped;               /* Its loop does not run. */
};
static struct node nodes[NODES];

static int64_t wall(struct dure_io *io) { (void)io; return now_ms; }
static uint64_t mono(struct dure_io *io) { (void)io; return (uint64_t)now_ms * 1000000; }
static uint64_t number(struct dure_io *io)
{
    (void)io;
    return world_random(1u << 30) << 30 | world_random(1u << 30);
}
static struct dure_io io = {.wall_ms = wall, .mono_ns = mono, .random = number};

static void fly(uint16_t from, uint16_t to, const void *bytes, size_t len)
{
    assert_true(air_count < LOG_MAX);
    struct parcel *parcel = &air[air_count++];
    *parcel = (struct parcel){.from = from, .to = to, .len = len, .bytes = malloc(len),
                              .due_ms = now_ms + (int64_t)world_random((uint64_t)delay_ms + 1)};
    memcpy(parcel->bytes, bytes, len);
}

static void wire_send(struct dure_wire *wire, uint16_t to, const void *bytes, size_t len)
{
    const struct node *node = (const struct node *)wire;
    uint16_t first;
    memcpy(&first, bytes, sizeof first);
    assert_int_equal(first, to); /* As peer.h promises: the topic. */
    assert_true(len <= DURE_PEER_DATAGRAM_BYTES_MAX + 8);
    if (keeping) {
        kept[kept_count] = (struct parcel){.from = node->number, .to = to, .len = len,
                                           .bytes = malloc(len)};
        memcpy(kept[kept_count++].bytes, bytes, len);
    }
    if (cut[node->number][to] || world_random(100) < loss) return;
    fly(node->number, to, bytes, len);
    if (world_random(100) < doubling) fly(node->number, to, bytes, len);
}

/* A frame is its number and a run of bytes that follow from it. */
static size_t make_frame(uint64_t count, char *bytes, size_t len)
{
    memcpy(bytes, &count, sizeof count);
    for (size_t i = sizeof count; i < len; i++) bytes[i] = (char)(count * 31 + i);
    return len;
}

static void on_frame(void *arg, uint16_t from, enum dure_peer_kind kind, const void *bytes,
                     size_t len)
{
    static char expected[DURE_PEER_FRAME_BYTES_MAX];
    struct node *node = arg;
    uint64_t count;
    assert_int_equal((uintptr_t)bytes & 7, 0);
    assert_int_equal(kind, DURE_PEER_LINK);
    assert_true(len >= sizeof count);
    memcpy(&count, bytes, sizeof count);
    assert_int_equal(count, node->next[from]);
    make_frame(count, expected, len);
    assert_memory_equal(bytes, expected, len);
    node->next[from]++;
    node->frames++;
}

static void on_up(void *arg, uint16_t peer)
{
    struct node *node = arg;
    node->ups++;
    node->next[peer] = node->given[peer] = 0;
}

static void on_down(void *arg, uint16_t peer)
{
    (void)peer;
    ((struct node *)arg)->downs++;
}

static void on_room(void *arg, uint16_t peer)
{
    (void)peer;
    ((struct node *)arg)->rooms++;
}

static void start(uint16_t i)
{
    struct node *node = &nodes[i];
    *node = (struct node){.wire.send = wire_send, .number = i,
                          .user = {on_frame, on_up, on_down, on_room, node}};
    struct dure_peer_options options = {.node = i, .nodes = NODES, .io = &io, .wire = &node->wire};
    assert_int_equal(dure_peer_open(&node->peers, &options), 0);
    dure_peer_use(node->peers, DURE_PEER_LINK, &node->user);
}

static void arrive(size_t i)
{
    struct parcel parcel = air[i];
    air[i] = air[--air_count];
    struct node *node = &nodes[parcel.to];
    if (node->peers != NULL && !cut[parcel.from][parcel.to]) {
        dure_peer_received(node->peers, parcel.bytes, parcel.len);
    }
    free(parcel.bytes);
}

static void step(void)
{
    now_ms++;
    for (size_t i = 0; i < air_count;) {
        if (air[i].due_ms <= now_ms && !nodes[air[i].to].stopped) arrive(i);
        else i++;
    }
    for (uint16_t i = 0; i < NODES; i++) {
        if (nodes[i].peers == NULL || nodes[i].stopped) continue;
        int64_t next = dure_peer_run(nodes[i].peers);
        assert_true(next > 0 && next <= DURE_PEER_HEARTBEAT_MS);
    }
}

static void pass(int64_t ms)
{
    while (ms-- > 0) step();
}

static bool all_up(void)
{
    for (uint16_t i = 0; i < NODES; i++) {
        for (uint16_t j = 0; j < NODES; j++) {
            if (i != j && !dure_peer_is_up(nodes[i].peers, j)) return false;
        }
    }
    return true;
}

static void until_up(int64_t limit_ms)
{
    while (limit_ms-- > 0 && !all_up()) step();
    assert_true(all_up());
}

static int setup(void **state)
{
    (void)state;
    now_ms = 1000;
    loss = doubling = 0;
    delay_ms = 1;
    memset(cut, 0, sizeof cut);
    for (uint16_t i = 0; i < NODES; i++) start(i);
    until_up(10);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (uint16_t i = 0; i < NODES; i++) dure_peer_close(nodes[i].peers);
    while (air_count > 0) free(air[--air_count].bytes);
    while (kept_count > 0) free(kept[--kept_count].bytes);
    keeping = false;
    return 0;
}

static int send_one(uint16_t from, uint16_t to, size_t len)
{
    static char bytes[DURE_PEER_FRAME_BYTES_MAX];
    struct node *node = &nodes[from];
    make_frame(node->given[to], bytes, len);
    int rv = dure_peer_send(node->peers, to, DURE_PEER_LINK, bytes, len);
    if (rv == 0) node->given[to]++;
    return rv;
}

static bool delivered(void)
{
    for (uint16_t i = 0; i < NODES; i++) {
        for (uint16_t j = 0; j < NODES; j++) {
            if (i != j && nodes[i].next[j] != nodes[j].given[i]) return false;
        }
    }
    return true;
}

static void until_delivered(int64_t limit_ms)
{
    while (limit_ms-- > 0 && !delivered()) step();
    assert_true(delivered());
}

/* ---- The tests ------------------------------------------------------------------------------- */

/* A third lost, a fifth doubled, all delayed at random: every frame comes, once, in order. */
static void test_bad_wire(void **state)
{
    (void)state;
    loss = 33;
    doubling = 20;
    delay_ms = 30;
    for (int i = 0; i < 4000; i++) {
        uint16_t from = (uint16_t)world_random(NODES);
        uint16_t to = (uint16_t)((from + 1 + world_random(NODES - 1)) % NODES);
        size_t len = 8 + world_random(world_random(20) == 0 ? 300000 : 300);
        (void)send_one(from, to, len); /* Refused by a full window: not sent, and not counted. */
        if (world_random(3) == 0) step();
    }
    until_delivered(60000);
    struct dure_peer_status status;
    dure_peer_status(nodes[0].peers, 1, &status);
    assert_true(status.datagrams_resent > 0 && status.gaps > 0);
    pass(2000);
    dure_peer_status(nodes[0].peers, 1, &status);
    assert_int_equal(status.bytes_unacked, 0);
    for (int i = 0; i < NODES; i++) assert_int_equal(nodes[i].downs, 0);
}

/* A frame larger than a datagram travels in pieces, up to the bound; more is refused. */
static void test_large_frames(void **state)
{
    (void)state;
    assert_int_equal(send_one(0, 1, DURE_PEER_FRAME_BYTES_MAX), 0);
    until_delivered(100);
    for (size_t len = DURE_PEER_DATAGRAM_BYTES - 100; len < DURE_PEER_DATAGRAM_BYTES + 100;
         len += 7) {
        assert_int_equal(send_one(1, 0, len), 0);
        assert_int_equal(send_one(1, 0, len + 30000), 0);
        until_delivered(1000);
    }
    static char bytes[DURE_PEER_FRAME_BYTES_MAX + 1];
    assert_int_equal(dure_peer_send(nodes[0].peers, 1, DURE_PEER_LINK, bytes, sizeof bytes),
                     DURE_ETOOBIG);
}

/* Many small frames of one round share datagrams of the size that the wire carries best. */
static void test_batches(void **state)
{
    (void)state;
    struct dure_peer_status before, after;
    dure_peer_status(nodes[0].peers, 1, &before);
    for (int i = 0; i < 2000; i++) assert_int_equal(send_one(0, 1, 200), 0);
    until_delivered(10);
    dure_peer_status(nodes[0].peers, 1, &after);
    uint64_t datagrams = after.datagrams_sent - before.datagrams_sent;
    assert_in_range(datagrams, 2000 * 208 / DURE_PEER_DATAGRAM_BYTES,
                    2000 * 208 / DURE_PEER_DATAGRAM_BYTES + 3);
}

/* A peer that acknowledges nothing is sent a window and no more; then `room` is told. */
static void test_window(void **state)
{
    (void)state;
    nodes[1].stopped = true;
    size_t sent = 0;
    while (send_one(0, 1, 10000) == 0) sent += 10000;
    assert_false(dure_peer_room(nodes[0].peers, 1));
    assert_in_range(sent, DURE_PEER_WINDOW_BYTES * 9 / 10, DURE_PEER_WINDOW_BYTES);
    assert_int_equal(send_one(0, 2, 10000), 0); /* Another peer is not concerned. */
    assert_int_equal(nodes[0].rooms, 0);
    nodes[1].stopped = false;
    until_delivered(1000);
    pass(10);
    assert_int_equal(nodes[0].rooms, 1);
    assert_true(dure_peer_room(nodes[0].peers, 1));
}

/* A datagram a round instead of full ones: their number is bounded too. */
static void test_window_datagrams(void **state)
{
    (void)state;
    nodes[1].stopped = true;
    int sent = 0;
    for (; sent < 5000 && send_one(0, 1, 8) == 0; sent++) dure_peer_run(nodes[0].peers);
    assert_int_equal(sent, DURE_PEER_WINDOW_DATAGRAMS);
    nodes[1].stopped = false;
    until_delivered(1000);
}

/* A restart ends the session at once on the other side; what was on its way in the old one never
 * arrives in the new one, not even when the wire gives it out again later. */
static void test_restart(void **state)
{
    (void)state;
    keeping = true;
    for (int life = 0; life < 5; life++) {
        for (int i = 0; i < 20; i++) assert_int_equal(send_one(0, 1, 100), 0);
        for (int i = 0; i < 20; i++) assert_int_equal(send_one(1, 0, 100), 0);
        pass((int64_t)world_random(3));
        dure_peer_close(nodes[1].peers);
        start(1);
        pass(10); /* Node 0 is up all the while, but soon with the new life. */
        until_up(10);
        assert_int_equal(nodes[0].downs, life + 1);
        for (int i = 0; i < 20; i++) assert_int_equal(send_one(1, 0, 100), 0);
        for (size_t i = 0; i < kept_count; i++) {
            fly(kept[i].from, kept[i].to, kept[i].bytes, kept[i].len);
        }
        until_delivered(100);
        pass(10);
        assert_true(all_up());
        assert_int_equal(nodes[0].downs, life + 1); /* Stragglers end nothing. */
        assert_int_equal(nodes[1].downs, 0);
    }
}

/* Restarts on a bad wire: whatever was said in an old session, also in answer to a stranger, counts for
 * nothing in the new one. */
static void test_restart_on_bad_wire(void **state)
{
    (void)state;
    loss = 30;
    doubling = 100;
    delay_ms = 40;
    for (int life = 0; life < 60; life++) {
        for (int i = 0; i < 20; i++) {
            (void)send_one(0, 1, 100);
            (void)send_one(1, 0, 100);
            step();
        }
        dure_peer_close(nodes[1].peers);
        start(1);
        while (!dure_peer_is_up(nodes[1].peers, 0)) step();
        for (int i = 0; i < 5; i++) assert_int_equal(send_one(1, 0, 100), 0);
        pass(2000);
        until_up(1);
        until_delivered(1);
    }
}

/* A wire cut in one direction is a peer down for both within the silence; they meet again. */
static void test_partition(void **state)
{
    (void)state;
    for (int both = 0; both < 2; both++) {
        cut[0][1] = true;
        cut[1][0] = both;
        pass(2 * DURE_PEER_SILENCE_MS);
        assert_false(dure_peer_is_up(nodes[0].peers, 1));
        assert_false(dure_peer_is_up(nodes[1].peers, 0));
        assert_true(dure_peer_is_up(nodes[0].peers, 2));
        assert_int_equal(send_one(0, 1, 10), DURE_EUNAVAILABLE);
        cut[0][1] = cut[1][0] = false;
        until_up(2 * DURE_PEER_HEARTBEAT_MS);
        assert_int_equal(send_one(0, 1, 10), 0);
        until_delivered(10);
    }
}

/* Sessions that end and begin in any order, on a wire that keeps datagrams for seconds, converge;
 * and on_frame has asserted that none was mistaken for another. */
static void test_storm(void **state)
{
    (void)state;
    loss = 10;
    doubling = 30;
    for (int round = 0; round < 300; round++) {
        uint16_t i = (uint16_t)world_random(NODES);
        uint16_t j = (uint16_t)((i + 1 + world_random(NODES - 1)) % NODES);
        delay_ms = world_random(2) == 0 ? 3 : 1500;
        switch (world_random(4)) {
        case 0:
            dure_peer_close(nodes[i].peers);
            start(i);
            break;
        case 1: dure_peer_hint(nodes[i].peers, j, false); break;
        case 2: cut[i][j] = !cut[i][j]; break;
        default: break;
        }
        for (int k = 0; k < 10; k++) (void)send_one(i, j, 8 + world_random(2000));
        pass((int64_t)world_random(200));
    }
    memset(cut, 0, sizeof cut);
    loss = 0;
    delay_ms = 3;
    pass(2000); /* The last of the old ones are through. */
    until_up(2000);
    pass(1000);
    for (uint16_t i = 0; i < NODES; i++) {
        for (uint16_t j = 0; j < NODES; j++) {
            if (i != j) assert_int_equal(send_one(i, j, 100), 0);
        }
    }
    until_delivered(1000);
}

/* The wire's word that a connection broke is believed at once. */
static void test_hint(void **state)
{
    (void)state;
    dure_peer_hint(nodes[0].peers, 1, false);
    assert_int_equal(nodes[0].downs, 1);
    assert_int_equal(send_one(0, 1, 10), DURE_EUNAVAILABLE);
    dure_peer_hint(nodes[0].peers, 1, true);
    until_up(10);
}

/* A node that was stopped for a while does not take its own silence for the others'. */
static void test_stall(void **state)
{
    (void)state;
    pass(DURE_PEER_HEARTBEAT_MS);
    nodes[0].stopped = true;
    pass(DURE_PEER_SILENCE_MS - DURE_PEER_HEARTBEAT_MS / 2);
    nodes[0].stopped = false;
    now_ms += DURE_PEER_HEARTBEAT_MS / 2 - 1;
    dure_peer_run(nodes[0].peers); /* Before it has read what waits for it. */
    assert_int_equal(nodes[0].downs, 0);
    pass(10);
    assert_true(all_up());
}

/* Damaged, cut off, foreign and random datagrams are passed over. */
static void test_garbage(void **state)
{
    (void)state;
    keeping = true;
    for (int i = 0; i < 30; i++) assert_int_equal(send_one(0, 1, 8 + (size_t)i * 10), 0);
    until_delivered(10);
    keeping = false;
    for (int i = 0; i < 20000; i++) {
        struct parcel *parcel = &kept[world_random(kept_count)];
        size_t len = world_random(2) == 0 ? parcel->len : world_random(parcel->len + 1);
        char *bytes = malloc(len + 1);
        memcpy(bytes + 1, parcel->bytes, len); /* At an odd address. */
        /* The head alone: what is in the pieces is the layers' own. */
        size_t head = len < sizeof(struct dure_datagram) ? len : sizeof(struct dure_datagram);
        if (head > 0) bytes[1 + world_random(head)] ^= (char)(1 + world_random(255));
        struct dure_datagram *fields = (struct dure_datagram *)parcel->bytes;
        if (fields->seq == 0 || len < parcel->len)
            dure_peer_received(nodes[1].peers, bytes + 1, len);
        free(bytes);
        if (i % 100 == 0) step();
    }
    pass(1000);
    until_up(1000);
    assert_int_equal(send_one(0, 1, 100), 0);
    until_delivered(100);
}

int main(void)
{
    world_seed(20261122);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bad_wire, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large_frames, setup, teardown),
        cmocka_unit_test_setup_teardown(test_batches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_window, setup, teardown),
        cmocka_unit_test_setup_teardown(test_window_datagrams, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart_on_bad_wire, setup, teardown),
        cmocka_unit_test_setup_teardown(test_partition, setup, teardown),
        cmocka_unit_test_setup_teardown(test_storm, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hint, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stall, setup, teardown),
        cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
