/*
 * Whenever one of the five happens, its user is told: a notice with the status that it brought.
 *
 *   ReserveCompleted 예약완료 · ReserveCanceled 예약취소 · TradeCompleted 거래 진행중 ·
 *   TradeCanceled 예약취소로 거래취소 · StockDecresed 거래 진행 중 재고와 실제 거래량 일치
 */
#include "actors/secondhand/secondhand.h"

#include <stdio.h>

static void tell(struct secondhand_tell *notice, int64_t product_id, const char *user_id,
                 const char *product_name, const char *status)
{
    notice->product_id = product_id;
    snprintf(notice->user_id, sizeof notice->user_id, "%s", user_id);
    snprintf(notice->product_name, sizeof notice->product_name, "%s", product_name);
    snprintf(notice->status, sizeof notice->status, "%s", status);
}

static void tell_reserve(const struct dure_event *event, void *payload)
{
    const struct secondhand_reserve *reserve = event->data;
    tell(payload, reserve->product_id, reserve->user_id, reserve->product_name,
         secondhand_reserve_status_texts[reserve->status]);
}

static void tell_trade(const struct dure_event *event, void *payload)
{
    const struct secondhand_trade *trade = event->data;
    tell(payload, trade->product_id, trade->user_id, trade->product_name,
         secondhand_trade_status_texts[trade->status]);
}

static void tell_stock(const struct dure_event *event, void *payload)
{
    const struct secondhand_stock_event *stock = event->data;
    tell(payload, stock->product_id, stock->user_id, stock->product_name,
         secondhand_stock_status_texts[stock->status]);
}

#define TELL(text, happened, filled)                                                               \
    static const struct dure_policy text = {.name = #text, .event = &(happened),                   \
                                            .command = &secondhand_notice_record,                  \
                                            .fill = (filled)}

TELL(notice_reserve_completed, secondhand_reserve_completed, tell_reserve);
TELL(notice_reserve_canceled, secondhand_reserve_canceled, tell_reserve);
TELL(notice_trade_completed, secondhand_trade_completed, tell_trade);
TELL(notice_trade_canceled, secondhand_trade_canceled, tell_trade);
TELL(notice_stock_decreased, secondhand_stock_decreased, tell_stock);

const struct dure_policy *const secondhand_policies[] = {
    &notice_reserve_completed, &notice_reserve_canceled, &notice_trade_completed,
    &notice_trade_canceled,    &notice_stock_decreased,  NULL,
};
