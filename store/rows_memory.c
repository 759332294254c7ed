/*
 * Rows in memory: a sorted array of (table, type, id), searched by halves. Good to some hundred
 * thousand rows: tests and simulation. The index is not stored but looked for: rows are few.
 * One thread; scans from others are safe while no batch is written.
 */
#include <stdlib.h>

#include "store/store.h"

struct row {
    enum dure_table table;
    uint32_t type;
    int64_t id;
    char *bytes;
    size_t len;
};

struct memory_rows {
    struct dure_rows base;
    struct row *rows;
    size_t count, cap;
    struct dure_row_codec codec;
    int fail;
    bool held;
    struct dure_row_write *writes; /* The outstanding batch; written by poll. */
    size_t writes_count;
    dure_checkpoint_cb *cb;
    void *cb_arg;
    int rv;
    void (*wake)(void *arg);
    void *wake_arg;
};

static struct memory_rows *self(struct dure_rows *rows)
{
    return (struct memory_rows *)rows;
}

static int order(const struct row *row, enum dure_table table, uint32_t type, int64_t id)
{
    if (row->table != table) return row->table < table ? -1 : 1;
    if (row->type != type) return row->type < type ? -1 : 1;
    return (row->id > id) - (row->id < id);
}

/* The first row at or behind the key. */
static size_t find(const struct memory_rows *rows, enum dure_table table, uint32_t type, int64_t id)
{
    size_t low = 0, high = rows->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (order(&rows->rows[middle], table, type, id) < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

static int get(struct dure_rows *base, enum dure_table table, uint32_t type, int64_t id,
               struct dure_buf *out)
{
    struct memory_rows *rows = self(base);
    size_t at = find(rows, table, type, id);
    if (at == rows->count || order(&rows->rows[at], table, type, id) != 0) return DURE_ENOTFOUND;
    dure_buf_add(out, rows->rows[at].bytes, rows->rows[at].len);
    return 0;
}

static void write_one(struct memory_rows *rows, const struct dure_row_write *write)
{
    size_t at = find(rows, write->table, write->type, write->id);
    bool there = at < rows->count && order(&rows->rows[at], write->table, write->type, write->id) == 0;
    struct row *row = &rows->rows[at];
    if (write->value == NULL) {
        if (!there) return;
        free(row->bytes);
        memmove(row, row + 1, (rows->count - at - 1) * sizeof *row);
        rows->count--;
        return;
    }
    struct dure_buf bytes = {0};
    if (write->encode) rows->codec.pack(rows->codec.arg, write, &bytes);
    else dure_buf_add(&bytes, write->value, write->value_len);
    if (there) {
        free(row->bytes);
    } else {
        if (rows->count == rows->cap) {
            rows->cap = rows->cap ? rows->cap * 2 : 64;
            rows->rows = realloc(rows->rows, rows->cap * sizeof *row);
            DURE_ASSERT(rows->rows != NULL);
            row = &rows->rows[at];
        }
        memmove(row + 1, row, (rows->count - at) * sizeof *row);
        rows->count++;
    }
    *row = (struct row){write->table, write->type, write->id, bytes.data, bytes.len};
}

static int by_key(const void *a, const void *b)
{
    const struct dure_row_write *x = a, *y = b;
    return order(&(struct row){.table = x->table, .type = x->type, .id = x->id}, y->table, y->type,
                 y->id);
}

static void write_rows(struct dure_rows *base, struct dure_row_write *writes, size_t count,
                       dure_checkpoint_cb *cb, void *arg)
{
    struct memory_rows *rows = self(base);
    DURE_ASSERT(rows->cb == NULL);
    rows->cb = cb;
    rows->cb_arg = arg;
    rows->writes = writes;
    rows->writes_count = count;
    rows->rv = rows->fail;
    rows->fail = 0;
    if (rows->wake != NULL) rows->wake(rows->wake_arg);
}

static void poll(struct dure_rows *base)
{
    struct memory_rows *rows = self(base);
    dure_checkpoint_cb *cb = rows->cb;
    if (cb == NULL || rows->held) return;
    /* New rows then mostly go behind the others. */
    if (rows->rv == 0) qsort(rows->writes, rows->writes_count, sizeof rows->writes[0], by_key);
    for (size_t i = 0; rows->rv == 0 && i < rows->writes_count; i++) {
        DURE_ASSERT(i == 0 || by_key(&rows->writes[i - 1], &rows->writes[i]) < 0); /* No key twice. */
        write_one(rows, &rows->writes[i]);
    }
    rows->cb = NULL;
    cb(rows->cb_arg, rows->rv);
}

static int scan(struct dure_rows *base, enum dure_table table, uint32_t type, int64_t from,
                bool descending, dure_row_visit *visit, void *arg)
{
    struct memory_rows *rows = self(base);
    size_t at = find(rows, table, type, from);
    int rv = 0;
    if (descending) {
        if (at < rows->count && order(&rows->rows[at], table, type, from) == 0) at++;
        while (rv == 0 && at-- > 0) {
            const struct row *row = &rows->rows[at];
            if (row->table != table || row->type != type) break;
            rv = visit(arg, type, row->id, row->bytes, row->len);
        }
        return rv;
    }
    for (; rv == 0 && at < rows->count; at++) {
        const struct row *row = &rows->rows[at];
        if (row->table != table || row->type != type) break;
        rv = visit(arg, type, row->id, row->bytes, row->len);
    }
    return rv;
}

static int scan_index(struct dure_rows *base, uint32_t type, uint16_t field, uint64_t value,
                      int64_t from, dure_row_visit *visit, void *arg)
{
    struct memory_rows *rows = self(base);
    int rv = 0;
    for (size_t at = find(rows, DURE_TABLE_ROW, type, from); rv == 0 && at < rows->count; at++) {
        const struct row *row = &rows->rows[at];
        if (row->table != DURE_TABLE_ROW || row->type != type) break;
        struct dure_index_key keys[DURE_INDEX_KEYS_MAX];
        size_t count = rows->codec.index == NULL ? 0
                       : rows->codec.index(rows->codec.arg, type, row->bytes, row->len, keys);
        for (size_t i = 0; rv == 0 && i < count; i++) {
            if (keys[i].field == field && keys[i].value == value) {
                rv = visit(arg, type, row->id, NULL, 0);
            }
        }
    }
    return rv;
}

static uint64_t bytes(struct dure_rows *base)
{
    struct memory_rows *rows = self(base);
    uint64_t sum = 0;
    for (size_t i = 0; i < rows->count; i++) sum += rows->rows[i].len;
    return sum;
}

static void close_rows(struct dure_rows *base)
{
    struct memory_rows *rows = self(base);
    for (size_t i = 0; i < rows->count; i++) free(rows->rows[i].bytes);
    free(rows->rows);
    free(rows);
}

static const struct dure_rows_ops ops = {
    .get = get, .write = write_rows, .poll = poll, .scan = scan, .scan_index = scan_index,
    .bytes = bytes, .close = close_rows,
};

int dure_rows_memory_open(struct dure_rows **out, const struct dure_store_options *options)
{
    struct memory_rows *rows = calloc(1, sizeof *rows);
    if (rows == NULL) return DURE_ENOMEM;
    rows->base.ops = &ops;
    rows->codec = options->codec;
    rows->wake = options->wake;
    rows->wake_arg = options->wake_arg;
    *out = &rows->base;
    return 0;
}

void dure_rows_memory_fail(struct dure_rows *rows, int rv)
{
    self(rows)->fail = rv;
}

void dure_rows_memory_hold(struct dure_rows *rows, bool held)
{
    self(rows)->held = held;
}

bool dure_rows_memory_busy(const struct dure_rows *rows)
{
    return ((const struct memory_rows *)rows)->cb != NULL;
}

bool dure_rows_memory_crash(struct dure_rows *rows, bool written)
{
    struct memory_rows *memory = self(rows);
    bool outstanding = memory->cb != NULL;
    memory->held = false;
    if (outstanding && !written) memory->rv = DURE_ENOSPC;
    poll(rows);
    return outstanding;
}
