/*
 * The two stores a runtime writes to, as interfaces: the journal (DESIGN 9) and the rows (DESIGN 4).
 * LMDB and memory implement both and pass one contract suite (tests/contract).
 *
 * Threads: every function here is called on one thread, the owner's (the loop). An implementation
 * may have threads of its own; they call only `wake`, which must be thread-safe and makes the owner
 * call the matching `poll` soon. Completions fire inside `poll`, never inside the call that asked.
 */
#ifndef DURE_STORE_STORE_H
#define DURE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/buf.h"
#include "runtime/errors.h"

/* ---- Journal ------------------------------------------------------------------------------ */

/* 0 (ACK), DURE_EREFUSED, DURE_EUNKNOWN, DURE_ENOSPC (nothing written, may be tried again),
 * DURE_EIO (fatal) or DURE_ESHUTDOWN. */
typedef void dure_append_cb(void *arg, int rv);

struct dure_journal; /* Each implementation embeds it first. */

struct dure_journal_ops {
    /*
     * Makes `record` durable at index `expect` + 1, if the head is `expect`. One append is
     * outstanding at a time (asserted). Keeps `record` until cb. cb fires in a later `poll`.
     */
    void (*append)(struct dure_journal *journal, uint64_t expect, const void *record, size_t len,
                   dure_append_cb *cb, void *arg);
    /* Fires the callback of a finished append, if there is one. */
    void (*poll)(struct dure_journal *journal);
    /* Index of the last durable record; 0 when the journal is empty. */
    uint64_t (*head)(struct dure_journal *journal);
    /* Index of the first record still there; head + 1 when there is none. Any thread. */
    uint64_t (*first)(struct dure_journal *journal);
    /* Appends the record at `index` to *out. 0 or DURE_ENOTFOUND, DURE_EIO, DURE_ECORRUPT.
     * Also safe on other threads. */
    int (*get)(struct dure_journal *journal, uint64_t index, struct dure_buf *out);
    /*
     * Calls visit for each record from `from` to the head, in order, until it returns non-zero,
     * which is then returned. The bytes are lent for the call; visit must not call the journal.
     */
    int (*tail)(struct dure_journal *journal, uint64_t from,
                int (*visit)(void *arg, uint64_t index, const void *record, size_t len), void *arg);
    /* Drops records up to and including `index`. */
    int (*trim)(struct dure_journal *journal, uint64_t index);
    /* Takes or renews the right to try to own `shard` for ttl_ms. 0 or DURE_EREFUSED. */
    int (*lease)(struct dure_journal *journal, uint32_t shard, uint64_t owner, int64_t ttl_ms);
    /* Bytes in use on disk (or in memory). */
    uint64_t (*bytes)(struct dure_journal *journal);
    /* Waits for an outstanding append without firing its callback, then frees the journal. */
    void (*close)(struct dure_journal *journal);
};

struct dure_journal {
    const struct dure_journal_ops *ops;
};

/* ---- Rows ---------------------------------------------------------------------------------- */

/* Tables of the row store. In ROW and INDEX, `type` and `id` are as in the journal. */
enum dure_table {
    DURE_TABLE_ROW = 0,   /* (type, id) → a packed row (runtime/row.h). */
    DURE_TABLE_KEY = 1,   /* Idempotency keys: (hash high 32 bits as type, hash low as id) → reply */
    DURE_TABLE_TIMER = 2, /* (0, due ms | …): maintained by the caller. */
    /* (0, n): checkpoint position, counters; (hour, key): idem.h; (~0, lsn): waypoint.h. */
    DURE_TABLE_META = 3,
    DURE_TABLE_OUTBOX = 4,/* Numbers of channels, and messages that are under way: runtime/links.h. */
    DURE_TABLES = 5,
};

/* One key/value to write. `value` NULL deletes. */
struct dure_row_write {
    enum dure_table table;
    uint32_t type;
    int64_t id;          /* Keys order as (type unsigned, id signed). */
    const void *value;
    size_t value_len;
    bool fresh;          /* ROW only: known to have no row yet, so the old one is not looked for. */
    bool encode;         /* ROW only: value is a live object; the codec's pack turns it to bytes. */
};

struct dure_index_key {
    uint16_t field;  /* Number of the field. */
    uint64_t value;  /* Order-preserving or a hash; opaque here. */
};

#define DURE_INDEX_KEYS_MAX 8

/* Pure functions that the checkpoint thread calls; they share nothing with the loop. */
struct dure_row_codec {
    /* Appends the row's bytes for a live object given by write->value. */
    void (*pack)(void *arg, const struct dure_row_write *write, struct dure_buf *out);
    /* The index keys of a packed row, at most DURE_INDEX_KEYS_MAX; returns how many. */
    size_t (*index)(void *arg, uint32_t type, const void *row, size_t len,
                    struct dure_index_key *keys);
    /* The same of a live object given by write->value. NULL: it is packed, then index. */
    size_t (*index_live)(void *arg, const struct dure_row_write *write,
                         struct dure_index_key *keys);
    /* All types that ROWs are written of; lent until the rows are open. */
    const uint32_t *types;
    size_t types_count;
    void *arg;
};

/* 0, DURE_ENOSPC (nothing of this batch written), DURE_EIO. */
typedef void dure_checkpoint_cb(void *arg, int rv);

struct dure_rows; /* Each implementation embeds it first. */

/* Seen by scans; return non-zero to stop. `row` is lent for the call; NULL in index scans. */
typedef int dure_row_visit(void *arg, uint32_t type, int64_t id, const void *row, size_t len);

struct dure_rows_ops {
    /* Appends the value to *out. 0 or DURE_ENOTFOUND (out unchanged), DURE_EIO. */
    int (*get)(struct dure_rows *rows, enum dure_table table, uint32_t type, int64_t id,
               struct dure_buf *out);
    /*
     * Writes the batch atomically and durably, in key order, with the index entries of every ROW
     * kept in step (old entries removed). ROWs are of types that the codec lists, and no key stands
     * in a batch twice. Keeps `writes` (and sorts them) and their values until cb. One batch is
     * outstanding at a time (asserted). cb fires in a later `poll`.
     */
    void (*write)(struct dure_rows *rows, struct dure_row_write *writes, size_t count,
                  dure_checkpoint_cb *cb, void *arg);
    void (*poll)(struct dure_rows *rows);
    /* Ascending from (type, from) inclusive, or descending when `descending`; stays within `type`.
     * Any thread. Returns what visit returned, 0 at the end, or DURE_EIO. */
    int (*scan)(struct dure_rows *rows, enum dure_table table, uint32_t type, int64_t from,
                bool descending, dure_row_visit *visit, void *arg);
    /* Ids whose `field` is indexed under exactly `value`, ascending. Any thread. */
    int (*scan_index)(struct dure_rows *rows, uint32_t type, uint16_t field, uint64_t value,
                      int64_t from, dure_row_visit *visit, void *arg);
    uint64_t (*bytes)(struct dure_rows *rows);
    void (*close)(struct dure_rows *rows);
};

struct dure_rows {
    const struct dure_rows_ops *ops;
};

/* ---- Implementations ------------------------------------------------------------------------ */

/* When the index on LMDB does what (store/index.c); 0: the default. Tests set them small. */
struct dure_index_bounds {
    size_t runs_max;    /* So many runs, or so many entries in them, and they are merged into the … */
    size_t entries_max; /* … tree. runs_max is at most 32. */
    size_t small_runs;  /* So many runs in a row with less than … */
    size_t small_max;   /* … so many entries each become one. */
    size_t merge_min;   /* Entries that a batch merges at least. */
};

struct dure_store_options {
    const char *dir;        /* Data directory; created when absent. journal/ and state/ in it. */
    bool read_only;         /* For verify and dump: nothing is written, no thread is started. */
    bool meta_only;         /* Rows, read-only: nothing but META is looked at, which every version
                               of the format has had alike. */
    size_t grow_bytes_min;  /* Files grow by this at least; 0: the default. Tests set it small. */
    struct dure_index_bounds index;
    void (*wake)(void *arg); /* Any thread. */
    void *wake_arg;
    struct dure_row_codec codec; /* Rows only. */
};

/*
 * LMDB. The directory is locked (DURE_ELOCKED when another process has it), must not be on a
 * network file system (DURE_ENETFS) and carries a format version (DURE_EFORMAT when newer).
 * Other errors: DURE_ESYSTEM, DURE_ENOSPC, DURE_EIO, DURE_ECORRUPT.
 * *message (may be NULL) receives a sentence that names what is wrong, in a static buffer.
 * The journal is opened first; the rows rely on its lock.
 */
DURE_MUST_CHECK int dure_journal_lmdb_open(struct dure_journal **journal,
                                           const struct dure_store_options *options,
                                           const char **message);
DURE_MUST_CHECK int dure_rows_lmdb_open(struct dure_rows **rows,
                                        const struct dure_store_options *options,
                                        const char **message);

/* What the in-memory journal does at the n-th append from now; for tests and simulation. */
enum dure_fault {
    DURE_FAULT_NONE,
    DURE_FAULT_NOSPC,         /* ENOSPC, nothing written. */
    DURE_FAULT_IO,            /* EIO, not written. */
    DURE_FAULT_REFUSE,        /* Another writer's record takes the index: REFUSED. */
    DURE_FAULT_UNKNOWN_DONE,  /* Written, but answered UNKNOWN. */
    DURE_FAULT_UNKNOWN_LOST,  /* Not written, answered UNKNOWN. */
};

DURE_MUST_CHECK int dure_journal_memory_open(struct dure_journal **journal,
                                             const struct dure_store_options *options);
/* The next append meets `fault`; later ones succeed. */
void dure_journal_memory_fault(struct dure_journal *journal, enum dure_fault fault);
/* Appends complete only while not held (default: not held). */
void dure_journal_memory_hold(struct dure_journal *journal, bool held);
/* What a crash leaves: records up to `head`, and nobody who waits for an append. */
void dure_journal_memory_crash(struct dure_journal *journal, uint64_t head);
/* The stored bytes of a record, to be damaged. */
char *dure_journal_memory_bytes(struct dure_journal *journal, uint64_t index, size_t *len);

DURE_MUST_CHECK int dure_rows_memory_open(struct dure_rows **rows,
                                          const struct dure_store_options *options);
/* The next batch fails with `rv`. */
void dure_rows_memory_fail(struct dure_rows *rows, int rv);
/* Batches are written and completed only while not held (default: not held). */
void dure_rows_memory_hold(struct dure_rows *rows, bool held);
/* A batch is outstanding. */
bool dure_rows_memory_busy(const struct dure_rows *rows);
/* A crash while a batch is outstanding: it is on disk as a whole or not at all. True when there was
 * one; its callback has fired (DURE_ENOSPC when not written), so that its owner can be freed. */
bool dure_rows_memory_crash(struct dure_rows *rows, bool written);

/* ---- Checksums ------------------------------------------------------------------------------ */

/* CRC-32C (Castagnoli), RFC 3720 appendix B.4, by SSE 4.2 where the machine has it, by table
 * otherwise. Start with 0; feeding pieces in order gives the whole's checksum. */
uint32_t dure_crc32c(uint32_t crc, const void *bytes, size_t len);

#endif
