/*
 * Telling how far ids have come; see ids_peer.h. Cannot fail: what the peers refuse is told the next
 * time. Malformed frames are ignored (the wire is not trusted), and so is what would leave no ids to
 * give. Loop thread.
 */
#include "runtime/ids_peer.h"

#define NS_PER_MS 1000000u
#define NEXT_MAX (INT64_MAX / 2)

static void on_frame(void *arg, uint16_t from, enum dure_peer_kind kind, const void *bytes,
                     size_t len)
{
    struct dure_ids_peer *ids = arg;
    struct dure_ids_entry entry;
    (void)kind;
    if (ids->rt == NULL) return;
    for (size_t at = 0; at + sizeof entry <= len; at += sizeof entry) {
        memcpy(&entry, (const char *)bytes + at, sizeof entry);
        const struct dure_type *type = dure_registry_type_by_code(entry.type_code);
        if (type == NULL || type->kind != DURE_KIND_AGGREGATE || entry.next > NEXT_MAX) continue;
        int64_t *told = &ids->told[from].next[type->index];
        if (entry.next > *told) *told = entry.next; /* It knows. */
        dure_shard_seen(ids->rt, type, entry.next);
    }
}

static void forget(struct dure_ids_peer *ids, uint16_t node)
{
    ids->told[node] = (struct dure_ids_told){.changes = UINT64_MAX};
}

static void on_up(void *arg, uint16_t node)
{
    dure_ids_peer_tell(arg, node);
}

/* What was on its way may be lost. */
static void on_down(void *arg, uint16_t node)
{
    forget(arg, node);
}

void dure_ids_peer_init(struct dure_ids_peer *ids, struct dure_peers *peers)
{
    *ids = (struct dure_ids_peer){.peers = peers,
                                  .user = {.frame = on_frame, .up = on_up, .down = on_down,
                                           .arg = ids}};
    for (uint16_t i = 0; i < DURE_NODES_MAX; i++) forget(ids, i);
    dure_peer_use(peers, DURE_PEER_IDS, &ids->user);
}

void dure_ids_peer_tell(struct dure_ids_peer *ids, uint16_t node)
{
    struct dure_ids_entry entries[DURE_TYPES_MAX];
    struct dure_ids_told *told = &ids->told[node];
    size_t count = 0;
    if (ids->rt == NULL || told->changes == ids->rt->ids_changes) return;
    for (size_t i = 0; i < dure_registry_count(); i++) {
        const struct dure_type *type = dure_registry_type(i);
        int64_t next = dure_shard_newest_id(ids->rt, type);
        if (type->kind != DURE_KIND_AGGREGATE || next <= told->next[i] || next == 1) continue;
        entries[count++] = (struct dure_ids_entry){.type_code = type->code, .next = next};
    }
    if (count > 0 && dure_peer_send(ids->peers, node, DURE_PEER_IDS, entries,
                                    count * sizeof entries[0]) != 0)
        return;
    for (size_t i = 0; i < count; i++) {
        const struct dure_type *type = dure_registry_type_by_code(entries[i].type_code);
        told->next[type->index] = entries[i].next;
    }
    told->changes = ids->rt->ids_changes;
}

void dure_ids_peer_run(struct dure_ids_peer *ids, uint64_t now_ns)
{
    if (now_ns - ids->told_ns < (uint64_t)DURE_PEER_HEARTBEAT_MS * NS_PER_MS) return;
    ids->told_ns = now_ns;
    for (uint16_t i = 0; i < dure_peer_nodes(ids->peers); i++) {
        if (i != dure_peer_self(ids->peers)) dure_ids_peer_tell(ids, i);
    }
}
