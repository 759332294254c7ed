/*
 * What there is on a node now, for people: how much it has, whom it misses.
 */
#ifndef DURE_PROTO_NODE_STATE_H
#define DURE_PROTO_NODE_STATE_H

#include "proto/gateway.h"

/*
 * {"node":1,"up":true,"shards":22,
 *  "requests":17,"events":4,"journal_bytes":40960,     since it began; on disk
 *  "aggregates":{"shop.order":3},                      rows of views, too; without zeros
 *  "sagas":{"shop.orderSaga":{"parked":1}},            under way, by state; without zeros
 *  "breakers":[{"look":"food.food","peer":0,"state":"closed"}],  … "half-open", "open"
 *  "peers_down":[2]}                                   other nodes that it does not reach
 */
void dure_node_state_write(const struct dure_gateway *gateway, struct dure_buf *out);
/* Of one that cannot be asked: {"node":2,"up":false}. */
void dure_node_state_write_down(unsigned node, struct dure_buf *out);

#endif
