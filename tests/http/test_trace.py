"""W3C Trace Context: a request's trace is taken or made, and carried by messages, events and calls."""
import json
import re

import pytest

import node as nodes
from dr import Dr
from endpoint import Endpoint
from node import wait_until
from shop import Shop

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
SENT = f"00-{TRACE}-{SPAN}-01"
WRITTEN = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])")


def events(api, **params):
    """Everything that has been published."""
    batch = api.get("/events", params={"from": "start", "max": 10000} | params).json()
    assert batch["end"]
    return batch["events"]


def told(response):
    """Trace, span and flags that the answer tells."""
    return WRITTEN.fullmatch(response.headers["traceresponse"]).groups()


def trace_of(event):
    return WRITTEN.fullmatch(event["traceparent"]).group(1)


@pytest.fixture
def opened(fresh):
    return Shop(fresh.client(), "/shop", user=1).open()


def test_carried_by_a_saga(opened):
    """Every event of an order, and of its cancellation, tells the trace and the span of its own
    request's answer: sent by the client, with its flag, or made."""
    api = opened.api
    body = {"productId": opened.product, "quantity": 1, "userId": 1}
    sent = api.post("/shop/orders", body, headers={"traceparent": SENT})
    assert sent.json()["status"] == "주문완료"
    other = TRACE[::-1]
    canceled = api.delete(f"/shop/orders/{sent.json()['id']}",
                          headers={"TraceParent": f"00-{other}-{SPAN}-00"})
    assert canceled.status_code == 204
    made = api.post("/shop/orders", body)
    assert told(sent)[0] == TRACE and told(sent)[2] == "01"
    assert told(canceled)[0] == other and told(canceled)[2] == "00"
    assert told(made)[0] not in (TRACE, other) and told(made)[2] == "01"
    assert len({told(answer)[1] for answer in (sent, canceled, made)} | {SPAN}) == 4
    found = {}
    for event in events(api, topic="shop."):
        kind = event["type"].rsplit(".", 1)[1]
        found.setdefault(event["traceparent"], set()).add(kind)
    placed = {"OrderPlaced", "PayApproval", "StockDecreased", "DeliveryStarted"}
    assert found == {
        sent.headers["traceresponse"]: placed, made.headers["traceresponse"]: placed,
        canceled.headers["traceresponse"]:
            {"DeliveryCanceled", "StockIncreased", "PayCanceled", "OrderCanceled"}}


@pytest.mark.parametrize("value", [
    "", "x", SENT + " x", SENT.upper(), "ff" + SENT[2:], f"00-{'0' * 32}-{SPAN}-01",
    f"00-{TRACE}-{'0' * 16}-01", SENT + "-x", SENT[:-1], f"{SENT},{SENT}"])
def test_invalid(value, shop):
    """What is no traceparent is as if none had been sent: a new trace, never a 400."""
    answer = shop.open().api.post(
        "/shop/orders", {"productId": shop.product, "quantity": 1, "userId": shop.user},
        headers={"traceparent": value})
    assert answer.status_code == 201 and told(answer)[0] != TRACE
    history = shop.api.get(f"/shop/orders/{answer.json()['id']}/events").json()
    seen = {event["traceparent"] for event in history["_embedded"]["events"]}
    assert seen == {answer.headers["traceresponse"]}


@pytest.mark.parametrize("value", [f"01-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-ff-what-comes"])
def test_later_versions(value, api):
    """Of a version to come, what this one knows is read; unknown flags are not passed on."""
    assert told(api.get("/shop/orders", headers={"traceparent": value}))[::2] == (TRACE, "01")


def test_twice(node):
    """Two headers are none."""
    sock = node.raw()
    sock.sendall(f"GET /shop/orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                 f"traceparent: {SENT}\r\nTraceparent: {SENT}\r\n\r\n".encode())
    answer = b""
    while more := sock.recv(65536):
        answer += more
    sock.close()
    assert answer.startswith(b"HTTP/1.1 200 ") and TRACE.encode() not in answer


def test_every_answer(api):
    """Reads, refusals and preflights tell a trace, too, and scripts of another origin may read it."""
    for method, path, status in [("GET", "/shop/orders", 200), ("GET", "/nowhere", 404),
                                 ("POST", "/shop/orders", 400), ("PUT", "/shop/orders", 405),
                                 ("OPTIONS", "/shop/orders", 204)]:
        answer = api(method, path, headers={"traceparent": SENT, "Origin": "http://x"}, data="{")
        assert answer.status_code == status and told(answer)[0] == TRACE
        assert "traceresponse" in answer.headers["Access-Control-Expose-Headers"]


def test_documents(api):
    """The documents tell of both headers, and of the attribute of events."""
    openapi = api.get("/openapi.json").json()
    post = openapi["paths"]["/shop/orders"]["post"]
    assert {"$ref": "#/components/parameters/traceparent"} in post["parameters"]
    assert "traceresponse" in post["responses"]["201"]["headers"]
    assert WRITTEN.fullmatch(openapi["components"]["parameters"]["traceparent"]["example"])
    assert '"traceparent"' in api.get("/asyncapi.json").text


def test_bulk(opened):
    """All lines of a bulk request share its trace."""
    line = json.dumps({"productId": opened.product, "quantity": 1, "userId": 1}) + "\n"
    answer = opened.api.post("/shop/orders", data=line * 20, headers={
        "Content-Type": "application/x-ndjson", "traceparent": SENT})
    assert answer.text.count('"status":201') == 20
    found = events(opened.api, topic="shop.order.,shop.pay.PayApproval")
    assert len(found) == 40
    assert {event["traceparent"] for event in found} == {answer.headers["traceresponse"]}
    assert told(answer)[0] == TRACE


def journal_bytes(node):
    page = node.client().get("/metrics").text
    return int(float(re.search(r"^dure_journal_bytes_total (\S+)", page, re.M).group(1)))


def test_on_disk(tmp_path):
    """A trace costs its record 32 bytes, and none costs nothing. After kill -9, too, the stream, SSE,
    a history and `dure dump` tell the same bytes."""
    def run(name, headers):
        running = nodes.Node(tmp_path / name, "--trace-percent", "0").start()
        shop = Shop(running.client(), "/shop", user=1).open()
        before = journal_bytes(running)
        for _ in range(10):
            shop.order(1, headers=headers)
        grown = journal_bytes(running) - before
        found = events(running.client())
        running.kill()
        running.start()
        assert events(running.client()) == found
        history = running.client().get("/shop/orders/1/events").json()["_embedded"]["events"]
        assert all(event in found for event in history)
        with running.client().get("/events?from=start", stream=True,
                                  headers={"Accept": "text/event-stream"}) as stream:
            lines = (line[6:] for line in stream.iter_lines() if line.startswith(b"data: "))
            assert [json.loads(next(lines)) for _ in found] == found
        running.stop()
        dumped = nodes.dure("dump", running.data).stdout.decode().splitlines()
        assert sorted(map(json.loads, dumped), key=str) == sorted(found, key=str)
        assert nodes.dure("verify", running.data).returncode == 0
        return grown, [event.get("traceparent") for event in found]
    plain, without = run("plain", {})
    traced, found = run("traced", {"traceparent": SENT})
    assert set(without) == {None} and traced == plain + 10 * 32
    assert len(found) == 40 and {WRITTEN.fullmatch(text).group(1) for text in found} == {TRACE}


def test_samples(tmp_path):
    """--trace-percent: so many of those without one are sampled; the flag of the answer tells which."""
    running = nodes.Node(tmp_path / "data", "--trace-percent", "50").start()
    shop = Shop(running.client(), "/shop", user=1).open()
    answers = [shop.order(1) for _ in range(60)]
    placed = events(running.client(), topic="shop.order.OrderPlaced")
    running.stop()
    sampled = [answer.headers["traceresponse"] for answer in answers if told(answer)[2] == "01"]
    assert 8 < len(sampled) < 52  # Beyond six sigma otherwise.
    assert sorted(sampled) == sorted(e["traceparent"] for e in placed if "traceparent" in e)
    assert len({told(answer)[0] for answer in answers}) == 60


# ---- Beyond one record ---------------------------------------------------------------------------


@pytest.fixture
def outside(tmp_path):
    """start(answer, make) → a node whose calls to the outside come to the endpoint."""
    made = []

    def start(answer, make):
        endpoint = Endpoint(answer)
        running = nodes.Node(tmp_path / "data", *make(endpoint))
        made.append((running, endpoint))
        return running.start(), endpoint
    yield start
    for running, endpoint in made:
        running.check()
        running.stop()
        endpoint.close()


def test_meter(outside):
    """A demand's round goes over many records, and asks its meter with the header: what follows from
    the start tells the trace of the start, what follows from the end that of the end."""
    reading = (200, {}, b'{"adjustPoint":10,"isReal":true}')
    running, endpoint = outside(lambda request: reading,
                                lambda it: ("--meter", f"http:{it.url()}"))
    dr = Dr(running.client())
    users = 150  # A page of a round has 64.
    for i in range(users):
        dr.user(f"u{i}", capacity=100)
    answer = dr.api.post("/dr/drs", {"name": "peak", "type": "reliable"},
                         headers={"traceparent": SENT})
    demand = answer.json()["id"]
    wait_until(lambda: len(dr.responses(demand)) == users, 30, "the responses")
    for response in range(1, 4):
        dr.answer(response, "accept")
    ended = dr.api.put(f"/dr/drs/{demand}/end", headers={"traceparent": SENT.replace("4bf9", "aaaa")})
    dr.settled(demand, 3)
    found = {}
    for event in events(running.client(), topic="dr."):
        kind = event["type"].rsplit(".", 1)[1]
        found.setdefault(event.get("traceparent"), []).append(kind)
    began = found[answer.headers["traceresponse"]]
    assert sorted(began) == ["DRstarted"] + ["ListMade"] * users
    over = found[ended.headers["traceresponse"]]
    assert sorted(set(over)) == ["DRended", "ListSaved", "PointChanged", "ReductionCheck"]
    assert over.count("ReductionCheck") == over.count("PointChanged") == 3
    assert {request.headers["traceparent"] for request in endpoint.taken()} == \
        {ended.headers["traceresponse"]}


def test_webhook(outside):
    """Each attempt tells the trace of the request that wanted the notification, after kill -9, too."""
    answers = [(500, {}, b"")]
    running, endpoint = outside(
        lambda request: answers.pop() if answers else (204, {}, b""),
        lambda it: ("--notify", f"webhook:{it.url()}", "--notify-private", "1", "--notify-secret",
                    "whsec_" + "A" * 43 + "="))
    sent = running.client().post(
        "/notify/notifications", {"type": "a.b", "customer": "7", "message": "hello"},
        headers={"traceparent": SENT})
    assert sent.status_code == 201
    wait_until(lambda: len(endpoint.taken()) == 1, 20, "the first attempt")
    running.kill()
    running.start()
    wait_until(lambda: len(endpoint.taken()) == 2, 60, "the second attempt")
    assert [request.headers["traceparent"] for request in endpoint.taken()] == \
        [sent.headers["traceresponse"]] * 2


def test_notification_of_another_request(outside):
    """Without a trace there is no header."""
    running, endpoint = outside(
        lambda request: (204, {}, b""),
        lambda it: ("--notify", f"webhook:{it.url()}", "--notify-private", "1", "--notify-secret",
                    "whsec_" + "A" * 43 + "=", "--trace-percent", "0"))
    running.client().post("/notify/notifications", {"type": "a.b", "customer": "7", "message": "x"})
    wait_until(endpoint.taken, 20, "the attempt")
    assert endpoint.taken()[0].headers["traceparent"] is None
