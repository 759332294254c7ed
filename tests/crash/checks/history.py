"""The history of an order tells what happened to it, once and in order."""
from shop import CANCELED

SAMPLE = 5


def check(_record, shown, rng):
    for order in rng.sample(shown.orders, min(len(shown.orders), SAMPLE)):
        reply = shown.connection("GET", f"/shop/orders/{order['id']}/events")
        assert reply.status == 200, reply
        body = reply.json()
        events = body if isinstance(body, list) else body["_embedded"]["events"]
        expected = ["OrderPlaced"] + ["OrderCanceled"] * (order["status"] == CANCELED)
        assert [event["data"]["eventType"] for event in events] == expected, (order, events)
