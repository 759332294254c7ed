/*
 * The journal in memory: records in an array, completions at the next poll, faults on demand. What
 * it holds survives a "crash" (a new runtime over the same journal), as a disk would. One thread.
 */
#include <stdlib.h>

#include "store/store.h"

struct record {
    char *bytes;
    size_t len;
};

struct memory_journal {
    struct dure_journal base;
    struct record *records; /* [0] is index 1. */
    uint64_t head, first, cap;
    enum dure_fault fault;
    bool held;
    dure_append_cb *cb;
    void *cb_arg;
    int rv;
    void (*wake)(void *arg);
    void *wake_arg;
};

static struct memory_journal *self(struct dure_journal *journal)
{
    return (struct memory_journal *)journal;
}

static void store(struct memory_journal *journal, const void *record, size_t len)
{
    if (journal->head == journal->cap) {
        journal->cap = journal->cap ? journal->cap * 2 : 64;
        journal->records = realloc(journal->records, journal->cap * sizeof(struct record));
        DURE_ASSERT(journal->records != NULL);
    }
    struct record *kept = &journal->records[journal->head++];
    kept->len = len;
    kept->bytes = malloc(len);
    DURE_ASSERT(kept->bytes != NULL);
    memcpy(kept->bytes, record, len);
}

static int try(struct memory_journal *journal, uint64_t expect, const void *record, size_t len)
{
    enum dure_fault fault = journal->fault;
    journal->fault = DURE_FAULT_NONE;
    if (fault == DURE_FAULT_REFUSE) store(journal, "somebody else's", 16);
    if (expect != journal->head) return DURE_EREFUSED;
    switch (fault) {
    case DURE_FAULT_NOSPC: return DURE_ENOSPC;
    case DURE_FAULT_IO: return DURE_EIO;
    case DURE_FAULT_UNKNOWN_LOST: return DURE_EUNKNOWN;
    default: break;
    }
    store(journal, record, len);
    return fault == DURE_FAULT_UNKNOWN_DONE ? DURE_EUNKNOWN : 0;
}

static void append(struct dure_journal *base, uint64_t expect, const void *record, size_t len,
                   dure_append_cb *cb, void *arg)
{
    struct memory_journal *journal = self(base);
    DURE_ASSERT(journal->cb == NULL && len > 0);
    journal->cb = cb;
    journal->cb_arg = arg;
    journal->rv = try(journal, expect, record, len);
    if (!journal->held && journal->wake != NULL) journal->wake(journal->wake_arg);
}

static void poll(struct dure_journal *base)
{
    struct memory_journal *journal = self(base);
    if (journal->cb == NULL || journal->held) return;
    dure_append_cb *cb = journal->cb;
    journal->cb = NULL;
    cb(journal->cb_arg, journal->rv);
}

static uint64_t head(struct dure_journal *base)
{
    return self(base)->head;
}

static uint64_t first(struct dure_journal *base)
{
    return self(base)->first;
}

static int get(struct dure_journal *base, uint64_t index, struct dure_buf *out)
{
    struct memory_journal *journal = self(base);
    if (index < journal->first || index > journal->head) return DURE_ENOTFOUND;
    dure_buf_add(out, journal->records[index - 1].bytes, journal->records[index - 1].len);
    return 0;
}

static int tail(struct dure_journal *base, uint64_t from,
                int (*visit)(void *arg, uint64_t index, const void *record, size_t len), void *arg)
{
    struct memory_journal *journal = self(base);
    if (from < journal->first) from = journal->first;
    int rv = 0;
    for (uint64_t index = from; rv == 0 && index <= journal->head; index++) {
        rv = visit(arg, index, journal->records[index - 1].bytes, journal->records[index - 1].len);
    }
    return rv;
}

static int trim(struct dure_journal *base, uint64_t upto)
{
    struct memory_journal *journal = self(base);
    if (upto > journal->head) upto = journal->head;
    for (; journal->first <= upto; journal->first++) {
        free(journal->records[journal->first - 1].bytes);
        journal->records[journal->first - 1] = (struct record){0};
    }
    return 0;
}

static int lease(struct dure_journal *base, uint32_t shard, uint64_t owner, int64_t ttl_ms)
{
    (void)base;
    (void)shard;
    (void)owner;
    (void)ttl_ms;
    return 0;
}

static uint64_t bytes(struct dure_journal *base)
{
    struct memory_journal *journal = self(base);
    uint64_t sum = 0;
    for (uint64_t i = journal->first; i <= journal->head; i++) sum += journal->records[i - 1].len;
    return sum;
}

static void close_journal(struct dure_journal *base)
{
    struct memory_journal *journal = self(base);
    for (uint64_t i = 0; i < journal->head; i++) free(journal->records[i].bytes);
    free(journal->records);
    free(journal);
}

static const struct dure_journal_ops ops = {
    .append = append, .poll = poll, .head = head, .first = first, .get = get, .tail = tail,
    .trim = trim, .lease = lease, .bytes = bytes, .close = close_journal,
};

int dure_journal_memory_open(struct dure_journal **out, const struct dure_store_options *options)
{
    struct memory_journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL) return DURE_ENOMEM;
    journal->base.ops = &ops;
    journal->first = 1;
    journal->wake = options->wake;
    journal->wake_arg = options->wake_arg;
    *out = &journal->base;
    return 0;
}

void dure_journal_memory_fault(struct dure_journal *journal, enum dure_fault fault)
{
    self(journal)->fault = fault;
}

void dure_journal_memory_hold(struct dure_journal *journal, bool held)
{
    self(journal)->held = held;
    if (!held && self(journal)->cb != NULL && self(journal)->wake != NULL) {
        self(journal)->wake(self(journal)->wake_arg);
    }
}

void dure_journal_memory_crash(struct dure_journal *journal, uint64_t head)
{
    struct memory_journal *memory = self(journal);
    DURE_ASSERT(head <= memory->head && head + 1 >= memory->first);
    memory->cb = NULL;
    memory->fault = DURE_FAULT_NONE;
    memory->held = false;
    while (memory->head > head) free(memory->records[--memory->head].bytes);
}

char *dure_journal_memory_bytes(struct dure_journal *journal, uint64_t index, size_t *len)
{
    struct memory_journal *memory = self(journal);
    DURE_ASSERT(index >= memory->first && index <= memory->head);
    *len = memory->records[index - 1].len;
    return memory->records[index - 1].bytes;
}
