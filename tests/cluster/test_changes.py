"""?also=changes in a cluster: whatever node changes something, who asks any other node is told."""
import signal
import time

import pytest

import stream
from cluster import Cluster
from node import wait_until
from ports import free_port


class Ports:
    """Keeps its ports for as long as it lives."""

    def lines(self):
        """Of the cluster file: the event stream between nodes that share no directory."""
        return [f"{door}-{i} = tcp://127.0.0.1:{free_port(self)}" for i in range(3)
                for door in ("events", "replay")]


@pytest.fixture(params=["ipc", "tcp"])
def nodes(request, tmp_path):
    ports = Ports()
    lines = ports.lines() if request.param == "tcp" else ()
    running = Cluster(tmp_path / "cluster", lines=lines).start()
    yield running
    running.stop()


def products(cluster, number, count=1):
    """New ones whose home is this node: a creation stays at the node that took it."""
    client = cluster.nodes[number].client()
    made = [client.post("/shop/inventories", {"stockName": "TV", "stockCount": 99, "price": 5}) for _ in range(count)]
    assert all(one.status_code == 201 for one in made)
    ids = [one.json()["id"] for one in made]
    assert {cluster.owner(item) for item in ids} == {number}
    return ids


def test_from_any_node_to_any_other(nodes):
    """A product of node 1 is made, changed and removed: told at node 2, and at all others."""
    watches = [stream.Watch(node) for node in nodes.nodes]
    for number in range(3):
        product, = products(nodes, number)
        for watch in watches:
            watch.expect(["/shop/inventories"])
        other = nodes.nodes[(number + 1) % 3].client()
        assert other.patch(f"/shop/inventories/{product}", {"price": 6}).status_code == 200
        for watch in watches:
            watch.expect(["/shop/inventories"])
        assert other.delete(f"/shop/inventories/{product}").status_code == 204
        for watch in watches:
            watch.expect(["/shop/inventories"])
    for watch in watches:
        watch.close()


def test_a_cascade_over_nodes(nodes):
    """An order whose parts lie on several nodes: what each of them changed is told, the view as well."""
    items = [products(nodes, number)[0] for number in range(3)]
    client = nodes.nodes[0].client()
    for user in range(1, 4):
        assert client.post("/shop/pays", {"userId": user, "payAmount": 1000}).status_code == 201
    watch = stream.Watch(nodes.nodes[2])
    for item in items:
        for user in range(1, 4):
            order = client.post("/shop/orders", {"productId": item, "quantity": 1, "userId": user})
            assert order.status_code == 201 and order.json()["status"] == "주문완료"
    names = {"/shop/orders", "/shop/inventories", "/shop/pays", "/shop/deliveries", "/shop/mypages"}
    wait_until(lambda: watch.told()[1] == 4 * 9 and names <= watch.told()[0] <= names | {"/sagas"}, 20,
               "all of it")
    watch.close()


def test_a_node_is_killed_and_started_again(nodes):
    """Node 1 is killed: a while later all lists are said to have changed, as its part is missing; so they are
    when it is back, and what it then does is told."""
    products(nodes, 1, 3)
    watch = stream.Watch(nodes.nodes[2])
    nodes.nodes[1].kill()
    watch.wait_everything()  # Its silence is noticed.
    client = nodes.nodes[2].client()
    assert "Dure-Partial" in client.get("/shop/inventories").headers
    watch.notices.clear()
    nodes.nodes[1].start()
    watch.wait_everything()  # Its return is noticed.
    nodes.whole()
    watch.notices.clear()
    products(nodes, 1)
    watch.expect(["/shop/inventories"])
    watch.close()


def test_a_quick_restart(nodes):
    """A node that is back before its silence was noticed counts anew: everything is told all the same."""
    products(nodes, 1)
    watch = stream.Watch(nodes.nodes[0])
    nodes.nodes[1].kill()
    nodes.nodes[1].start()
    watch.wait_everything()
    nodes.whole()
    watch.calm()
    products(nodes, 1)
    watch.expect(["/shop/inventories"])
    watch.close()


def test_a_node_stands_still(nodes):
    """A node that is stopped and goes on: everything, twice; what happened is not lost."""
    watch = stream.Watch(nodes.nodes[0])
    nodes.nodes[1].process.send_signal(signal.SIGSTOP)
    try:
        watch.wait_everything()  # Its silence is noticed.
        watch.notices.clear()
    finally:
        nodes.nodes[1].process.send_signal(signal.SIGCONT)
    watch.wait_everything()  # Its return is noticed.
    nodes.whole()
    watch.close()


def test_idle_nodes_say_nothing(nodes):
    """Nodes that speak every second of nothing new are not passed on."""
    watch = stream.Watch(nodes.nodes[0])
    time.sleep(3)  # Three times each.
    assert watch.notices == []
    watch.close()
