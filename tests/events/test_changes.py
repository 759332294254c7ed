"""?also=changes: a stream tells which collections to read again, plain data without events as well."""
import time

import pytest

import stream
from node import wait_until


@pytest.fixture
def watch(node):
    watching = stream.Watch(node)
    yield watching
    assert watching.events == []
    watching.close()


def test_plain_data(node, watch):
    """A product is made, changed, replaced and removed: each is told though there is no event, and a read or
    a refusal is not."""
    api = node.client()
    made = api.post("/shop/inventories", {"stockName": "TV", "stockCount": 3, "price": 5}).json()
    watch.expect(["/shop/inventories"])
    path = f"/shop/inventories/{made['id']}"
    assert api.patch(path, {"price": 6}).status_code == 200
    watch.expect(["/shop/inventories"])
    assert api.put(path, {"stockName": "Radio", "stockCount": 3, "price": 7}).status_code == 200
    watch.expect(["/shop/inventories"])
    assert api.get(path).status_code == 200
    assert api.get("/shop/inventories").status_code == 200
    assert api.post("/shop/inventories", {"stockCount": -1}).status_code == 400
    assert api.put("/shop/orders/999999/cancel").status_code == 404
    assert api.delete(path).status_code == 204
    watch.expect(["/shop/inventories"])
    assert api.post("/bike/managements", {"color": "red"}).status_code == 201
    watch.expect(["/bike/managements"], events=1)


def test_views_and_the_whole_cascade(node, watch):
    """An order names all that it changed, the view among them, with aliases; so does its cancellation."""
    api = node.client()
    changed = ["/shop/orders", "/shop/inventories", "/shop/pays", "/shop/deliveries", "/shop/mypages"]
    order = api.post("/shop/orders", {"productId": node.products[0], "userId": 1, "quantity": 1}).json()
    watch.expect(changed, events=4)
    assert api.delete(f"/shop/orders/{order['id']}").status_code == 204
    watch.expect(changed, events=4)
    food = api.post("/food/foods", {"name": "Pizza", "storeId": 1})
    assert food.status_code == 201
    watch.expect(["/food/foods", "/food/topFoods", "/food/topMenus"], events=1)


def test_sagas(tmp_path):
    """A saga that has to wait is told when it comes and when it has gone; one that ends at once, which nobody
    could see, is not."""
    node = stream.StreamNode(tmp_path / "data", "--outage", "shop.delivery=down").start()
    api = node.client()
    product = api.post("/shop/inventories", {"stockName": "TV", "stockCount": 3, "price": 5}).json()["id"]
    api.post("/shop/pays", {"userId": 1, "payAmount": 100})
    watch = stream.Watch(node)
    order = api.post("/shop/orders", {"productId": product, "userId": 1, "quantity": 1},
                     headers={"Prefer": "respond-async"}).json()
    watch.expect(["/shop/orders", "/shop/inventories", "/shop/pays", "/shop/mypages", "/sagas"], events=3)
    node.toggle_outage()
    watch.expect(["/shop/orders", "/shop/deliveries", "/shop/mypages", "/sagas"], events=1)
    assert api.get(f"/shop/orders/{order['id']}").json()["status"] == "주문완료"
    watch.close()
    node.stop()


def test_with_events(node):
    """Notices come between the events and move no id: the stream goes on exactly where it was."""
    sse = stream.Sse(node, "?also=changes")
    wait_until(lambda: sse.notices, 20, "the first notice")
    node.order_bulk(5)
    sse.wait(20)
    wait_until(lambda: sum(one["events"] for one in sse.notices) == 20, 20, "all to be told")
    sse.close()
    again = stream.Sse(node, last_id=sse.ids[9])
    stream.same(sse.events[:10] + again.wait(10), sse.events)
    assert again.notices == []
    again.close()


def test_the_place_moves(node, watch):
    """Where no event is wanted the place moves on all the same, soon enough to be of use."""
    before = watch.last_id
    node.order_bulk(3)
    wait_until(lambda: watch.last_id not in (None, before), 20, "a moved id")
    again = stream.Sse(node, last_id=watch.last_id)
    node.order_bulk(1)
    assert len(again.wait(4)) == 4
    again.close()


def test_refused(node):
    """What is no word of the list is refused, for a stream and for a batch."""
    api = node.client()
    for value in ("", "nothing", "changes,", "changes,nothing", "Changes"):
        answer = api.get(f"/events?also={value}")
        assert answer.status_code == 400, value
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "changes" in answer.json()["detail"]
    assert api.get("/events?also=nothing&from=start").status_code == 400
    assert api.get("/events?also=changes&from=start").json()["count"] == 0  # A batch: it is for streams.


def test_at_most_ten_a_second(node, watch):
    """Under load a stream gets a notice every 100 ms at most, and the last one tells the rest."""
    load = stream.Load(node, lines=100)
    began = time.monotonic()
    wait_until(lambda: load.taken >= 3000, 60, "load")
    load.stop()
    expected = 4 * load.taken
    wait_until(lambda: watch.told()[1] == expected, 20, f"{expected} events to be told")
    took = time.monotonic() - began
    assert len(watch.notices) <= took * 10 + 2
    assert "/shop/orders" in watch.told()[0]


def test_who_does_not_read(tmp_path):
    """Nothing is queued for a client that does not read: when it goes on, it gets what was sent before and
    then one notice of all the rest."""
    node = stream.StreamNode(tmp_path / "data", "--write-timeout-ms", "120000").start()
    node.stock_up()
    slow, watch = stream.Sse(node, "?also=changes"), stream.Watch(node)
    wait_until(lambda: slow.notices, 20, "the first notice")
    before = sum(one["events"] for one in slow.notices)
    slow.go.clear()
    load = stream.Load(node, lines=100)
    # More than what is on its way can hold, and for long.
    wait_until(lambda: load.taken >= 5000 and len(watch.notices) >= 40, 60, "load")
    load.stop()
    total = 4 * load.taken
    wait_until(lambda: watch.told()[1] == total, 20, "the load to be told")
    slow.go.set()
    slow.wait(total)
    wait_until(lambda: sum(one["events"] for one in slow.notices) == before + total, 20, "the rest to be told")
    assert max(one["events"] for one in slow.notices) > max(one["events"] for one in watch.notices)
    assert len(slow.notices) < len(watch.notices)
    slow.close()
    watch.close()
    node.stop()
