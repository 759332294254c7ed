/*
 * The mesh.
 *
 *   1. open    links, before the runtime recovers what they hold
 *   2. start   the bus, the peers, the questions; each round of the loop ends with dure_peer_run,
 *              right before the loop waits, so that all that a turn released leaves together
 *   3. stop    the sockets close; whoever waits for us sees it at once
 *   4. close   frees all
 *
 * Fails only where the bus cannot open. Loop thread.
 */
#include "proto/mesh.h"

#include <stdlib.h>
#include <uv.h>

#include "runtime/links.h"

struct dure_mesh {
    struct dure_transport transport;
    uint16_t node, nodes;
    struct dure_links *links;
    struct dure_runtime *rt;
    struct dure_bus *bus;
    struct dure_peers *peers;
    struct dure_remotes *remotes;
    struct dure_peer_user link_user;
    uv_prepare_t prepare;
    uv_timer_t timer;
    bool running;
};

/* ---- Links ---------------------------------------------------------------------------------- */

static void send_link(struct dure_transport *transport, uint16_t shard, const void *frame,
                      size_t len)
{
    struct dure_mesh *mesh =
        (struct dure_mesh *)((char *)transport - offsetof(struct dure_mesh, transport));
    if (mesh->peers == NULL) return;
    /* Refused: links send again what is not acknowledged. */
    int rv = dure_peer_send(mesh->peers, shard % mesh->nodes, DURE_PEER_LINK, frame, len);
    (void)rv;
}

static void on_link(void *arg, uint16_t from, enum dure_peer_kind kind, const void *bytes,
                    size_t len)
{
    struct dure_mesh *mesh = arg;
    (void)from;
    (void)kind;
    dure_links_receive(mesh->rt, bytes, len);
}

/* ---- The loop ------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
    (void)timer; /* The round that it makes is its work. */
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct dure_mesh *mesh = prepare->data;
    int64_t in_ms = dure_peer_run(mesh->peers);
    uv_timer_start(&mesh->timer, on_timer, (uint64_t)in_ms, 0);
}

static void on_datagram(void *arg, const void *bytes, size_t len)
{
    struct dure_mesh *mesh = arg;
    dure_peer_received(mesh->peers, bytes, len);
}

static void on_hint(void *arg, uint16_t node, bool connected)
{
    struct dure_mesh *mesh = arg;
    dure_peer_hint(mesh->peers, node, connected);
}

/* ---- Open, start, stop, close --------------------------------------------------------------- */

int dure_mesh_open(struct dure_mesh **out, uint16_t node, uint16_t nodes, uint32_t shards)
{
    DURE_ASSERT(node < nodes && nodes <= shards && shards <= DURE_SHARDS_MAX);
    struct dure_mesh *mesh = calloc(1, sizeof *mesh);
    if (mesh == NULL) return DURE_ENOMEM;
    mesh->transport.send = send_link;
    mesh->node = node;
    mesh->nodes = nodes;
    bool owned[DURE_SHARDS_MAX] = {0};
    for (uint32_t shard = node; shard < shards; shard += nodes) owned[shard] = true;
    int rv = dure_links_open(&mesh->links, shards, owned, &mesh->transport);
    if (rv != 0)
        dure_mesh_close(mesh);
    else
        *out = mesh;
    return rv;
}

struct dure_links *dure_mesh_links(struct dure_mesh *mesh)
{
    return mesh->links;
}

static int start_loop(struct dure_mesh *mesh, struct uv_loop_s *loop)
{
    if (uv_prepare_init(loop, &mesh->prepare) != 0) return DURE_ESYSTEM;
    if (uv_timer_init(loop, &mesh->timer) != 0) return DURE_ESYSTEM;
    mesh->prepare.data = mesh->timer.data = mesh;
    mesh->running = true;
    return uv_prepare_start(&mesh->prepare, on_prepare) == 0 ? 0 : DURE_ESYSTEM;
}

int dure_mesh_start(struct dure_mesh *mesh, struct uv_loop_s *loop, struct dure_runtime *rt,
                    const struct dure_bus_options *options, const char **message)
{
    mesh->rt = rt;
    struct dure_bus_user user = {.received = on_datagram, .hint = on_hint, .arg = mesh};
    int rv = dure_bus_open(&mesh->bus, loop, options, &user, message);
    if (rv != 0) return rv;
    struct dure_peer_options peers = {
        .node = mesh->node, .nodes = mesh->nodes, .io = rt->io, .wire = dure_bus_wire(mesh->bus)};
    rv = dure_peer_open(&mesh->peers, &peers);
    if (rv == 0) rv = dure_remote_open(&mesh->remotes, mesh->peers);
    if (rv == 0) {
        mesh->link_user = (struct dure_peer_user){.frame = on_link, .arg = mesh};
        dure_peer_use(mesh->peers, DURE_PEER_LINK, &mesh->link_user);
        rv = start_loop(mesh, loop);
    }
    if (rv != 0) *message = dure_error_info(rv)->text;
    return rv;
}

struct dure_remotes *dure_mesh_remotes(struct dure_mesh *mesh)
{
    return mesh->remotes;
}

void dure_mesh_stop(struct dure_mesh *mesh)
{
    if (mesh == NULL) return;
    dure_bus_close(mesh->bus);
    mesh->bus = NULL;
    if (!mesh->running) return;
    mesh->running = false;
    uv_close((uv_handle_t *)&mesh->prepare, NULL);
    uv_close((uv_handle_t *)&mesh->timer, NULL);
}

void dure_mesh_close(struct dure_mesh *mesh)
{
    if (mesh == NULL) return;
    DURE_ASSERT(mesh->bus == NULL && !mesh->running);
    dure_remote_close(mesh->remotes);
    dure_peer_close(mesh->peers);
    dure_links_close(mesh->links);
    free(mesh);
}
