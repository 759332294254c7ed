/*
 * The mesh.
 *
 *   1. open    peers, questions, looks, ids and links, before the runtime recovers what the links hold
 *   2. start   the bus; each round of the loop ends with dure_peer_run, right before the loop
 *              waits, so that all that a turn released leaves together
 *   3. stop    the sockets close; whoever waits for us sees it at once
 *   4. close   frees all
 *
 * Fails only where the bus cannot open. Loop thread.
 */
#include "proto/mesh.h"

#include <stdlib.h>
#include <uv.h>

#include "runtime/ids_peer.h"
#include "runtime/links.h"
#include "runtime/look_peer.h"

struct dure_mesh {
    struct dure_wire wire;
    struct dure_bus *bus; /* NULL: not started, or stopped. */
    struct dure_peers *peers;
    struct dure_remotes *remotes;
    struct dure_links_peer link_peer;
    struct dure_links *links;
    struct dure_look_peer look_peer;
    struct dure_ids_peer ids_peer;
    uv_prepare_t prepare;
    uv_timer_t timer;
    bool running;
};

/* The peers are there before the bus is, since the runtime's links need them to recover. */
static void send_datagram(struct dure_wire *wire, uint16_t node, const void *bytes, size_t len)
{
    struct dure_mesh *mesh = (struct dure_mesh *)((char *)wire - offsetof(struct dure_mesh, wire));
    if (mesh->bus == NULL) return;
    struct dure_wire *under = dure_bus_wire(mesh->bus);
    under->send(under, node, bytes, len);
}

/* ---- The loop ------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
    (void)timer; /* The round that it makes is its work. */
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct dure_mesh *mesh = prepare->data;
    dure_ids_peer_run(&mesh->ids_peer, uv_hrtime());
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

int dure_mesh_open(struct dure_mesh **out, struct dure_io *io, uint16_t node, uint16_t nodes,
                   uint32_t shards)
{
    DURE_ASSERT(node < nodes && nodes <= shards && shards <= DURE_SHARDS_MAX);
    struct dure_mesh *mesh = calloc(1, sizeof *mesh);
    if (mesh == NULL) return DURE_ENOMEM;
    mesh->wire.send = send_datagram;
    struct dure_peer_options options = {
        .node = node, .nodes = nodes, .io = io, .wire = &mesh->wire};
    int rv = dure_peer_open(&mesh->peers, &options);
    if (rv == 0) rv = dure_remote_open(&mesh->remotes, mesh->peers);
    if (rv == 0) {
        dure_links_peer_init(&mesh->link_peer, mesh->peers);
        dure_look_peer_init(&mesh->look_peer, mesh->peers);
        dure_ids_peer_init(&mesh->ids_peer, mesh->peers);
        mesh->link_peer.ids = &mesh->ids_peer;
        rv = dure_links_open(&mesh->links, shards, node, nodes, &mesh->link_peer.transport);
    }
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

struct dure_look_wire *dure_mesh_looks(struct dure_mesh *mesh)
{
    return &mesh->look_peer.wire;
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
    mesh->link_peer.rt = mesh->look_peer.rt = mesh->ids_peer.rt = rt;
    struct dure_bus_user user = {.received = on_datagram, .hint = on_hint, .arg = mesh};
    int rv = dure_bus_open(&mesh->bus, loop, options, &user, message);
    if (rv != 0) return rv;
    rv = start_loop(mesh, loop);
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
    dure_look_peer_fini(&mesh->look_peer);
    dure_peer_close(mesh->peers);
    dure_links_close(mesh->links);
    free(mesh);
}
