"""A6, A7: when an answer comes, and the same answer for the same key."""
from concurrent.futures import ThreadPoolExecutor
import signal

import pytest

import node as nodes
from shop import DONE, NO_MONEY, PENDING, Shop, is_problem


def fingerprint(response):
    """What must be equal byte for byte in a repeated reply."""
    headers = {name: response.headers.get(name) for name in ("Content-Type", "Location", "ETag")}
    return response.status_code, headers, response.content


@pytest.mark.parametrize("prefer", ["respond-async", "wait=0", "respond-async, wait=5"])
def test_respond_async(shop, prefer):
    """respond-async answers 201 with the durable order; its saga ends by itself."""
    shop.open()
    response = shop.order(2, headers={"Prefer": prefer})
    assert response.status_code == 201, response.text
    order = response.json()
    assert order["status"] in (PENDING, DONE)
    assert shop.settled(order["id"])["status"] == DONE
    assert shop.holdings == (997999, 998)


def test_respond_async_refusal(shop):
    """An order that is refused after an early 201 ends refused, with nothing taken."""
    shop.open(money=0)
    response = shop.order(2, headers={"Prefer": "respond-async"})
    assert response.status_code == 201
    assert shop.settled(response.json()["id"])["status"] == NO_MONEY
    assert shop.holdings == (0, 1000)


@pytest.mark.parametrize("prefer", ["wait=10", "wait=99999", "wait=abc", "wait=-1", "nonsense", "",
                                    "return=minimal", "wait"])
def test_wait(shop, prefer):
    """Any other Prefer leaves the answer what it is: the saga's outcome, since that is quick."""
    shop.open()
    response = shop.order(2, headers={"Prefer": prefer})
    assert (response.status_code, response.json()["status"]) == (201, DONE)


def test_async_cancel(shop):
    """A cancel that does not wait ends all the same, with everything given back."""
    shop.open()
    order = shop.ordered(2)
    response = shop.api.put(shop.url("orders", order["id"], "cancel"),
                            headers={"Prefer": "respond-async"})
    assert response.status_code == 200
    shop.settled(order["id"])
    assert shop.holdings == (999999, 1000)


def test_same_key_same_reply(shop):
    """The same key and payload give the stored reply, byte for byte, and have one effect."""
    shop.open()
    key = {"Idempotency-Key": f"same-{shop.user}"}
    first = shop.order(2, headers=key)
    assert first.status_code == 201
    for _ in range(3):
        assert fingerprint(shop.order(2, headers=key)) == fingerprint(first)
    assert shop.holdings == (997999, 998)
    assert len(shop.find("orders", userId=shop.user)) == 1


def test_stored_reply_is_of_its_time(shop):
    """The stored reply is what was answered then, whatever has become of the order since."""
    shop.open()
    key = {"Idempotency-Key": f"then-{shop.user}"}
    first = shop.order(2, headers=key)
    shop.cancel(first.json()["id"])
    assert fingerprint(shop.order(2, headers=key)) == fingerprint(first)
    assert shop.holdings == (999999, 1000)


def test_same_key_other_payload(shop):
    """The same key with another payload is a 422 and has no effect."""
    shop.open()
    key = {"Idempotency-Key": f"other-{shop.user}"}
    assert shop.order(2, headers=key).status_code == 201
    is_problem(shop.order(3, headers=key), 422)
    assert shop.holdings == (997999, 998)


def test_refusals_are_stored(shop):
    """A refused order is refused again with the same bytes, even when it could be served by now."""
    shop.open(money=0)
    key = {"Idempotency-Key": f"refused-{shop.user}"}
    first = shop.order(1, headers=key)
    shop.refused(first, NO_MONEY)
    shop.api.post(shop.url("pays"), {"userId": shop.user, "payAmount": 5000})
    assert fingerprint(shop.order(1, headers=key)) == fingerprint(first)
    assert shop.holdings == (5000, 1000)


def test_keyed_cancel(shop):
    """A repeated cancel with its key is the 200 of the first, not a 409."""
    shop.open()
    url = shop.url("orders", shop.ordered(1)["id"], "cancel")
    key = {"Idempotency-Key": f"cancel-{shop.user}"}
    first = shop.api.put(url, headers=key)
    assert first.status_code == 200
    assert fingerprint(shop.api.put(url, headers=key)) == fingerprint(first)
    assert shop.api.put(url).status_code == 409


def test_keyed_top_up(shop):
    """A repeated top-up with its key adds once."""
    shop.open(money=0)
    body, key = {"userId": shop.user, "payAmount": 5}, {"Idempotency-Key": f"pay-{shop.user}"}
    replies = {fingerprint(shop.api.post(shop.url("pays"), body, headers=key))[2] for _ in range(4)}
    assert len(replies) == 1
    assert shop.money == 5


def test_distinct_keys(shop):
    """Different keys are different orders."""
    shop.open()
    ids = {shop.order(1, headers={"Idempotency-Key": f"k{i}-{shop.user}"}).json()["id"]
           for i in range(5)}
    assert len(ids) == 5
    assert shop.holdings == (994999, 995)


def test_key_survives_a_bad_request(shop):
    """A 400 takes no effect, so the corrected payload may not be answered with anything but sense."""
    shop.open()
    key = {"Idempotency-Key": f"bad-{shop.user}"}
    assert shop.order("abc", headers=key).status_code == 400
    assert shop.order(1, headers=key).status_code in (201, 422)


def test_key_too_long(shop):
    """A key beyond 255 bytes is refused, with no order made."""
    shop.open()
    assert shop.order(1, headers={"Idempotency-Key": "k" * 256}).status_code == 400
    assert shop.order(1, headers={"Idempotency-Key": "k" * 200 + str(shop.user)}).status_code == 201
    assert shop.holdings == (998999, 999)


def test_idempotency_race(node, shop):
    """Of parallel requests with one key one is carried out; the others get its reply or a 409."""
    shop.open()
    body = {"productId": shop.product, "quantity": 1, "userId": shop.user}
    for i in range(10):
        key = {"Idempotency-Key": f"race{i}-{shop.user}"}

        def order(_, key=key):
            return node.client().post("/shop/orders", body, headers=key)

        with ThreadPoolExecutor(8) as pool:
            responses = list(pool.map(order, range(8)))
        stored = shop.order(1, headers=key)
        assert stored.status_code == 201
        for response in responses:
            if response.status_code == 409:
                is_problem(response, 409)
            else:
                assert fingerprint(response) == fingerprint(stored)
        assert shop.holdings == (999999 - 1000 * (i + 1), 1000 - (i + 1))


@pytest.mark.parametrize("how", ["kill -9", "SIGTERM", "SIGINT"])
def test_keys_and_state_survive_a_restart(fresh, how):
    """After any end of the node every item, key and id is there as it was."""
    shop = Shop(fresh.client(), "/shop", user=1).open(money=10000, stock=10, price=1000)
    key = {"Idempotency-Key": "restart"}
    first = shop.order(3, headers=key)
    refused = shop.order(8, headers={"Idempotency-Key": "refused"})
    canceled = shop.ordered(1)
    shop.cancel(canceled["id"])
    before = {c: shop.api.get(f"/shop/{c}").content
              for c in ("orders", "inventories", "pays", "deliveries", "mypages")}
    used = {order["id"] for order in shop.find("orders")}
    events = f"/shop/orders/{first.json()['id']}/events"
    history = shop.api.get(events).content

    if how == "kill -9":
        fresh.kill()
    else:
        fresh.stop(signal.SIGTERM if how == "SIGTERM" else signal.SIGINT)
    fresh.start()

    shop.api = fresh.client()
    assert {c: shop.api.get(f"/shop/{c}").content for c in before} == before
    assert shop.api.get(events).content == history
    assert fingerprint(shop.order(3, headers=key)) == fingerprint(first)
    assert fingerprint(shop.order(8, headers={"Idempotency-Key": "refused"})) == fingerprint(refused)
    is_problem(shop.order(4, headers=key), 422)
    assert shop.holdings == (7000, 7)
    assert shop.ordered(1)["id"] not in used


def test_restart_is_clean_for_verify(fresh):
    """`dure verify` finds nothing wrong with a directory that was stopped, or killed and reopened."""
    shop = Shop(fresh.client(), "/shop", user=1).open()
    for _ in range(20):
        shop.cancel(shop.ordered(1)["id"])
    fresh.kill()
    fresh.start()
    fresh.stop()
    checked = nodes.dure("verify", fresh.data)
    assert checked.returncode == 0, checked.stdout + checked.stderr
