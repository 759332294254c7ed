/*
 * Directories: natural keys. One small actor per key (the user of an account) knows the id of the
 * aggregate that has it, so that there is never a second one.
 *
 *   bound               the mail goes on to that aggregate
 *   unbound, CREATES    an id is given, the key is bound, the mail goes on to the new aggregate
 *   unbound otherwise   refused: there is no such aggregate; or, asked from outside, what `unkeyed`
 *                       says of the actor with this id
 *
 * A key stays bound: an aggregate that was removed, or whose creation was refused, is made under the
 * same id by the next command that creates. Loop thread.
 */
#include <stdio.h>

#include "runtime/core.h"

extern struct dure_event_type dure_key_bound;

static void refuse(struct dure_runtime *rt, const struct dure_actor *actor, struct dure_mail *mail)
{
    const struct dure_aggregate *aggregate = actor->type->aggregate;
    char *reason = dure_group_alloc(rt, DURE_SAGA_REASON_BYTES);
    snprintf(reason, DURE_SAGA_REASON_BYTES, "there is no %s with %s %lld", aggregate->name,
             aggregate->key, (long long)actor->id);
    dure_turn_outcome(rt, mail, false, 0, NULL, reason);
    dure_turn_refuse_ask(rt, mail->ask, 404, reason);
}

bool dure_directory_handle(struct dure_runtime *rt, struct dure_actor *actor,
                           struct dure_mail *mail)
{
    struct dure_type *target = actor->type->aggregate->type;
    const struct dure_directory_state *state = (const void *)actor->state;
    DURE_ASSERT(mail->kind == DURE_MAIL_COMMAND && mail->command != NULL);
    mail->fresh = false;
    if (!actor->head.exists) {
        if (!(mail->command->flags & DURE_CREATES)) {
            const struct dure_aggregate *aggregate = actor->type->aggregate;
            if (mail->command == aggregate->create && aggregate->unkeyed != NULL) {
                mail->command = aggregate->unkeyed;
                mail->type = mail->command->aggregate->type;
                mail->data = NULL;
                dure_mailbox_push(rt, mail); /* The same id, so the same shard. */
                return true;
            }
            refuse(rt, actor, mail);
            return false;
        }
        struct dure_directory_state *binding = dure_group_alloc(rt, sizeof *binding);
        *binding = (struct dure_directory_state){actor->id, dure_shard_new_id(rt, target)};
        dure_group_event(rt, actor, &dure_key_bound, binding, true);
        mail->fresh = true;
    }
    mail->directory = actor->type;
    mail->key = actor->id;
    mail->type = target;
    mail->id = state->target;
    dure_mailbox_push(rt, mail);
    return true;
}
