"""Every saga has ended, and none is parked."""
from recording import SETTLE_S
from node import wait_until
from shop import CANCELING, PENDING


def check(_record, shown, _rng):
    for order in shown.orders:
        assert order["status"] not in (PENDING, CANCELING), order

    def none():  # One that has decided its order may still be putting things back.
        reply = shown.connection("GET", "/sagas")
        return reply.status == 200 and reply.json()["_embedded"]["sagas"] == []
    wait_until(none, SETTLE_S, "the last saga to end")
