/*
 * The shop (SPEC G): states, payloads and descriptors that its files share.
 *
 * Amounts are whole won, quantities are pieces.
 */
#ifndef DURE_ACTORS_SHOP_SHOP_H
#define DURE_ACTORS_SHOP_SHOP_H

#include "runtime/audit.h"
#include "runtime/dure.h"

#define SHOP_NAME_BYTES 256
#define SHOP_ADDRESS_BYTES 384
#define SHOP_STATUS_BYTES 64
/* Beyond, sums could overflow: refused where they are entered. */
#define SHOP_AMOUNT_MAX INT64_C(1000000000000000)

/* ---- States -------------------------------------------------------------------------------- */

enum shop_order_status {
    SHOP_ORDER_NONE,
    SHOP_ORDER_RECEIVED,   /* 주문접수: its saga runs. */
    SHOP_ORDER_COMPLETED,  /* 주문완료 */
    SHOP_ORDER_NO_MONEY,   /* 잔액부족 */
    SHOP_ORDER_NO_STOCK,   /* 재고부족 */
    SHOP_ORDER_NO_PRODUCT, /* 상품없음 */
    SHOP_ORDER_NO_PRICE,   /* 가격불일치: the client named another price. */
    SHOP_ORDER_CANCELING,  /* 주문취소중: its cancel saga runs. */
    SHOP_ORDER_CANCELED,   /* 주문취소 */
};
extern const char *const shop_order_status_texts[];

struct shop_order {
    int64_t id, product_id, quantity, user_id;
    int64_t price; /* Of one piece. */
    int64_t delivery_id;
    uint8_t status; /* enum shop_order_status */
};

struct shop_inventory {
    int64_t id, stock_count, price;
    char stock_name[SHOP_NAME_BYTES];
    char status[SHOP_STATUS_BYTES];
};

struct shop_pay {
    int64_t id, pay_amount, user_id, point;
    char status[SHOP_STATUS_BYTES];
};

enum shop_delivery_status { SHOP_DELIVERY_NONE, SHOP_DELIVERY_STARTED, SHOP_DELIVERY_CANCELED };
extern const char *const shop_delivery_status_texts[];

struct shop_delivery {
    int64_t id, order_id, user_id, quantity, product_id;
    uint8_t status;
    char address[SHOP_ADDRESS_BYTES];
};

struct shop_mypage {
    int64_t order_id, product_id, user_id, quantity;
    uint8_t delivery_status;
};

/* ---- Payloads -------------------------------------------------------------------------------- */

struct shop_place { /* POST /orders */
    int64_t product_id, quantity, user_id, price;
    char address[SHOP_ADDRESS_BYTES];
};
struct shop_settle { /* How an order went. */
    int64_t delivery_id;
    uint8_t status;
};
struct shop_price { int64_t price; };
struct shop_take { int64_t amount, order_id; }; /* Won of an account, or pieces of a product. */
struct shop_ship {
    int64_t order_id, user_id, quantity, product_id;
    char address[SHOP_ADDRESS_BYTES];
};

/* ---- Events that others listen to ------------------------------------------------------------ */

struct shop_order_event { int64_t id, quantity, user_id, product_id, price; uint8_t status; };
struct shop_inventory_event {
    int64_t id, stock_count, price, order_id;
    char stock_name[SHOP_NAME_BYTES], status[SHOP_STATUS_BYTES];
};
struct shop_delivery_event {
    int64_t id, order_id, user_id, quantity, product_id;
    uint8_t status;
    char address[SHOP_ADDRESS_BYTES];
};
struct shop_pay_event {
    int64_t id, pay_amount, user_id, point, order_id;
    char status[SHOP_STATUS_BYTES];
};
struct shop_deposit { int64_t amount; struct shop_pay pay; };

extern struct dure_event_type shop_order_received, shop_order_placed, shop_order_canceled;
extern struct dure_event_type shop_out_of_stock, shop_stock_decreased, shop_stock_increased,
    shop_inventory_opened;
extern struct dure_event_type shop_delivery_started, shop_delivery_canceled;
extern struct dure_event_type shop_pay_approval, shop_pay_canceled, shop_pay_deposited;

/* ---- Commands that sagas give ---------------------------------------------------------------- */

extern const struct dure_command shop_order_set_price, shop_order_complete, shop_order_refuse,
    shop_order_cancel, shop_order_finish_cancel;
extern const struct dure_command shop_inventory_quote, shop_inventory_take, shop_inventory_put_back;
extern const struct dure_command shop_pay_take, shop_pay_give_back;
extern const struct dure_command shop_delivery_start, shop_delivery_cancel;

/* ---- Sagas ----------------------------------------------------------------------------------- */

struct shop_order_saga {
    int64_t order_id, product_id, quantity, user_id;
    int64_t wanted_price; /* What the client named; DURE_NULL: nothing. */
    int64_t price;        /* What the product costs; DURE_NULL before it was asked. */
    int64_t delivery_id;
    char address[SHOP_ADDRESS_BYTES];
};
struct shop_cancel_saga { int64_t order_id, delivery_id, product_id, quantity, user_id, amount; };

extern struct dure_saga shop_order_saga, shop_cancel_saga;
extern struct dure_aggregate shop_order, shop_inventory, shop_pay, shop_delivery, shop_mypage;
extern const struct dure_projection *const shop_projections[];
extern const struct dure_audit shop_audit;
extern const struct dure_system shop_system;

#endif
