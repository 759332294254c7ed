"""Pieces are conserved: each product has what it began with, less what completed orders took."""
from shop import DONE


def check(record, shown, _rng):
    left = dict(record.stock)
    for order in shown.orders:
        if order["status"] == DONE:
            left[order["productId"]] -= order["quantity"]
    assert {item["id"]: item["stockCount"] for item in shown.products} == left
