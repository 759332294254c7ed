"""A cluster of real node processes, and clients that talk to one of them or to all in turn."""
import itertools
import pathlib
import signal

from node import Client, Node, wait_until
from shop import path_of

_turns = itertools.count()


def is_whole(client):
    """True when the node behind this client reaches all others."""
    response = client.get("/shop/inventories?size=1")
    return response.status_code == 200 and "Dure-Partial" not in response.headers


class Cluster:
    """Nodes 0 … count - 1 on one directory, each on a port of its own, or all on one (`port`)."""

    def __init__(self, directory, *args, count=3, shards=64, port=None, bus=None, lines=()):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "run").mkdir(exist_ok=True)
        self.file = self.directory / "cluster"
        bus = bus or [f"ipc://run/node-{i}.bus" for i in range(count)]
        self.file.write_text("".join(line + "\n" for line in [
            f"shards = {shards}", f"nodes = {count}",
            *(f"bus-{i} = {address}" for i, address in enumerate(bus)), *lines]))
        shared = () if port is None else ("--http-shared", "1")
        self.nodes = [Node(self.directory / f"node-{i}", "--cluster", str(self.file), "--node",
                           str(i), *shared, *args, port=port)
                      for i in range(count)]

    def start(self):
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.await_ready()
        return self.whole()

    def whole(self):
        """Waits until every node reaches every other."""
        for node in self.nodes:
            client = node.client()
            wait_until(lambda client=client: is_whole(client), 30, "the nodes to meet")
        return self

    def client(self, prefix=""):
        """One that sends every request to the next node."""
        return Spread([node.client(prefix) for node in self.nodes])

    def node(self):
        """Some node, a different one each time."""
        return self.nodes[next(_turns) % len(self.nodes)]

    def raw(self, timeout=10):
        return self.node().raw(timeout)

    @property
    def port(self):
        return self.node().port

    @property
    def url(self):
        return self.node().url

    @property
    def process(self):
        """Of any node that runs; None when all are stopped."""
        return next((node.process for node in self.nodes if node.process is not None), None)

    def check(self):
        for node in self.nodes:
            if node.process is not None:
                node.check()

    def stop(self, how=signal.SIGTERM):
        for node in self.nodes:
            node.begin_stop(how)
        for node in self.nodes:
            node.await_stop()

    def kill(self):
        for node in self.nodes:
            node.kill()

    def fail(self, why):
        self.nodes[0].fail(why)

    def owner(self, item, shards=64):
        """The number of the node that has this id or key."""
        return item % shards % len(self.nodes)


class Spread(Client):
    """The same interface as one client; each request goes to the next node, but `writes` (if given)
    all to that one. All nodes see the same Host, so that their links are the same."""

    def __init__(self, clients, writes=None):
        self.clients = clients
        self.base = clients[0].base
        self.host = self.base.split("/")[2]
        self.writes = writes
        self.turn = next(_turns)

    def __call__(self, method, path, **kwargs):
        self.turn += 1
        if path.startswith("http://" + self.host):
            path = path_of(path)
        kwargs["headers"] = {"Host": self.host, **(kwargs.get("headers") or {})}
        if self.writes is not None and method != "GET":
            return self.clients[self.writes](method, path, **kwargs)
        return self.clients[self.turn % len(self.clients)](method, path, **kwargs)

    @property
    def session(self):
        return self.clients[self.turn % len(self.clients)].session


class At:
    """A cluster as seen through one of its nodes; or one that only takes writes there."""

    def __init__(self, cluster, number, reads_spread=False):
        self.cluster = cluster
        self.number = number
        self.reads_spread = reads_spread

    def __getattr__(self, name):
        return getattr(self.cluster, name)

    def client(self, prefix=""):
        if self.reads_spread:
            return Spread([node.client(prefix) for node in self.cluster.nodes], self.number)
        return self.cluster.nodes[self.number].client(prefix)
