"""Ids are in the order of time, whichever nodes they are of: lists by id are newest last."""
import json

from node import wait_until
from secondhand import Secondhand

PLAIN = {"name": "soup", "storeId": 1}


def make(node, count=1):
    """The ids of so many new things, made at the node and therefore of it."""
    lines = "\n".join([json.dumps(PLAIN)] * count)
    answer = node.client().post("/food/foods", data=lines,
                                headers={"Content-Type": "application/x-ndjson"})
    return [json.loads(line)["id"] for line in answer.text.splitlines()]


def newest(node):
    return node.client().get("/food/foods?sort=id,desc&size=1").json()["_embedded"]["foods"][0]["id"]


def heard(node, limit):
    """Waits until what the node makes is newer than that: it has been told. By itself it would have
    to make hundreds."""
    made = []
    wait_until(lambda: made.extend(make(node)) or made[-1] > limit, 10, "a newer id")
    assert len(made) < 100
    return made


def test_after_a_crowd(cluster):
    """A thing made at a node that has made few comes after the thousand of another one; each node
    still gives ids of its own, and gives none twice."""
    ids = make(cluster.nodes[0], 1000)
    for number in (1, 2, 1, 0, 2):
        heard(cluster.nodes[number], max(ids))
        ids += make(cluster.nodes[number], 3)
        assert {cluster.owner(i) for i in ids[-3:]} == {number}
        assert newest(cluster.nodes[0]) == ids[-1] == max(ids)
    assert len(set(ids)) == len(ids)


def test_after_a_restart(cluster):
    """A node that was down hears of what was made meanwhile, before it makes anything itself."""
    cluster.nodes[2].kill()
    ids = make(cluster.nodes[0], 1000)
    cluster.nodes[2].start()
    cluster.whole()
    made = heard(cluster.nodes[2], max(ids))
    assert newest(cluster.nodes[1]) == made[-1] and cluster.owner(made[-1]) == 2


def told_at(client, notice):
    events = client.get(f"/secondhand/notices/{notice}/events").json()["_embedded"]["events"]
    return events[0]["time"]


def test_what_comes_of_something(cluster):
    """The notices of a reservation are on three nodes, and their ids are in the order in which they
    happened, at once: the higher one is of what came of the lower."""
    apart = 0
    for number in range(12):
        node = cluster.nodes[number % 3]
        person = f"person{number}"
        market = Secondhand(node.client(), "/secondhand")
        market.create("inventories", productid=9000 + number, productname="watch", qty=1)
        made = market.create("reserves", productid=9000 + number, productname="watch", qty=1,
                             userid=person, price=5)
        wait_until(lambda person=person: len(market.find("notices", userid=person)) == 3, 20, "notices")
        cancelled = cluster.nodes[(number + 1) % 3].client().put(
            f"/secondhand/reserves/{made['id']}/reservecancel")
        assert cancelled.status_code == 200
        wait_until(lambda person=person: len(market.find("notices", userid=person)) == 5, 20, "notices")
        notices = market.find("notices", userid=person, sort="id")
        assert [notice["status"] for notice in notices] == [
            "예약완료", "거래 진행중", "거래 진행 중 재고와 실제 거래량 일치", "예약취소",
            "예약취소로 거래취소"], notices
        times = [told_at(node.client(), notice["id"]) for notice in notices]
        assert times == sorted(times)
        apart += len({cluster.owner(notice["id"]) for notice in notices}) > 1
    assert apart > 0
