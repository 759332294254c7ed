"""No acknowledged command is lost: what was answered is there, as it was answered."""
from shop import DONE, NO_MONEY, NO_STOCK, PENDING


def check(record, shown, _rng):
    for flow in record.flows:
        check_flow(flow, shown.order_of(flow.user))
    for line in record.lines:
        if line.result is not None and line.result["status"] != 503:
            check_line(line, shown.order_of(line.user))
    there = {account["userId"] for account in shown.accounts}
    promised = {flow.user for flow in record.flows if flow.requests and flow.requests[0].reply}
    promised |= {user for user, answered in record.accounts.items() if answered}
    assert promised <= there, f"lost accounts: {promised - there}"


def check_flow(flow, order):
    order_id, status = flow.expected()
    if order_id is None:
        return
    assert order is not None, f"acknowledged and lost: {flow}"
    assert (order["id"], order["productId"], order["quantity"]) == (
        order_id, flow.product, flow.quantity), (order, flow)
    if status is not None:
        assert order["status"] == status, (order, flow)
    elif flow.status() == 409:
        assert order["status"] in (NO_MONEY, NO_STOCK), (order, flow)


def check_line(line, order):
    assert order is not None, f"acknowledged and lost: {line}"
    if line.result["status"] == 201:
        assert order["id"] == line.result["id"], (order, line)
        told = line.result["item"]["status"]
        assert told == PENDING or told == order["status"] == DONE, (order, line)
    else:
        assert order["status"] in (NO_MONEY, NO_STOCK), (order, line)
