"""Deliveries and the mypages view say of each order what it says itself."""
from shop import CANCELED, DONE

STATES = {DONE: "배송중", CANCELED: "배송취소"}


def check(_record, shown, _rng):
    expected = {order["id"]: STATES.get(order["status"]) for order in shown.orders}
    assert {delivery["orderId"]: delivery["status"] for delivery in shown.deliveries} == {
        order: state for order, state in expected.items() if state}
    assert {page["orderId"]: page["deliveryStatus"] for page in shown.pages} == expected
