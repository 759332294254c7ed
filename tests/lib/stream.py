"""The event stream through every door: nngcat, replay, `dure tail`, SSE, JSON batches.

Each collector gathers events as they come; `key` of an event is (shard, sequence), its place.
"""
import http.client
import itertools
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import node as nodes
import up

sys.path.append(str(pathlib.Path(__file__).parent / "standin"))
import pynng  # noqa: E402 (pip's, or the stand-in)

EVERYTHING = 25  # More collections than this are named where all are.
PRODUCTS = 30  # So many that every node of a cluster has some.
ORDER_EVENTS = ["shop.order.OrderPlaced", "shop.pay.PayApproval", "shop.inventory.StockDecreased",
                "shop.delivery.DeliveryStarted"]


def key(event):
    shard, sequence = event["id"].split("-")
    return int(shard), int(sequence)


def by_shard(events):
    """Shard → its events in the order they came."""
    shards = {}
    for event in events:
        shards.setdefault(key(event)[0], []).append(event)
    return shards


def check_exact(events, since=None):
    """Of each shard: in order, gap-free, without doubles, from the very first (or behind `since`)."""
    for shard, found in by_shard(events).items():
        numbers = [key(event)[1] for event in found]
        first = (since or {}).get(str(shard), 0) + 1
        assert numbers == list(range(first, first + len(numbers))), \
            f"shard {shard}: {_flaw(numbers, first)}"


def _flaw(numbers, first):
    for i, number in enumerate(numbers):
        if number != first + i:
            return f"{number} at place {i} instead of {first + i}, of {len(numbers)}"
    return "?"


def same(left, right):
    """The same events, of each shard in the same order, byte for byte."""
    left, right = by_shard(left), by_shard(right)
    assert left.keys() == right.keys()
    for shard in left:
        assert left[shard] == right[shard], f"shard {shard}: {_difference(left[shard], right[shard])}"


def _difference(left, right):
    for i, (one, other) in enumerate(zip(left, right)):
        if one != other:
            return f"at place {i} {one} instead of {other}"
    return f"{len(left)} events instead of {len(right)}"


class Doors:
    """What has ports for HTTP, events and replay: a node or a cluster."""

    products = ()  # From stock_up on.

    @property
    def events_url(self):
        return f"tcp://127.0.0.1:{self.events}"

    @property
    def replay_url(self):
        return f"tcp://127.0.0.1:{self.replay}"

    def ask(self, request, timeout=20000):
        """One replay request; str goes as it is."""
        with pynng.Req0(dial=self.replay_url, recv_timeout=timeout) as req:
            req.send(request.encode() if isinstance(request, str) else json.dumps(request).encode())
            return json.loads(req.recv())

    def all_events(self, topic="", since="start"):
        """By replay, page after page."""
        events, at = [], since
        while True:
            reply = self.ask({"from": at, "topic": topic})
            assert "error" not in reply, reply
            assert reply["count"] == len(reply["events"])
            events += reply["events"]
            at = reply["next"]
            if reply["end"]:
                return events

    def order_lines(self, count):
        turns = itertools.islice(itertools.cycle(self.products), count)
        return "".join(json.dumps({"productId": product, "quantity": 1, "userId": 1}) + "\n"
                       for product in turns).encode()

    def order_bulk(self, count):
        """So many orders in one bulk request; all must succeed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("POST", "/shop/orders", self.order_lines(count),
                           {"Content-Type": "application/x-ndjson"})
        lines = connection.getresponse().read().splitlines()
        connection.close()
        assert len(lines) == count
        for line in lines:
            assert json.loads(line)["status"] == 201, line

    def stock_up(self):
        # Each by a connection of its own, so at any node: orders are made where their products lie.
        made = [self.client().post("/shop/inventories", {"stockName": "p", "stockCount": 10**9, "price": 1})
                for _ in range(PRODUCTS)]
        assert all(one.status_code == 201 for one in made)
        self.products = [one.json()["id"] for one in made]
        assert self.client().post("/shop/pays", {"userId": 1, "payAmount": 10**12}).status_code == 201


class StreamNode(Doors, nodes.Node):
    """A node with the nng doors open, on ports that stay the same over restarts."""

    def __init__(self, data, *args, **kwargs):
        self.events, self.replay = nodes.free_port(self), nodes.free_port(self)
        super().__init__(data, "--events", str(self.events), "--replay", str(self.replay), *args,
                         **kwargs)


class StreamUp(Doors, up.Up):
    """A cluster; its nodes share the ports."""


class Collector:
    """Something that prints or sends events to a thread of ours, which keeps them."""

    def __init__(self):
        self.events = []
        self.failure = None
        self.thread = threading.Thread(target=self._guard, daemon=True)

    def _guard(self):
        try:
            self._run()
        except Exception as error:  # pylint: disable=broad-except (told by wait)
            self.failure = error

    def wait(self, count, timeout=60):
        def there():
            if self.failure is not None:
                raise self.failure
            return len(self.events) >= count
        try:
            nodes.wait_until(there, timeout)
        except AssertionError as error:
            raise AssertionError(f"{len(self.events)} events came, not {count}"
                                 + self.state()) from error
        return self.events

    def state(self):
        """What may explain that nothing comes."""
        return ""


class Process(Collector):
    """Events as lines of a process's output: nngcat (a topic before the JSON), tail --json, examples."""

    def __init__(self, command, env=None):
        super().__init__()
        self.raw = []
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *map(str, command)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=env)
        self.thread.start()

    def _run(self):
        for line in self.process.stdout:
            if line.startswith(b"@batch "):
                continue
            self.raw.append(line)
            self.events.append(json.loads(line[line.index(b"{"):]))

    def state(self):
        if self.process.poll() is None:
            return "; it runs"
        return f"; it has ended with {self.process.returncode}: {self.process.stderr.read()[-2000:]}"

    def stop(self, how=signal.SIGTERM):
        """Ends it and returns its exit status; what it has written is all read."""
        self.process.send_signal(how)
        status = self.process.wait(20)
        self.thread.join(20)
        return status


def tail(node, *args):
    return Process(tail_command(node, "--json", *args), env=nodes.ENV)


def tail_command(node, *args):
    return [*nodes.WRAP, nodes.BINARY, "tail", "--events", str(node.events),
            "--replay", str(node.replay), *args]


def tail_once(node, *args):
    """A tail that ends by itself; its CompletedProcess."""
    return nodes.dure(*tail_command(node, *args)[len(nodes.WRAP) + 1:])


def nngcat(node, *topics):
    subscribe = [part for topic in topics or ["shop."] for part in ("--subscribe", topic)]
    return Process(["nngcat", "--sub", "--async", "--dial", node.events_url, "--raw", *subscribe])


class Sse(Collector):
    """GET /events; keeps ids as well, and the last one also of heartbeats, and what it says besides events
    (?also=changes,samples) as `notices` and `samples`. Events go `into` that list.

    An id counts from the empty line on that ends its event, as for a browser: a stream that breaks off
    within an event has not brought it."""

    def __init__(self, node, query="", last_id=None, into=None):
        super().__init__()
        if into is not None:
            self.events = into
        self.ids, self.last_id, self.comments = [], last_id, 0
        self.notices, self.samples = [], []
        self.connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
        headers = {"Accept": "text/event-stream"}
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        self.connection.request("GET", "/events" + query, headers=headers)
        self.response = self.connection.getresponse()
        self.go = threading.Event()
        self.go.set()
        self.ended = threading.Event()
        if self.response.status == 200:
            self.thread.start()

    def _run(self):
        data, kind, new_id = None, None, self.last_id
        try:
            while True:
                self.go.wait()
                line = self.response.readline()
                if not line.endswith(b"\n"):
                    break
                line = line.rstrip(b"\n").decode()
                if line.startswith(":"):
                    self.comments += 1
                elif line.startswith("id: "):
                    new_id = line[4:]
                elif line.startswith("data: "):
                    data = line[6:]
                elif line.startswith("event: "):
                    kind = line[7:]
                elif line == "":
                    self.last_id = new_id
                    if kind is not None:
                        {"changes": self.notices, "sample": self.samples}[kind].append(json.loads(data))
                    elif data is not None:
                        self.ids.append(new_id)
                        self.events.append(json.loads(data))
                    data = kind = None
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass  # The node or we ended it.
        self.ended.set()

    def close(self):
        if self.connection.sock is not None:
            self.connection.sock.shutdown(2)
        self.thread.join(20)
        self.connection.close()


class Watch(Sse):
    """Notices alone: no event has the topic."""

    def __init__(self, node, query="?topic=@&also=changes"):
        super().__init__(node, query)
        assert self.response.status == 200
        self.wait_everything()
        self.calm()

    def wait_everything(self):
        """Until one notice names all collections, as the first one does."""
        nodes.wait_until(lambda: any(len(one["collections"]) > EVERYTHING for one in self.notices), 20,
                         "a notice of everything")

    def calm(self):
        """Until all is told that happened before; it is forgotten."""
        def quiet():
            before = len(self.notices)
            time.sleep(0.3)  # Three times the pause between notices; a second node may be late.
            return len(self.notices) == before
        nodes.wait_until(quiet, 20, "silence")
        self.notices.clear()

    def told(self):
        """Every collection that was named since, and the events."""
        notices = list(self.notices)
        return ({name for one in notices for name in one["collections"]},
                sum(one["events"] for one in notices))

    def expect(self, collections, events=0):
        """These are told and, some time later, nothing else has been."""
        wanted = (set(collections), events)
        nodes.wait_until(lambda: self.told() == wanted, 20, f"{wanted} to be told")
        time.sleep(0.3)
        assert self.told() == wanted
        self.notices.clear()


class SteadySse(Collector):
    """Events from the start on, as a browser has them: whenever the line ends, it comes again with its
    last id, at whatever node takes it."""

    def __init__(self, node):
        super().__init__()
        self.node, self.last_id = node, None
        self.closed = threading.Event()
        self.thread.start()

    def _open(self):
        try:
            if self.last_id is None:
                return Sse(self.node, "?from=start")
            return Sse(self.node, last_id=self.last_id)
        except (OSError, http.client.HTTPException):
            return None  # The node went away while it was asked.

    def _run(self):
        while not self.closed.is_set():
            line = self._open()
            if line is None or line.response.status != 200:
                if line is not None:
                    assert line.response.status == 503, line.response.status
                    line.connection.close()
                self.closed.wait(0.02)
                continue
            self._take(line)

    def _take(self, line):
        """All that comes until the line ends. Its thread may go on for a moment: it is not asked."""
        taken = 0
        while not self.closed.is_set():
            ended = line.ended.wait(0.02)
            found = line.events[taken:]
            self.events += found
            taken += len(found)
            if ended:
                break
        line.close()
        self.last_id = line.last_id

    def close(self):
        self.closed.set()
        self.thread.join(20)


class Load:
    """Orders by bulk, one request after the other, until told to stop; survives kills of the node."""

    def __init__(self, node, lines=50, pause_s=0.0):
        self.node, self.lines, self.pause_s = node, lines, pause_s
        self.taken = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stopping.wait(self.pause_s):
            try:
                self.node.order_bulk(self.lines)
                self.taken += self.lines
            except (OSError, http.client.HTTPException, AssertionError, ValueError):
                time.sleep(0.02)

    def stop(self):
        self.stopping.set()
        self.thread.join(120)
        assert not self.thread.is_alive()


def pause(pid):
    os.kill(pid, signal.SIGSTOP)


def go_on(pid):
    os.kill(pid, signal.SIGCONT)
