"""The generic screens: tables and items made from the node's own description."""


def test_a_table_is_sorted_filtered_and_paged(node, open_browser, api):
    """Forty-five products: the pages add up, a click on a heading sorts, a filter leaves what it says."""
    for i in range(45):
        api.post("/shop/inventories", {"stockName": f"Row {i:02}", "stockCount": i, "price": 7 if i < 25 else 8})
    browser = open_browser(node.url).go("data/shop/inventories?f.price=7")
    browser.reads("total", "25")
    assert len(browser.find("[data-row]")) == 20
    browser.click("next")
    browser.until(lambda: len(browser.find("[data-row]")) == 5, "the second page")
    browser.click("previous")
    browser.until(lambda: len(browser.find("[data-row]")) == 20, "the first page")
    head = "th:nth-child(3) .sort"
    browser.click(head)
    browser.until(lambda: "Row 00" in browser.text("[data-row]"), "ascending order")
    browser.click(head)
    browser.until(lambda: "Row 24" in browser.text("[data-row]"), "descending order")
    assert browser.see("th:nth-child(3)").get_attribute("aria-sort") == "descending"
    browser.type('[data-id="filter"] [name="field"]', "stockCount")
    browser.type('[data-id="filter"] [name="value"]', "24", "\n")
    browser.reads("total", "1 ")
    browser.shot("table")


def test_an_item_with_its_commands_and_history(node, open_browser, api):
    """Made by the form of its schema, with its errors at the fields; what its state allows is a button;
    its history grows by the event."""
    api.post("/shop/pays", {"userId": 88, "payAmount": 1000})
    product = api.post("/shop/inventories", {"stockName": "Cup", "stockCount": 5, "price": 10}).json()["id"]
    browser = open_browser(node.url).go("data/shop/orders")
    browser.click("create")
    browser.fill("create-form", productId=product, quantity="x", userId=88)
    browser.reads(".field.wrong", "must be a whole number")
    browser.fill("create-form", quantity=2)
    browser.see("[data-field=status] [data-status='주문완료']")
    browser.see('[data-event="OrderPlaced"]')
    browser.click("command-cancel")
    browser.see("[data-field=status] [data-status='주문취소']")
    browser.see('[data-event="OrderCanceled"]')
    browser.gone("command-cancel")
    browser.shot("item")


def test_plain_data_is_edited_and_deleted(node, open_browser, api):
    """A name is changed by the form; after Delete there is nothing at its address."""
    product = api.post("/shop/inventories", {"stockName": "Plate", "stockCount": 5, "price": 10}).json()["id"]
    browser = open_browser(node.url).go(f"data/shop/inventories/{product}")
    browser.click("edit")
    browser.fill("edit-form", stockName="Platter")
    browser.reads("[data-field=stockName]", "Platter")
    browser.click("remove")
    browser.click("really")
    browser.see("create")
    browser.go(f"data/shop/inventories/{product}")
    browser.reads(".problem", "404")


def test_the_api_page(node, open_browser):
    """Every route is there, with a line to copy, the fields it takes, and what each answer means."""
    browser = open_browser(node.url).go("api")
    browser.click('[data-operation="shop_orders_create"] summary')
    browser.reads('[data-operation="shop_orders_create"] .curl', "curl", "/shop/orders", "productId")
    browser.reads('[data-operation="shop_orders_create"]', "quantity body", "number, required",
                  "Idempotency-Key", "507", "the disk is full, nothing was changed")
    browser.shot("api-operation")


def test_a_listing_is_taken_down(node, open_browser, api):
    """A command that takes the item away leads back to the list, which no longer has it."""
    listing = {"productid": 880, "userid": "abc", "productname": "Lamp", "qty": 1, "price": "5000"}
    trade = api.post("/secondhand/trades", listing).json()["id"]
    browser = open_browser(node.url).go(f"data/secondhand/trades/{trade}")
    browser.click("command-takedown")
    browser.see("create")
    browser.go("data/secondhand/trades?f.productid=880")
    browser.reads("total", "0")
