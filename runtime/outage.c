/*
 * An outage made on purpose, so that tests of one node can see what a cluster does when a node is slow or
 * down: one type's actors hear nothing. Looks at them (look.c) are answered late or never; messages to
 * them wait here, on disk like any deferred mail, and come in order when it is over. Loop thread.
 */
#include <stdlib.h>

#include "runtime/core.h"

int dure_outage_read(const char *text, struct dure_outage *outage)
{
    *outage = (struct dure_outage){0};
    if (text[0] == '\0') return 0;
    const char *equals = strchr(text, '=');
    if (equals == NULL) return DURE_EINVAL;
    size_t len = (size_t)(equals - text);
    for (size_t i = 0; i < dure_registry_count(); i++) {
        const struct dure_type *type = dure_registry_type(i);
        if (type->kind != DURE_KIND_AGGREGATE || strlen(type->name) != len) continue;
        if (memcmp(type->name, text, len) == 0) outage->type = type;
    }
    if (outage->type == NULL) return DURE_EINVAL;
    if (strcmp(equals, "=down") == 0) {
        outage->delay_ms = INT64_MAX;
        return 0;
    }
    char *end;
    outage->delay_ms = strtoll(equals + 1, &end, 10);
    return end > equals + 1 && *end == '\0' && outage->delay_ms >= 0 ? 0 : DURE_EINVAL;
}

bool dure_outage_hold(struct dure_runtime *rt, struct dure_mail *mail)
{
    const struct dure_outage *outage = &rt->options.outage;
    bool concerned = mail->type == outage->type || (mail->type == outage->type->directory);
    if (!concerned || outage->delay_ms != INT64_MAX || mail->ask != NULL ||
        mail->kind != DURE_MAIL_COMMAND) {
        return false;
    }
    mail->next = NULL;
    *rt->held_last = mail;
    rt->held_last = &mail->next;
    return true;
}

void dure_outage_failed(struct dure_runtime *rt, uint64_t failed_lsn)
{
    struct dure_mail **at = &rt->held;
    while (*at != NULL) {
        struct dure_mail *mail = *at;
        bool stays = mail->durable_lsn != 0 && mail->durable_lsn < failed_lsn;
        if (stays) {
            at = &mail->next;
            continue;
        }
        *at = mail->next; /* Durable mail of the failed record is freed with the deferred. */
        if (mail->durable_lsn == 0) dure_mail_free(mail);
    }
    rt->held_last = at;
}

void dure_outage_set(struct dure_runtime *rt, bool on)
{
    DURE_ASSERT(!rt->in_turn);
    rt->outage_on = on && rt->options.outage.type != NULL;
    if (rt->outage_on) return;
    struct dure_mail *mail = rt->held;
    rt->held = NULL;
    rt->held_last = &rt->held;
    while (mail != NULL) {
        struct dure_mail *next = mail->next;
        dure_mailbox_push(rt, mail);
        mail = next;
    }
    rt->io->soon(rt->io);
}
