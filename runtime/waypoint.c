/*
 * Binary search over the waypoints' keys: sequences only ever grow with the record. Any thread.
 */
#include "runtime/waypoint.h"

struct look { /* One waypoint: the first at or before a record. */
    uint32_t shards;
    uint64_t lsn;
    struct dure_positions at;
    bool found, damaged;
};

static int note(void *arg, uint32_t type, int64_t id, const void *row, size_t len)
{
    (void)type;
    struct look *look = arg;
    look->lsn = (uint64_t)id;
    look->found = true;
    look->damaged = id < 1 || len != look->shards * sizeof look->at.last[0];
    if (!look->damaged) memcpy(look->at.last, row, len);
    return 1;
}

static bool is_behind(const struct dure_positions *at, const struct dure_positions *from)
{
    for (uint32_t i = 0; i < from->shards; i++) {
        /* NONE is larger than any. */
        if (at->last[i] > from->last[i]) return false;
    }
    return true;
}

int dure_waypoint_find(struct dure_rows *rows, const struct dure_positions *from, uint64_t head,
                       uint64_t *lsn)
{
    uint64_t low = 0, high = head; /* low is behind; what lies above high is not. */
    struct look look = {.shards = from->shards};
    while (low < high) {
        uint64_t middle = low + (high - low + 1) / 2;
        look.found = false;
        int rv = rows->ops->scan(rows, DURE_TABLE_META, DURE_WAYPOINT_TYPE, (int64_t)middle, true,
                                 note, &look);
        if (rv < 0) return rv;
        if (look.found && look.damaged) return DURE_ECORRUPT;
        if (!look.found || look.lsn <= low) {
            /* None between low and the middle. */
            if (middle == high) break;
            /* The upper half decides by its own waypoints. */
            look.found = false;
            rv = rows->ops->scan(rows, DURE_TABLE_META, DURE_WAYPOINT_TYPE, (int64_t)middle + 1,
                                 false, note, &look);
            if (rv < 0) return rv;
            if (look.found && look.damaged) return DURE_ECORRUPT;
            if (!look.found || look.lsn > high) break;
        }
        if (is_behind(&look.at, from)) low = look.lsn;
        else high = look.lsn - 1;
    }
    *lsn = low;
    return 0;
}
