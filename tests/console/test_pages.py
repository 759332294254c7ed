"""What holds for every page: it fits, can be read by everybody, and speaks both languages."""
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[2]
AXE = ROOT / "cmd" / "web" / "node_modules" / "axe-core" / "axe.min.js"
SYSTEMS = [name for name in ("shop", "food", "bike", "secondhand", "dr") if (ROOT / "actors" / name).is_dir()]
PAGES = ["", "try/shop", *SYSTEMS, "food?role=store", "food?role=rider", "food?role=top",
         "dr?role=customer", "events", "sagas", "operations", "data", "data/shop/orders",
         "data/food/storeOrders", "api"]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def sample(node):
    """Something of everything, so that no page is empty."""
    api = node.client()
    product = api.post("/shop/inventories", {"stockName": "TV", "stockCount": 100, "price": 1000}).json()["id"]
    api.post("/shop/inventories", {"stockName": "Sold out", "stockCount": 0, "price": 1000})
    api.post("/shop/pays", {"userId": 1, "payAmount": 10000})
    orders = [api.post("/shop/orders", {"productId": product, "quantity": n, "userId": 1}).json()
              for n in (1, 2, 3, 90)]
    api.put(f"/shop/orders/{orders[0]['id']}/cancel")
    food = api.post("/food/foods", {"name": "Pizza", "storeId": 1}).json()["id"]
    for _ in range(3):
        api.post("/food/orders", {"foodId": food, "customerId": 1, "address": "서울시 강남구 1"})
    tickets = api.get("/food/storeOrders").json()["_embedded"]["storeOrders"]
    for ticket, steps in zip(tickets, (("accept", "start-cook", "finish-cook"), ("accept",))):
        for step in steps:
            api.put(f"/food/storeOrders/{ticket['id']}/{step}")
    for name in ("samsung", "lg"):
        api.post("/dr/users", {"name": name, "point": 1000, "capacity": 400})
    api.post("/dr/drs/startdr", {"name": "peak", "type": "reliable"})
    return orders


def loaded(browser, page=""):
    browser.until(lambda: not browser.find(".loading"), "everything to be loaded")
    if page == "operations":
        browser.until(lambda: len(browser.find(".chart canvas")) >= 6, "the charts")


def violations(browser):
    found = browser.driver.execute_async_script(
        AXE.read_text("utf-8") + "; const done = arguments[arguments.length - 1];"
        "axe.run(document, {runOnly: arguments[0]}).then(r => done(r.violations.map(v => "
        "v.id + ': ' + v.nodes.map(n => n.target.join(' ') + ' ' + n.failureSummary).join(' | '))))", TAGS)
    return found


@pytest.mark.parametrize("language, phone, dark", [("en", False, False), ("ko", True, True)])
def test_every_page(node, open_browser, sample, language, phone, dark):
    """No page is wider than its window, none has anything that the accessibility checker objects to
    (WCAG 2.2 AA and its best practices), none throws."""
    browser = open_browser(node.url, language, phone, dark)
    wrong = []
    for page in PAGES:
        browser.go(page)
        loaded(browser, page)
        browser.shot("page-" + (page or "home").replace("/", "-").replace("?", "-"))
        # Not innerWidth: a phone's window grows with what does not fit.
        wide = browser.script("return document.documentElement.scrollWidth") - browser.width
        if wide > 0:
            wrong.append(f"{page}: {wide} pixels too wide")
        wrong += [f"{page}: {one}" for one in violations(browser)]
    assert not wrong, "\n".join(wrong)


def test_the_language_follows_the_browser_until_one_is_chosen(node, open_browser):
    """A Korean browser gets Korean; a choice holds after a reload, and the page says its language."""
    browser = open_browser(node.url, "ko")
    assert browser.script("return document.documentElement.lang") == "ko"
    assert browser.text("nav-shop") == "쇼핑몰"
    browser.click("lang-en")
    browser.reads("nav-shop", "Shop")
    browser.driver.refresh()
    browser.reads("nav-shop", "Shop")
    assert browser.script("return document.documentElement.lang") == "en"


def test_the_keyboard_alone(node, open_browser, sample):
    """The first Tab offers to skip to the content; a dialog takes the focus, keeps it, gives it back at
    Escape; tabs move by arrows."""
    browser = open_browser(node.url).go("food?role=customer")
    loaded(browser)
    browser.press("Tab")
    assert "skip" in browser.script("return document.activeElement.className")
    browser.press("Enter")
    assert browser.script("return document.activeElement.id") == "main"
    tab = browser.see("tab-customer")
    browser.script("arguments[0].focus()", tab)
    browser.press("ArrowRight")
    browser.until(lambda: browser.see("tab-store").get_attribute("aria-selected") == "true", "the next tab")
    assert browser.script("return document.activeElement.dataset.id") == "tab-store"
    browser.script("arguments[0].focus()", browser.see("add-food"))
    browser.press("Enter")
    browser.until(lambda: browser.script("return document.activeElement.name") == "name", "the focus inside")
    for _ in range(6):
        browser.press("Tab")
        assert browser.script("return document.activeElement === document.body || "
                              "document.querySelector('dialog').contains(document.activeElement)")
    browser.press("Escape")
    browser.gone("food-form")
    browser.until(lambda: browser.script("return document.activeElement.dataset.id") == "add-food",
                  "the focus back where it was")


def test_a_page_that_is_not_there(node, open_browser):
    """An unknown address says so, and leads home."""
    browser = open_browser(node.url).go("no/such/page")
    browser.reads("main h1", "nothing at this address")
    browser.click("main .empty a")
    browser.see("begin")


def test_the_menu_on_a_phone(node, open_browser):
    """On a phone the navigation lies behind a button, which says whether it is open; one's account comes
    before the shelves."""
    browser = open_browser(node.url, "ko", phone=True)
    assert not browser.find('[data-id="nav-shop"]')[0].is_displayed()
    browser.click("menu")
    assert browser.see("menu").get_attribute("aria-expanded") == "true"
    browser.shot("menu")
    browser.click("nav-shop")
    browser.reads("main h1", "쇼핑몰")
    browser.gone("nav-shop")
    assert browser.see("account").location["y"] < browser.see("products").location["y"]


def test_a_table_on_a_phone(node, open_browser, sample):
    """On a phone each row of a table is a card: all of it is within the window, each value says what it is,
    and what can be done with it can be reached without scrolling sideways."""
    browser = open_browser(node.url, phone=True).go("shop")
    browser.until(lambda: browser.find('[data-id="mypage"] tbody tr'), "the orders")
    browser.see('[data-id="mypage"] [data-id="cancel"]')
    wrong = browser.script("""
        return [...document.querySelectorAll('[data-id="mypage"] tbody :is(td, button, a, .badge)')].filter(e => {
            const box = e.getBoundingClientRect();
            return box.width > 0 && (box.left < 0 || box.right > innerWidth);
        }).map(e => e.textContent)""")
    assert wrong == []
    labels = browser.script("""
        return [...document.querySelectorAll('[data-id="mypage"] tbody tr:first-child td[data-label]')]
            .map(e => getComputedStyle(e, '::before').content)""")
    assert labels == ['"Order"', '"Product"', '"Pieces"', '"Sum"', '"Status"', '"Delivery"']
    # The columns of a collection are still what one sorts by.
    browser.go("data/shop/orders")
    browser.until(lambda: browser.find("tbody tr"), "the orders")
    browser.click("th:last-child button")
    browser.until(lambda: browser.find("th:last-child")[0].get_attribute("aria-sort") == "ascending", "the order")
