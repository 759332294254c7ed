"""What others do is seen at once, and goes on being seen while nodes come and go."""
import signal

from node import wait_until


def test_two_browsers_see_each_other(node, open_browser, api):
    """What one browser does appears in the other without a click there, in its language."""
    product = api.post("/shop/inventories", {"stockName": "Clock", "stockCount": 40, "price": 500}).json()["id"]
    api.post("/shop/pays", {"userId": 501, "payAmount": 10000})
    one = open_browser(node.url, "en").go("shop")
    two = open_browser(node.url, "ko", other=True).go("shop")
    for browser in (one, two):
        browser.type("who-shop", 501, "\n")
        browser.reads("balance", "10,000")
        browser.see('connection', ).get_attribute("data-state")
        browser.see('[data-id="connection"][data-state="live"]')
    one.click(f'[data-product="{product}"] .button')
    one.fill("order-form", quantity=4)
    two.reads("balance", "8,000", timeout=5)
    two.reads(f'[data-product="{product}"] [data-id=stock]', "36", timeout=5)
    two.click("cancel")
    one.reads("balance", "10,000", timeout=5)
    one.see("[data-id=mypage] [data-status='주문취소']", timeout=5)
    one.shot("two-browsers")


def test_a_node_is_killed_while_the_page_is_open(cluster, open_browser):
    """kill -9 of each node in turn under an open page: it says that it reconnects where it has to, catches
    up by itself, and what is then ordered and cancelled by clicking is all there."""
    api = cluster.client()
    product = api.post("/shop/inventories", {"stockName": "Lamp", "stockCount": 100, "price": 100}).json()["id"]
    account = api.post("/shop/pays", {"userId": 7, "payAmount": 10000}).json()["id"]
    browser = open_browser(cluster.url).go("shop")
    browser.forgive = ("Failed to load", "ERR_")
    browser.type("who-shop", 7, "\n")
    browser.reads("balance", "10,000")
    browser.see('[data-id="connection"][data-state="live"]')
    for number in range(3):
        old = cluster.pid(number)
        cluster.send(number, signal.SIGKILL)
        wait_until(lambda old=old, number=number: cluster.pid(number) != old and cluster.ready(), 30,
                   f"node {number} to be back")
        browser.see('[data-id="connection"][data-state="live"]', timeout=20)
        # Somebody else, by the API: it is seen without touching the page.
        wait_until(lambda: cluster.client().post("/shop/pays", {"userId": 7, "payAmount": 1000})
                   .status_code == 201, 20, "a deposit")
        browser.reads("balance", f"{11000 + number * 1000:,}", timeout=20)
    browser.shot("after-kills")
    browser.click(f'[data-product="{product}"] .button')
    browser.fill("order-form", quantity=5)
    browser.gone("order-form")
    browser.reads("balance", "12,500")
    browser.click("cancel")
    browser.reads("balance", "13,000")
    assert cluster.client().get(f"/shop/pays/{account}").json()["payAmount"] == 13000


def test_a_node_that_is_away_is_said_to_be_missing(cluster, open_browser):
    """While a node is stopped, lists say that they are partial and operations show it as down; afterwards
    all is as it was."""
    browser = open_browser(cluster.url)
    browser.forgive = ("Failed to load", "ERR_")
    browser.see('[data-id="running"]')
    browser.reads("nodes-up", "3 / 3")
    pid = cluster.pid(1)
    cluster.send(1, signal.SIGSTOP)
    try:
        # A new connection may lead to the very node that is stopped, so ask by those that are open.
        browser.reads("nodes-up", "2 / 3", timeout=40)
        browser.reads("running", "1 down")
        browser.shot("node-away")
    finally:
        if cluster.pid(1) == pid:
            cluster.send(1, signal.SIGCONT)
    browser.reads("nodes-up", "3 / 3", timeout=40)
    browser.go("operations")
    for number, shards in enumerate(("22", "21", "21")):  # Of 64.
        browser.reads(f'[data-node="{number}"][data-up="true"] td:nth-child(3)', shards)


def test_who_comes_late_sees_what_has_happened(node, open_browser, api):
    """The events' page begins with the newest of all systems, the newest first, and goes on from there
    without a gap or a double."""
    product = api.post("/shop/inventories", {"stockName": "Past", "stockCount": 40, "price": 5}).json()["id"]
    api.post("/shop/pays", {"userId": 77, "payAmount": 10000})
    orders = [api.post("/shop/orders", {"productId": product, "quantity": 1, "userId": 77}).json()["id"]
              for _ in range(3)]
    api.post("/food/foods", {"name": "Late soup", "storeId": 1})
    browser = open_browser(node.url).go("events")
    browser.until(lambda: len(browser.find(".feed li")) >= 13, "the newest events")
    assert browser.find(".feed li")[0].get_attribute("data-event") == "FoodAdded"
    orders.append(api.post("/shop/orders", {"productId": product, "quantity": 1, "userId": 77}).json()["id"])
    wanted = [f"#/data/shop/orders/{order}" for order in reversed(orders)]

    def placed():
        links = browser.script("""return [...document.querySelectorAll('.feed li[data-event="OrderPlaced"] > a')]
                               .map(e => e.getAttribute('href'))""")
        return links[:4] == wanted and len(links) == len(set(links))
    browser.until(placed, "all four orders, the newest first")


def test_a_quiet_system_beside_a_busy_one(node, open_browser, api):
    """A system's page shows what happened in it last, however much has happened in others since."""
    api.post("/food/foods", {"name": "Quiet soup", "storeId": 1})
    product = api.post("/shop/inventories", {"stockName": "Busy", "stockCount": 1000, "price": 1}).json()["id"]
    api.post("/shop/pays", {"userId": 78, "payAmount": 10000})
    for _ in range(60):
        api.post("/shop/orders", {"productId": product, "quantity": 1, "userId": 78})
    browser = open_browser(node.url).go("events")
    browser.until(lambda: len(browser.find(".feed li")) == 100, "the newest events")
    browser.turn("bike")
    bike = api.post("/bike/managements", {"color": "quiet"}).json()["bikeId"]
    last = f'[data-id="happening"] [data-event="BikeRegistrated"] a[href$="/{bike}"]'
    browser.see(last)
    for _ in range(60):
        api.post("/shop/orders", {"productId": product, "quantity": 1, "userId": 78})
    browser.driver.refresh()  # The newest 200 are all the shop's.
    browser.see(last)
