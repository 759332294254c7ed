"""B: an aggregate's history, and the events as CloudEvents."""
import json
import time

import node as nodes
from shop import Shop, is_problem

ORDER = ["id", "quantity", "userId", "status", "productId", "price"]
STOCK = ["id", "stockName", "status", "stockCount", "price", "orderId"]
DELIVERY = ["id", "orderId", "userId", "address", "quantity", "status", "productId"]
PAY = ["id", "payAmount", "userId", "status", "point", "orderId"]
FIELDS = {
    "shop.order.OrderPlaced": ORDER, "shop.order.OrderCanceled": ORDER,
    "shop.inventory.OutOfStock": STOCK, "shop.inventory.StockDecreased": STOCK,
    "shop.inventory.StockIncreased": STOCK,
    "shop.delivery.DeliveryStarted": DELIVERY, "shop.delivery.DeliveryCanceled": DELIVERY,
    "shop.pay.PayApproval": PAY, "shop.pay.PayCanceled": PAY,
}


def history(shop, collection, item):
    response = shop.api.get(shop.url(collection, item, "events"))
    assert response.status_code == 200, response.text
    body = response.json()
    return body if isinstance(body, list) else body["_embedded"]["events"]


def names(events):
    return [event["type"].rsplit(".", 1)[1] for event in events]


def check_event(event):
    """One event on the wire, as B describes it."""
    assert event["specversion"] == "1.0"
    assert event["type"] in FIELDS, event
    assert event["source"].startswith("/shop/")
    assert isinstance(event["id"], str) and event["id"]
    assert str(event["sequence"])
    assert event["time"].startswith("20")
    data = event["data"]
    assert list(data) == ["eventType", "timestamp"] + FIELDS[event["type"]], event
    assert data["eventType"] == event["type"].rsplit(".", 1)[1]
    assert type(data["timestamp"]) is int


def test_histories_of_an_order_and_its_cancel(shop):
    """Every aggregate tells, oldest first, exactly what happened to it; registrations tell nothing."""
    begin = time.time() * 1000 - 1
    shop.open()
    order = shop.ordered(3, address="서울")
    shop.cancel(order["id"])
    delivery = shop.deliveries()[0]["id"]
    told = {
        ("orders", order["id"]): ["OrderPlaced", "OrderCanceled"],
        ("inventories", shop.product): ["StockDecreased", "StockIncreased"],
        ("deliveries", delivery): ["DeliveryStarted", "DeliveryCanceled"],
        ("pays", shop.account): ["PayApproval", "PayCanceled"],
    }
    for (collection, item), expected in told.items():
        events = history(shop, collection, item)
        assert names(events) == expected
        for event in events:
            check_event(event)
            assert event["source"] == f"/shop/{collection}/{item}"
            assert event["data"]["id"] == item
            assert begin <= event["data"]["timestamp"] <= time.time() * 1000 + 1
        assert len({event["id"] for event in events}) == len(events)
        times = [event["data"]["timestamp"] for event in events]
        assert times == sorted(times)


def test_events_carry_what_consumers_need(shop):
    """Events carry the state after them and the order and user to correlate with."""
    shop.open()
    order = shop.ordered(3, address="서울")
    placed = history(shop, "orders", order["id"])[0]["data"]
    assert (placed["id"], placed["quantity"], placed["userId"], placed["productId"]) == (
        order["id"], 3, shop.user, shop.product)
    stock = history(shop, "inventories", shop.product)[-1]["data"]
    assert (stock["stockCount"], stock["orderId"]) == (997, order["id"])
    paid = history(shop, "pays", shop.account)[-1]["data"]
    assert (paid["payAmount"], paid["userId"], paid["orderId"]) == (996999, shop.user, order["id"])
    delivery = history(shop, "deliveries", shop.deliveries()[0]["id"])[0]["data"]
    assert (delivery["orderId"], delivery["address"], delivery["status"], delivery["quantity"]) == (
        order["id"], "서울", "배송중", 3)


def test_refusals_tell_what_happened_and_nothing_else(shop):
    """Stock short: OutOfStock and a refund. Money short: not one event but the order's own."""
    shop.open(money=5000, stock=2, price=1000)
    short = shop.refused(shop.order(3), "재고부족")
    assert "OrderCanceled" not in names(history(shop, "orders", short["id"]))
    assert names(history(shop, "inventories", shop.product)) == ["OutOfStock"]
    assert names(history(shop, "pays", shop.account)) == ["PayApproval", "PayCanceled"]
    poor = shop.refused(shop.order(6), "잔액부족")
    assert names(history(shop, "orders", poor["id"])) == ["OrderPlaced"]
    assert names(history(shop, "inventories", shop.product)) == ["OutOfStock"]
    assert len(history(shop, "pays", shop.account)) == 2


def test_second_cancel_leaves_no_event(shop):
    """A refused command publishes nothing."""
    shop.open()
    order = shop.ordered(1)
    shop.cancel(order["id"])
    before = history(shop, "orders", order["id"])
    assert shop.cancel(order["id"]).status_code == 409
    assert history(shop, "orders", order["id"]) == before


def test_history_of_nothing(shop):
    """The history of an id that never was is a 404; of something just registered it is empty."""
    is_problem(shop.api.get(shop.url("orders", 987654321, "events")), 404)
    shop.open()
    assert history(shop, "inventories", shop.product) == []


def test_a_view_has_none(shop):
    """A row of a view is made of others' events, and has no history of its own."""
    shop.open()
    order = shop.ordered(1)
    assert history(shop, "mypages", order["id"]) == []


def test_dump_is_the_whole_story(fresh):
    """`dure dump` of a stopped node prints every event once, with gap-free sequences per shard."""
    shop = Shop(fresh.client(), "/shop", user=1).open(money=100000, stock=50, price=1000)
    for i in range(30):
        order = shop.ordered(1)
        if i % 3 == 0:
            shop.cancel(order["id"])
    told = history(shop, "orders", 1) + history(shop, "pays", 1) + history(shop, "inventories", 1)
    fresh.stop()
    dumped = nodes.dure("dump", fresh.data)
    assert dumped.returncode == 0, dumped.stderr
    events = [json.loads(line) for line in dumped.stdout.decode().splitlines()]
    for event in events:
        check_event(event)
    assert len(events) == 30 * 4 + 10 * 4
    by_place = {(event["source"], event["id"]): event for event in events}
    assert len(by_place) == len(events)
    assert all(by_place[event["source"], event["id"]] == event for event in told)
    shards = {}
    for event in events:
        shards.setdefault(event.get("shard", event["id"].rsplit("-", 1)[0]), []).append(
            int(event["sequence"]))
    for shard, sequence in shards.items():
        assert sequence == list(range(sequence[0], sequence[0] + len(sequence))), shard
        assert sequence[0] in (0, 1)
