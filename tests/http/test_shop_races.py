"""SPEC G under contention: racing buyers and cancellers, with every sum conserved."""
import collections
from concurrent.futures import ThreadPoolExecutor
import random
import threading
import time

from shop import CANCELED, DONE, NO_MONEY, NO_STOCK

PATIENCE_S = 120  # Of a machine that is busy with something else, under a sanitizer.


def at_once(node, count, work):
    """Runs work(client, i) on `count` threads that start together; returns the results in order."""
    barrier = threading.Barrier(count)

    def one(i):
        client = node.client()
        client.get("/livez")  # The connection is open before the start.
        barrier.wait()
        return work(client, i)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def until_killed(node, count, work, at_least=13):
    """Runs work(client, i, done) on `count` threads over and over, until the first of them has put
    `at_least` things into its `done`: then the node is killed. Returns the `done` of all, as one list.

    Whoever fails kills the node, too, so that the others do not go on for ever.
    """
    deadline = time.monotonic() + PATIENCE_S

    def one(client, i):
        done = []
        try:
            while i != 0 or len(done) < at_least:
                assert time.monotonic() < deadline, f"{len(done)} of {at_least} in {PATIENCE_S} s"
                work(client, i, done)
        except (OSError, ValueError):  # The node is dead.
            pass
        finally:
            node.process.kill()
        return done

    done = [item for items in at_once(node, count, one) for item in items]
    node.kill()
    return done


def test_race_for_the_last_ten(node, shop):
    """Of two that race for the last 10 one ships and the other is refused and refunded: stock 0."""
    for _ in range(10):
        shop.open(money=20000, stock=10, price=1000)

        order = {"productId": shop.product, "quantity": 10, "userId": shop.user}
        responses = at_once(node, 2, lambda client, i: client.post("/shop/orders", order))
        assert sorted(r.status_code for r in responses) == [201, 409]
        loser = next(r for r in responses if r.status_code == 409)
        shop.refused(loser, NO_STOCK)
        assert shop.stock == 0
        shipped = shop.deliveries()
        assert [d["quantity"] for d in shipped] == [10]
        # One account through all rounds: each leaves 10000 of its 20000.
        assert shop.money % 10000 == 0
    assert shop.money == 100000


def test_race_of_two_users_for_the_last_ten(node, shop):
    """The user who loses the race has all of their money back; the winner has paid once."""
    shop.open(money=10000, stock=10, price=1000)
    rival = shop.user + 500_000
    shop.create("pays", userId=rival, payAmount=10000)
    responses = at_once(node, 2, lambda client, i: client.post("/shop/orders", {
        "productId": shop.product, "quantity": 10, "userId": [shop.user, rival][i]}))
    assert sorted(r.status_code for r in responses) == [201, 409]
    won = [r.status_code == 201 for r in responses]
    assert [shop.find("pays", userId=user)[0]["payAmount"] for user in (shop.user, rival)] == [
        0 if winner else 10000 for winner in won]
    assert shop.stock == 0


def test_race_of_cancels(node, shop):
    """Of many cancels of one order exactly one succeeds, and there is exactly one refund."""
    shop.open(money=10000, stock=10, price=1000)
    for _ in range(5):
        order = shop.ordered(4)
        url = shop.url("orders", order["id"])

        def cancel(client, i):
            if i % 3 == 0:
                return client.delete(url)
            if i % 3 == 1:
                return client.patch(url, {"status": CANCELED})
            return client.put(url + "/cancel")

        codes = collections.Counter(r.status_code for r in at_once(node, 12, cancel))
        assert codes[200] + codes[204] == 1 and codes[409] == 11, codes
        assert shop.settled(order["id"])["status"] == CANCELED
        assert shop.holdings == (10000, 10)


def test_race_of_many_buyers(node, shop):
    """Buyers and cancellers on few products and accounts: no sum of money or stock ever changes."""
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    price, users, products = 1000, 4, 3
    accounts = [shop.user + 600_000 + i for i in range(users)]
    for user in accounts:
        shop.create("pays", userId=user, payAmount=40 * price)
    stock = [shop.create("inventories", stockName="p", stockCount=50, price=price)["id"]
             for _ in range(products)]

    def trade(client, i):
        rng = random.Random(seed + i)
        for _ in range(25):
            response = client.post("/shop/orders", {
                "productId": rng.choice(stock), "quantity": rng.randint(1, 6),
                "userId": rng.choice(accounts)})
            assert response.status_code in (201, 409), response.text
            if response.status_code == 201 and rng.random() < 0.4:
                url = f"/shop/orders/{response.json()['id']}/cancel"
                assert client.put(url).status_code == 200
        return True

    assert all(at_once(node, 12, trade))
    balances = [shop.find("pays", userId=user)[0]["payAmount"] for user in accounts]
    counts = [shop.get("inventories", product)["stockCount"] for product in stock]
    orders = [order for product in stock for order in shop.find("orders", productId=product)]
    done = [order for order in orders if order["status"] == DONE]
    assert min(balances) >= 0 and min(counts) >= 0
    assert {o["status"] for o in orders} <= {DONE, CANCELED, NO_MONEY, NO_STOCK}
    sold = sum(order["quantity"] for order in done)
    assert sum(counts) + sold == 50 * products
    assert sum(balances) + sold * price == 40 * price * users
    shipping = [d for product in stock
                for d in shop.find("deliveries", productId=product, status="배송중")]
    assert sorted(d["orderId"] for d in shipping) == sorted(o["id"] for o in done)


def test_race_of_top_ups(node, shop):
    """Parallel first top-ups of one user end in one account that holds all of them."""
    user = shop.user + 700_000
    responses = at_once(node, 10, lambda client, i: client.post(
        "/shop/pays", {"userId": user, "payAmount": 100}))
    assert {r.status_code for r in responses} == {201}
    account, = shop.find("pays", userId=user)
    assert account["payAmount"] == 1000
