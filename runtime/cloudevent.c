/*
 * CloudEvents: the envelope is made from the record, the data is passed through. Any thread.
 */
#include "runtime/cloudevent.h"

void dure_cloudevent_write(const struct dure_entry_event *head, int64_t time_ms, uint32_t shards,
                           struct dure_buf *out)
{
    static const struct dure_field time_field = {.name = "time", .kind = DURE_DATE,
                                                 .size = sizeof(int64_t)};
    const struct dure_type *type = dure_registry_type_by_code(head->type_code);
    const struct dure_event_type *event =
        type != NULL ? dure_registry_event(type, head->event_code) : NULL;
    if (event == NULL || head->sequence == 0) return;
    int64_t shard = head->id % (int64_t)shards;
    if (shard < 0) shard += shards;
    dure_buf_lit(out, "{\"specversion\":\"1.0\",\"id\":\"");
    dure_buf_i64(out, shard);
    dure_buf_byte(out, '-');
    dure_buf_u64(out, head->sequence);
    dure_buf_lit(out, "\",\"source\":\"/");
    dure_buf_text(out, type->system);
    dure_buf_byte(out, '/');
    dure_buf_text(out, type->aggregate->collection);
    dure_buf_byte(out, '/');
    dure_buf_i64(out, head->id);
    dure_buf_lit(out, "\",\"type\":\"");
    dure_buf_text(out, type->name);
    dure_buf_byte(out, '.');
    dure_buf_text(out, event->name);
    dure_buf_lit(out, "\",\"time\":");
    dure_field_write_json(&time_field, &time_ms, out);
    dure_buf_lit(out, ",\"sequence\":\"");
    dure_buf_u64(out, head->sequence);
    struct dure_trace trace;
    if (dure_record_trace(head, &trace)) {
        dure_buf_lit(out, "\",\"traceparent\":\"");
        dure_trace_write(&trace, out);
    }
    dure_buf_lit(out, "\",\"datacontenttype\":\"application/json\",\"data\":");
    dure_buf_add(out, head + 1, head->data_len);
    dure_buf_byte(out, '}');
}
