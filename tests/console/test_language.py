"""One language a page: Korean is Korean throughout, English is English throughout.

What people type has no letters here, so every letter is the console's, or the node's. Names of the API
stand in <code>; what the node said in its own words is a tool tip, or in a <details> of its own.
"""
import re

import pytest

from node import Node
from test_pages import loaded
from test_sagas import park

PAGES = ["", "try", "try/food", "try/shop", "try/bike", "try/secondhand", "try/dr",
         "shop", "food", "food?role=store", "food?role=rider", "food?role=top", "bike", "secondhand",
         "dr", "dr?role=customer", "events", "sagas", "operations", "data", "api", "no/such/page",
         "data/no/such", "data/shop/orders/999999"]
FEEDS = ("", "shop", "bike", "dr", "events")
# What opens a dialog, in whatever page has it.
OPENERS = ("top-up", "add-product", "order", "add-food", "buy", "add-bike", "sell",
           "reserve", "start", "add-user", "create", "edit", "remove", "command-reject",
           "command-evaluate", "command-withdrawpoint", "reject", "withdraw")

# Names and technical words that are the same in Korean; and the colours and people of the examples.
SAME = {"abc", "API", "asc", "AsyncAPI", "asyncapi.json", "byte", "changes", "curl", "desc", "DR",
        "draft-ietf-httpapi-idempotency-key-header", "dure", "end", "Events", "false", "from", "GB",
        "green", "HTTP", "id", "Idempotency-Key", "JSON", "kB", "last", "lg", "max", "MB", "ms",
        "NUL", "OpenAPI", "openapi.json", "org", "page.sum", "Prometheus", "reliable", "respond-async", "RFC",
        "samples", "samsung", "Server-Sent", "shop.order.", "since", "SSE", "start", "status", "TR",
        "trace-context", "true", "URL", "UTF", "wait", "white"}

# Every text that can be seen, read out or pointed at, but code, other languages, and what the node said.
TEXTS = """
const skipped = "code, pre, script, style, noscript, [lang]:not(html), .method, .line";
const said = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const text = node.data.trim();
  if (text && !node.parentElement.closest(skipped)) said.push(text);
}
for (const name of ["aria-label", "placeholder", "alt", "aria-description", "data-label"])
  for (const one of document.querySelectorAll(`[${name}]`))
    if (!one.closest("[lang]:not(html)")) said.push(`${name}: ${one.getAttribute(name)}`.replace(/^[a-z-]+: /, ""));
for (const one of document.querySelectorAll(".need[title], button[title], a[title]")) said.push(one.title);
said.push(document.title);
return [...new Set(said)];
"""

OPEN = """
const button = [...document.querySelectorAll(`[data-id="${arguments[0]}"]`)].find(e => e.checkVisibility() && !e.disabled);
button?.click();
return button !== undefined;
"""
TO_OPEN = """
return arguments[0].filter(name => document.querySelector(`[data-id="${name}"]`) !== null);
"""


def of_the_other(language, text):
    """What of the text is not in that language."""
    if language == "en":
        return re.findall(r"[가-힣ㄱ-ㅎ]+", text)
    words = re.findall(r"(?<![\w/.])[A-Za-z][A-Za-z'.-]*[A-Za-z.]", re.sub(r"/[a-z.]+|w3\.org\S*|\bp\d\d\b", "", text))
    return [word for word in words if word.rstrip(".") not in SAME]


def fill(api):
    """Something of everything, none of it with a letter; and what was refused."""
    product = api.post("/shop/inventories", {"stockName": "①", "stockCount": 100, "price": 1000}).json()["id"]
    api.post("/shop/inventories", {"stockName": "②", "stockCount": 0, "price": 1000})
    api.post("/shop/pays", {"userId": 1, "payAmount": 100000})
    first = api.post("/shop/orders", {"productId": product, "quantity": 1, "userId": 1}).json()["id"]
    api.post("/shop/orders", {"productId": product, "quantity": 2, "userId": 1})
    api.post("/shop/orders", {"productId": product, "quantity": 101, "userId": 1})
    api.put(f"/shop/orders/{first}/cancel")
    park(api, 2, "③")
    food = api.post("/food/foods", {"name": "①", "storeId": 1}).json()["id"]
    for _ in range(9):
        api.post("/food/orders", {"foodId": food, "customerId": 1, "address": "1", "options": "2"})
    steps = (("accept", "start-cook", "finish-cook"), ("accept", "start-cook"), ("accept",), ("reject",))
    for ticket, commands in zip(api.get("/food/storeOrders").json()["_embedded"]["storeOrders"], steps):
        for command in commands:
            body = {"reason": "③"} if command == "reject" else None
            api.put(f"/food/storeOrders/{ticket['id']}/{command}", body)
    delivery = api.get("/food/deliveries").json()["_embedded"]["deliveries"][0]["id"]
    for command in ("accept", "confirm"):
        api.put(f"/food/deliveries/{delivery}/{command}")
    for color in ("green", "white"):
        api.post("/bike/managements", {"color": color, "registeredDate": "2024-04-04"})
    api.post("/bike/approvals", {"userId": 1, "price": 5000})
    for bike in (1, 1, 9):
        api.post("/bike/reservations", {"userId": 1, "bikeId": bike})
    api.post("/secondhand/inventories", {"productid": 1, "productname": "①", "qty": 1})
    for qty in (1, 2):
        api.post("/secondhand/reserves", {"productid": 1, "productname": "①", "userid": "1", "qty": qty, "price": 500})
    api.post("/secondhand/trades", {"productid": 1, "productname": "①", "userid": "2", "qty": 1, "price": "5"})
    for point in (1000, 2000):
        api.post("/dr/users", {"name": "①", "point": point, "capacity": 400})
    for _ in range(2):
        api.post("/dr/drs/startdr", {"name": "①", "type": "②"})
    for response, command in zip((1, 2), ("accept", "deny")):
        api.put(f"/dr/responses/{response}/{command}")
    api.put("/dr/drs/1/end")


def stir(api):
    """An event in each system, for who looks now."""
    api.post("/shop/orders", {"productId": 1, "quantity": 1, "userId": 1})
    api.post("/food/foods", {"name": "④", "storeId": 2})
    api.post("/bike/managements", {"color": "white"})
    api.post("/secondhand/notices", {"productid": 1, "userid": "1", "status": "5"})
    api.post("/dr/drs/startdr", {"name": "④", "type": "②"})


@pytest.fixture
def filled(tmp_path):
    """A node with that, and the pages of each of its collections, and of an item in each of its states."""
    node = Node(tmp_path / "data").start()
    api = node.client()
    fill(api)
    pages = []
    for name in api.get("/").json()["_links"]:
        if "/" not in name:
            continue
        pages.append(f"data/{name}")
        rows = next(iter(api.get(f"/{name}").json()["_embedded"].values()))
        of_a_state = {row.get("status", row.get("answer")): row for row in rows}
        pages += [f"data/{name}/{row['_links']['self']['href'].rpartition('/')[2]}" for row in of_a_state.values()]
    yield node, api, pages
    node.check()
    node.stop()


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_page_is_of_one_language(filled, open_browser, language):
    """Every page with its dialogs, its tool tips and what is read out has no word of the other language,
    and says which language it is in."""
    node, api, pages = filled
    browser = open_browser(node.url, language)
    wrong, seen, opened = {}, 0, set()

    def look(where):
        nonlocal seen
        for text in browser.script(TEXTS):
            seen += 1
            if of_the_other(language, text):
                wrong.setdefault(text, where)

    for page in ["operations", *PAGES, *pages]:  # Not twice the same one in a row.
        browser.turn(page)
        loaded(browser, page)
        assert browser.script("return document.documentElement.lang") == language
        if page in FEEDS:
            browser.see('[data-id="connection"][data-state="live"]')
            stir(api)
            browser.see(".feed li")
        if page == "api":
            for tab in browser.find("[role=tab]"):
                tab.click()
                browser.script("document.querySelectorAll('details').forEach(one => one.open = true)")
                browser.until(lambda: browser.find(".operation-body"), "the operations")
                look(page)
        look(page)
        for opener in browser.script(TO_OPEN, OPENERS):
            if not browser.script(OPEN, opener):
                continue  # Another one has taken it away.
            opened.add(opener)
            browser.until(lambda: browser.find("dialog, .toast"), f"what {opener} opens")
            look(f"{page} {opener}")
            if browser.find("dialog form"):  # As it is: done, or told what is wrong at which field.
                browser.script("document.querySelector('dialog form .button.main').click()")
                browser.until(lambda: not browser.find("dialog") or browser.find(".field-error, dialog .problem"),
                              f"the answer to {opener}")
                look(f"{page} {opener} sent")
            browser.press("Escape")
            browser.until(lambda: not browser.find("dialog"), "the dialog to close")
    assert opened == set(OPENERS), set(OPENERS) - opened
    assert seen > 1500
    assert not wrong, "\n".join(f"{where or 'home'}: {text}" for text, where in wrong.items())
