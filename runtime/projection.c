/*
 * Projections: read models fed by committed events, at once when their record is durable and again
 * by recovery. A row carries the index of the last record it includes; all events of one record
 * reach it together, so replaying is applying what is newer. The cursor is that index: a rebuild
 * begins with no rows at index 0, and gives the same bytes.
 *
 * A row lives on the node of its id's shard. An event of another node's shard travels there by
 * links (FEED mail), and becomes a FEED entry of the journal there: from then on it is like one of
 * ours. Loop thread.
 */
#include "runtime/core.h"
#include "runtime/record.h"

static int64_t target_of(const struct dure_projection *projection, const struct dure_event *event)
{
    return projection->target != NULL ? projection->target(event) : event->id;
}

static void apply(struct dure_runtime *rt, const struct dure_projection *projection, int64_t target,
                  const struct dure_event *event, uint64_t lsn)
{
    int rv;
    struct dure_actor *row = dure_actor_get(rt, projection->view->type, target, false, &rv);
    if (row == NULL) {
        rt->fatal = rv;
        if (rt->on_fatal != NULL) rt->on_fatal(rt->arg, rv);
        return;
    }
    bool goes = projection->removals != NULL;
    if (!row->head.exists && (goes || !projection->creates)) return;
    /* event_lsn marks the record that is being applied: its other events still belong here. */
    bool started = row->head.event_lsn == lsn && row->group == lsn;
    if (row->head.lsn >= lsn && !started) return;
    row->head.lsn = row->head.event_lsn = lsn;
    row->group = lsn;
    row->head.version++;
    if (goes) {
        dure_row_init_state(row->type, row->state);
        row->head.version = 0; /* What is made under this id later is new. */
    } else {
        projection->apply(row->state, event);
    }
    dure_actor_set_exists(rt, row, !goes);
    dure_actor_set_dirty(rt, row, lsn);
    rt->changes[row->type->index]++;
    rt->metrics.projections++;
}

void dure_projection_event(struct dure_runtime *rt, const struct dure_event *event, uint64_t lsn)
{
    const struct dure_event_rules *rules = event->type->rules;
    for (size_t i = 0; rules != NULL && i < rules->projections_count; i++) {
        const struct dure_projection *projection = rules->projections[i];
        int64_t target = target_of(projection, event);
        if (!dure_shard_is_mine(rt, dure_shard_of(rt, target))) continue;
        apply(rt, projection, target, event, lsn);
    }
}

void dure_projection_fed(struct dure_runtime *rt, const struct dure_event *event, int64_t target,
                         uint64_t lsn)
{
    const struct dure_event_rules *rules = event->type->rules;
    for (size_t i = 0; rules != NULL && i < rules->projections_count; i++) {
        const struct dure_projection *projection = rules->projections[i];
        if (target_of(projection, event) == target) apply(rt, projection, target, event, lsn);
    }
}

void dure_projection_feed(struct dure_runtime *rt, const struct dure_group *group)
{
    for (const struct dure_group_event *kept = group->events; kept != NULL; kept = kept->next) {
        __builtin_prefetch(kept->next);
        if (kept->fed) dure_projection_fed(rt, &kept->event, kept->target, group->lsn);
        else dure_projection_event(rt, &kept->event, group->lsn);
    }
}

/* ---- Between nodes --------------------------------------------------------------------------- */

void dure_projection_send(struct dure_runtime *rt, struct dure_type *type,
                          const struct dure_event *event)
{
    const struct dure_event_rules *rules = event->type->rules;
    int64_t sent[DURE_RULES_MAX]; /* One message a row, however many rules it has there. */
    size_t sent_count = 0;
    for (size_t i = 0; rules != NULL && i < rules->projections_count; i++) {
        const struct dure_projection *projection = rules->projections[i];
        int64_t target = target_of(projection, event);
        if (dure_shard_is_mine(rt, dure_shard_of(rt, target))) continue;
        size_t known = 0;
        while (known < sent_count && sent[known] != target) known++;
        if (known < sent_count) continue;
        sent[sent_count++] = target;
        struct dure_mail *mail = dure_group_mail(rt);
        mail->kind = DURE_MAIL_FEED;
        mail->type = projection->view->type;
        mail->id = target;
        mail->from_type = type;
        mail->from_id = event->id;
        mail->event = event->type;
        mail->event_time_ms = event->time_ms;
        mail->data = event->data;
        mail->trace = NULL; /* A row has no events. */
        dure_mailbox_push(rt, mail);
    }
}

void dure_projection_take(struct dure_runtime *rt, struct dure_actor *row, struct dure_mail *mail)
{
    DURE_ASSERT(mail->kind == DURE_MAIL_FEED);
    struct dure_buf *record = &rt->open->record;
    struct dure_entry_feed head = {
        .type_code = mail->from_type->code, .event_code = mail->event->code, .id = mail->from_id,
        .target = row->id, .time_ms = mail->event_time_ms};
    size_t at;
    dure_group_entry_begin(rt, DURE_ENTRY_FEED, &at);
    size_t head_at = record->len;
    dure_buf_add(record, &head, sizeof head);
    if (mail->event->schema != NULL) dure_schema_pack(mail->event->schema, mail->data, record);
    head.data_len = (uint32_t)(record->len - head_at - sizeof head);
    memcpy(record->data + head_at, &head, sizeof head);
    dure_group_entry_end(rt, at);

    struct dure_group_event *kept = dure_group_alloc(rt, sizeof *kept);
    *kept = (struct dure_group_event){
        .type = mail->from_type, .fed = true, .target = row->id, .at = (uint32_t)at,
        .event = {.type = mail->event, .data = mail->data, .id = mail->from_id,
                  .time_ms = mail->event_time_ms}};
    *rt->open->events_last = kept; /* Heap mail lives until its group is durable: so does data. */
    rt->open->events_last = &kept->next;
}
