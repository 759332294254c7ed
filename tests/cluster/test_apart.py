"""Nodes that share no directory, as on machines of their own: bus and event stream over tcp."""
import collections

import pytest

import stream
from cluster import Cluster
from node import Node, free_port, wait_until
from shop import Shop


class Apart(Cluster):
    """Each node has a directory of its own, with its own copy of the cluster file."""

    def __init__(self, directory, count=3):
        def address():
            return f"tcp://127.0.0.1:{free_port()}"
        super().__init__(
            directory, count=count, bus=[address() for _ in range(count)],
            lines=[f"{door}-{i} = {address()}" for door in ("events", "replay") for i in range(count)])
        for i in range(count):
            machine = self.directory / f"machine-{i}"
            machine.mkdir()
            (machine / "cluster").write_text(self.file.read_text())
            self.nodes[i] = Node(machine / f"node-{i}", "--cluster", str(machine / "cluster"),
                                 "--node", str(i))


@pytest.fixture(name="cluster", scope="module")
def running(tmp_path_factory):
    cluster = Apart(tmp_path_factory.mktemp("apart")).start()
    yield cluster
    cluster.stop()


def owners(events, count=3):
    return collections.Counter(stream.key(event)[0] % count for event in events)


def orders(cluster, user, count):
    shop = Shop(cluster.client(), "/shop", user=user).open(stock=count)
    for _ in range(count):
        shop.ordered(1)


def all_events(client):
    """All there ever was, by batches; None while a node is missing."""
    events, path = [], "/events?from=start&max=1000"
    while True:
        page = client.get(path).json()
        if "missing" in page:
            return None
        events += page["events"]
        if not page["events"]:
            return events
        path = f"/events?from={page['position']}&max=1000"


def test_every_node_has_all_events(cluster):
    """Whichever node is asked, its batches and its live stream have the events of all nodes."""
    streams = [stream.Sse(node, "?from=start") for node in cluster.nodes]
    for user in range(1, 7):
        orders(cluster, user, 3)
    pages = [wait_until(lambda client=node.client(): all_events(client), 30, "all to answer")
             for node in cluster.nodes]
    stream.check_exact(pages[0])
    assert set(owners(pages[0])) == {0, 1, 2}
    for page in pages[1:]:
        stream.same(page, pages[0])
    for sse in streams:
        stream.same(sse.wait(len(pages[0])), pages[0])
        sse.close()


def test_a_node_comes_back(cluster):
    """A stream goes on, without a gap, through the kill of another node."""
    before = len(wait_until(lambda: all_events(cluster.nodes[0].client()), 30, "all to answer"))
    sse = stream.Sse(cluster.nodes[0], "?from=start")
    sse.wait(before)
    cluster.nodes[1].kill()
    cluster.nodes[1].start()
    cluster.whole()
    orders(cluster, 20, 5)
    after = wait_until(lambda: all_events(cluster.nodes[0].client()), 30, "all to answer")
    assert owners(after)[1] > 0 and len(after) > before
    stream.same(sse.wait(len(after)), after)
    stream.check_exact(after)
    sse.close()
