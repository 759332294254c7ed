"""Every door shows the same events, field by field as SPEC B has them."""
import datetime
import json
import re

import pytest

import stream
from node import wait_until

FIELDS = {
    "OrderPlaced": ["id", "quantity", "userId", "status", "productId", "price"],
    "OrderCanceled": ["id", "quantity", "userId", "status", "productId", "price"],
    "PayApproval": ["id", "payAmount", "userId", "status", "point", "orderId"],
    "PayCanceled": ["id", "payAmount", "userId", "status", "point", "orderId"],
    "StockDecreased": ["id", "stockName", "status", "stockCount", "price", "orderId"],
    "StockIncreased": ["id", "stockName", "status", "stockCount", "price", "orderId"],
    "OutOfStock": ["id", "stockName", "status", "stockCount", "price", "orderId"],
    "DeliveryStarted": ["id", "orderId", "userId", "address", "quantity", "status", "productId"],
    "DeliveryCanceled": ["id", "orderId", "userId", "address", "quantity", "status", "productId"],
}
COLLECTION = {"order": "orders", "pay": "pays", "inventory": "inventories", "delivery": "deliveries"}
ENVELOPE = ["specversion", "id", "source", "type", "time", "sequence", "traceparent",
            "datacontenttype", "data"]


def check_event(event):
    """CloudEvents 1.0 with the sequence extension, and the original's event object in data."""
    assert list(event) == ENVELOPE
    assert event["specversion"] == "1.0" and event["datacontenttype"] == "application/json"
    system, aggregate, name = event["type"].split(".")
    assert system == "shop" and name in FIELDS, event["type"]
    data = event["data"]
    assert list(data) == ["eventType", "timestamp", *FIELDS[name]]
    assert data["eventType"] == name
    assert event["source"] == f"/shop/{COLLECTION[aggregate]}/{data['id']}"
    shard, sequence = stream.key(event)
    assert shard == data["id"] % 64 and sequence > 0
    assert event["sequence"] == str(sequence)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", event["time"])
    when = datetime.datetime.fromisoformat(event["time"]).timestamp()
    assert round(when * 1000) == data["timestamp"]


def live(node, collectors, orders=3):
    """Waits until each collector sees what happens now: subscribing is not acknowledged."""
    def seen():
        node.order_bulk(1)
        return all(collector.events for collector in collectors)
    wait_until(seen, 20, "live events at every door")
    shop = node.client("/shop")
    for number in range(orders):
        node.order_bulk(1)
    last = shop.get("/orders?sort=id,desc&size=1").json()["_embedded"]["orders"][0]["id"]
    assert shop.put(f"/orders/{last}/cancel").status_code == 200
    shop.post("/orders", {"productId": 1, "quantity": 10**9 + 1, "userId": 1})  # Out of stock.


def test_every_door_shows_the_same(node):
    """nngcat, replay, tail, SSE and JSON batches show one stream, in SPEC B's format."""
    collectors = [stream.nngcat(node), stream.tail(node, "--from", "start"),
                  stream.Sse(node, "?from=start")]
    live(node, collectors)
    events = node.all_events()
    names = {event["type"].rsplit(".", 1)[1] for event in events}
    assert names == set(FIELDS), names ^ set(FIELDS)
    for event in events:
        check_event(event)
    stream.check_exact(events)
    for collector in collectors[1:]:
        stream.same(collector.wait(len(events)), events)
    cat = collectors[0]
    wait_until(lambda: cat.events[-1] in events and
               stream.key(cat.events[-1]) == max(k for k in map(stream.key, events)
                                                if k[0] == stream.key(cat.events[-1])[0]),
               10, "nngcat's last line")
    kept = {stream.key(event): event for event in events}
    assert all(kept[stream.key(event)] == event for event in cat.events)
    for line, event in zip(cat.raw, cat.events):
        assert line.decode() == f"{event['type']} {line[line.index(b'{'):].decode()}"
    page = node.client().get("/events?from=start&max=10000").json()
    stream.same(page["events"], events)
    for collector in collectors[:2]:
        assert collector.stop() in (0, -15)
    collectors[2].close()


def test_bytes_are_those_of_the_journal(node):
    """The data is passed through as it was written, Korean included, the same bytes at every door."""
    node.order_bulk(2)
    cat = stream.tail(node, "--from", "start")
    cat.wait(8)
    cat.stop()
    node.stop()
    dumped = stream.nodes.dure("dump", node.data).stdout.splitlines(keepends=True)
    assert sorted(dumped) == sorted(cat.raw)
    assert any("배송중".encode() in line for line in dumped)
    node.start()


def test_batches(node):
    """A batch names node, record and sequences, and holds lines; silence shows where shards stand."""
    with stream.pynng.Sub0(dial=node.events_url, topics="@batch ", recv_timeout=20000) as sub:
        heads = []
        while len(heads) < 3 or "at" not in heads[-1]:
            node.order_bulk(1) if len(heads) < 2 else None
            message = sub.recv().decode()
            first, *lines = message.splitlines()
            head = json.loads(first.removeprefix("@batch "))
            heads.append(head)
            if "at" in head:
                assert not lines
                continue
            numbers = {}
            for line in lines:
                name, _, text = line.partition(" ")
                event = json.loads(text)
                check_event(event)
                assert name == event["type"]
                shard, sequence = stream.key(event)
                numbers.setdefault(str(shard), []).append(sequence)
            assert head["shards"] == {s: [n[0], n[-1]] for s, n in numbers.items()}
    ends = node.ask({"from": "end"})["next"]
    assert heads[-1]["at"] == ends


def test_tail_pretty(node):
    """Without --json a line is: time, type, source, id, data."""
    node.order_bulk(1)
    done = stream.tail_once(node, "--from", "start", "--once")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode().splitlines()
    events = node.all_events()
    assert len(lines) == len(events)
    pattern = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) (\S+) (\S+) (\S+) (\{.*\})")
    found = [pattern.fullmatch(line).groups() for line in lines]
    assert {(what, source, place, text["id"]) for _, what, source, place, text in
            ((*f[:4], json.loads(f[4])) for f in found)} == \
        {(e["type"], e["source"], e["id"], e["data"]["id"]) for e in events}


@pytest.mark.parametrize("topic, wanted", [
    ("shop.order.", {"shop.order.OrderPlaced"}),
    ("shop.pay.,shop.delivery.", {"shop.pay.PayApproval", "shop.delivery.DeliveryStarted"}),
    ("shop.o", {"shop.order.OrderPlaced"}),
    ("nosuch.", set()),
])
def test_topics(node, topic, wanted):
    """A topic is a prefix, or several: the same choice at replay, tail, SSE and batches."""
    sse = stream.Sse(node, f"?from=start&topic={topic}")
    node.order_bulk(5)
    events = node.all_events(topic)
    assert {event["type"] for event in events} == wanted
    follow = stream.tail(node, "--from", "start", "--once", topic)
    assert follow.process.wait(20) == 0
    follow.thread.join()
    stream.same(follow.events, events)
    stream.same(sse.wait(len(events)), events)
    page = node.client().get("/events", params={"from": "start", "topic": topic}).json()
    stream.same(page["events"], events)
    sse.close()
