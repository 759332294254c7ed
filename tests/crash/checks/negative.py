"""No balance and no stock is ever below zero."""


def check(_record, shown, _rng):
    for account in shown.accounts:
        assert account["payAmount"] >= 0, account
    for product in shown.products:
        assert product["stockCount"] >= 0, product
