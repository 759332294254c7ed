"""Readers that do not read cost nobody anything, and catch up exactly."""
import socket
import time

import stream
from node import wait_until


ORDERS = 4000  # Their events are some 10 MB: more than any reader's buffers take.


def take_orders(node):
    """Until so many were taken by bulk. Where a reader that stands still held them up, they would not
    be: what it has not read fills all buffers long before."""
    load = stream.Load(node, lines=400)
    wait_until(lambda: load.taken >= ORDERS, 60, "orders")
    load.stop()


def tiny_reader(node, path):
    """An SSE client with a tiny window that never reads."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.connect(("127.0.0.1", node.port))
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n".encode())
    return sock


def test_stopped_readers(node):
    """nngcat, tail and SSE stand still under load: orders go on, a healthy reader misses nothing, and
    the stopped ones have all of it soon after they go on (nngcat: what it shows is in order)."""
    healthy = stream.tail(node, "--from", "start")
    cat, tail = stream.nngcat(node), stream.tail(node, "--from", "start")
    sse = stream.Sse(node, "?from=start")
    sockets = [tiny_reader(node, "/events?from=start") for _ in range(5)]
    node.order_bulk(1)
    wait_until(lambda: tail.events and sse.events, 20, "first events")
    sse.go.clear()
    stream.pause(cat.process.pid)
    stream.pause(tail.process.pid)
    take_orders(node)
    latency = []
    for _ in range(20):
        began = time.monotonic()
        node.order_bulk(1)
        latency.append(time.monotonic() - began)
    assert sorted(latency)[10] < 0.5
    events = node.all_events()
    stream.same(healthy.wait(len(events), 90), events)
    behind = len(events) - len(tail.events)
    assert behind > ORDERS
    stream.go_on(cat.process.pid)
    stream.go_on(tail.process.pid)
    sse.go.set()
    stream.same(tail.wait(len(events), 90), events)
    wait_until(lambda: sse.ended.is_set() or len(sse.events) >= len(events), 90, "SSE")
    if sse.ended.is_set():  # Cut off, as it took nothing for so long: it comes again.
        rest = stream.Sse(node, last_id=sse.last_id)
        stream.same(sse.events + rest.wait(len(events) - len(sse.events), 90), events)
        rest.close()
    else:
        stream.same(sse.events, events)
    whole = {stream.key(event): event for event in events}
    for shard, found in stream.by_shard(cat.events).items():
        numbers = [stream.key(event)[1] for event in found]
        assert numbers == sorted(set(numbers)), f"shard {shard}"
        assert all(whole[stream.key(event)] == event for event in found)
    for sock in sockets:
        sock.close()
    for collector in (healthy, tail):
        assert collector.stop() == 0
    cat.stop()
    sse.close()


def resident_kb(node):
    with open(f"/proc/{node.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def test_memory(tmp_path):
    """A hundred SSE clients that never read, and stopped nng readers, are bounded in memory."""
    # What the address sanitizer keeps of freed memory is not what we want to see.
    options = stream.nodes.ENV["ASAN_OPTIONS"] + ":quarantine_size_mb=1"
    node = stream.StreamNode(tmp_path / "data", wrap=["env", f"ASAN_OPTIONS={options}"]).start()
    node.stock_up()
    cat = stream.nngcat(node, "")
    sockets = [tiny_reader(node, "/events") for _ in range(100)]
    node.order_bulk(500)
    stream.pause(cat.process.pid)
    before = resident_kb(node)
    take_orders(node)
    after = resident_kb(node)
    # 100 x 256 KiB of unsent text, the buffer of nngcat, and what the orders themselves take.
    assert after - before < 400 * 1024, (before, after)
    stream.go_on(cat.process.pid)
    cat.stop()
    for sock in sockets:
        sock.close()
    node.order_bulk(1)
    node.stop()
