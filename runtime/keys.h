/*
 * Idempotency keys (idem.c): begun, finished with a reply, or cancelled; kept, and written with the
 * checkpoint.
 */
#ifndef DURE_RUNTIME_KEYS_H
#define DURE_RUNTIME_KEYS_H

#include "runtime/ask.h"
#include "store/store.h"

struct dure_idem;
struct dure_checkpoint;

enum dure_idem_result { DURE_IDEM_NEW, DURE_IDEM_REPLY, DURE_IDEM_STARTED };
struct dure_idem_reply {
    int status;
    struct dure_buf headers, body;
    struct dure_type *type, *saga;
    int64_t id;
};
/* Looks the key up and marks it running. REPLY: *reply holds copies (caller fini's). STARTED: an
 * earlier process began it; resume with reply->type, id, saga. Errors: DURE_EKEYREUSED, DURE_EKEYRUNNING,
 * DURE_EBUSY. After NEW or STARTED exactly one of finish or cancel must follow. */
DURE_MUST_CHECK int dure_idem_begin(struct dure_runtime *rt, const uint64_t key[2],
                                    uint64_t fingerprint, enum dure_idem_result *result,
                                    struct dure_idem_reply *reply);
/* Writes the reply into the open group (it becomes durable with it). Within `decided`. */
void dure_idem_finish(struct dure_runtime *rt, const struct dure_ask *ask, int status,
                      const struct dure_buf *headers, const struct dure_buf *body);
/* The command was never taken (submit failed) or its group failed. */
void dure_idem_cancel(struct dure_runtime *rt, const uint64_t key[2]);
/* The reply was in a record that failed, the command was not: it runs still. */
void dure_idem_go_on(struct dure_runtime *rt, const struct dure_ask *ask);
/* Used by group.c (started entry), recovery.c and the checkpoint. */
void dure_idem_write_started(struct dure_runtime *rt, const struct dure_ask *ask);
void dure_idem_recover(struct dure_runtime *rt, const void *entry, size_t len);
void dure_idem_durable(struct dure_runtime *rt, uint64_t lsn);
void dure_idem_failed(struct dure_runtime *rt, uint64_t lsn);
void dure_idem_fini(struct dure_runtime *rt);
/* For the checkpoint: adds each durable entry that is in no other batch as a row, and notes the
 * batch (1 …); afterwards says how that one went. bytes NULL: the row goes. */
typedef void dure_idem_add(struct dure_checkpoint *checkpoint, enum dure_table table, uint32_t type,
                           int64_t id, const void *bytes, size_t len);
void dure_idem_collect(struct dure_runtime *rt, struct dure_checkpoint *checkpoint,
                       dure_idem_add *add, uint8_t batch);
void dure_idem_written(struct dure_runtime *rt, int rv, uint8_t batch);
/* Something waits for a checkpoint: new replies, or expired ones. */
bool dure_idem_wants(const struct dure_runtime *rt);
/* Looks for a few expired keys. Each round in which no checkpoint runs (idem_sweep.c). */
void dure_idem_sweep(struct dure_runtime *rt);
#endif
