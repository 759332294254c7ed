"""Food delivery through all four roles, by clicking."""
import time

import pytest


def card(browser, order):
    return f'[data-order="{order}"]'


def walk(browser, customer):
    """An order through all four roles, from the menu to its rating."""
    browser.see("[data-food]")
    browser.type("who-food", customer, "\n")
    browser.click("[data-food] .button")
    browser.fill("order-form", options="extra cheese")
    browser.gone("order-form")
    order = browser.see("[data-order][data-status='결제완료']").get_attribute("data-order")

    browser.click("tab-store")
    for lane, button in (("대기중", "accept"), ("접수됨", "start-cook"), ("요리중", "finish-cook")):
        browser.click(f'[data-lane="{lane}"] {card(browser, order)} [data-id="{button}"]')
    browser.see(f'[data-lane="요리완료"] {card(browser, order)}')

    browser.click("tab-rider")
    browser.click(f'{card(browser, order)} [data-id="pick"]')
    browser.gone(f'{card(browser, order)} [data-id="pick"]')

    browser.click("tab-customer")
    browser.click(f'{card(browser, order)} [data-id="confirm"]')
    browser.see(f"{card(browser, order)}[data-status='배달완료']")
    browser.click(f'{card(browser, order)} [data-id="stars-4"]')
    browser.reads(f"{card(browser, order)} .rated", "★★★★")
    browser.see("[data-id=notices] [data-status='배달완료']")

    browser.click("tab-top")
    browser.reads("top-menus", "★")


@pytest.mark.parametrize("language, customer", [("en", 71), ("ko", 72)])
def test_an_order_through_all_four_roles(node, open_browser, language, customer):
    """From an empty screen: sample data, order, accept, cook, ride, receive, rate; and it is in the top
    menus."""
    browser = open_browser(node.url, language, phone=language == "ko").go("food")
    if not browser.find("[data-food]"):
        browser.until(lambda: browser.find("[data-food]") or browser.find('[data-id="samples"]'), "the menu")
        if not browser.find("[data-food]"):
            browser.click("samples")
    walk(browser, customer)


def test_a_newcomer_on_a_phone(cluster, open_browser):
    """Three nodes as cmd/up has them, nothing there yet, a phone: from the home page to a finished order
    in less than three minutes, by what the pages offer alone."""
    browser = open_browser(cluster.url, "ko", phone=True)
    began = time.monotonic()
    browser.click("open-food")
    browser.click("samples")
    walk(browser, 1)
    browser.shot("newcomer")
    assert time.monotonic() - began < 180


def test_a_store_refuses(node, open_browser, api):
    """A rejection with its reason reaches the customer; a paused dish cannot be ordered."""
    food = api.post("/food/foods", {"name": "Soup", "storeId": 905}).json()["id"]
    order = api.post("/food/orders", {"foodId": food, "customerId": 75}).json()["id"]
    browser = open_browser(node.url).go("food?role=store")
    browser.type("who-food-store", 905, "\n")
    browser.click(f'{card(browser, order)} [data-id="reject"]')
    browser.fill("reject-form", reason="no leeks")
    browser.gone("reject-form")
    browser.click("toggle")
    browser.until(lambda: api.get(f"/food/foods/{food}").json()["available"] is False, "the pause")
    browser.click("tab-customer")
    browser.type("who-food", 75, "\n")
    browser.see(f"{card(browser, order)}[data-status='주문거부됨']")
    browser.reads("notices", "no leeks")
    assert not browser.see(f'[data-food="{food}"] .button').is_enabled()
