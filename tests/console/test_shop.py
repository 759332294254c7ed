"""The shop's people at work: a product, an account, an order, its cancellation; by clicking."""
import pytest


def add_product(browser, name, count, price):
    browser.click("add-product")
    browser.fill("product-form", stockName=name, stockCount=count, price=price)
    browser.gone("product-form")
    return browser.until(lambda: next((e for e in browser.find("[data-product]") if name in e.text), None),
                         f"the product {name}").get_attribute("data-product")


def top_up(browser, amount):
    browser.click("top-up")
    browser.fill("top-up-form", payAmount=amount)
    browser.gone("top-up-form")


def order(browser, product, quantity):
    browser.click(f'[data-product="{product}"] .button')
    browser.fill("order-form", quantity=quantity)


@pytest.mark.parametrize("language, user", [("en", 11), ("ko", 12)])
def test_an_order_takes_money_and_stock_and_gives_them_back(node, open_browser, language, user):
    """The scenario of SPEC G by clicking: every number is right after the order and after the cancel."""
    browser = open_browser(node.url, language).go("shop")
    browser.type("who-shop", user, "\n")
    top_up(browser, 999999)
    browser.reads("balance", "999,999")
    product = add_product(browser, f"TV {language}", 1000, 1000)
    tile = f'[data-product="{product}"]'
    browser.reads(tile, "1,000")
    order(browser, product, 10)
    browser.gone("order-form")
    browser.reads("balance", "989,999")
    browser.reads(f"{tile} [data-id=stock]", "990")
    browser.reads("[data-order] [data-status='주문완료']", "Ordered" if language == "en" else "주문완료")
    browser.reads("[data-order] [data-status='배송중']", "On its way" if language == "en" else "배송중")
    browser.shot("shop")
    browser.click("cancel")
    browser.reads("balance", "999,999")
    browser.reads(f"{tile} [data-id=stock]", "1,000")
    browser.see("[data-order] [data-status='주문취소']")
    browser.see("[data-order] [data-status='배송취소']")
