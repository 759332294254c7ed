"""Sagas: a parked one is shown with its picture and its reason, and a person makes it go on."""

MAX = 10**15


def park(api, user, name="Vase"):
    """A refund with no room in the account: the account, the product, the order."""
    account = api.post("/shop/pays", {"userId": user, "payAmount": 1000}).json()["id"]
    product = api.post("/shop/inventories", {"stockName": name, "stockCount": 9, "price": 1000}).json()["id"]
    order = api.post("/shop/orders", {"productId": product, "quantity": 1, "userId": user}).json()["id"]
    api.post("/shop/pays", {"userId": user, "payAmount": MAX})
    api.put(f"/shop/orders/{order}/cancel", headers={"Prefer": "wait=0"})
    return account, product, order


def test_a_parked_saga_is_retried(node, open_browser, api):
    """A refund with no room in the account parks; after room is made, a click on retry ends it."""
    account, product, order = park(api, 9001)
    browser = open_browser(node.url).go("sagas")
    card = f'[data-saga="shop.cancel-saga/{order}"]'
    browser.see(f'{card}[data-parked="true"]')
    browser.reads(card, "the balance would exceed", "money")
    browser.see('[data-kind="shop.order-saga"]')
    browser.shot("sagas")
    api.post("/shop/orders", {"productId": product, "quantity": 2, "userId": 9001})
    browser.click(f'{card} [data-id="retry"]')
    browser.gone(card)
    assert api.get(f"/shop/orders/{order}").json()["status"] == "주문취소"
    assert api.get(f"/shop/pays/{account}").json()["payAmount"] == MAX - 1000


def test_a_step_is_skipped(node, open_browser, api):
    """On a phone, in Korean: a click on skip leaves the refund out, and the order is cancelled."""
    account, _, order = park(api, 9002)
    browser = open_browser(node.url, "ko", phone=True).go("sagas")
    card = f'[data-saga="shop.cancel-saga/{order}"]'
    browser.see(f'{card}[data-parked="true"]')
    browser.reads(card, "쇼핑몰: 주문 취소", "shop.cancel-saga", "잔액이 1,000,000,000,000,000을 넘게 됩니다", "환불")
    assert "the balance would exceed" in browser.see(f"{card} [title^='the balance']").get_attribute("title")
    browser.shot("sagas")
    browser.click(f'{card} [data-id="skip"]')
    browser.gone(card)
    assert api.get(f"/shop/orders/{order}").json()["status"] == "주문취소"
    assert api.get(f"/shop/pays/{account}").json()["payAmount"] == MAX
