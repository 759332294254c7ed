/*
 * Notifications to customers: whatever a system wants to tell somebody outside is first a durable
 * notification here, then told by the node's adapter (`dure node --notify`), again and again over hours
 * until the other side has taken it, and then gone. What is listed has not been delivered (yet).
 *
 *   notify_tell(out, "food.notification", order_id, customer, "배달시작");
 *
 * An endpoint that says 410 wants no more: it is disabled until its row is deleted.
 */
#ifndef DURE_ACTORS_NOTIFY_NOTIFY_H
#define DURE_ACTORS_NOTIFY_NOTIFY_H

#include "runtime/dure.h"

#define NOTIFY_TYPE_BYTES 64
#define NOTIFY_CUSTOMER_BYTES 128
#define NOTIFY_MESSAGE_BYTES 1024
#define NOTIFY_REASON_BYTES 128
#define NOTIFY_URL_BYTES 1024

struct notify_send {
    int64_t subject;                      /* Id of what it is about, say of the order. */
    char type[NOTIFY_TYPE_BYTES];         /* "food.notification" */
    char customer[NOTIFY_CUSTOMER_BYTES]; /* To whom: an id as text, or a name. */
    char message[NOTIFY_MESSAGE_BYTES];
};

enum notify_status { NOTIFY_STATUS_NONE, NOTIFY_WAITING, NOTIFY_FAILED, NOTIFY_DISABLED };

struct notify_notification {
    int64_t id;
    struct notify_send what;
    int64_t attempts, date; /* date: when it was made. */
    uint8_t status;         /* enum notify_status */
    int8_t asked;           /* Hidden: the adapter has it. */
    char reason[NOTIFY_REASON_BYTES]; /* Of the last attempt. */
};

/* The port: which attempt it is; the adapter looks the notification up. And what came of it. */
struct notify_asked { int64_t attempt; };
enum notify_outcome { NOTIFY_OUTCOME_NONE, NOTIFY_SENT, NOTIFY_MISSED, NOTIFY_GONE };
struct notify_answer {
    int64_t retry_ms;    /* MISSED: not before; absent: as usual. */
    int64_t endpoint_id; /* GONE: of whom. */
    uint8_t outcome;     /* enum notify_outcome */
    char reason[NOTIFY_REASON_BYTES];
    char url[NOTIFY_URL_BYTES]; /* GONE: of the endpoint. */
};

struct notify_endpoint { int64_t id, date; char url[NOTIFY_URL_BYTES]; };
struct notify_disable { char url[NOTIFY_URL_BYTES]; };

/* Tells a customer, as an effect of the command that is being handled. The texts fit into struct
 * notify_send (asserted). */
void notify_tell(struct dure_out *out, const char *type, int64_t subject, const char *customer,
                 const char *message);

extern const struct dure_command notify_send, notify_endpoint_disable;
extern const struct dure_port notify_port;
extern struct dure_aggregate notify_notification, notify_endpoint;
extern const struct dure_system notify_system;

#endif
