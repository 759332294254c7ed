"""The meter behind an HTTP endpoint: asked without blocking, again when it fails, settled once."""
import json
import threading
import time

import pytest

import node as nodes
from dr import Dr
from endpoint import Endpoint
from node import wait_until


@pytest.fixture
def world(tmp_path):
    """start(answer) → node, dr, endpoint, all stopped at the end."""
    made = []

    def start(answer, *args):
        endpoint = Endpoint(answer)
        made.append((nodes.Node(tmp_path / "data", "--meter", f"http:{endpoint.url('/read')}", *args),
                     endpoint))
        node = made[-1][0].start()
        return node, Dr(node.client()), endpoint
    yield start
    for node, endpoint in made:
        node.check()
        node.stop()
        endpoint.close()


def reading(points, real=True, **headers):
    return 200, headers, json.dumps({"adjustPoint": points, "isReal": real}).encode()


def accepted(dr, count):
    users = [dr.user(f"u{i}", capacity=100 + i) for i in range(count)]
    demand = dr.start(users=count)
    for user in users:
        dr.answered(dr.response_of(demand, user), "accept")
    return demand, users


def keys_of(endpoint):
    return [request.headers["Idempotency-Key"] for request in endpoint.taken()]


def test_readings(world):
    """Each accepted response is asked once, with who and how much; what comes is what is paid."""
    _, dr, endpoint = world(lambda request: reading(json.loads(request.body)["capacity"] - 1))
    demand, users = accepted(dr, 3)
    dr.end(demand)
    rows = dr.settled(demand, 3)
    assert [row["adjustPoint"] for row in rows] == [99, 100, 101]
    assert [dr.point(user) for user in users] == [99, 100, 101]
    requests = endpoint.taken()
    assert sorted(keys_of(endpoint)) == [f'"dr-{demand}-response-{i}"' for i in (1, 2, 3)]
    first = next(r for r in requests if b'"responseId":1,' in r.body)
    assert (first.path, first.headers["Content-Type"]) == ("/read", "application/json")
    assert json.loads(first.body) == {"drId": demand, "userId": 1, "responseId": 1, "capacity": 100}


@pytest.mark.parametrize("bad", [
    (500, {}, b"oops"), (404, {}, b""), (200, {}, b"no json"), (200, {}, b'{"adjustPoint":5}'),
    (200, {}, b'{"adjustPoint":-5,"isReal":true}'), (302, {"Location": "/else"}, b""),
    (200, {}, b" " * 70000)], ids=lambda bad: f"{bad[0]}-{bad[2][:12]!r}")
def test_asks_again(world, bad):
    """What is no reading is asked again later, under the same key, and settles once."""
    answers = [bad]
    _, dr, endpoint = world(lambda request: answers.pop() if answers else reading(42))
    demand, (user,) = accepted(dr, 1)
    dr.end(demand)
    assert [row["adjustPoint"] for row in dr.settled(demand, 1)] == [42]
    assert dr.point(user) == 42
    assert keys_of(endpoint) == ['"dr-1-response-1"'] * 2
    assert {request.path for request in endpoint.taken()} == {"/read"}


@pytest.mark.alone
def test_a_meter_that_hangs_blocks_nobody(world):
    """While the endpoint says nothing, the node answers at once; the reading comes late, and once."""
    gate = threading.Event()

    def answer(request):
        gate.wait(60)
        return reading(7)
    _, dr, endpoint = world(answer)
    demand, (user,) = accepted(dr, 1)
    dr.end(demand)
    wait_until(endpoint.taken, 10, "the question")
    began = time.monotonic()
    for i in range(20):
        dr.user(f"v{i}")
    assert time.monotonic() - began < 2
    assert dr.kepcos(demand)[0]["isReal"] is None
    gate.set()
    dr.settled(demand, 1)
    assert dr.point(user) == 7


def test_time_out(world):
    """A meter that keeps its answer is given up after 5 s and asked again, under the same key."""
    gate, asked = threading.Event(), []

    def answer(_):
        asked.append(time.monotonic())
        if len(asked) == 1:
            gate.wait(60)
        return reading(42)
    _, dr, endpoint = world(answer)
    demand, (user,) = accepted(dr, 1)
    dr.end(demand)
    dr.settled(demand, 1, timeout=30)
    assert dr.point(user) == 42
    assert keys_of(endpoint) == ['"dr-1-response-1"'] * 2
    assert asked[1] - asked[0] >= 5
    gate.set()


def test_by_hand_wins(world):
    """A reading by hand settles while the meter is silent; what the meter says later changes nothing."""
    gate = threading.Event()

    def answer(request):
        gate.wait(60)
        return reading(7)
    node, dr, endpoint = world(answer)
    demand, (user,) = accepted(dr, 1)
    dr.end(demand)
    wait_until(endpoint.taken, 10, "the question")
    dr.measured(1, 30)
    gate.set()
    wait_until(lambda: metric(node, "dure_port_answered_total") == 1, 10, "the late answer")
    assert dr.point(user) == 30
    assert [row["adjustPoint"] for row in dr.kepcos(demand)] == [30]


def metric(node, name):
    text = node.client().get("/metrics").text
    return next((float(line.split()[-1]) for line in text.splitlines()
                 if line.startswith(name + '{port="dr.meter"}')), None)


def test_breaker(world):
    """A meter that is down: the demand ends, few questions are asked of it, and all is settled once when
    it is back; /metrics tells the breaker's state."""
    down = threading.Event()
    down.set()
    node, dr, endpoint = world(lambda request: (503, {}, b"") if down.is_set() else reading(10))
    count = 40
    demand, users = accepted(dr, count)
    dr.end(demand)
    wait_until(lambda: metric(node, "dure_port_breaker_open") == 1, 20, "the breaker to open")
    assert len(dr.kepcos(demand)) == count
    asked = len(endpoint.taken())
    assert asked < count * 2
    down.clear()
    dr.settled(demand, count, timeout=60)
    assert [dr.point(user) for user in users] == [10] * count
    assert metric(node, "dure_port_breaker_open") == 0
    assert metric(node, "dure_port_failed_total") > 0
    wait_until(lambda: metric(node, "dure_port_waiting") == 0, 10, "no question to be left")


def test_kill_while_asked(world):
    """kill -9 while questions are out: the next start asks again, and each is settled once."""
    gate = threading.Event()

    def answer(request):
        if not gate.is_set():
            gate.wait(60)
        return reading(5)
    node, dr, endpoint = world(answer)
    demand, users = accepted(dr, 5)
    dr.end(demand)
    wait_until(lambda: len(endpoint.taken()) == 5, 10, "the questions")
    node.kill()
    gate.set()
    node.start()
    dr = Dr(node.client())
    dr.settled(demand, 5, timeout=30)
    assert [dr.point(user) for user in users] == [5] * 5
    assert len(dr.kepcos(demand)) == 5
