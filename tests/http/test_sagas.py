"""/sagas: a saga that cannot go on is parked and shown; a person makes it go on."""
import collections
import re

import pytest

import node as nodes
from shop import CANCELED, CANCELING, DONE, Shop, is_problem

MAX = 10**15  # What an account can hold.


@pytest.fixture
def shop(fresh):
    return Shop(fresh.client(), "/shop", user=1)


def sagas(api):
    response = api.get("/sagas")
    assert response.status_code == 200
    return response.json()["_embedded"]["sagas"]


def states(api):
    """How many sagas /metrics counts in each state; all types together, without zeros."""
    counts = collections.Counter()
    for state, count in re.findall(r'^dure_sagas\{type="[^"]+",state="(\w+)"\} (\d+)$',
                                   api.get("/metrics").text, re.M):
        counts[state] += int(count)
    return dict(+counts)


@pytest.fixture
def parked(shop):
    """A cancellation whose money has no room in the account, which was filled up meanwhile. Returns
    (shop, order id, the saga's item)."""
    order = shop.open(money=1000, stock=10, price=1000).ordered(1)["id"]
    shop.create("pays", userId=1, payAmount=MAX)
    response = shop.api.put(shop.url("orders", order, "cancel"), headers={"Prefer": "wait=0"})
    assert response.json()["status"] == CANCELING
    saga, = sagas(shop.api)
    return shop, order, saga


def make_room(shop):
    assert shop.ordered(1)["status"] == DONE


def push(shop, saga, rel, method="POST"):
    """Pushes a parked saga by its link: 202, and the Location is the saga itself."""
    response = shop.api(method, saga["_links"][rel]["href"])
    assert response.status_code == 202
    assert response.headers["Location"] == saga["_links"]["self"]["href"]
    assert response.json()["id"] == saga["id"]


def is_parked(shop, saga):
    return shop.api.get(saga["_links"]["self"]["href"]).json().get("parked")


def test_parked(parked):
    """It is listed with where it stands, since when and why, and shown the same by itself."""
    shop, order, saga = parked
    assert saga["type"] == "shop.cancel-saga" and saga["data"]["orderId"] == order
    assert saga["parked"] is True and saga["phase"] == "forward" and saga["step"] == "money"
    assert saga["reason"] == f"the balance would exceed {MAX}"
    assert saga["since"] and saga["started"]
    alone = shop.api.get(saga["_links"]["self"]["href"])
    assert alone.status_code == 200 and alone.json() == saga
    head = shop.api("HEAD", saga["_links"]["self"]["href"])
    assert (head.status_code, head.content) == (200, b"")
    assert shop.holdings == (MAX, 10)  # The stock is back; nothing is above what can be held.


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_retry(parked, method):
    """A retry that is refused again parks again; when the reason is gone, it goes through, once."""
    shop, order, saga = parked
    push(shop, saga, "retry", method)
    nodes.wait_until(lambda: is_parked(shop, saga))
    make_room(shop)
    push(shop, saga, "retry", method)
    assert shop.settled(order)["status"] == CANCELED
    assert shop.holdings == (MAX, 9)
    assert sagas(shop.api) == []
    for rel in ("self", "retry", "skip"):
        verb = "GET" if rel == "self" else method
        is_problem(shop.api(verb, saga["_links"][rel]["href"]), 404)


def test_skip(parked):
    """A skipped step counts as done: the money stays away, and the rest follows."""
    shop, order, saga = parked
    push(shop, saga, "skip")
    assert shop.settled(order)["status"] == CANCELED
    assert shop.holdings == (MAX, 10)
    assert sagas(shop.api) == []


@pytest.mark.parametrize("rel", ["retry", "skip"])
def test_pushes_at_once(parked, fresh, rel):
    """Many pushes at once do no more than one."""
    shop, order, saga = parked
    make_room(shop)
    target = saga["_links"][rel]["href"].encode()
    with fresh.raw() as sock:
        sock.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" % target * 20
                     + b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        data = b""
        while piece := sock.recv(65536):
            data += piece
    statuses = {part[:3] for part in data.split(b"HTTP/1.1 ")[1:]}
    assert b"202" in statuses and statuses <= {b"202", b"404", b"409", b"200"}
    assert shop.settled(order)["status"] == CANCELED
    assert shop.holdings == (MAX if rel == "retry" else MAX - 1000, 9)


def test_parked_over_a_restart(parked, fresh):
    """It is still parked after a crash and after a stop, and then goes on as ever."""
    shop, order, saga = parked
    for end in (fresh.kill, fresh.stop):
        end()
        fresh.start()
        assert sagas(shop.api) == [saga]
        assert states(shop.api) == {"parked": 1}
    make_room(shop)
    push(shop, saga, "retry")
    assert shop.settled(order)["status"] == CANCELED
    assert states(shop.api) == {}
    fresh.stop()
    verified = nodes.dure("verify", fresh.data)
    assert verified.returncode == 0, verified.stdout


def test_skip_and_verify(parked, fresh):
    """Money that a person has left out on purpose is no damage."""
    shop, order, saga = parked
    push(shop, saga, "skip")
    shop.settled(order)
    fresh.kill()
    fresh.start()
    assert shop.holdings == (MAX, 10)
    fresh.stop()
    verified = nodes.dure("verify", fresh.data)
    assert verified.returncode == 0, verified.stdout


def test_methods(parked):
    """Each path says what it takes; whether the saga is there is not asked."""
    shop, _, saga = parked
    for rel, allow in (("self", "GET, HEAD, OPTIONS"), ("retry", "POST, PUT, OPTIONS"),
                       ("skip", "POST, PUT, OPTIONS")):
        url = saga["_links"][rel]["href"]
        options = shop.api("OPTIONS", url)
        assert (options.status_code, options.headers["Allow"]) == (204, allow)
        is_problem(shop.api("DELETE", url), 405)
        is_problem(shop.api("GET" if rel != "self" else "POST", url), 405)
    is_problem(shop.api.get(saga["_links"]["self"]["href"], headers={"Accept": "text/html"}), 406)


@pytest.mark.parametrize("path", ["/sagas/shop.cancel-saga/7", "/sagas/shop.order-saga/7",
                                  "/sagas/shop.order/1", "/sagas/x/1", "/sagas/shop.cancel-saga"])
def test_no_such_saga(shop, path):
    """What is not under way, and what is no saga, is a 404."""
    shop.open().ordered(1)
    is_problem(shop.api.get(path), 404)
    is_problem(shop.api.post(path + "/retry"), 404)


def test_stop_with_a_command_that_waits(parked, fresh):
    """A command that waits for a parked saga is answered with the pending state at the drain limit;
    the saga is still there at the next start."""
    shop, _, _ = parked
    fresh.stop()
    fresh.args = ("--drain-ms", "300")
    fresh.start()
    make_room(shop)
    order = shop.ordered(1, productId=shop.product)["id"]
    shop.create("pays", userId=1, payAmount=2000)
    with fresh.raw() as sock:
        sock.sendall(b"PUT /shop/orders/%d/cancel HTTP/1.1\r\nHost: x\r\nPrefer: wait=30\r\n"
                     b"Content-Length: 0\r\n\r\n" % order)
        nodes.wait_until(lambda: len(sagas(shop.api)) == 2)
        shop.api.session.close()
        fresh.stop()
        answer = b""
        while piece := sock.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 200 ") and CANCELING.encode() in answer
    assert b"\r\nConnection: close\r\n" in answer
    fresh.start()
    assert [saga["parked"] for saga in sagas(shop.api)] == [True, True]
