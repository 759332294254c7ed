"""Money is conserved: each account has what was paid in, less what its completed order cost."""
from recording import MONEY, PRICE
from shop import DONE


def check(_record, shown, _rng):
    for account in shown.accounts:
        order = shown.order_of(account["userId"])
        spent = order["quantity"] * PRICE if order and order["status"] == DONE else 0
        assert account["payAmount"] == MONEY - spent, (account, order)
