/*
 * Policies: whenever event, then command. Run where the event is emitted, so that cause and command
 * stand in one record. Loop thread.
 */
#include "runtime/core.h"

void dure_policy_run(struct dure_runtime *rt, const struct dure_event *event)
{
    const struct dure_event_rules *rules = event->type->rules;
    for (size_t i = 0; rules != NULL && i < rules->policies_count; i++) {
        const struct dure_policy *policy = rules->policies[i];
        struct dure_type *type = policy->command->aggregate->type;
        struct dure_mail *mail = dure_group_mail(rt);
        mail->kind = DURE_MAIL_COMMAND;
        mail->command = policy->command;
        mail->type = policy->by_key ? type->directory : type;
        mail->id = policy->target != NULL ? policy->target(event) : DURE_NEW;
        if (mail->id == DURE_NEW) {
            mail->id = dure_shard_new_id(rt, type);
            mail->fresh = true;
        }
        if (policy->command->schema != NULL) {
            void *payload = dure_group_alloc(rt, policy->command->schema->size);
            dure_schema_init(policy->command->schema, payload);
            if (policy->fill != NULL) policy->fill(event, payload);
            mail->data = payload;
        }
        dure_mailbox_push(rt, mail);
    }
    if (rules != NULL && rules->rounds_count + rules->thens_count > 0) dure_round_begin(rt, event);
}
