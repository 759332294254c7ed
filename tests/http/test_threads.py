"""Everything at once that runs on threads of its own: commits, checkpoints, lists, histories. Under
the thread sanitizer this is where they meet; else it is a test that they do not disturb each other."""
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import node as nodes
from shop import CANCELED, DONE, Shop


def number(api, name):
    return int(re.search(rf"^{name} (\d+)$", api.get("/metrics").text, re.M).group(1))


@pytest.fixture
def small(tmp_path):
    """A node with so little memory that actors come and go all the time."""
    running = nodes.Node(tmp_path / "data", "--memory-mb", "1").start()
    yield running
    running.stop()


def test_threads_meet(small):
    """While orders are placed and cancelled and checkpoints are written, lists and histories are
    read, each right in itself; afterwards the sums fit and the directory is sound."""
    shop = Shop(small.client(), "/shop", user=1).open(money=10**9, stock=10**6, price=1)
    lines = b'{"productId":%d,"quantity":1,"userId":1}\n' % shop.product * 400
    over = threading.Event()
    rounds = []

    def write():
        mine = Shop(small.client(), "/shop", user=1)
        mine.product = shop.product
        while not over.is_set():
            answer = mine.api.post("/shop/orders", data=lines,
                                   headers={"Content-Type": "application/x-ndjson"})
            assert answer.content.count(b'"status":201') == 400
            order = mine.ordered(2)["id"]
            assert mine.cancel(order).json()["status"] == CANCELED
            rounds.append(order)

    def read(query):
        api = small.client()
        done = 0
        while not over.is_set():
            response = api.get(f"/shop/orders?size=50&{query}")
            assert response.status_code == 200
            for order in response.json()["_embedded"]["orders"][:3]:
                history = api.get(f"/shop/orders/{order['id']}/events")
                names = [event["data"]["eventType"]
                         for event in history.json()["_embedded"]["events"]]
                assert names[0] == "OrderPlaced"
                done += 1
        return done

    with ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(write) for _ in range(2)]
        readers = [pool.submit(read, query) for query in (
            "sort=id,desc", "sort=price,quantity,desc", f"status={DONE}&userId=1", "after=100")]
        try:
            nodes.wait_until(lambda: number(shop.api, "dure_checkpoints_total") >= 30 and
                             number(shop.api, "dure_actors_loaded_total") > 0 and
                             len(rounds) >= 10, 60, "checkpoints")
        finally:
            over.set()
        assert all(reader.result() > 0 for reader in readers)
        for writer in writers:
            writer.result()
    assert shop.holdings == (10**9 - 400 * len(rounds), 10**6 - 400 * len(rounds))
    small.stop()
    assert nodes.dure("verify", small.data).returncode == 0
    small.start()
    assert shop.holdings == (10**9 - 400 * len(rounds), 10**6 - 400 * len(rounds))
