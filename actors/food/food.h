/*
 * Food delivery (SPEC F): states, payloads and descriptors that its files share.
 *
 * Whose word counts: the order for its customer's wishes, the store order for the kitchen's steps
 * (so it decides between "cancel" and "start cooking"), the payment for the money (one an order, by
 * its key), the delivery for the rider's. Others follow by messages.
 */
#ifndef DURE_ACTORS_FOOD_FOOD_H
#define DURE_ACTORS_FOOD_FOOD_H

#include "runtime/audit.h"
#include "runtime/dure.h"

#define FOOD_NAME_BYTES 256
#define FOOD_OPTIONS_BYTES 256
#define FOOD_ADDRESS_BYTES 384
#define FOOD_REASON_BYTES 160
#define FOOD_MESSAGE_BYTES 192

/* Refusals, as the originals say them. */
#define FOOD_UNAVAILABLE "현재 주문 불가능한 메뉴입니다."
#define FOOD_TOO_LATE "주문을 취소할 수 없습니다."

/* ---- States -------------------------------------------------------------------------------- */

enum food_order_status {
    FOOD_ORDER_NONE,
    FOOD_ORDER_PLACED,    /* 주문됨: not paid yet. */
    FOOD_ORDER_PAID,      /* 결제완료 */
    FOOD_ORDER_ACCEPTED,  /* 주문접수됨 */
    FOOD_ORDER_COOKING,   /* 요리중 */
    FOOD_ORDER_WAITING,   /* 배달대기: cooked, no rider yet. */
    FOOD_ORDER_RIDING,    /* 배달중 */
    FOOD_ORDER_DELIVERED, /* 배달완료 */
    FOOD_ORDER_REJECTED,  /* 주문거부됨 */
    FOOD_ORDER_CANCELED,  /* 주문취소됨 */
};
extern const char *const food_order_status_texts[];

struct food_order {
    int64_t id, food_id, customer_id, score, payment_id, store_id;
    uint8_t status;   /* enum food_order_status */
    int8_t unchecked; /* 1: placed while the store was not to be reached; it checks later. */
    int8_t canceling; /* 1: its cancel saga runs. */
    char options[FOOD_OPTIONS_BYTES], address[FOOD_ADDRESS_BYTES];
};

enum food_payment_status {
    FOOD_PAYMENT_NONE,
    FOOD_PAYMENT_DONE,     /* 성공 */
    FOOD_PAYMENT_REJECTED, /* 결제 취소됨: money back, the store said no. */
    FOOD_PAYMENT_CANCELED, /* 결제 취소됨(User): money back, the customer wished so. */
};
extern const char *const food_payment_status_texts[];

struct food_payment { int64_t id, order_id, customer_id; uint8_t status; };

enum food_store_status {
    FOOD_STORE_NONE,
    FOOD_STORE_WAITING,  /* 대기중 */
    FOOD_STORE_ACCEPTED, /* 접수됨 */
    FOOD_STORE_COOKING,  /* 요리중 */
    FOOD_STORE_COOKED,   /* 요리완료 */
    FOOD_STORE_REJECTED, /* 거부됨 */
    FOOD_STORE_CANCELED, /* 취소됨 */
};

struct food_store_order {
    int64_t id, food_id, order_id, payment_id, store_id, customer_id;
    uint8_t status; /* enum food_store_status */
    char address[FOOD_ADDRESS_BYTES], options[FOOD_OPTIONS_BYTES];
};

struct food_food {
    int64_t id, count, store_id;
    int64_t total_score; /* Of all ratings: score is total_score / count. */
    double score;
    int8_t available;
    char name[FOOD_NAME_BYTES];
};

enum food_delivery_status {
    FOOD_DELIVERY_NONE,
    FOOD_DELIVERY_WAITING,  /* 대기중 */
    FOOD_DELIVERY_RIDING,   /* 배달중 */
    FOOD_DELIVERY_DONE,     /* 배달완료 */
    FOOD_DELIVERY_CANCELED, /* 취소됨 */
};

struct food_delivery {
    int64_t id, order_id, customer_id, food_id, store_id;
    uint8_t status; /* enum food_delivery_status */
    char address[FOOD_ADDRESS_BYTES];
};

struct food_notice { int64_t id, customer_id, order_id; char message[FOOD_MESSAGE_BYTES]; };

struct food_top { int64_t id, eval_count, total_score, order_count; double score; char name[FOOD_NAME_BYTES]; };
struct food_order_view { int64_t id, food_id, customer_id; uint8_t status; };

/* ---- Payloads -------------------------------------------------------------------------------- */

struct food_place { /* POST /orders */
    int64_t food_id, customer_id;
    char options[FOOD_OPTIONS_BYTES], address[FOOD_ADDRESS_BYTES];
};
struct food_pay { int64_t order_id, customer_id; };   /* POST /payments, and the order saga. */
struct food_paid { int64_t payment_id; };             /* To the order. */
struct food_follow { uint8_t status; };               /* To the order: what happened elsewhere. */
struct food_score { int64_t score; };
struct food_store { int64_t store_id; };
struct food_reason { char reason[FOOD_REASON_BYTES]; };
struct food_give_back { uint8_t status; }; /* To the payment: what it becomes. */
struct food_open { /* To the store: what is to be cooked; with a reason it is rejected at once. */
    int64_t food_id, order_id, payment_id, store_id, customer_id;
    char address[FOOD_ADDRESS_BYTES], options[FOOD_OPTIONS_BYTES], reason[FOOD_REASON_BYTES];
};

/* ---- Events --------------------------------------------------------------------------------- */

struct food_received { struct food_place place; int64_t store_id; int8_t unchecked; };
struct food_order_event { int64_t id, food_id, customer_id; };
struct food_evaluated { int64_t id, food_id, score, customer_id; };
struct food_payment_event { int64_t id, order_id, customer_id; uint8_t status; };
struct food_store_event {
    int64_t id, food_id, order_id, customer_id, store_id;
    char address[FOOD_ADDRESS_BYTES], options[FOOD_OPTIONS_BYTES];
};
struct food_rejected { int64_t id, order_id, customer_id; char reason[FOOD_REASON_BYTES]; };
struct food_delivery_event { int64_t id, order_id, customer_id; };
struct food_added { int64_t id, store_id; int8_t available; char name[FOOD_NAME_BYTES]; };

extern struct dure_event_type food_order_received, food_order_placed, food_order_completed,
    food_order_canceled, food_order_evaluated, food_order_moved;
extern struct dure_event_type food_payment_paid, food_payment_returned;
extern struct dure_event_type food_store_accepted, food_store_rejected, food_cooking_started,
    food_cooked;
extern struct dure_event_type food_food_added, food_food_rated;
extern struct dure_event_type food_delivery_started, food_delivered;

/* ---- Commands that sagas and policies give -------------------------------------------------- */

extern const struct dure_command food_order_complete, food_order_refuse, food_order_confirm,
    food_order_disclaim, food_order_finish_cancel, food_order_keep, food_order_follow;
extern const struct dure_command food_payment_pay, food_payment_give_back;
extern const struct dure_command food_store_open, food_store_withdraw;
extern const struct dure_command food_food_check, food_food_rate;
extern const struct dure_command food_delivery_open, food_delivery_withdraw;
extern const struct dure_command food_notice_record;

/* ---- Descriptors ---------------------------------------------------------------------------- */

struct food_order_saga { int64_t order_id, customer_id, payment_id; };
struct food_check_saga { int64_t order_id, food_id, store_id; };
struct food_cancel_saga { int64_t order_id; };

extern struct dure_saga food_order_saga, food_check_saga, food_cancel_saga;
extern struct dure_aggregate food_order, food_payment, food_store_order, food_food, food_delivery,
    food_notice, food_top, food_order_view;
extern const struct dure_policy *const food_policies[];
extern const struct dure_projection *const food_projections[];
extern const struct dure_audit food_audit;
extern const struct dure_system food_system;

#endif
