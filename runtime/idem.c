/*
 * Idempotency keys (draft-ietf-httpapi-idempotency-key-header; SPEC A7).
 *
 *   1. begin    unknown: marked running in memory. Known: its reply, or what began it
 *   2. finish   the reply goes into the open record as a KEY entry: durable with the effects
 *   3. started  a command whose outcome is still open when its group closes leaves an entry without
 *               a reply, so that a retry after a crash waits for the same outcome
 *   4. collect  durable entries move to the rows at the next checkpoint, and out of memory
 *
 * Expired keys (DURE_KEY_TTL_MS) count as absent. Loop thread.
 */
#include <stdlib.h>

#include "runtime/core.h"
#include "runtime/record.h"

#define BUCKETS 4096

struct wire { /* Of the KEY entry and of the row; headers and body follow. */
    uint64_t key[2], fingerprint;
    int64_t time_ms, id;
    uint32_t status, type_code, headers_len, body_len;
};
_Static_assert(sizeof(struct wire) == 56, "wire size");

struct entry {
    struct entry *next;
    uint64_t key[2], fingerprint;
    uint64_t lsn;       /* Of the record that holds bytes; 0: none yet. */
    bool running;
    uint8_t collected;  /* 0, or the batch of the checkpoint that it is in. */
    size_t len;         /* Of bytes. */
    char *bytes;        /* struct wire and what follows; NULL: nothing durable. */
};

struct dure_idem {
    struct entry *buckets[BUCKETS];
    size_t count;
};

static struct dure_idem *table(struct dure_runtime *rt)
{
    if (rt->idem == NULL) {
        rt->idem = calloc(1, sizeof *rt->idem);
        DURE_ASSERT(rt->idem != NULL);
    }
    return rt->idem;
}

static struct entry **find(struct dure_runtime *rt, const uint64_t key[2])
{
    struct entry **at = &table(rt)->buckets[key[0] % BUCKETS];
    while (*at != NULL && ((*at)->key[0] != key[0] || (*at)->key[1] != key[1])) at = &(*at)->next;
    return at;
}

static void drop(struct dure_runtime *rt, struct entry **at)
{
    struct entry *entry = *at;
    *at = entry->next;
    rt->idem->count--;
    free(entry->bytes);
    free(entry);
}

static struct entry *add(struct dure_runtime *rt, const uint64_t key[2], uint64_t fingerprint)
{
    struct entry **at = find(rt, key);
    if (*at == NULL) {
        *at = calloc(1, sizeof **at);
        DURE_ASSERT(*at != NULL);
        (*at)->key[0] = key[0];
        (*at)->key[1] = key[1];
        rt->idem->count++;
    }
    (*at)->fingerprint = fingerprint;
    return *at;
}

/* The key's place in the rows: 96 of its 128 bits; the row holds all of them. */
static uint32_t row_type(const uint64_t key[2])
{
    return (uint32_t)(key[1] >> 32);
}

static int64_t row_id(const uint64_t key[2])
{
    return (int64_t)key[0];
}

static int read_entry(struct dure_runtime *rt, const char *bytes, size_t len, uint64_t fingerprint,
                      enum dure_idem_result *result, struct dure_idem_reply *reply)
{
    struct wire wire;
    if (len < sizeof wire) return DURE_ECORRUPT;
    memcpy(&wire, bytes, sizeof wire);
    if (len < sizeof wire + wire.headers_len + wire.body_len) return DURE_ECORRUPT;
    if (wire.time_ms + DURE_KEY_TTL_MS < rt->io->wall_ms(rt->io)) {
        *result = DURE_IDEM_NEW;
        return 0;
    }
    if (wire.fingerprint != fingerprint) return DURE_EKEYREUSED;
    *reply = (struct dure_idem_reply){.status = (int)wire.status, .id = wire.id};
    reply->type = dure_registry_type_by_code(wire.type_code);
    *result = wire.status == 0 ? DURE_IDEM_STARTED : DURE_IDEM_REPLY;
    if (*result == DURE_IDEM_STARTED && reply->type == NULL) *result = DURE_IDEM_NEW;
    dure_buf_add(&reply->headers, bytes + sizeof wire, wire.headers_len);
    dure_buf_add(&reply->body, bytes + sizeof wire + wire.headers_len, wire.body_len);
    return 0;
}

static int look_up(struct dure_runtime *rt, const uint64_t key[2], uint64_t fingerprint,
                   enum dure_idem_result *result, struct dure_idem_reply *reply)
{
    struct entry *entry = *find(rt, key);
    *result = DURE_IDEM_NEW;
    if (entry != NULL && entry->running) {
        return entry->fingerprint == fingerprint ? DURE_EKEYRUNNING : DURE_EKEYREUSED;
    }
    if (entry != NULL && entry->bytes != NULL) {
        if (entry->lsn > rt->lsn_durable) return DURE_EKEYRUNNING;
        return read_entry(rt, entry->bytes, entry->len, fingerprint, result, reply);
    }
    struct dure_buf row = {0};
    int rv = rt->rows->ops->get(rt->rows, DURE_TABLE_KEY, row_type(key), row_id(key), &row);
    struct wire wire;
    bool mine = rv == 0 && row.len >= sizeof wire;
    if (mine) {
        memcpy(&wire, row.data, sizeof wire);
        mine = wire.key[0] == key[0] && wire.key[1] == key[1];
    }
    rv = mine ? read_entry(rt, row.data, row.len, fingerprint, result, reply)
              : rv == DURE_ENOTFOUND ? 0 : rv;
    dure_buf_fini(&row);
    return rv;
}

int dure_idem_begin(struct dure_runtime *rt, const uint64_t key[2], uint64_t fingerprint,
                    enum dure_idem_result *result, struct dure_idem_reply *reply)
{
    int rv = look_up(rt, key, fingerprint, result, reply);
    if (rv != 0 || *result == DURE_IDEM_REPLY) return rv;
    if (table(rt)->count >= DURE_ASKS_MAX * 4) return DURE_EBUSY;
    add(rt, key, fingerprint)->running = true;
    return 0;
}

static void write_entry(struct dure_runtime *rt, const struct dure_ask *ask, int status,
                        const struct dure_buf *headers, const struct dure_buf *body)
{
    struct wire wire = {.key = {ask->key[0], ask->key[1]}, .fingerprint = ask->fingerprint,
                        .time_ms = rt->open->time_ms, .id = ask->view_id, .status = (uint32_t)status,
                        .type_code = ask->view_type != NULL ? ask->view_type->code : 0,
                        .headers_len = headers ? (uint32_t)headers->len : 0,
                        .body_len = body ? (uint32_t)body->len : 0};
    struct dure_buf bytes = {0};
    dure_buf_add(&bytes, &wire, sizeof wire);
    if (headers != NULL) dure_buf_add(&bytes, headers->data, headers->len);
    if (body != NULL) dure_buf_add(&bytes, body->data, body->len);
    size_t at;
    dure_group_entry_begin(rt, DURE_ENTRY_KEY, &at);
    dure_buf_add(&rt->open->record, bytes.data, bytes.len);
    dure_group_entry_end(rt, at);
    struct entry *entry = add(rt, ask->key, ask->fingerprint);
    free(entry->bytes);
    entry->bytes = bytes.data;
    entry->len = bytes.len;
    entry->lsn = rt->open->lsn;
    entry->collected = 0;
    entry->running = status == 0;
}

void dure_idem_finish(struct dure_runtime *rt, const struct dure_ask *ask, int status,
                      const struct dure_buf *headers, const struct dure_buf *body)
{
    DURE_ASSERT(status != 0);
    write_entry(rt, ask, status, headers, body);
}

void dure_idem_write_started(struct dure_runtime *rt, const struct dure_ask *ask)
{
    write_entry(rt, ask, 0, NULL, NULL);
}

void dure_idem_cancel(struct dure_runtime *rt, const uint64_t key[2])
{
    struct entry **at = find(rt, key);
    if (*at == NULL) return;
    (*at)->running = false;
    if ((*at)->bytes == NULL) drop(rt, at);
}

void dure_idem_recover(struct dure_runtime *rt, const void *bytes, size_t len)
{
    struct wire wire;
    if (len < sizeof wire) return;
    memcpy(&wire, bytes, sizeof wire);
    if (len < sizeof wire + wire.headers_len + wire.body_len) return;
    len = sizeof wire + wire.headers_len + wire.body_len; /* Without the entry's padding. */
    struct entry *entry = add(rt, wire.key, wire.fingerprint);
    free(entry->bytes);
    entry->bytes = malloc(len);
    DURE_ASSERT(entry->bytes != NULL);
    memcpy(entry->bytes, bytes, len);
    entry->len = len;
    entry->lsn = 1; /* Durable by definition. */
}

void dure_idem_durable(struct dure_runtime *rt, uint64_t lsn)
{
    (void)rt;
    (void)lsn; /* begin compares with lsn_durable. */
}

static void each(struct dure_runtime *rt,
                 bool (*visit)(struct dure_runtime *rt, struct entry *entry, void *arg), void *arg)
{
    for (size_t i = 0; rt->idem != NULL && rt->idem->count > 0 && i < BUCKETS; i++) {
        struct entry **at = &rt->idem->buckets[i];
        while (*at != NULL) {
            if (visit(rt, *at, arg)) drop(rt, at);
            else at = &(*at)->next;
        }
    }
}

static bool forget_failed(struct dure_runtime *rt, struct entry *entry, void *arg)
{
    (void)rt;
    const uint64_t *lsn = arg;
    if (entry->bytes == NULL || entry->lsn < *lsn) return false;
    free(entry->bytes);
    entry->bytes = NULL;
    entry->lsn = 0;
    return true;
}

void dure_idem_failed(struct dure_runtime *rt, uint64_t lsn)
{
    each(rt, forget_failed, &lsn);
}

struct collect {
    struct dure_checkpoint *checkpoint;
    dure_idem_add *add;
    uint8_t batch;
};

static bool collect_one(struct dure_runtime *rt, struct entry *entry, void *arg)
{
    const struct collect *to = arg;
    if (entry->bytes == NULL || entry->lsn > rt->lsn_durable || entry->collected != 0) return false;
    to->add(to->checkpoint, DURE_TABLE_KEY, row_type(entry->key), row_id(entry->key), entry->bytes,
            entry->len);
    entry->collected = to->batch;
    return false;
}

void dure_idem_collect(struct dure_runtime *rt, struct dure_checkpoint *checkpoint,
                       dure_idem_add *add_write, uint8_t batch)
{
    struct collect to = {checkpoint, add_write, batch};
    each(rt, collect_one, &to);
}

struct outcome {
    int rv;
    uint8_t batch;
};

static bool written_one(struct dure_runtime *rt, struct entry *entry, void *arg)
{
    (void)rt;
    const struct outcome *outcome = arg;
    if (entry->collected != outcome->batch) return false;
    entry->collected = 0;
    return outcome->rv == 0 && !entry->running;
}

void dure_idem_written(struct dure_runtime *rt, int rv, uint8_t batch)
{
    struct outcome outcome = {rv, batch};
    each(rt, written_one, &outcome);
}

static bool always(struct dure_runtime *rt, struct entry *entry, void *arg)
{
    (void)rt;
    (void)entry;
    (void)arg;
    return true;
}

void dure_idem_fini(struct dure_runtime *rt)
{
    each(rt, always, NULL);
    free(rt->idem);
    rt->idem = NULL;
}
