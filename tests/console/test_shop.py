"""The shop's people at work: a product, an account, an order, its cancellation; by clicking."""
import itertools

import pytest

_users = itertools.count(11)


@pytest.fixture
def shop(node, open_browser):
    """A shopper of its own in front of the shop."""
    def start(language="en", **kwargs):
        browser = open_browser(node.url, language, **kwargs).go("shop")
        browser.type("who-shop", next(_users), "\n")
        return browser
    return start


def add_product(browser, name, count, price):
    browser.click("add-product")
    browser.fill("product-form", stockName=name, stockCount=count, price=price)
    browser.gone("product-form")
    tile = browser.until(
        lambda: next((e for e in browser.find("[data-product]") if name in e.text), None),
        f"the product {name}")
    return f'[data-product="{tile.get_attribute("data-product")}"]'


def top_up(browser, amount):
    browser.click("top-up")
    browser.fill("top-up-form", payAmount=amount)
    browser.gone("top-up-form")


def order(browser, tile, quantity):
    browser.click(f"{tile} .button")
    browser.fill("order-form", quantity=quantity)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_an_order_takes_money_and_stock_and_gives_them_back(shop, language):
    """The scenario of SPEC G by clicking: every number is right after the order and after the cancel."""
    browser = shop(language)
    top_up(browser, 999999)
    browser.reads("balance", "999,999")
    tile = add_product(browser, f"TV {language}", 1000, 1000)
    order(browser, tile, 10)
    browser.gone("order-form")
    browser.reads("balance", "989,999")
    browser.reads(f"{tile} [data-id=stock]", "990")
    browser.reads("[data-id=mypage] [data-status='주문완료']", "Ordered" if language == "en" else "주문완료")
    browser.reads("[data-id=mypage] [data-status='배송중']", "On its way" if language == "en" else "배송중")
    browser.click("cancel")
    browser.reads("balance", "999,999")
    browser.reads(f"{tile} [data-id=stock]", "1,000")
    browser.see("[data-id=mypage] [data-status='주문취소']")
    browser.see("[data-id=mypage] [data-status='배송취소']")


@pytest.mark.parametrize("language, at_field, why", [
    ("en", "must be from 1 to 1,000", ("409 Conflict", "Not enough money: the balance is 1,000")),
    ("ko", "1에서 1,000", ("409 충돌", "잔액부족: 잔액은 1,000입니다"))])
def test_what_is_wrong_stands_at_its_field(shop, language, at_field, why):
    """A 400 is shown at each wrong field, which is announced as invalid and gets the focus; a refusal
    is shown with its reason, and the refused order is in the list. All of it is in the language of the
    page, and what the node said is a click away."""
    browser = shop(language)
    top_up(browser, 1000)
    tile = add_product(browser, f"Pen {language}", 5, 1000)
    order(browser, tile, 0)
    browser.reads(".field.wrong .field-error", at_field)
    message = browser.see(".field.wrong .field-error span").get_attribute("title")
    assert message.startswith("must be from 1 to 1000")
    field = browser.see("[name=quantity]")
    assert field.get_attribute("aria-invalid") == "true"
    browser.until(lambda: browser.script("return document.activeElement.name") == "quantity",
                  "the wrong field to have the focus")
    browser.shot("field-error")
    browser.fill("order-form", quantity=2)
    browser.reads("order-form", *why)
    browser.click(".as-said summary")
    browser.reads(".as-said code", "409 Conflict", "잔액부족: 잔액은 1000입니다")
    browser.press("Escape")
    browser.gone("order-form")
    browser.see("[data-id=mypage] [data-status='잔액부족']")
    browser.reads("balance", "1,000")
