/*
 * Rows: an actor as bytes. "R1", the head, the packed state, CRC-32C over all before it.
 * A saga's state has two parts: its header field by field, then the data by its schema. So has a
 * round's, whose header is kept as it is. What began them with a trace has it at the end.
 * Unreadable bytes are DURE_ECORRUPT, a newer letter DURE_EFORMAT. Pure; any thread.
 */
#include "runtime/core.h"

#define FORMAT '1'

struct wire_head {
    char letter, version;
    uint8_t zero[2];
    uint32_t event_at;
    uint64_t lsn, actor_version, event_lsn;
    int64_t due_ms;
};
_Static_assert(sizeof(struct wire_head) == 40, "wire size");

void dure_row_init_state(const struct dure_type *type, void *state)
{
    memset(state, 0, type->state_size);
    if (type->kind == DURE_KIND_SAGA) dure_schema_init(type->schema, DURE_SAGA_DATA(state));
    else if (type->kind == DURE_KIND_ROUND) dure_schema_init(type->schema, DURE_ROUND_DATA(state));
    else if (type->schema != NULL) dure_schema_init(type->schema, state);
}

static void pack_saga(const struct dure_saga_state *saga, size_t steps, struct dure_buf *out)
{
    uint16_t reason_len = (uint16_t)strlen(saga->reason);
    uint8_t head[6] = {saga->phase,        saga->step,     saga->parked,
                       saga->refused_step, (uint8_t)steps, 0};
    dure_buf_add(out, head, sizeof head);
    dure_buf_add(out, &reason_len, sizeof reason_len);
    dure_buf_add(out, &saga->started_ms, sizeof saga->started_ms);
    dure_buf_add(out, &saga->since_ms, sizeof saga->since_ms);
    dure_buf_add(out, saga->answered, steps * sizeof saga->answered[0]);
    dure_buf_add(out, saga->reason, reason_len);
}

/* Up to the trace. */
#define ROUND_BYTES offsetof(struct dure_round_state, trace)
_Static_assert(ROUND_BYTES == 56, "wire size");

static void pack_trace(const struct dure_trace *trace, struct dure_buf *out)
{
    if (dure_trace_is(trace)) dure_buf_add(out, trace, sizeof *trace);
}

void dure_row_pack_state(const struct dure_type *type, const void *state, struct dure_buf *out)
{
    if (type->kind == DURE_KIND_SAGA) {
        pack_saga(state, type->saga->steps_count, out);
        dure_schema_pack(type->schema, DURE_SAGA_DATA(state), out);
        pack_trace(&((const struct dure_saga_state *)state)->trace, out);
    } else if (type->kind == DURE_KIND_ROUND) {
        dure_buf_add(out, state, ROUND_BYTES);
        dure_schema_pack(type->schema, DURE_ROUND_DATA(state), out);
        pack_trace(&((const struct dure_round_state *)state)->trace, out);
    } else {
        dure_schema_pack(type->schema, state, out);
    }
}

static int unpack_saga(struct dure_saga_state *saga, const char *at, size_t len, size_t *used)
{
    const size_t fixed = 8 + 2 * sizeof(int64_t);
    uint16_t reason_len;
    if (len < fixed) return DURE_ECORRUPT;
    memcpy(&reason_len, at + 6, sizeof reason_len);
    size_t steps = (uint8_t)at[4];
    *used = fixed + steps * sizeof saga->answered[0] + reason_len;
    if (steps > DURE_SAGA_STEPS_MAX || reason_len >= sizeof saga->reason || len < *used) {
        return DURE_ECORRUPT;
    }
    saga->phase = (uint8_t)at[0];
    saga->step = (uint8_t)at[1];
    saga->parked = (uint8_t)at[2];
    saga->refused_step = (uint8_t)at[3];
    memcpy(&saga->started_ms, at + 8, sizeof saga->started_ms);
    memcpy(&saga->since_ms, at + 16, sizeof saga->since_ms);
    memcpy(saga->answered, at + fixed, steps * sizeof saga->answered[0]);
    memcpy(saga->reason, at + *used - reason_len, reason_len);
    return 0;
}

/* The data of a saga or round, and its trace if it has one. */
static int unpack_data(const struct dure_type *type, void *data, const char *bytes, size_t len,
                       struct dure_trace *trace)
{
    size_t used;
    int rv = dure_schema_unpack(type->schema, data, bytes, len, &used);
    if (rv == 0 && len - used >= sizeof *trace) memcpy(trace, bytes + used, sizeof *trace);
    return rv;
}

int dure_row_unpack_state(const struct dure_type *type, void *state, const void *bytes, size_t len)
{
    size_t used = 0, rest;
    dure_row_init_state(type, state);
    if (type->kind == DURE_KIND_ROUND) {
        struct dure_round_state *round = state;
        if (len < ROUND_BYTES) return DURE_ECORRUPT;
        memcpy(state, bytes, ROUND_BYTES);
        return unpack_data(type, DURE_ROUND_DATA(state), (const char *)bytes + ROUND_BYTES,
                           len - ROUND_BYTES, &round->trace);
    }
    if (type->kind != DURE_KIND_SAGA) {
        return dure_schema_unpack(type->schema, state, bytes, len, &rest);
    }
    struct dure_saga_state *saga = state;
    int rv = unpack_saga(saga, bytes, len, &used);
    if (rv != 0) return rv;
    return unpack_data(type, DURE_SAGA_DATA(state), (const char *)bytes + used, len - used,
                       &saga->trace);
}

void dure_row_pack(const struct dure_type *type, const struct dure_actor_head *head,
                   const void *state, struct dure_buf *out)
{
    DURE_ASSERT(head->exists);
    size_t from = out->len;
    struct wire_head wire = {.letter = 'R', .version = FORMAT, .event_at = head->event_at,
                             .lsn = head->lsn, .actor_version = head->version,
                             .event_lsn = head->event_lsn, .due_ms = head->due_ms};
    dure_buf_add(out, &wire, sizeof wire);
    dure_row_pack_state(type, state, out);
    uint32_t crc = dure_crc32c(0, out->data + from, out->len - from);
    dure_buf_add(out, &crc, sizeof crc);
}

int dure_row_unpack(const struct dure_type *type, struct dure_actor_head *head, void *state,
                    const void *row, size_t len)
{
    struct wire_head wire;
    uint32_t crc;
    if (len < sizeof wire + sizeof crc) return DURE_ECORRUPT;
    memcpy(&wire, row, sizeof wire);
    memcpy(&crc, (const char *)row + len - sizeof crc, sizeof crc);
    if (wire.letter != 'R' || crc != dure_crc32c(0, row, len - sizeof crc)) return DURE_ECORRUPT;
    if (wire.version > FORMAT) return DURE_EFORMAT;
    *head = (struct dure_actor_head){.lsn = wire.lsn, .version = wire.actor_version,
                                     .event_lsn = wire.event_lsn, .event_at = wire.event_at,
                                     .due_ms = wire.due_ms, .exists = 1};
    return dure_row_unpack_state(type, state, (const char *)row + sizeof wire,
                                 len - sizeof wire - sizeof crc);
}

/* ---- For the checkpoint thread --------------------------------------------------------------- */

static void codec_pack(void *arg, const struct dure_row_write *write, struct dure_buf *out)
{
    (void)arg;
    const struct dure_row_image *image = write->value;
    dure_row_pack(image->type, &image->head, image->state, out);
}

static size_t index_state(const struct dure_type *type, const void *state,
                          struct dure_index_key *keys)
{
    size_t count = 0;
    for (size_t i = 0; i < type->schema->fields_count; i++) {
        const struct dure_field *field = &type->schema->fields[i];
        if (!(field->flags & DURE_INDEXED)) continue;
        keys[count++] = (struct dure_index_key){.field = (uint16_t)i,
                                                .value = dure_field_index_value(field, state)};
    }
    return count;
}

static bool is_indexed(const struct dure_type *type)
{
    return type->kind == DURE_KIND_AGGREGATE || type->kind == DURE_KIND_VIEW;
}

static size_t codec_index(void *arg, uint32_t code, const void *row, size_t len,
                          struct dure_index_key *keys)
{
    (void)arg;
    const struct dure_type *type = dure_registry_type_by_code(code);
    if (type == NULL || !is_indexed(type)) return 0;
    static _Thread_local _Alignas(16) char state[8 * 1024];
    struct dure_actor_head head;
    DURE_ASSERT(type->state_size <= sizeof state);
    if (dure_row_unpack(type, &head, state, row, len) != 0) return 0;
    return index_state(type, state, keys);
}

static size_t codec_index_live(void *arg, const struct dure_row_write *write,
                               struct dure_index_key *keys)
{
    (void)arg;
    const struct dure_row_image *image = write->value;
    return is_indexed(image->type) ? index_state(image->type, image->state, keys) : 0;
}

struct dure_row_codec dure_row_codec(void)
{
    static uint32_t types[DURE_TYPES_MAX];
    size_t count = dure_registry_count();
    for (size_t i = 0; i < count; i++) types[i] = dure_registry_type(i)->code;
    return (struct dure_row_codec){.pack = codec_pack, .index = codec_index,
                                   .index_live = codec_index_live, .types = types,
                                   .types_count = count};
}
