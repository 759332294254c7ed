/*
 * Links carried by peers: frames for a shard go to the node that owns it. Happy path: links call
 * send; the peers call frame, up and room. Cannot fail; what the peers refuse, the links keep. Loop
 * thread.
 */
#include "runtime/links.h"

#include "runtime/ids_peer.h"

static int send_frame(struct dure_transport *transport, uint16_t shard, const void *frame,
                      size_t len)
{
    struct dure_links_peer *link = (struct dure_links_peer *)transport;
    uint16_t node = (uint16_t)(shard % dure_peer_nodes(link->peers));
    if (link->ids != NULL) dure_ids_peer_tell(link->ids, node);
    return dure_peer_send(link->peers, node, DURE_PEER_LINK, frame, len);
}

static void on_frame(void *arg, uint16_t from, enum dure_peer_kind kind, const void *bytes,
                     size_t len)
{
    (void)from;
    (void)kind;
    const struct dure_links_peer *link = arg;
    if (link->rt != NULL) dure_links_receive(link->rt, bytes, len);
}

static void on_up(void *arg, uint16_t node)
{
    const struct dure_links_peer *link = arg;
    if (link->rt != NULL) dure_links_up(link->rt, node);
}

static void on_room(void *arg, uint16_t node)
{
    const struct dure_links_peer *link = arg;
    if (link->rt != NULL) dure_links_room(link->rt, node);
}

void dure_links_peer_init(struct dure_links_peer *link, struct dure_peers *peers)
{
    *link = (struct dure_links_peer){
        .transport = {.send = send_frame}, .peers = peers,
        .user = {.frame = on_frame, .up = on_up, .room = on_room, .arg = link}};
    dure_peer_use(peers, DURE_PEER_LINK, &link->user);
}
