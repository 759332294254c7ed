/*
 * Idempotency keys (draft-ietf-httpapi-idempotency-key-header; SPEC A7).
 *
 *   1. begin    unknown: marked running in memory. Known: its reply, or what began it
 *   2. finish   the reply goes into the open record as a KEY entry: durable with the effects
 *   3. started  a command whose outcome is still open when its group closes leaves an entry without
 *               a reply, so that a retry after a crash waits for the same outcome
 *   4. collect  durable entries move to the rows at the next checkpoint, and out of memory
 *
 * An entry whose record fails gives way to the one before it: a command that began durably stays
 * begun. Expired keys (DURE_KEY_TTL_MS) count as absent; idem_sweep.c takes them out of the rows.
 * Loop thread.
 */
#include "runtime/idem.h"

#include <stdlib.h>

#include "runtime/record.h"

struct dure_idem *dure_idem_table(struct dure_runtime *rt)
{
    if (rt->idem == NULL) {
        rt->idem = calloc(1, sizeof *rt->idem);
        DURE_ASSERT(rt->idem != NULL);
    }
    return rt->idem;
}

static struct dure_idem_entry **find(struct dure_runtime *rt, const uint64_t key[2])
{
    struct dure_idem_entry **at = &dure_idem_table(rt)->buckets[key[0] % DURE_IDEM_BUCKETS];
    while (*at != NULL && ((*at)->key[0] != key[0] || (*at)->key[1] != key[1])) at = &(*at)->next;
    return at;
}

struct dure_idem_entry *dure_idem_find(struct dure_runtime *rt, const uint64_t key[2])
{
    return *find(rt, key);
}

static void forget(struct dure_idem_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct dure_idem_bytes){0};
}

static void drop(struct dure_runtime *rt, struct dure_idem_entry **at)
{
    struct dure_idem_entry *entry = *at;
    *at = entry->next;
    rt->idem->count--;
    forget(&entry->newest);
    forget(&entry->older);
    free(entry);
}

static struct dure_idem_entry *add(struct dure_runtime *rt, const uint64_t key[2],
                                   uint64_t fingerprint)
{
    struct dure_idem_entry **at = find(rt, key);
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

bool dure_idem_expired(const struct dure_runtime *rt, int64_t time_ms)
{
    return time_ms + DURE_KEY_TTL_MS < rt->io->wall_ms(rt->io);
}

/* The bytes that are on disk; NULL: none in memory. */
static const struct dure_idem_bytes *durable_bytes(const struct dure_runtime *rt,
                                                   const struct dure_idem_entry *entry)
{
    if (entry->newest.data != NULL && entry->newest.lsn <= rt->lsn_durable) return &entry->newest;
    bool older = entry->older.data != NULL && entry->older.lsn <= rt->lsn_durable;
    return older ? &entry->older : NULL;
}

/* What has begun has no reply yet; in its place is the code of the saga that it waits for. An older node
 * has left none. */
static void read_saga(struct dure_idem_reply *reply, const char *body, size_t len)
{
    uint32_t code;
    if (len < sizeof code) return;
    memcpy(&code, body, sizeof code);
    reply->saga = dure_registry_type_by_code(code);
}

static int read_entry(struct dure_runtime *rt, const char *bytes, size_t len, uint64_t fingerprint,
                      enum dure_idem_result *result, struct dure_idem_reply *reply)
{
    struct dure_idem_wire wire;
    if (len < sizeof wire) return DURE_ECORRUPT;
    memcpy(&wire, bytes, sizeof wire);
    if (len < sizeof wire + wire.headers_len + wire.body_len) return DURE_ECORRUPT;
    if (dure_idem_expired(rt, wire.time_ms)) {
        *result = DURE_IDEM_NEW;
        return 0;
    }
    if (wire.fingerprint != fingerprint) return DURE_EKEYREUSED;
    *reply = (struct dure_idem_reply){.status = (int)wire.status, .id = wire.id};
    reply->type = dure_registry_type_by_code(wire.type_code);
    *result = wire.status == 0 ? DURE_IDEM_STARTED : DURE_IDEM_REPLY;
    if (*result == DURE_IDEM_STARTED && reply->type == NULL) *result = DURE_IDEM_NEW;
    const char *body = bytes + sizeof wire + wire.headers_len;
    if (wire.status == 0) {
        read_saga(reply, body, wire.body_len);
        return 0;
    }
    dure_buf_add(&reply->headers, bytes + sizeof wire, wire.headers_len);
    dure_buf_add(&reply->body, body, wire.body_len);
    return 0;
}

static int look_up(struct dure_runtime *rt, const uint64_t key[2], uint64_t fingerprint,
                   enum dure_idem_result *result, struct dure_idem_reply *reply)
{
    const struct dure_idem_entry *entry = *find(rt, key);
    *result = DURE_IDEM_NEW;
    if (entry != NULL && entry->running) {
        return entry->fingerprint == fingerprint ? DURE_EKEYRUNNING : DURE_EKEYREUSED;
    }
    if (entry != NULL && entry->newest.data != NULL) {
        if (entry->newest.lsn > rt->lsn_durable) return DURE_EKEYRUNNING;
        return read_entry(rt, entry->newest.data, entry->newest.len, fingerprint, result, reply);
    }
    struct dure_buf row = {0};
    int rv = rt->rows->ops->get(rt->rows, DURE_TABLE_KEY, dure_idem_row_type(key),
                                dure_idem_row_id(key), &row);
    struct dure_idem_wire wire;
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
    if (dure_idem_table(rt)->count >= DURE_ASKS_MAX * 4) return DURE_EBUSY;
    add(rt, key, fingerprint)->running = true;
    return 0;
}

static void replace(struct dure_runtime *rt, struct dure_idem_entry *entry,
                    struct dure_idem_bytes bytes)
{
    if (entry->newest.data != NULL) {
        /* Also when it is being written yet: it may stand, and the newer one fail. */
        forget(&entry->older);
        entry->older = entry->newest;
    }
    entry->newest = bytes;
    rt->idem->unsaved = true;
}

static void write_entry(struct dure_runtime *rt, const struct dure_ask *ask, int status,
                        const struct dure_buf *headers, const struct dure_buf *body)
{
    struct dure_idem_wire wire = {.key = {ask->key[0], ask->key[1]},
                                  .fingerprint = ask->fingerprint,
                                  .time_ms = rt->open->time_ms,
                                  .id = ask->view_id,
                                  .status = (uint32_t)status,
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
    struct dure_idem_entry *entry = add(rt, ask->key, ask->fingerprint);
    replace(rt, entry, (struct dure_idem_bytes){bytes.data, bytes.len, rt->open->lsn});
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
    struct dure_buf code = {0};
    if (ask->saga != NULL) dure_buf_add(&code, &ask->saga->code, sizeof ask->saga->code);
    write_entry(rt, ask, 0, NULL, &code);
    dure_buf_fini(&code);
}

void dure_idem_cancel(struct dure_runtime *rt, const uint64_t key[2])
{
    struct dure_idem_entry **at = find(rt, key);
    if (*at == NULL) return;
    (*at)->running = false;
    if ((*at)->newest.data == NULL) drop(rt, at);
}

void dure_idem_go_on(struct dure_runtime *rt, const struct dure_ask *ask)
{
    add(rt, ask->key, ask->fingerprint)->running = true;
}

void dure_idem_recover(struct dure_runtime *rt, const void *bytes, size_t len)
{
    struct dure_idem_wire wire;
    if (len < sizeof wire) return;
    memcpy(&wire, bytes, sizeof wire);
    if (len < sizeof wire + wire.headers_len + wire.body_len) return;
    len = sizeof wire + wire.headers_len + wire.body_len; /* Without the entry's padding. */
    if (dure_idem_expired(rt, wire.time_ms)) return;
    struct dure_idem_entry *entry = add(rt, wire.key, wire.fingerprint);
    forget(&entry->newest);
    /* Record 0: durable by definition. */
    entry->newest = (struct dure_idem_bytes){malloc(len), len, 0};
    DURE_ASSERT(entry->newest.data != NULL);
    memcpy(entry->newest.data, bytes, len);
    entry->saved = false;
    rt->idem->unsaved = true;
}

void dure_idem_durable(struct dure_runtime *rt, uint64_t lsn)
{
    (void)rt;
    (void)lsn; /* begin compares with lsn_durable. */
}

typedef bool visit(struct dure_runtime *rt, struct dure_idem_entry *entry, void *arg);

/* Drops the entries for which visit says so. */
static void each(struct dure_runtime *rt, visit *visit, void *arg)
{
    for (size_t i = 0; rt->idem != NULL && rt->idem->count > 0 && i < DURE_IDEM_BUCKETS; i++) {
        struct dure_idem_entry **at = &rt->idem->buckets[i];
        while (*at != NULL) {
            if (visit(rt, *at, arg)) drop(rt, at);
            else at = &(*at)->next;
        }
    }
}

static bool forget_failed(struct dure_runtime *rt, struct dure_idem_entry *entry, void *arg)
{
    (void)rt;
    const uint64_t *lsn = arg;
    if (entry->newest.data == NULL || entry->newest.lsn < *lsn) return false;
    forget(&entry->newest);
    if (entry->older.data != NULL && entry->older.lsn >= *lsn) forget(&entry->older);
    entry->newest = entry->older;
    entry->older = (struct dure_idem_bytes){0};
    /* Who waited for that record is told that it failed: nobody runs this key any more. */
    entry->running = false;
    return entry->newest.data == NULL;
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

static bool collect_one(struct dure_runtime *rt, struct dure_idem_entry *entry, void *arg)
{
    const struct collect *to = arg;
    const struct dure_idem_bytes *bytes = durable_bytes(rt, entry);
    if (bytes != &entry->newest && entry->newest.data != NULL) rt->idem->unsaved = true;
    if (bytes == NULL) return false;
    /* In the batch before this one, which is still being written. What is newer must be in this one:
     * the record that holds it is not replayed any more after it. */
    if (entry->collected != 0 && bytes->lsn == entry->collected_lsn) return false;
    struct dure_idem_wire wire;
    memcpy(&wire, bytes->data, sizeof wire);
    if (dure_idem_expired(rt, wire.time_ms) && !entry->running && bytes == &entry->newest) {
        return entry->collected == 0;
    }
    if (entry->saved && entry->collected_lsn == bytes->lsn) return false;
    to->add(to->checkpoint, DURE_TABLE_KEY, dure_idem_row_type(entry->key),
            dure_idem_row_id(entry->key), bytes->data, bytes->len);
    dure_idem_sweep_noted(rt, to->checkpoint, to->add, &wire);
    entry->collected = to->batch;
    entry->collected_lsn = bytes->lsn;
    return false;
}

void dure_idem_collect(struct dure_runtime *rt, struct dure_checkpoint *checkpoint,
                       dure_idem_add *add_write, uint8_t batch)
{
    if (rt->idem == NULL) return;
    struct collect to = {checkpoint, add_write, batch};
    rt->idem->unsaved = false;
    each(rt, collect_one, &to);
    dure_idem_sweep_collect(rt, checkpoint, add_write, batch);
}

struct outcome {
    int rv;
    uint8_t batch;
};

static bool written_one(struct dure_runtime *rt, struct dure_idem_entry *entry, void *arg)
{
    const struct outcome *outcome = arg;
    if (entry->collected != outcome->batch) return false;
    bool written = outcome->rv == 0;
    entry->collected = 0;
    entry->saved = written;
    if (!written) rt->idem->unsaved = true;
    /* One that has been written anew meanwhile stays for the next checkpoint. */
    return written && !entry->running && entry->newest.lsn == entry->collected_lsn;
}

void dure_idem_written(struct dure_runtime *rt, int rv, uint8_t batch)
{
    if (rt->idem == NULL) return;
    struct outcome outcome = {rv, batch};
    each(rt, written_one, &outcome);
    dure_idem_sweep_written(rt, rv, batch);
}

bool dure_idem_wants(const struct dure_runtime *rt)
{
    return rt->idem != NULL && (rt->idem->unsaved || rt->idem->expired_count > 0);
}

static bool always(struct dure_runtime *rt, struct dure_idem_entry *entry, void *arg)
{
    (void)rt;
    (void)entry;
    (void)arg;
    return true;
}

void dure_idem_fini(struct dure_runtime *rt)
{
    if (rt->idem == NULL) return;
    each(rt, always, NULL);
    free(rt->idem->expired);
    free(rt->idem);
    rt->idem = NULL;
}
