"""Everything that is shown follows what happens, plain data too, and nobody asks while nothing does."""
import time

import pytest

import stream
from node import wait_until

QUIET_S = 6  # Longer than any time after which something could be asked for again.


def calls(browser, since=0):
    """Paths that the page has asked for, of those that show something; the numbers of charts are apart."""
    names = browser.script("return performance.getEntriesByType('resource').filter(e => e.startTime >= "
                           "arguments[0]).map(e => e.name)", since)
    paths = [name.removeprefix(browser.url) for name in names]
    return [path for path in paths if not path.startswith(("/console/", "/metrics", "/events?"))]


def now(browser):
    return browser.script("return performance.now()")


def settle(browser):
    """The stream is there, and what its first notice asks for is read."""
    browser.see('[data-id="connection"][data-state="live"]')

    def calm():
        before = len(calls(browser))
        time.sleep(1)
        return before == len(calls(browser))
    wait_until(calm, 20, "the page to be calm")


@pytest.mark.parametrize("page", ["data/shop/inventories", "shop", "sagas", "data", "food"])
def test_nobody_asks_in_vain(node, open_browser, api, page):
    """While nothing happens an open page reads nothing; what happens elsewhere does not concern it."""
    api.post("/shop/inventories", {"stockName": "Still", "stockCount": 1, "price": 5})
    browser = open_browser(node.url).go(page)
    asked = None
    for _ in range(3):  # A machine that stood still for seconds makes everybody ask again, rightly.
        settle(browser)
        since = now(browser)
        if page not in ("data", "shop"):
            api.post("/bike/managements", {"color": "red"})
        time.sleep(QUIET_S)
        asked = calls(browser, since)
        if not asked:
            break
    assert asked == []
    assert browser.see('[data-id="connection"]').get_attribute("data-state") == "live"


def test_plain_data_in_two_browsers(node, open_browser):
    """A product that one browser makes, changes and removes is in the other's list at once: it asks only
    because it is told."""
    one = open_browser(node.url).go("data/shop/inventories")
    two = open_browser(node.url, other=True).go("data/shop/inventories?f.stockName=Unheard")
    settle(two)
    since = now(two)
    one.click("create")
    one.fill("create-form", stockName="Unheard", stockCount=5, price=10)
    two.see("[data-row]", timeout=2)
    one.see("[data-field=stockName]")
    one.click("edit")
    one.fill("edit-form", price=4177)
    two.reads("[data-row]", "4,177", timeout=2)
    one.click("remove")
    one.click("really")
    two.gone("[data-row]", timeout=2)
    asked = calls(two, since)
    assert 3 <= len(asked) <= 9, asked
    assert set(asked) == {asked[0]}


def test_an_item_and_its_history(node, open_browser, api):
    """An open item shows a change of its fields that has no event, and the event of its next command."""
    product = api.post("/shop/inventories", {"stockName": "Pan", "stockCount": 9, "price": 10}).json()["id"]
    api.post("/shop/pays", {"userId": 7300, "payAmount": 1000})
    browser = open_browser(node.url).go(f"data/shop/inventories/{product}")
    settle(browser)
    api.patch(f"/shop/inventories/{product}", {"stockName": "Pot"})
    browser.reads("[data-field=stockName]", "Pot", timeout=2)
    assert api.post("/shop/orders", {"productId": product, "quantity": 2, "userId": 7300}).status_code == 201
    browser.reads("[data-field=stockCount]", "7", timeout=2)
    browser.see('[data-event="StockDecreased"]', timeout=2)


def test_a_view(node, open_browser, api):
    """A view, which has no events of its own, is followed as well."""
    browser = open_browser(node.url).go("data/food/topFoods?f.name=Told")
    settle(browser)
    food = api.post("/food/foods", {"name": "Told", "storeId": 1}).json()["id"]
    browser.reads("[data-row]", str(food), timeout=2)


def test_back_after_a_break(open_browser, tmp_path):
    """The node is away for a while and something is made before the page is back: it is read then."""
    mine = stream.StreamNode(tmp_path / "data").start()
    browser = open_browser(mine.url).go("data/shop/inventories?f.stockName=Later")
    browser.forgive = ("Failed to load", "ERR_")
    settle(browser)
    mine.kill()
    browser.see('[data-id="connection"][data-state="lost"]')
    mine.start()
    mine.client().post("/shop/inventories", {"stockName": "Later", "stockCount": 5, "price": 10})
    browser.see("[data-row]")
    browser.see('[data-id="connection"][data-state="live"]')
    mine.client().post("/shop/inventories", {"stockName": "Later", "stockCount": 6, "price": 10})
    browser.until(lambda: len(browser.find("[data-row]")) == 2, "the second one", timeout=3)
    browser.rest()
    mine.stop()


def test_a_cluster(cluster, open_browser):
    """Whatever node made it, and whatever node the page is connected to, it is told."""
    browser = open_browser(cluster.url).go("data/shop/inventories?f.stockName=Spread")
    browser.forgive = ("Failed to load", "ERR_")
    settle(browser)
    owners = set()
    for count in range(1, 13):
        made = cluster.client().post("/shop/inventories", {"stockName": "Spread", "stockCount": 5, "price": 10})
        owners.add(made.json()["id"] % 64 % 3)
        browser.until(lambda count=count: len(browser.find("[data-row]")) == count, f"{count} rows", timeout=3)
    assert len(owners) > 1


def test_a_flood(open_browser, tmp_path):
    """Under a load test lists go on being fresh by few reads; the events' page tells how many there are and
    shows some. When it is over all events are shown again, each."""
    node = stream.StreamNode(tmp_path / "data").start()
    node.stock_up()
    api = node.client()
    lists = open_browser(node.url).go("data/shop/inventories?f.stockName=Amid")
    events = open_browser(node.url, other=True).go("events")
    for browser in (lists, events):
        settle(browser)
    since = now(lists)
    load = stream.Load(node, lines=50)
    events.see('[data-id="connection"][data-state="flood"]', timeout=20)
    lists.see('[data-id="connection"][data-state="flood"]', timeout=20)
    events.until(lambda: int(events.see("flood").get_attribute("data-rate")) > 800, "the rate")
    first = events.text(".feed time")
    events.until(lambda: events.text(".feed time") > first, "newer ones")
    events.shot("flood")
    api.post("/shop/inventories", {"stockName": "Amid", "stockCount": 5, "price": 10})
    lists.see("[data-row]", timeout=5)
    took = (now(lists) - since) / 1000
    load.stop()
    reads = calls(lists, since)
    assert len(reads) <= 4 * took + 3, (len(reads), took)
    # The first one after it, before anybody has noticed that it is over.
    assert api.post("/bike/managements", {"color": "last"}).status_code == 201
    events.see('[data-id="connection"][data-state="live"]', timeout=20)
    events.see('[data-event="BikeRegistrated"]')
    for _ in range(5):
        assert api.post("/bike/managements", {"color": "more"}).status_code == 201
    events.until(lambda: len(events.find('[data-event="BikeRegistrated"]')) == 6, "all of them")
    for browser in (lists, events):
        browser.rest()
    node.stop()
