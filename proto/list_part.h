/*
 * A node's part of a list, in two rounds: which ids it has for the page, with their sort keys; and
 * the items that are shown. Also the bytes that the nodes exchange for it.
 */
#ifndef DURE_PROTO_LIST_PART_H
#define DURE_PROTO_LIST_PART_H

#include "proto/gather.h"

/* Answerers of DURE_GATHER_IDS and DURE_GATHER_ITEMS. */
void dure_list_part_ids(struct dure_gather_question *question);
void dure_list_part_items(struct dure_gather_question *question);

struct dure_list_ids_question { /* The request's target follows. */
    uint32_t target_len, zero;
};

struct dure_list_ids { /* count ids follow, then count × key_bytes. */
    uint64_t count;
    int64_t total; /* -1: not counted. */
    int64_t summed;
    uint32_t key_bytes, more;
};
_Static_assert(sizeof(struct dure_list_ids) == 32, "wire size");

struct dure_list_items_question { /* count ids, the base and the path of the collection follow. */
    uint32_t count;
    uint16_t base_len, path_len;
};
_Static_assert(sizeof(struct dure_list_items_question) == 8, "wire size");

struct dure_list_row { /* In the order asked for; the JSON follows. Those that are gone lack. */
    int64_t id;
    uint64_t len;
};

#endif
