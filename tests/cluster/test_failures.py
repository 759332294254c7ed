"""Nodes that are stopped, killed and continued: what the others answer meanwhile, and afterwards."""
import json
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import node as nodes
from cluster import Cluster
from node import wait_until
from shop import DONE, Shop, is_problem, path_of

# Silence for so long and a node is down (runtime/bounds.h); then nobody waits for it.
SILENCE_S = 0.6
AT_ONCE_S = 0.3


@pytest.fixture
def three(tmp_path):
    """A cluster of this test's own; a node that the test has left dead stays so."""
    cluster = Cluster(tmp_path / "cluster").start()
    yield cluster
    for one in cluster.nodes:
        if one.process is not None:
            os.kill(one.pid, signal.SIGCONT)
    cluster.check()
    cluster.stop()


def shop_at(cluster, number, owner, user):
    """A shop whose product and account lie at node `owner`, used through node `number`."""
    while cluster.owner(user) != owner:
        user += 1
    shop = Shop(cluster.nodes[owner].client(), "/shop", user=user).open(money=10_000, stock=10)
    assert cluster.owner(shop.product) == cluster.owner(shop.account) == owner
    shop.api = cluster.nodes[number].client()
    return shop


def timed(call):
    began = time.monotonic()
    response = call()
    return response, time.monotonic() - began


def is_down(response, number):
    """503 with Retry-After, and a problem that names the node."""
    problem = is_problem(response, 503)
    assert f"node {number}" in problem["detail"]
    assert int(response.headers["Retry-After"]) >= 1
    return problem


def hears_no_more(client, number):
    """True once lists say that the node is missing."""
    return client.get("/shop/inventories").headers.get("Dure-Partial") == f"nodes {number}"


@pytest.mark.alone
def test_a_killed_node(three):
    """Its shards answer 503 at once, all else goes on, and after its restart all is there."""
    shop = shop_at(three, 0, owner=2, user=1000)
    order = shop.ordered(1)
    three.nodes[2].kill()
    wait_until(lambda: hears_no_more(shop.api, 2), what="the end to be noticed")

    for call in (lambda: shop.api.get(shop.url("pays", shop.account)),
                 lambda: shop.api.patch(shop.url("inventories", shop.product), {"price": 2}),
                 lambda: shop.api.delete(shop.url("inventories", shop.product)),
                 lambda: shop.api.post("/shop/pays", {"userId": shop.user, "payAmount": 1}),
                 lambda: shop.api.get(shop.url("pays", shop.account, "events"))):
        response, took = timed(call)
        is_down(response, 2)
        assert took < AT_ONCE_S

    other = shop_at(three, 0, owner=1, user=2000)
    assert other.ordered(3)["status"] == DONE
    assert other.holdings == (7000, 7)
    waiting = shop.order(2, headers={"Prefer": "wait=1"})
    assert waiting.status_code == 201 and waiting.json()["status"] != DONE
    assert three.owner(waiting.json()["id"]) == 0 # Taken all the same, but not where its product is.

    three.nodes[2].start()
    three.whole()
    assert shop.settled(waiting.json()["id"])["status"] == DONE
    assert shop.holdings == (7000, 7)
    assert shop.get("orders", order["id"])["status"] == DONE


@pytest.mark.alone
def test_a_stopped_node(three):
    """A node that says nothing is down within a second; continued, it is up and nothing is doubled."""
    shop = shop_at(three, 1, owner=0, user=3000)
    os.kill(three.nodes[0].pid, signal.SIGSTOP)
    began = time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda i: timed(lambda: three.nodes[1 + i % 2].client().get(
            shop.url("pays", shop.account))), range(20)))
    for response, took in answers:
        is_down(response, 0)
        assert took < SILENCE_S + AT_ONCE_S
    response, took = timed(lambda: shop.api.get(shop.url("pays", shop.account)))
    is_down(response, 0)
    assert took < AT_ONCE_S and time.monotonic() - began < 3

    waiting = shop.order(4, headers={"Prefer": "respond-async"}).json()
    os.kill(three.nodes[0].pid, signal.SIGCONT)
    three.whole()
    assert shop.settled(waiting["id"])["status"] == DONE
    assert shop.holdings == (6000, 6)


def test_lists_without_a_node(three):
    """A list says which nodes are missing, and shows what the others have."""
    made = [three.nodes[i % 3].client().post("/shop/inventories", {
        "stockName": f"n{i}", "stockCount": i, "price": 1}).json() for i in range(30)]
    three.nodes[1].kill()
    client = three.nodes[0].client()
    wait_until(lambda: hears_no_more(client, 1), what="the end to be noticed")
    there = sorted(item["id"] for item in made if three.owner(item["id"]) != 1)
    for number in (0, 2):
        response = three.nodes[number].client().get("/shop/inventories?size=100&sort=id")
        body = response.json()
        assert response.status_code == 200
        assert response.headers["Dure-Partial"] == "nodes 1"
        assert body["page"] == {"size": 100, "totalElements": len(there), "totalPages": 1,
                                "number": 0, "partial": True}
        assert [item["id"] for item in body["_embedded"]["inventories"]] == there

    three.nodes[2].kill()
    wait_until(lambda: client.get("/shop/inventories").headers["Dure-Partial"] == "nodes 1, 2",
               what="both ends to be noticed")
    sagas = client.get("/sagas")
    assert sagas.status_code == 200 and sagas.headers["Dure-Partial"] == "nodes 1, 2"
    assert sagas.json()["_embedded"] == {"sagas": []} and sagas.json()["page"] == {"partial": True}

    three.nodes[1].start()
    three.nodes[2].start()
    three.whole()
    response = client.get("/shop/inventories?size=100")
    assert "partial" not in response.json()["page"]
    assert response.json()["page"]["totalElements"] == 30


def test_a_node_dies_while_lists_are_read(three):
    """Whenever a node dies, a list is either whole or says that it is not."""
    for i in range(60):
        three.nodes[i % 3].client().post("/shop/inventories", {
            "stockName": f"n{i}", "stockCount": i, "price": 1})
    stop = threading.Event()

    def read(number):
        client, seen = three.nodes[number].client(), set()
        while not stop.is_set():
            response = client.get("/shop/inventories?size=100&sort=price")
            assert response.status_code == 200
            count = len(response.json()["_embedded"]["inventories"])
            partial = response.headers.get("Dure-Partial")
            assert (partial is None) == (count == 60) and count >= 40
            seen.add(partial)
        return seen

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read, number) for number in (0, 2)]
        for _ in range(3):
            three.nodes[1].kill()
            wait_until(lambda: hears_no_more(three.nodes[0].client(), 1))
            three.nodes[1].start()
            three.whole()
        stop.set()
        for reader in readers:
            assert reader.result() == {None, "nodes 1"}


def test_parked_sagas_of_all_nodes(three):
    """/sagas shows those of every node in one order, asked of any; each can be looked at anywhere."""
    shop = shop_at(three, 0, owner=2, user=4000)
    three.nodes[2].kill()
    wait_until(lambda: hears_no_more(shop.api, 2), what="the end to be noticed")
    ids = []
    for i in range(6):
        answer = three.nodes[i % 2].client().post(
            "/shop/orders", {"productId": shop.product, "quantity": 1, "userId": shop.user},
            headers={"Prefer": "respond-async"})
        assert answer.status_code == 201
        ids.append(answer.json()["id"])
    for number in (0, 1):
        client = three.nodes[number].client()
        sagas = client.get("/sagas").json()["_embedded"]["sagas"]
        assert [saga["id"] for saga in sagas] == sorted(ids)
        for saga in sagas:
            one = client.get(saga["_links"]["self"]["href"])
            assert (one.status_code, one.json()) == (200, saga)
    three.nodes[2].start()
    three.whole()
    for order in ids:
        assert shop.settled(order)["status"] == DONE
    assert shop.holdings == (4000, 4)
    assert wait_until(lambda: shop.api.get("/sagas").json()["_embedded"] == {"sagas": []})


def test_a_key_at_another_node(three):
    """An Idempotency-Key finds its first reply at every node, also after restarts of all nodes."""
    shop = shop_at(three, 0, owner=1, user=5000)
    body = {"productId": shop.product, "quantity": 1, "userId": shop.user}

    def ordered(number, key, quantity=1):
        return three.nodes[number].client().post(
            "/shop/orders", {**body, "quantity": quantity},
            headers={"Idempotency-Key": key, "Host": "shop.example"})

    first = {key: ordered(i % 3, key) for i, key in enumerate(f"key-{k}" for k in range(6))}
    assert all(response.status_code == 201 for response in first.values())
    for _ in range(2):
        for number in range(3):
            for key, response in first.items():
                again = ordered(number, key)
                assert (again.status_code, again.content) == (201, response.content)
                assert again.headers["Location"] == response.headers["Location"]
            is_problem(ordered(number, "key-0", quantity=2), 422)
        assert shop.holdings == (4000, 4)
        three.kill()
        three.start()
        shop.api = three.nodes[0].client()
    top_up = [three.nodes[n].client().post("/shop/pays", {"userId": shop.user, "payAmount": 5},
                                           headers={"Idempotency-Key": "top", "Host": "x"})
              for n in range(3)]
    assert len({answer.content for answer in top_up}) == 1 and shop.money == 4005
    cancels = [three.nodes[n].client().put(shop.url("orders", first["key-1"].json()["id"], "cancel"),
                                           headers={"Idempotency-Key": "no", "Host": "x"})
               for n in range(3)]
    assert len({answer.content for answer in cancels}) == 1 and cancels[0].status_code == 200
    assert shop.holdings == (5005, 5)


def test_a_key_race_over_nodes(three):
    """Of one key sent to all nodes at once, one order comes about; the others say 409 or the same."""
    shop = shop_at(three, 0, owner=2, user=6000)
    for race in range(10):
        barrier = threading.Barrier(9)

        def one(i, race=race, barrier=barrier):
            client = three.nodes[i % 3].client()
            client.get("/livez")
            barrier.wait()
            return client.post("/shop/orders", {"productId": shop.product, "quantity": 1,
                                                "userId": shop.user},
                               headers={"Idempotency-Key": f"race {race}", "Host": "x"})

        with ThreadPoolExecutor(9) as pool:
            answers = list(pool.map(one, range(9)))
        made = {answer.content for answer in answers if answer.status_code == 201}
        assert len(made) == 1
        assert all(answer.status_code in (201, 409) for answer in answers)
        assert shop.holdings == (10_000 - 1000 * (race + 1), 10 - (race + 1))


def test_kills_under_load(three):
    """Orders at all nodes while one after the other is killed: each unit is sold and paid once."""
    shop = Shop(three.client(), "/shop", user=7000).open(money=10**9, stock=10**6, price=10)
    stop, answered = threading.Event(), []

    def buy(worker):
        turn = 0
        while not stop.is_set():
            key = f"{worker}-{turn}"
            for attempt in range(1000):
                try:
                    answer = three.nodes[(worker + attempt) % 3].client().post(
                        "/shop/orders", {"productId": shop.product, "quantity": 1,
                                         "userId": shop.user},
                        headers={"Idempotency-Key": key, "Prefer": "wait=5"}, timeout=20)
                    if answer.status_code in (201, 422):
                        break
                    assert answer.status_code in (503, 409), answer.text
                except OSError:
                    pass
                time.sleep(0.02)  # What Retry-After asks for, but shorter.
            assert answer.status_code == 201, answer.text
            answered.append(answer.json()["id"])
            turn += 1

    with ThreadPoolExecutor(6) as pool:
        buyers = [pool.submit(buy, worker) for worker in range(6)]
        for i in range(6):
            count = len(answered)
            wait_until(lambda count=count: len(answered) > count + 20, 60, "orders to go on")
            three.nodes[i % 3].kill()
            three.nodes[i % 3].start()
        count = len(answered)
        wait_until(lambda: len(answered) > count + 20, 60, "orders to go on")
        stop.set()
        for buyer in buyers:
            buyer.result()
    three.whole()
    assert len(set(answered)) == len(answered)
    for order in answered:
        assert shop.settled(order)["status"] == DONE
    sold = 10**6 - shop.stock
    assert shop.money == 10**9 - 10 * sold
    orders = shop.api.get("/shop/orders?size=1").json()["page"]["totalElements"]
    assert sold == orders == len(answered)


def test_directories_are_clean_afterwards(three):
    """`dure verify` finds nothing wrong with any node's directory after kills between nodes; and
    `dure rebuild` keeps what it knows of messages, so that none takes effect again."""
    shop = Shop(three.client(), "/shop", user=8000).open()
    for _ in range(20):
        shop.cancel(shop.ordered(1)["id"])
    three.kill()
    three.start()
    three.stop()
    for one in three.nodes:
        checked = nodes.dure("verify", one.data)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        rebuilt = nodes.dure("rebuild", one.data)
        assert rebuilt.returncode == 0, rebuilt.stderr
        assert nodes.dure("verify", one.data).returncode == 0
    three.start()
    shop.ordered(2)
    assert shop.holdings == (997999, 998)
    assert shop_at(three, 0, owner=1, user=8100).holdings == (10_000, 10)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_forwarded_requests_look_like_local_ones(three, number):
    """Conditions, CORS, HEAD, media types and errors are the same through any node."""
    shop = shop_at(three, number, owner=1, user=9000 + 100 * number)
    path = shop.url("inventories", shop.product)
    got = shop.api.get(path, headers={"Origin": "http://ui.example"})
    assert got.headers["Access-Control-Allow-Origin"] == "http://ui.example"
    assert got.headers["Content-Type"] == "application/hal+json"
    assert shop.api.get(path, headers={"Accept": "application/json"}
                        ).headers["Content-Type"] == "application/json"
    tag = got.headers["ETag"]
    assert shop.api.get(path, headers={"If-None-Match": tag}).status_code == 304
    head = shop.api("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == got.headers["Content-Length"]
    assert shop.api.patch(path, {"price": 5}, headers={"If-Match": tag}).status_code == 200
    is_problem(shop.api.patch(path, {"price": 6}, headers={"If-Match": tag}), 412)
    is_problem(shop.api.patch(path, {"price": "abc"}), 400)
    is_problem(shop.api("PATCH", path, data="{}", headers={"Content-Type": "text/plain"}), 415)
    is_problem(shop.api.get(path + "000001"), 404)
    is_problem(shop.api("PATCH", path, data="x" * 2_000_000,
                        headers={"Content-Type": "application/json"}), 413)
    moved = shop.api.get(path, headers={"X-Forwarded-Host": "shop.example",
                                        "X-Forwarded-Proto": "https"}).json()
    assert moved["_links"]["self"]["href"] == "https://shop.example" + path
    created = shop.api.post("/shop/pays", {"userId": shop.user, "payAmount": 1})
    assert path_of(created.headers["Location"]) == shop.url("pays", shop.account)
    long = "x" * 900_000
    answer = shop.api.patch(path, {"nonsense": long, "price": 7})
    assert answer.status_code == 200 and answer.json()["price"] == 7


def test_a_long_history_travels(three):
    """An answer that takes many frames arrives whole from another node."""
    shop = Shop(three.nodes[2].client(), "/shop", user=9500).open(money=2000, stock=2000, price=1)
    order = {"productId": shop.product, "quantity": 1, "userId": shop.user}
    answer = shop.api("POST", "/shop/orders", data=b"".join([json.dumps(order).encode() + b"\n"] * 2000),
                      headers={"Content-Type": "application/x-ndjson", "Prefer": "wait=30"}, timeout=120)
    assert [json.loads(line)["status"] for line in answer.text.splitlines()] == [201] * 2000
    path = shop.url("inventories", shop.product, "events")
    here, there = (three.nodes[n].client().get(path, headers={"Host": "x"}) for n in (2, 1))
    assert here.content == there.content and len(there.content) > 600_000
    assert len(there.json()["_embedded"]["events"]) == 2000
