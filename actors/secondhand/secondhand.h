/*
 * Second-hand trade (SPEC E): states, payloads and descriptors that its files share.
 *
 * Whose word counts: the reservation for its buyer's wish, the trade for the handover (so it decides
 * between "cancel" and "complete"), the inventory for the stock, the shelf for which listing is next.
 */
#ifndef DURE_ACTORS_SECONDHAND_SECONDHAND_H
#define DURE_ACTORS_SECONDHAND_SECONDHAND_H

#include "runtime/audit.h"
#include "runtime/dure.h"

#define SECONDHAND_USER_BYTES 128
#define SECONDHAND_NAME_BYTES 256
#define SECONDHAND_ADDRESS_BYTES 384
#define SECONDHAND_STATUS_BYTES 128
#define SECONDHAND_PRICE_BYTES 64
/* Beyond, sums could overflow: refused where they are entered. */
#define SECONDHAND_AMOUNT_MAX INT64_C(1000000000000000)
/* Listings of one product that wait for a buyer; one more is refused. */
#define SECONDHAND_LISTINGS_MAX 24

#define SECONDHAND_MISMATCH "거래 진행 중 재고와 실제 거래량 불일치로 거래 불가"

/* ---- States -------------------------------------------------------------------------------- */

enum secondhand_reserve_status {
    SECONDHAND_RESERVE_NONE,
    SECONDHAND_RESERVE_DONE,     /* 예약완료: from the first moment, also while its saga runs. */
    SECONDHAND_RESERVE_CANCELED, /* 예약취소: by the buyer, or because the stock does not suffice. */
};
extern const char *const secondhand_reserve_status_texts[];

struct secondhand_reserve {
    int64_t id, product_id, qty, reserve_dt, price;
    int64_t trade_id; /* Once the saga has confirmed it; else DURE_NULL. */
    uint8_t status;   /* enum secondhand_reserve_status */
    int8_t canceling; /* 1: its cancel saga runs. */
    int8_t refused;   /* 1: canceled by its saga. */
    char user_id[SECONDHAND_USER_BYTES], product_name[SECONDHAND_NAME_BYTES];
    char address[SECONDHAND_ADDRESS_BYTES];
};

enum secondhand_trade_status {
    SECONDHAND_TRADE_LISTED,      /* null: a seller's listing that waits for a buyer. */
    SECONDHAND_TRADE_IN_PROGRESS, /* 거래 진행중 */
    SECONDHAND_TRADE_DONE,        /* 거래완료: handed over. */
    SECONDHAND_TRADE_CANCELED,    /* 예약취소로 거래취소 */
    SECONDHAND_TRADE_UNLISTED,    /* 판매글 등록 불가: too many listings of that product. */
};
extern const char *const secondhand_trade_status_texts[];

struct secondhand_trade {
    int64_t id, product_id, qty, reserve_id;
    uint8_t status;  /* enum secondhand_trade_status */
    int8_t settled;  /* 1: its stock is taken and the reservation confirmed: may be handed over. */
    int8_t withdrawn; /* 1: its reservation is being cancelled: may not be handed over any more. */
    char user_id[SECONDHAND_USER_BYTES], product_name[SECONDHAND_NAME_BYTES];
    char price[SECONDHAND_PRICE_BYTES];
};

enum secondhand_stock_status {
    SECONDHAND_STOCK_NONE,
    SECONDHAND_STOCK_MATCH,    /* 거래 진행 중 재고와 실제 거래량 일치 */
    SECONDHAND_STOCK_MISMATCH, /* SECONDHAND_MISMATCH */
    SECONDHAND_STOCK_RETURNED, /* 거래 취소로 인한 재고 감소 없음 */
};
extern const char *const secondhand_stock_status_texts[];

struct secondhand_inventory {
    int64_t id, product_id, qty;
    uint8_t status; /* enum secondhand_stock_status */
    char product_name[SECONDHAND_NAME_BYTES];
};

struct secondhand_notice {
    int64_t id, product_id;
    int8_t posted; /* 1: from outside, not of an event. */
    char user_id[SECONDHAND_USER_BYTES], product_name[SECONDHAND_NAME_BYTES];
    char status[SECONDHAND_STATUS_BYTES];
};

/* The listings of one product, oldest first; DURE_NULL behind the last. Not seen from outside. */
struct secondhand_shelf { int64_t id, product_id, listings[SECONDHAND_LISTINGS_MAX]; };

/* ---- Payloads -------------------------------------------------------------------------------- */

struct secondhand_place { /* POST /reserves */
    int64_t product_id, qty, reserve_dt, price;
    char user_id[SECONDHAND_USER_BYTES], product_name[SECONDHAND_NAME_BYTES];
    char address[SECONDHAND_ADDRESS_BYTES];
};
struct secondhand_deal { /* POST /trades; and the reservation's, with its id. */
    int64_t product_id, qty, reserve_id;
    char user_id[SECONDHAND_USER_BYTES], product_name[SECONDHAND_NAME_BYTES];
    char price[SECONDHAND_PRICE_BYTES];
};
struct secondhand_confirm { int64_t trade_id; };
struct secondhand_take { /* Pieces of a product; for whom, since they are told. */
    int64_t qty;
    char user_id[SECONDHAND_USER_BYTES];
};
struct secondhand_listing { int64_t product_id, trade_id; };
struct secondhand_tell { /* POST /notices, and what policies tell. */
    int64_t product_id;
    char user_id[SECONDHAND_USER_BYTES], product_name[SECONDHAND_NAME_BYTES];
    char status[SECONDHAND_STATUS_BYTES];
};

/* ---- Events --------------------------------------------------------------------------------- */

struct secondhand_stock_event {
    int64_t id, product_id, qty;
    int64_t moved; /* Internal events: how many pieces. */
    uint8_t status;
    char product_name[SECONDHAND_NAME_BYTES];
    char user_id[SECONDHAND_USER_BYTES]; /* Not published: whom the notice goes to. */
};

extern struct dure_event_type secondhand_reserve_completed, secondhand_reserve_canceled;
extern struct dure_event_type secondhand_trade_completed, secondhand_trade_canceled;
extern struct dure_event_type secondhand_stock_decreased, secondhand_stock_added;
extern struct dure_event_type secondhand_status_updated;

/* ---- Commands that sagas and policies give -------------------------------------------------- */

extern const struct dure_command secondhand_reserve_confirm, secondhand_reserve_refuse,
    secondhand_reserve_finish_cancel, secondhand_reserve_keep;
extern const struct dure_command secondhand_trade_open, secondhand_trade_settle,
    secondhand_trade_withdraw, secondhand_trade_cancel, secondhand_trade_unlist;
extern const struct dure_command secondhand_inventory_take, secondhand_inventory_put_back;
extern const struct dure_command secondhand_shelf_push, secondhand_shelf_pick,
    secondhand_shelf_drop;
extern const struct dure_command secondhand_notice_record;

/* ---- Descriptors ---------------------------------------------------------------------------- */

struct secondhand_reserve_saga {
    int64_t reserve_id, product_id, qty, price, trade_id;
    char user_id[SECONDHAND_USER_BYTES], product_name[SECONDHAND_NAME_BYTES];
};
struct secondhand_cancel_saga { int64_t reserve_id, trade_id, product_id, qty; };
struct secondhand_list_saga { int64_t trade_id, product_id; };

extern struct dure_saga secondhand_reserve_saga, secondhand_cancel_saga, secondhand_list_saga;
extern struct dure_aggregate secondhand_reserve, secondhand_trade, secondhand_inventory,
    secondhand_notice, secondhand_shelf;
extern const struct dure_policy *const secondhand_policies[];
extern const struct dure_audit secondhand_audit;
extern const struct dure_system secondhand_system;

#endif
