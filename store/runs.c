/*
 * The record of the index. Pure but for reading and writing it; the thread of the transaction.
 */
#include "store/runs.h"

#include <string.h>

_Static_assert(sizeof(struct dure_runs) == DURE_INDEX_SLOTS * 8 + 48, "wire size");

static MDB_val record_key(void)
{
    return (MDB_val){4, (void *)(uintptr_t)"runs"};
}

int dure_runs_read(struct dure_runs *runs, MDB_txn *txn, MDB_dbi dbi)
{
    MDB_val key = record_key(), value;
    *runs = (struct dure_runs){0};
    int code = mdb_get(txn, dbi, &key, &value);
    if (code == MDB_NOTFOUND) return 0;
    if (code != 0) return code;
    if (value.mv_size != sizeof *runs) return MDB_CORRUPTED;
    memcpy(runs, value.mv_data, sizeof *runs);
    return 0;
}

int dure_runs_write(struct dure_runs *runs, MDB_txn *txn, MDB_dbi dbi)
{
    MDB_val key = record_key(), value = {sizeof *runs, runs};
    return mdb_put(txn, dbi, &key, &value, 0);
}

bool dure_runs_is_frozen(const struct dure_runs *runs, size_t slot)
{
    return runs->numbers[slot] != 0 && runs->numbers[slot] <= runs->frozen;
}

size_t dure_runs_count_free(const struct dure_runs *runs)
{
    size_t count = 0;
    for (size_t i = 0; i < DURE_INDEX_SLOTS; i++) count += runs->numbers[i] == 0;
    return count;
}

size_t dure_runs_older(const struct dure_runs *runs, uint64_t number)
{
    size_t found = DURE_INDEX_SLOTS;
    for (size_t i = 0; i < DURE_INDEX_SLOTS; i++) {
        uint64_t of = runs->numbers[i];
        if (of == 0 || of >= number || dure_runs_is_frozen(runs, i)) continue;
        if (found == DURE_INDEX_SLOTS || of > runs->numbers[found]) found = i;
    }
    return found;
}

size_t dure_runs_take(struct dure_runs *runs)
{
    size_t slot = 0;
    while (slot < DURE_INDEX_SLOTS && runs->numbers[slot] != 0) slot++;
    if (slot < DURE_INDEX_SLOTS) runs->numbers[slot] = ++runs->newest;
    return slot;
}

void dure_runs_freeze(struct dure_runs *runs)
{
    DURE_ASSERT(runs->frozen == 0);
    runs->frozen = runs->newest;
    runs->merged = 0;
    memset(runs->from, 0, sizeof runs->from);
}
