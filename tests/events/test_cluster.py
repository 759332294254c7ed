"""A cluster's event stream: one door for all nodes, each node's /events shows all of them."""
import random
import signal
import time

import pytest

import stream
from node import wait_until

NODES = 3
SEED = random.SystemRandom().getrandbits(31)


@pytest.fixture
def cluster(tmp_path):
    running = stream.StreamUp(tmp_path / "data", count=NODES).start()
    running.stock_up()
    yield running
    running.stop()


def whole(cluster):
    """Everything there is; all nodes must answer."""
    def complete():
        reply = cluster.ask({"from": "end"})
        return "missing" not in reply and "error" not in reply
    wait_until(complete, 30, "all nodes to answer")
    return cluster.all_events()


def test_one_stream(cluster):
    """The door's replay, tail, nngcat, and SSE and batches of any node show the events of all nodes."""
    tail, cat = stream.tail(cluster, "--from", "start"), stream.nngcat(cluster)
    streams = [stream.Sse(cluster, "?from=start") for _ in range(6)]  # Any node takes them.

    def live():
        cluster.order_bulk(3)
        return cat.events
    wait_until(live, 20, "live events")
    for _ in range(10):
        cluster.order_bulk(20)
    events = whole(cluster)
    stream.check_exact(events)
    assert {stream.key(event)[0] % NODES for event in events} == set(range(NODES))
    stream.same(tail.wait(len(events)), events)
    for sse in streams:
        stream.same(sse.wait(len(events)), events)
        sse.close()
    page = cluster.client().get("/events?from=start&max=10000").json()
    stream.same(page["events"], events)
    assert tail.stop() == 0
    cat.stop()


def test_the_newest(cluster):
    """from=last: the newest of all nodes, merged by their time, each shard in its order."""
    for _ in range(3):
        cluster.order_bulk(stream.PRODUCTS)  # Some of every node.
    events = whole(cluster)
    found = cluster.ask({"from": "last", "max": 200})["events"]
    assert [event["time"] for event in found] == sorted(event["time"] for event in found)
    assert min(event["time"] for event in found) >= sorted(event["time"] for event in events)[-200]
    assert {stream.key(event)[0] % NODES for event in found} == set(range(NODES))
    for shard, some in stream.by_shard(found).items():
        assert some == stream.by_shard(events)[shard][-len(some):]
    sse = stream.Sse(cluster, "?from=last")
    assert len(sse.wait(100)) == 100
    cluster.order_bulk(9)
    sse.wait(100 + 9 * len(stream.ORDER_EVENTS))
    for shard, some in stream.by_shard(sse.events).items():
        assert some == stream.by_shard(whole(cluster))[shard][-len(some):]
    sse.close()


def test_a_node_down(cluster):
    """While a node stands still, the others' events come, and replay names who is missing."""
    cluster.order_bulk(30)
    tail, sse = stream.tail(cluster, "--from", "start"), None
    before = whole(cluster)
    stream.same(tail.wait(len(before)), before)
    cluster.send(2, signal.SIGSTOP)
    try:
        reply = cluster.ask({"from": "start", "max": 10000})
        assert reply["missing"] == [2] and reply["events"]
        assert all(stream.key(event)[0] % NODES != 2 for event in reply["events"])
        position = reply["position"]
    finally:
        cluster.send(2, signal.SIGCONT)
    rest = cluster.all_events(since=position)
    events = whole(cluster)
    stream.same(reply["events"] + rest, events)
    sse = stream.Sse(cluster, last_id=position)
    stream.same(reply["events"] + sse.wait(len(rest)), events)
    sse.close()
    assert tail.stop() == 0


@pytest.mark.parametrize("number", range(2))
def test_kills(cluster, number):
    """Over kill -9 of nodes tail goes on by itself, and SSE from its last id at any node, exactly."""
    rng = random.Random(SEED + number)
    print(f"seed {SEED + number}")
    tail, sse = stream.tail(cluster, "--from", "start"), stream.SteadySse(cluster)
    load = stream.Load(cluster, lines=20)
    for _ in range(4):
        time.sleep(rng.uniform(0.1, 0.6))  # The moment of the kill is random, nothing is awaited.
        cluster.send(rng.randrange(NODES), signal.SIGKILL)
    wait_until(lambda: load.taken >= 200, 90, "load")
    load.stop()
    cluster.await_ready()
    cluster.await_rest()
    events = whole(cluster)
    stream.check_exact(events)
    stream.same(tail.wait(len(events)), events)
    stream.same(sse.wait(len(events)), events)
    assert tail.stop() == 0
    sse.close()


def test_groups_outlive_the_supervisor(cluster):
    """A group's position is the cluster's, and is there after a stop and a start."""
    cluster.order_bulk(10)
    first = stream.tail_once(cluster, "--group", "g", "--from", "start", "--once", "--json")
    assert first.returncode == 0
    cluster.stop()
    cluster.start()
    cluster.order_bulk(5)
    second = stream.tail_once(cluster, "--group", "g", "--once", "--json")
    assert second.returncode == 0
    lines = (first.stdout + second.stdout).splitlines()
    stream.same([stream.json.loads(line) for line in lines], whole(cluster))
