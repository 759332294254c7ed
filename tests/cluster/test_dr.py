"""SPEC C on three nodes: users, demands and responses live on different ones, and all fits."""
import threading

import pytest

import node as nodes
from cluster import Cluster
from dr import Dr
from node import wait_until
from shop import is_problem


@pytest.fixture
def cluster(tmp_path):
    made = Cluster(tmp_path / "cluster", "--meter", "manual").start()
    yield made
    for node in made.nodes:
        if node.process is not None:
            node.check()
            node.stop()


def users_on_all(dr, cluster, count):
    """`count` users, every node has some."""
    users = [dr.user(f"u{i}", point=1000, capacity=100 + i) for i in range(count)]
    assert {cluster.owner(user) for user in users} == {0, 1, 2}
    return users


def totals(cluster):
    """Σ over the nodes of what `dure verify` tells; each must find that it fits."""
    for node in cluster.nodes:
        node.stop()
        found = nodes.dure("verify", node.data)
        assert found.returncode == 0, found.stdout + found.stderr
        node.start()
    cluster.whole()


def test_scenario(cluster):
    """samsung, lg and sk on three nodes: 383 and 295 real make 1383, 1295 and 1000."""
    dr = Dr(cluster.client())
    users = {name: dr.user(name, point=1000, capacity=capacity)
             for name, capacity in (("samsung", 400), ("lg", 300), ("sk", 500))}
    demand = dr.start(users=3)
    by_user = {r["userId"]: r for r in dr.responses(demand)}
    assert {name: by_user[user]["userCapacity"] for name, user in users.items()} == {
        "samsung": 400, "lg": 300, "sk": 500}
    for name, answer in (("samsung", "accept"), ("lg", "accept"), ("sk", "deny")):
        dr.answered(by_user[users[name]]["id"], answer)
    dr.end(demand)
    wait_until(lambda: len(dr.kepcos(demand)) == 2, 20, "two rows")
    for name, points in (("samsung", 383), ("lg", 295)):
        dr.measured(by_user[users[name]]["id"], points)
    wait_until(lambda: [dr.point(user) for user in users.values()] == [1383, 1295, 1000], 20,
               "the points")
    for response in by_user.values():
        is_problem(dr.answer(response["id"], "accept"), 409)
    is_problem(dr.api.put(dr.url("drs", demand, "end")), 409)
    assert len(dr.kepcos(demand)) == 2
    infos = dr.find("getUserInfos")
    assert sorted(info["point"] for info in infos) == [1000, 1295, 1383]


def test_lists_of_all_nodes(cluster):
    """400 users of three nodes, one response each; who registers afterwards, on whichever node, has
    none."""
    dr = Dr(cluster.client())
    users = users_on_all(dr, cluster, 400)
    demand = dr.start(users=400)
    late = [Dr(node.client()).user("late") for node in cluster.nodes]
    assert sorted(r["userId"] for r in dr.responses(demand)) == sorted(users)
    for response in dr.responses(demand)[::7]:
        dr.answered(response["id"], "accept")
    accepted = {r["id"] for r in dr.responses(demand) if r["answer"] == "accept"}
    dr.end(demand)
    wait_until(lambda: len(dr.kepcos(demand)) == len(accepted), 30, "the rows")
    assert {row["responseId"] for row in dr.kepcos(demand)} == accepted
    assert [dr.find("responses", userId=user) for user in late] == [[], [], []]


@pytest.mark.parametrize("path", ["/dr/drs", "/dr/drs/startdr", "/dr/startdr", "/startdr"])
def test_one_key_at_all_nodes(cluster, path):
    """The same Idempotency-Key at each node starts one demand, by every way to start it."""
    replies = [node.client().post(path, {"name": "peak"}, headers={"Idempotency-Key": "k"})
               for node in cluster.nodes]
    assert len({reply.json()["id"] for reply in replies}) == 1
    assert len(Dr(cluster.client()).find("drs")) == 1


def test_answers_race_with_the_end(cluster):
    """Answers at all nodes race with the end: told 200 is what counts, told 409 has changed nothing."""
    dr = Dr(cluster.client())
    users_on_all(dr, cluster, 12)
    demand = dr.start(users=12)
    responses = [r["id"] for r in dr.responses(demand)]
    for response in responses:
        dr.answered(response, "accept")
    told, lock, gate = {}, threading.Lock(), threading.Barrier(len(responses) + 1)

    def deny(response):
        api = cluster.node().client()
        gate.wait()
        status = Dr(api).answer(response, "deny").status_code
        with lock:
            told[response] = status
    threads = [threading.Thread(target=deny, args=(response,)) for response in responses]
    for thread in threads:
        thread.start()
    gate.wait()
    dr.end(demand)
    for thread in threads:
        thread.join()
    assert set(told.values()) <= {200, 409}
    refused = {response for response, status in told.items() if status == 409}

    def settled():
        rows = {row["responseId"] for row in dr.kepcos(demand)}
        return rows if rows == refused else None
    wait_until(settled, 20, f"rows of just {refused}")
    for response, status in told.items():
        assert dr.get("responses", response)["answer"] == ("deny" if status == 200 else "accept")


@pytest.mark.parametrize("victim", [0, 1, 2])
def test_a_node_is_killed(cluster, victim):
    """kill -9 of one node while the list is made and while it is closed: it is back, and nothing is
    missing or double."""
    dr = Dr(cluster.client())
    users = users_on_all(dr, cluster, 300)
    home = cluster.nodes[(victim + 1) % 3]  # The demand's own node answers.
    demand = Dr(home.client()).start()
    cluster.nodes[victim].kill()
    cluster.nodes[victim].start()
    cluster.whole()
    wait_until(lambda: len(dr.responses(demand)) == 300, 30, "all responses")
    responses = {r["userId"]: r["id"] for r in dr.responses(demand)}
    assert sorted(responses) == sorted(users)
    for user in users[::10]:
        dr.answered(responses[user], "accept")
    Dr(home.client()).end(demand)
    cluster.nodes[victim].kill()
    cluster.nodes[victim].start()
    cluster.whole()
    wait_until(lambda: len(dr.kepcos(demand)) == 30, 30, "all rows")
    for user in users[::10]:
        dr.measured(responses[user], 5)
    wait_until(lambda: all(dr.point(user) == 1005 for user in users[::10]), 20, "the points")
    assert len(dr.kepcos(demand)) == 30
    totals(cluster)
