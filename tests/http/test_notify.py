"""Notifications: durable first, then told by the log or by Standard Webhooks until they are taken."""
import base64
import hashlib
import hmac
import json
import threading
import time

import pytest

import node as nodes
from endpoint import Endpoint
from node import wait_until
from shop import is_problem, wrong_fields

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
NOTICE = {"type": "food.notification", "subject": "12", "customer": 7, "message": "배달시작"}


@pytest.fixture
def world(tmp_path):
    """start(answer, settings…) → node, endpoint, all stopped at the end."""
    made = []

    def start(answer, *args, private="1", secret=SECRET):
        endpoint = Endpoint(answer)
        node = nodes.Node(tmp_path / "data", "--notify", f"webhook:{endpoint.url('/hook')}",
                          "--notify-secret", secret, "--notify-private", private, *args)
        made.append((node, endpoint))
        return node.start(), endpoint
    yield start
    for node, endpoint in made:
        node.check()
        node.stop()
        endpoint.close()


def send(node, **fields):
    response = node.client().post("/notify/notifications", {**NOTICE, **fields})
    assert response.status_code == 201, response.text
    return response.json()


def listed(node):
    body = node.client().get("/notify/notifications", params={"size": 1000}).json()
    return body["_embedded"]["notifications"]


def only(node, **fields):
    """The one notification that is listed, once its fields are these."""
    def as_wanted():
        rows = listed(node)
        assert len(rows) == 1, rows
        return rows[0] if fields.items() <= rows[0].items() else None
    return wait_until(as_wanted, 20, f"a notification with {fields}")


def verified(request, key=KEY):
    """Checks id, timestamp and signature as a receiver does; returns id and body."""
    headers = request.headers
    content = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(),
                         request.body))
    mac = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert f"v1,{mac}" in headers["webhook-signature"].split(" ")
    return headers["webhook-id"], json.loads(request.body)


def ok(request):
    return 204, {}, b""


def test_log(tmp_path):
    """By default a notification becomes a line of the log, whatever is in it, and is done."""
    node = nodes.Node(tmp_path / "data").start()
    send(node, message="one\nline \"only\"")
    wait_until(lambda: listed(node) == [], 10, "the notification to be delivered")
    lines = [line for line in node.log.read_text().splitlines() if line.startswith("dure notify:")]
    assert lines == ['dure notify: 1 "food.notification" to "7": "one\\nline \\"only\\""']
    node.stop()


def test_webhook(world):
    """A notification arrives once, signed, with its type, its time and what it says; then it is gone."""
    node, endpoint = world(ok)
    made = send(node)
    assert (made["status"], made["customer"], made["subject"]) == ("waiting", "7", 12)
    wait_until(lambda: listed(node) == [], 10, "the delivery")
    request, = endpoint.taken()
    assert (request.path, request.headers["Content-Type"]) == ("/hook", "application/json")
    ident, body = verified(request)
    assert ident.startswith("msg_")
    assert body == {"type": "food.notification", "timestamp": made["date"],
                    "data": {"subject": 12, "customer": "7", "message": "배달시작"}}


def test_two_secrets(world):
    """While secrets are exchanged both sign: a receiver verifies with either."""
    other = bytes(24)
    node, endpoint = world(ok, secret=SECRET + " whsec_" + base64.b64encode(other).decode())
    send(node)
    wait_until(endpoint.taken, 10, "the webhook")
    verified(endpoint.taken()[0])
    verified(endpoint.taken()[0], other)


def test_missed_and_again(world):
    """A failure is tried again after some seconds, under the same id, and with a new signature."""
    answers = [(500, {}, b""), (200, {}, b"thanks")]
    node, endpoint = world(lambda request: answers.pop(0))
    send(node)
    row = only(node, reason="status 500")
    assert (row["status"], row["attempts"]) == ("waiting", 1)
    wait_until(lambda: listed(node) == [], 20, "the second attempt")
    first, second = endpoint.taken()
    assert verified(first)[0] == verified(second)[0]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) >= 4


def test_gone(world):
    """410: the endpoint is disabled, also over a restart, until its row is deleted; then a retry is sent."""
    answers = [(410, {}, b"")]
    node, endpoint = world(lambda request: answers.pop() if answers else ok(request))
    send(node)
    row = only(node, status="disabled")
    assert "retry" in row["_links"]
    ends, = node.client().get("/notify/endpoints").json()["_embedded"]["endpoints"]
    assert ends["url"] == endpoint.url("/hook")
    node.stop()
    node.start()
    send(node)
    wait_until(lambda: [row["status"] for row in listed(node)] == ["disabled"] * 2, 10, "both")
    assert len(endpoint.taken()) == 1
    assert node.client().delete(f"/notify/endpoints/{ends['id']}").status_code == 204
    for row in listed(node):
        assert node.client().put(f"/notify/notifications/{row['id']}/retry").status_code == 200
    wait_until(lambda: listed(node) == [], 10, "the deliveries")
    assert len(endpoint.taken()) == 3


def test_private_addresses(world):
    """Nobody on a private address is asked unless that is allowed, by name or by number."""
    node, endpoint = world(ok, private="0")
    send(node)
    assert only(node, attempts=1, reason="its address is not public")["status"] == "waiting"
    assert endpoint.taken() == []


def test_redirects_are_not_followed(world):
    """A redirect could lead anywhere: it is a failure."""
    node, endpoint = world(lambda request: (307, {"Location": "/else"}, b""))
    send(node)
    only(node, reason="status 307")
    assert {request.path for request in endpoint.taken()} == {"/hook"}


def test_retry_after(world):
    """What Retry-After says is waited for at least: the next attempt is not before."""
    answers = [(503, {"Retry-After": "8"}, b"")]
    node, endpoint = world(lambda request: answers.pop() if answers else ok(request))
    send(node)
    wait_until(lambda: len(endpoint.taken()) == 2, 30, "the second attempt")
    first, second = (int(r.headers["webhook-timestamp"]) for r in endpoint.taken())
    assert second - first >= 7


def test_time_out(world):
    """An endpoint that keeps its answer is given up after 15 s, and tried again under the same id."""
    gate, asked = threading.Event(), []

    def answer(request):
        asked.append(time.monotonic())
        if len(asked) == 1:
            gate.wait(60)
        return ok(request)
    node, endpoint = world(answer)
    send(node)
    wait_until(lambda: listed(node) == [], 60, "the second attempt")
    first, second = (verified(request)[0] for request in endpoint.taken())
    assert first == second
    assert asked[1] - asked[0] >= 15
    gate.set()


def test_kill_while_sending(world):
    """kill -9 while an endpoint has not answered: it comes again after the start, under the same id."""
    gate = threading.Event()

    def answer(request):
        gate.wait(60)
        return ok(request)
    node, endpoint = world(answer)
    for i in range(3):
        send(node, subject=i)
    wait_until(lambda: len(endpoint.taken()) == 3, 10, "the webhooks")
    node.kill()
    gate.set()
    node.start()
    wait_until(lambda: listed(node) == [], 20, "the deliveries")
    idents = [verified(request)[0] for request in endpoint.taken()]
    assert len(set(idents)) == 3


def test_a_silent_endpoint_blocks_nobody(world):
    """While an endpoint keeps its answer, commands are answered and others are not late."""
    gate = threading.Event()

    def answer(request):
        gate.wait(60)
        return ok(request)
    node, endpoint = world(answer)
    for i in range(40):
        send(node, subject=i)
    wait_until(lambda: len(endpoint.taken()) == 16, 10, "as many as are let go at a time")
    gate.set()
    wait_until(lambda: listed(node) == [], 20, "the deliveries")
    assert len({verified(request)[0] for request in endpoint.taken()}) == 40


def test_input(world):
    """Type, customer and message are needed; a notification on its way is not retried; DELETE drops it."""
    node, _ = world(lambda request: (500, {}, b""))
    api = node.client()
    assert wrong_fields(api.post("/notify/notifications", {})) == {"type", "customer", "message"}
    row = send(node)
    is_problem(api.put(f"/notify/notifications/{row['id']}/retry"), 409)
    assert api.delete(f"/notify/notifications/{row['id']}").status_code == 204
    assert listed(node) == []


@pytest.mark.parametrize("args", [
    ("--notify", "pigeon"), ("--notify", "webhook:ftp://x/"), ("--notify", "webhook:http://x/"),
    ("--notify", "webhook:http://x/", "--notify-secret", "whsec_c2hvcnQ="),
    ("--notify", "webhook:http://x/", "--notify-secret", "c2hvcnQ="), ("--meter", "sundial"),
    ("--meter", "simulated:x"), ("--meter", "http:nowhere")], ids=" ".join)
def test_wrong_settings(tmp_path, args):
    """A setting that makes no sense is said at the start."""
    run = nodes.dure("node", "--data", tmp_path / "data", "--http", "0", *args)
    assert run.returncode != 0
    assert args[-2].encode() in run.stderr
