"""Each effect once: one order, one account and one delivery where one was asked for."""


def check(_record, shown, _rng):
    unique("orders of a user", [order["userId"] for order in shown.orders])
    unique("accounts of a user", [account["userId"] for account in shown.accounts])
    unique("deliveries of an order", [delivery["orderId"] for delivery in shown.deliveries])
    for name in ("orders", "accounts", "products", "deliveries"):
        unique(f"ids of {name}", [item["id"] for item in getattr(shown, name)])


def unique(what, values):
    seen = set()
    for value in values:
        assert value not in seen, f"two {what} {value}"
        seen.add(value)
