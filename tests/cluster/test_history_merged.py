"""/metrics/history of a cluster: what all have counted together, and who was there."""
import time

import pytest

from node import wait_until
from shop import Shop


def history(client, **params):
    answer = client.get("/metrics/history", params=params)
    assert answer.status_code == 200
    body = answer.json()
    down = [node["node"] for node in body["nodes"] if not node["up"]]
    missing = answer.headers.get("Dure-Partial")
    assert missing == ("nodes " + ", ".join(map(str, down)) if down else None)
    assert all(set(node) == {"node", "up"} for node in body["nodes"] if not node["up"])
    return body


def up(body):
    return [node["node"] for node in body["nodes"] if node["up"]]


def test_all_together(cluster):
    """Any node shows what all have done: each slot once, with the numbers of every node."""
    for node in cluster.nodes:  # A product on each.
        shop = Shop(node.client(), "/shop", user=node.port).open()
        for _ in range(10):
            shop.ordered(1)
    ended = time.time() * 1000

    def settled():
        bodies = [history(node.client()) for node in cluster.nodes]
        return bodies if all(body["samples"] and body["samples"][-1]["time"] > ended
                             for body in bodies) else None
    bodies = wait_until(settled, 15, "the samples of the orders")
    for body in bodies:
        assert up(body) == [0, 1, 2] and sum(node["shards"] for node in body["nodes"]) == 64
        assert sum(node["aggregates"]["shop.order"] for node in body["nodes"]) == 30
        assert all(node["aggregates"].get("shop.order") == 10 for node in body["nodes"])
        assert sum(sample["sagas"] for sample in body["samples"]) * 2 == pytest.approx(30, rel=0.1)
        assert body["samples"][-1]["nodes"] == [0, 1, 2]
    until = min(body["samples"][-1]["time"] for body in bodies)
    one, two, three = ([sample for sample in body["samples"] if sample["time"] <= until]
                       for body in bodies)
    assert one and one == two == three


def test_a_node_is_killed(cluster):
    """A node that is gone is named at once, in the header and as down, and samples go on without it;
    when it is back so are its numbers, and the time between is not made up."""
    client = cluster.nodes[2].client()
    wait_until(lambda: history(client)["samples"][-1:] and
               history(client)["samples"][-1]["nodes"] == [0, 1, 2], 15, "a sample of all")
    cluster.nodes[1].kill()
    killed = time.time() * 1000
    body = wait_until(lambda: (body := history(client)) and up(body) == [0, 2] and body, 4,
                      "the node to be missed")
    assert all(1 not in sample["nodes"] for sample in body["samples"]), "its past is with it"

    def goes_on():
        later = [sample for sample in history(client)["samples"] if sample["time"] > killed + 2000]
        return later if later else None
    assert wait_until(goes_on, 10, "samples without it")[0]["nodes"] == [0, 2]
    cluster.nodes[1].start()
    cluster.whole()
    back = time.time() * 1000
    assert up(history(client)) == [0, 1, 2]

    def again():
        samples = history(client)["samples"]
        return samples if samples[-1]["time"] > back + 2000 else None
    samples = wait_until(again, 15, "samples of all again")
    assert samples[-1]["nodes"] == [0, 1, 2]
    assert [0, 1, 2] in [sample["nodes"] for sample in samples if sample["time"] < killed], "its past"
    assert [sample["nodes"] for sample in samples if killed < sample["time"] < killed + 2000] == [[0, 2]]
