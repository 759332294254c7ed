/*
 * Looks by peers; see look_peer.h.
 *
 *   asker      send: a LOOK frame to the owner's node; SEEN comes back, or the session ends: unknown
 *   owner      reads the actor, and answers when the record that holds what it read is durable; an
 *              actor that is not ours, and a state that was taken back, are UNKNOWN
 *
 * Malformed frames are ignored (the wire is not trusted). Loop thread.
 */
#include "runtime/look_peer.h"

#include <stdlib.h>

static int send_question(struct dure_look_wire *wire, uint16_t node, uint64_t number,
                         const struct dure_type *type, int64_t id)
{
    struct dure_look_peer *look = (struct dure_look_peer *)wire;
    struct dure_look_frame frame = {.number = number, .id = id, .type_code = type->code};
    return dure_peer_send(look->peers, node, DURE_PEER_LOOK, &frame, sizeof frame);
}

/* An answer on its way to being durable. */
struct dure_look_answer {
    struct dure_hold hold;
    struct dure_look_answer *next, **link;
    struct dure_look_peer *look;
    uint16_t to;
    struct dure_buf frame;
};

static void forget(struct dure_look_answer *answer)
{
    *answer->link = answer->next;
    if (answer->next != NULL) answer->next->link = answer->link;
    dure_buf_fini(&answer->frame);
    free(answer);
}

static void answer(struct dure_hold *hold, int rv)
{
    struct dure_look_answer *answer = (struct dure_look_answer *)hold;
    struct dure_look_frame head;
    memcpy(&head, answer->frame.data, sizeof head);
    if (rv != 0) {
        head.seen = DURE_SEEN_UNKNOWN;
        answer->frame.len = sizeof head;
        memcpy(answer->frame.data, &head, sizeof head);
    }
    /* One that is refused is one that got lost: the asker's limit is short. */
    int sent = dure_peer_send(answer->look->peers, answer->to, DURE_PEER_SEEN, answer->frame.data,
                              answer->frame.len);
    (void)sent;
    forget(answer);
}

static void on_question(struct dure_look_peer *look, uint16_t from,
                        const struct dure_look_frame *question)
{
    const struct dure_type *type = dure_registry_type_by_code(question->type_code);
    if (type == NULL || type->kind != DURE_KIND_AGGREGATE) return;
    struct dure_look_answer *made = malloc(sizeof *made);
    if (made == NULL) return;
    *made = (struct dure_look_answer){.hold.cb = answer, .look = look, .to = from};
    made->next = look->answers;
    made->link = &look->answers;
    if (made->next != NULL) made->next->link = &made->next;
    look->answers = made;
    struct dure_look_frame head = *question;
    struct dure_view view = {0};
    int rv = DURE_EUNAVAILABLE;
    if (dure_shard_is_mine(look->rt, dure_shard_of(look->rt, head.id))) {
        rv = dure_runtime_view(look->rt, (struct dure_type *)(uintptr_t)type, head.id, &view);
    }
    head.seen = rv == 0 ? DURE_SEEN_STATE : rv == DURE_ENOTFOUND ? DURE_SEEN_NOBODY : DURE_SEEN_UNKNOWN;
    dure_buf_add(&made->frame, &head, sizeof head);
    if (rv == 0) dure_row_pack_state(type, view.state, &made->frame);
    dure_turn_hold(look->rt, &made->hold);
}

static void on_frame(void *arg, uint16_t from, enum dure_peer_kind kind, const void *bytes,
                     size_t len)
{
    struct dure_look_peer *look = arg;
    struct dure_look_frame head;
    if (look->rt == NULL || len < sizeof head) return;
    memcpy(&head, bytes, sizeof head);
    if (kind == DURE_PEER_LOOK) {
        on_question(look, from, &head);
    } else if (head.seen >= DURE_SEEN_STATE && head.seen <= DURE_SEEN_UNKNOWN) {
        dure_look_answered(look->rt, from, head.number, (enum dure_seen)head.seen,
                           (const char *)bytes + sizeof head, len - sizeof head);
    }
}

static void on_down(void *arg, uint16_t node)
{
    const struct dure_look_peer *look = arg;
    if (look->rt != NULL) dure_look_lost(look->rt, node);
}

void dure_look_peer_init(struct dure_look_peer *look, struct dure_peers *peers)
{
    *look = (struct dure_look_peer){
        .wire = {.send = send_question}, .peers = peers,
        .user = {.frame = on_frame, .down = on_down, .arg = look}};
    dure_peer_use(peers, DURE_PEER_LOOK, &look->user);
    dure_peer_use(peers, DURE_PEER_SEEN, &look->user);
}

void dure_look_peer_fini(struct dure_look_peer *look)
{
    while (look->answers != NULL) forget(look->answers);
}
