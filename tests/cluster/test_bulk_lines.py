"""Bulk requests at a cluster: results in the order of their lines, each line at the node of its key.

What a line takes from other nodes it takes when it gets there: which of two lines has the last unit
is not said, so tests that count on it are left out.
"""
import json

from test_bulk import *  # noqa: F403
from test_bulk import bulk, NDJSON
from shop import Shop

del test_outcomes_in_bulk, test_ten_thousand_lines_streamed  # noqa: F821


def test_ten_thousand_orders(node, shop):
    """All lines have their result at their place, whatever nodes they need; the sums are right."""
    shop.open(money=10_000, stock=9_500, price=1)
    lines = b"".join(json.dumps({"productId": shop.product, "quantity": 1, "userId": shop.user,
                                 "address": f"line {i}"}).encode() + b"\n" for i in range(10_000))
    response = node.client()("POST", "/shop/orders", data=lines,
                             headers={**NDJSON, "Prefer": "wait=30"}, timeout=120)
    results = [json.loads(line) for line in response.content.decode().splitlines()]
    assert len(results) == 10_000
    assert sum(r["status"] == 201 for r in results) == 9_500
    assert sum(r["status"] == 409 for r in results) == 500
    assert shop.holdings == (500, 0)
    ids = [r["id"] for r in results]
    assert len(set(ids)) == 10_000 and ids == sorted(ids)


def test_keyed_lines_at_every_node(node, shop):
    """Accounts of one bulk lie on all nodes; every line's item is what GET shows afterwards."""
    users = range(shop.user * 1000, shop.user * 1000 + 300)
    results = bulk(shop.api, "/shop/pays", [{"userId": u, "payAmount": u} for u in users])
    assert [(r["status"], r["item"]["userId"], r["item"]["payAmount"]) for r in results] == [
        (201, u, u) for u in users]
    assert len({node.owner(r["id"]) for r in results}) == 3
    for result in results[::37]:
        assert shop.get("pays", result["id"]) == result["item"]
    again = bulk(shop.api, "/pays", [{"userId": u, "payAmount": 1} for u in users])
    assert [r["id"] for r in again] == [r["id"] for r in results]
    wrong = bulk(shop.api, "/pays", [{"userId": u, "payAmount": -1} for u in users[:6]])
    assert [(r["status"], r["problem"]["errors"][0]["field"]) for r in wrong] == [
        (400, "payAmount")] * 6


def test_orders_lie_where_their_products_do(node, api):
    """An order is made on its product's node, from any door and from bulk, so that most of it is one record."""
    shops = [Shop(api, "/shop", user=9_000_000 + i).open(stock=100) for i in range(9)]
    assert len({node.owner(shop.product) for shop in shops}) == 3
    for shop in shops:
        for _ in range(3): # At each of the nodes.
            assert node.owner(shop.ordered(1)["id"]) == node.owner(shop.product)
        keyed = shop.order(1, headers={"Idempotency-Key": f"of {shop.product}"})
        assert keyed.status_code == 201, keyed.text # Where its key is kept, which may be elsewhere.
    results = bulk(api, "/shop/orders", [{"productId": shop.product, "quantity": 1, "userId": shop.user}
                                         for shop in shops] * 3)
    assert [node.owner(r["id"]) for r in results] == [node.owner(shop.product) for shop in shops] * 3
    assert [shop.holdings[1] for shop in shops] == [93] * 9
