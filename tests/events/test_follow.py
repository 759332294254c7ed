"""Following through load and kill -9: each event once, of each shard in order, at every door."""
import random
import time

import pytest

import stream
from node import wait_until


def count_of(node):
    return sum(node.ask({"from": "end"})["next"].values())


def test_under_load(node):
    """Under bulk load from the start on, tail, SSE and a topic's readers get all of it, exactly."""
    tail, sse = stream.tail(node, "--from", "start"), stream.Sse(node, "?from=start")
    pay = stream.Sse(node, "?from=start&topic=shop.pay.")
    load = stream.Load(node, lines=400)
    wait_until(lambda: load.taken >= 8000, 60, "load")
    load.stop()
    events = node.all_events()
    assert len(events) == load.taken * 4
    stream.check_exact(events)
    stream.same(tail.wait(len(events)), events)
    stream.same(sse.wait(len(events)), events)
    stream.same(pay.wait(load.taken), [e for e in events if e["type"].startswith("shop.pay.")])
    assert tail.stop() == 0
    sse.close()
    pay.close()


def test_joining_under_load(node):
    """Who joins in the middle of the load, at the start or from any id, gets into step, exactly."""
    load = stream.Load(node, lines=100)
    wait_until(lambda: load.taken >= 300, 60, "load")
    joined = [stream.Sse(node, "?from=start") for _ in range(3)]
    ends = [stream.Sse(node) for _ in range(2)]
    tails = [stream.tail(node, "--from", "start")]
    joined[0].wait(500)
    late = stream.Sse(node, last_id=joined[0].ids[400])
    wait_until(lambda: load.taken >= 4000, 60, "load")
    load.stop()
    events = node.all_events()
    for collector in joined + tails:
        stream.same(collector.wait(len(events)), events)
    stream.same(joined[0].events[:401] + late.wait(len(events) - 401), events)
    for sse in ends:
        wait_until(lambda sse=sse: sse.events and sse.last_id == joined[0].last_id, 20, "in step")
        whole = stream.by_shard(events)
        for shard, found in stream.by_shard(sse.events).items():
            assert found == whole[shard][-len(found):]
    for collector in joined + ends + [late]:
        collector.close()
    assert tails[0].stop() == 0


def test_sse_ids(node):
    """Each event's id goes on exactly behind it, whatever came before."""
    sse = stream.Sse(node, "?from=start&topic=shop.order.,shop.delivery.")
    node.order_bulk(10)
    sse.wait(20)
    for at in (0, 1, 9, 18):
        again = stream.Sse(node, "?topic=shop.order.,shop.delivery.", last_id=sse.ids[at])
        stream.same(sse.events[:at + 1] + again.wait(19 - at), sse.events)
        again.close()
    sse.close()


def test_sse_heartbeat(node):
    """Silence is broken by comments, and the id moves on also when the topic matches nothing."""
    sse = stream.Sse(node, "?topic=nosuch.")
    before = sse.last_id
    node.order_bulk(3)
    wait_until(lambda: sse.comments >= 4, 20, "heartbeats")
    wait_until(lambda: sse.last_id not in (None, before), 20, "a moved id")
    assert sse.events == []
    again = stream.Sse(node, last_id=sse.last_id)
    node.order_bulk(1)
    assert len(again.wait(4)) == 4
    sse.close()
    again.close()


def test_stop_ends_streams(node):
    """A clean stop ends SSE streams at once, and is not held up by any reader."""
    sse, tail = stream.Sse(node), stream.tail(node)
    began = time.monotonic()
    node.stop()
    assert time.monotonic() - began < 20  # The drain limit is far beyond.
    assert sse.ended.wait(10)
    node.start()
    assert tail.stop() == 0


SEED = random.SystemRandom().getrandbits(31)


@pytest.mark.parametrize("number", range(3))
def test_kills_of_the_node(node, number):
    """Over kill -9 of the node tail goes on by itself, SSE from its last id: nothing lost, none twice."""
    rng = random.Random(SEED + number)
    print(f"seed {SEED + number}")
    tail, sse = stream.tail(node, "--from", "start"), stream.Sse(node, "?from=start")
    seen = []
    load = stream.Load(node, lines=50)
    for _ in range(4):
        time.sleep(rng.uniform(0.05, 0.5))  # The moment of the kill is random, nothing is awaited.
        node.kill()
        node.start()
        assert sse.ended.wait(20)
        seen += sse.events
        sse.close()
        sse = stream.Sse(node, "?from=start" if sse.last_id is None else "", last_id=sse.last_id)
    wait_until(lambda: load.taken >= 500, 60, "load")
    load.stop()
    events = node.all_events()
    stream.check_exact(events)
    stream.same(seen + sse.wait(len(events) - len(seen)), events)
    stream.same(tail.wait(len(events)), events)
    assert tail.stop() == 0
    sse.close()


@pytest.mark.parametrize("number", range(2))
def test_kills_of_tail(node, tmp_path, number):
    """A group's tail that is killed -9 again and again writes each event to its file exactly once."""
    rng = random.Random(SEED + number)
    print(f"seed {SEED + number}")
    path = tmp_path / "events.json"
    load = stream.Load(node, lines=20)
    command = stream.tail_command(node, "--json", "--group", "g", "--from", "start")
    for _ in range(12):
        with open(path, "ab") as file:
            process = stream.nodes.subprocess.Popen(command, stdout=file, env=stream.nodes.ENV)
            time.sleep(rng.uniform(0.02, 0.4))
            process.kill()
            process.wait()
    load.stop()
    with open(path, "ab") as file:
        done = stream.nodes.subprocess.run([*command, "--once"], stdout=file, timeout=60,
                                           env=stream.nodes.ENV, check=False)
    assert done.returncode == 0
    events = [stream.json.loads(line) for line in path.read_bytes().splitlines()]
    stream.check_exact(events)
    stream.same(events, node.all_events())


def test_new_group_at_the_end(node):
    """A new group begins at the end, once: what happens while its tail is away is not skipped."""
    node.order_bulk(2)
    first = stream.tail_once(node, "--group", "g", "--once")
    assert first.returncode == 0 and first.stdout == b""
    node.order_bulk(3)
    tail = stream.tail(node, "--group", "g")
    assert len(tail.wait(12)) == 12
    node.order_bulk(1)
    tail.wait(16)
    assert tail.stop() == 0
    node.order_bulk(1)
    again = stream.tail(node, "--group", "g", "--count", "4")
    assert again.process.wait(20) == 0
    again.thread.join()
    assert len(again.events) == 4
    whole = stream.by_shard(node.all_events())
    for shard, found in stream.by_shard(tail.events + again.events).items():
        assert found == whole[shard][-len(found):]


def test_waits_for_a_door(node):
    """tail waits for a node that is not there, says so, and follows from where it was told."""
    node.order_bulk(2)
    node.stop()
    tail = stream.tail(node, "--from", "start")
    said = tail.process.stderr.readline()
    assert b"waiting" in said
    node.start()
    stream.same(tail.wait(8), node.all_events())
    assert tail.stop() == 0
    node.stop()
    once = stream.tail(node, "--from", "start", "--once")
    assert once.process.wait(20) == 1
    node.start()
