/*
 * The databases of state/: one per type for ROW, one for each other table, and the index.
 */
#ifndef DURE_STORE_TABLES_H
#define DURE_STORE_TABLES_H

#include "store/env.h"
#include "store/index.h"

/* Of this build, and those that others have left in the file. */
#define DURE_ROW_TYPES_MAX 256
#define DURE_TABLE_KEY_BYTES 12

struct dure_row_table {
    uint32_t type;
    MDB_dbi dbi;
};

struct dure_tables {
    MDB_dbi others[DURE_TABLES]; /* ROW's place is empty. */
    struct dure_row_table rows[DURE_ROW_TYPES_MAX]; /* By type. */
    size_t rows_count;
    struct dure_index index;
};

/* What dure_env_open is told. */
#define DURE_TABLES_MAX (DURE_TABLES + DURE_ROW_TYPES_MAX + DURE_INDEX_TABLES)

/* Opens all databases, making those that are missing unless the options say read-only; handles are
 * never opened later. DURE_EFORMAT with a sentence when state/ is of another version; DURE_ENOTFOUND
 * when there is nothing to read; or the environment's errors. */
DURE_MUST_CHECK int dure_tables_open(struct dure_tables *tables, struct dure_env *env,
                                     const struct dure_store_options *options, const char **message);

/* False: rows of that type have no database, so there are none. */
bool dure_tables_find(const struct dure_tables *tables, enum dure_table table, uint32_t type,
                      MDB_dbi *dbi);

/* The key of (type, id) in its database, made in `bytes`. */
MDB_val dure_tables_key(uint64_t bytes[2], enum dure_table table, uint32_t type, int64_t id);
/* And back. The type of a ROW is its database's. False: it cannot be a key of this table. */
bool dure_tables_read_key(enum dure_table table, const MDB_val *key, uint32_t *type, int64_t *id);

#endif
