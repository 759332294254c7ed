/*
 * Second-hand trade's books.
 *
 *   stock      added − removed products' stock = stock + pieces of trades 거래 진행중 and 거래완료
 *   reserved   reserves 예약완료 = trades 거래 진행중 + 거래완료
 *   cancelled  reserves 예약취소 = trades 예약취소로 거래취소
 *   notices    the five events of which users are told = notices, removed ones too, but for those posted
 *
 * Judged when no saga is under way; after a step was left out by a person they need not fit.
 */
#include "actors/secondhand/secondhand.h"

struct audit {
    int64_t added, removed_stock, stock, held; /* pieces */
    int64_t reserves[SECONDHAND_RESERVE_CANCELED + 1], trades[SECONDHAND_TRADE_UNLISTED + 1];
    int64_t happened, told; /* Events of which users are told; notices of them. */
    uint64_t pending, removed, skipped;
};

static void on_event(void *arg, const struct dure_type *type, const struct dure_event *event)
{
    struct audit *audit = arg;
    for (size_t i = 0; secondhand_policies[i] != NULL; i++) {
        if (event->type == secondhand_policies[i]->event) audit->happened++;
    }
    if (event->type == &secondhand_stock_added) {
        audit->added += ((const struct secondhand_stock_event *)event->data)->moved;
    } else if (event->type == &type->skipped) {
        audit->skipped++;
    } else if (event->type == &type->removed && type == secondhand_inventory.type) {
        audit->removed++;
        audit->removed_stock += ((const struct secondhand_inventory *)event->data)->qty;
    } else if (event->type == &type->removed && type == secondhand_notice.type) {
        audit->told += ((const struct secondhand_notice *)event->data)->posted != 1;
    }
}

static void on_row(void *arg, const struct dure_type *type, int64_t id, const void *state)
{
    (void)id;
    struct audit *audit = arg;
    if (type == secondhand_reserve.type) {
        audit->reserves[((const struct secondhand_reserve *)state)->status]++;
    } else if (type == secondhand_trade.type) {
        const struct secondhand_trade *trade = state;
        bool holds = trade->status == SECONDHAND_TRADE_IN_PROGRESS ||
                     trade->status == SECONDHAND_TRADE_DONE;
        audit->trades[trade->status]++;
        if (holds) audit->held += trade->qty;
    } else if (type == secondhand_inventory.type) {
        audit->stock += ((const struct secondhand_inventory *)state)->qty;
    } else if (type == secondhand_notice.type) {
        audit->told += ((const struct secondhand_notice *)state)->posted != 1;
    } else if (type == secondhand_reserve_saga.type || type == secondhand_cancel_saga.type) {
        audit->pending++;
    }
}

static void report(const void *arg, struct dure_audit_report *out)
{
    const struct audit *audit = arg;
    const int64_t *reserves = audit->reserves, *trades = audit->trades;
    bool exact = audit->pending == 0 && audit->skipped == 0;
    dure_audit_count(
        out, "reservations",
        (uint64_t)(reserves[SECONDHAND_RESERVE_DONE] + reserves[SECONDHAND_RESERVE_CANCELED]));
    dure_audit_count(out, "sagas under way", audit->pending);
    dure_audit_count(out, "steps left out", audit->skipped);
    /* What trades held of a removed product went with it. */
    dure_audit_line(out, "secondhand stock", audit->added - audit->removed_stock,
                    audit->stock + audit->held, exact && audit->removed == 0);
    dure_audit_line(out, "secondhand reserved", reserves[SECONDHAND_RESERVE_DONE],
                    trades[SECONDHAND_TRADE_IN_PROGRESS] + trades[SECONDHAND_TRADE_DONE], exact);
    dure_audit_line(out, "secondhand cancelled", reserves[SECONDHAND_RESERVE_CANCELED],
                    trades[SECONDHAND_TRADE_CANCELED], exact);
    dure_audit_line(out, "secondhand notices", audit->happened, audit->told, exact);
}

const struct dure_audit secondhand_audit = {
    .size = sizeof(struct audit), .event = on_event, .row = on_row, .report = report,
};
