/*
 * The databases of state/, version 2 of its format:
 *
 *   store                     "format" → the version (32 bits); "runs" → the index's record
 *   row-CODE                  rows of the type with this code (8 hexadecimal digits): id → packed row
 *   key, timer, meta, outbox  (type, id) → value
 *   index, run-0 … run-63     see index.c
 *
 * The id of a row is LMDB's integer key, with its sign bit flipped: new rows go behind all others,
 * page after page. The other keys are big-endian (type, id with its sign bit flipped), so that LMDB's
 * byte order is theirs. All databases are opened at once: LMDB wants no handle opened while others
 * are used. In version 1 the rows of all types were one database.
 */
#include "store/tables.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT_VERSION 2
#define SIGN (UINT64_C(1) << 63)
#define ROW_PREFIX "row-"
#define ROW_PREFIX_BYTES (sizeof ROW_PREFIX - 1)

static const char *const names[DURE_TABLES] = {NULL, "key", "timer", "meta", "outbox"};

/* ---- Keys ------------------------------------------------------------------------------------- */

_Static_assert(sizeof(size_t) == sizeof(uint64_t), "LMDB's integer keys are 64-bit");

MDB_val dure_tables_key(uint64_t bytes[2], enum dure_table table, uint32_t type, int64_t id)
{
    uint64_t place = (uint64_t)id ^ SIGN;
    if (table == DURE_TABLE_ROW) {
        bytes[0] = place;
        return (MDB_val){sizeof place, bytes};
    }
    unsigned char *to = (unsigned char *)bytes;
    for (int i = 3; i >= 0; i--, type >>= 8) to[i] = (unsigned char)type;
    for (int i = DURE_TABLE_KEY_BYTES - 1; i >= 4; i--, place >>= 8) to[i] = (unsigned char)place;
    return (MDB_val){DURE_TABLE_KEY_BYTES, bytes};
}

bool dure_tables_read_key(enum dure_table table, const MDB_val *key, uint32_t *type, int64_t *id)
{
    uint64_t place = 0;
    const unsigned char *from = key->mv_data;
    if (key->mv_size != (table == DURE_TABLE_ROW ? sizeof place : DURE_TABLE_KEY_BYTES)) return false;
    if (table == DURE_TABLE_ROW) {
        memcpy(&place, from, sizeof place);
    } else {
        *type = 0;
        for (int i = 0; i < 4; i++) *type = *type << 8 | from[i];
        for (int i = 4; i < DURE_TABLE_KEY_BYTES; i++) place = place << 8 | from[i];
    }
    *id = (int64_t)(place ^ SIGN);
    return true;
}

/* ---- Finding ---------------------------------------------------------------------------------- */

static int by_type(const void *a, const void *b)
{
    uint32_t x = ((const struct dure_row_table *)a)->type;
    uint32_t y = ((const struct dure_row_table *)b)->type;
    return (x > y) - (x < y);
}

bool dure_tables_find(const struct dure_tables *tables, enum dure_table table, uint32_t type,
                      MDB_dbi *dbi)
{
    if (table != DURE_TABLE_ROW) {
        *dbi = tables->others[table];
        return true;
    }
    struct dure_row_table wanted = {.type = type};
    const struct dure_row_table *found =
        bsearch(&wanted, tables->rows, tables->rows_count, sizeof wanted, by_type);
    if (found != NULL) *dbi = found->dbi;
    return found != NULL;
}

/* ---- Opening ---------------------------------------------------------------------------------- */

/* False: there is no place for one more. */
static bool add_type(struct dure_tables *tables, uint32_t type)
{
    for (size_t i = 0; i < tables->rows_count; i++) {
        if (tables->rows[i].type == type) return true;
    }
    if (tables->rows_count == DURE_ROW_TYPES_MAX) return false;
    tables->rows[tables->rows_count++].type = type;
    return true;
}

/* The types that have a database already: the names of databases are keys of the main one. */
static int list_types(struct dure_tables *tables, MDB_txn *txn)
{
    MDB_dbi main;
    MDB_cursor *cursor;
    int code = mdb_dbi_open(txn, NULL, 0, &main);
    if (code == 0) code = mdb_cursor_open(txn, main, &cursor);
    if (code != 0) return code;
    MDB_val key = {ROW_PREFIX_BYTES, (void *)(uintptr_t)ROW_PREFIX}, value;
    for (code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE); code == 0;
         code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        char digits[9] = "", *end;
        if (key.mv_size != ROW_PREFIX_BYTES + 8) break;
        if (memcmp(key.mv_data, ROW_PREFIX, ROW_PREFIX_BYTES) != 0) break;
        memcpy(digits, (const char *)key.mv_data + ROW_PREFIX_BYTES, 8);
        uint32_t type = (uint32_t)strtoul(digits, &end, 16);
        if (*end != '\0' || !add_type(tables, type)) code = MDB_CORRUPTED;
        if (code != 0) break;
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

static int open_rows(struct dure_tables *tables, MDB_txn *txn,
                     const struct dure_store_options *options)
{
    int code = list_types(tables, txn);
    for (size_t i = 0; code == 0 && !options->read_only && i < options->codec.types_count; i++) {
        if (!add_type(tables, options->codec.types[i])) code = MDB_DBS_FULL;
    }
    qsort(tables->rows, tables->rows_count, sizeof tables->rows[0], by_type);
    unsigned flags = MDB_INTEGERKEY | (options->read_only ? 0u : MDB_CREATE);
    for (size_t i = 0; code == 0 && i < tables->rows_count; i++) {
        char name[ROW_PREFIX_BYTES + 9];
        snprintf(name, sizeof name, ROW_PREFIX "%08" PRIx32, tables->rows[i].type);
        code = mdb_dbi_open(txn, name, flags, &tables->rows[i].dbi);
    }
    return code;
}

/* *version: 0: nothing is there yet. */
static int read_version(MDB_txn *txn, uint32_t *version)
{
    MDB_dbi dbi;
    MDB_val key = {6, (void *)(uintptr_t)"format"}, value;
    *version = 0;
    int code = mdb_dbi_open(txn, "store", 0, &dbi);
    if (code == 0) {
        code = mdb_get(txn, dbi, &key, &value);
        if (code != 0 || value.mv_size != sizeof *version) return MDB_CORRUPTED;
        memcpy(version, value.mv_data, sizeof *version);
        return 0;
    }
    if (code == MDB_NOTFOUND) code = mdb_dbi_open(txn, "row", 0, &dbi);
    if (code == 0) *version = 1;
    return code == MDB_NOTFOUND ? 0 : code;
}

static int check_version(uint32_t version, const struct dure_store_options *options,
                         const char **message)
{
    if (version > FORMAT_VERSION) {
        return dure_env_fail(DURE_EFORMAT, message,
                             "%s/state was written by a newer version of dure%s", options->dir, "");
    }
    /* META has always been as it is. */
    if (version == 0 || version == FORMAT_VERSION || options->meta_only) return 0;
    return dure_env_fail(DURE_EFORMAT, message,
                         "%s/state was written by an older version of dure; "
                         "\"dure rebuild %s\" makes it anew from the journal",
                         options->dir, options->dir);
}

static int open_all(struct dure_tables *tables, MDB_txn *txn,
                    const struct dure_store_options *options)
{
    MDB_dbi store;
    unsigned flags = options->read_only ? 0 : MDB_CREATE;
    if (options->meta_only) {
        return mdb_dbi_open(txn, "meta", flags, &tables->others[DURE_TABLE_META]);
    }
    int code = mdb_dbi_open(txn, "store", flags, &store);
    for (int i = 0; code == 0 && i < DURE_TABLES; i++) {
        if (i != DURE_TABLE_ROW) code = mdb_dbi_open(txn, names[i], flags, &tables->others[i]);
    }
    if (code == 0) code = open_rows(tables, txn, options);
    if (code == 0) code = dure_index_open(&tables->index, txn, flags, store, options);
    if (code != 0 || options->read_only) return code;
    uint32_t version = FORMAT_VERSION;
    MDB_val key = {6, (void *)(uintptr_t)"format"}, value = {sizeof version, &version};
    code = mdb_put(txn, store, &key, &value, MDB_NOOVERWRITE);
    return code == MDB_KEYEXIST ? 0 : code;
}

int dure_tables_open(struct dure_tables *tables, struct dure_env *env,
                     const struct dure_store_options *options, const char **message)
{
    DURE_ASSERT(!options->meta_only || options->read_only);
    MDB_txn *txn;
    uint32_t version;
    int rv = dure_env_begin(env, !options->read_only, &txn);
    if (rv != 0) return rv;
    int code = read_version(txn, &version);
    if (code == 0) rv = check_version(version, options, message);
    if (code == 0 && rv == 0) code = open_all(tables, txn, options);
    if (code != 0 || rv != 0) {
        dure_env_abort(env, txn);
        return rv != 0 ? rv : dure_env_error(code);
    }
    return dure_env_error(dure_env_commit(env, txn));
}
