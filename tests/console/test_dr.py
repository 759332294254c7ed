"""Demand response: the operator and the customers, by clicking."""
import json

import pytest

import node as nodes


def become(browser, user):
    """Chooses one of the customers, once the page has heard of them."""
    browser.see(f'[data-id="who-dr"] option[value="{user}"]')
    browser.type("who-dr", user)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_demand_is_answered_and_settled(node, open_browser, api, language):
    """Start, accept one and deny one as these customers, end: the totals are right at once, and only
    who accepted has points."""
    users = {}
    for name, capacity in (("samsung", 400), ("lg", 300)):
        users[name] = api.post("/dr/users", {"name": f"{name}-{language}", "point": 1000,
                                             "capacity": capacity}).json()["id"]
    browser = open_browser(node.url, language, phone=language == "ko").go("dr")
    browser.click("start")
    browser.fill("start-form", name=f"peak {language}")
    browser.gone("start-form")
    browser.see('[data-id^="demand-"] [data-status="running"]')
    demand = browser.find('[data-id^="demand-"]')[0].get_attribute("data-id")
    asked = api.get("/dr/users?size=1").json()["page"]["totalElements"]
    browser.reads(f'[data-id="{demand}"] [data-id="ignores"]', str(asked))

    browser.click("tab-customer")
    for name, command in (("samsung", "accept"), ("lg", "deny")):
        become(browser, users[name])
        browser.reads("points", f"{name}-{language}")
        browser.click(f'[data-response] [data-id="{command}"]')
        browser.see(f'[data-response] [data-status="{command}"]')
    browser.click("tab-operator")
    browser.reads(f'[data-id="{demand}"] [data-id="accepted"]', "400")
    browser.click(f'[data-id="{demand}"] [data-id="end"]')
    browser.see(f'[data-id="{demand}"] [data-status="end"]')
    browser.until(lambda: api.get("/dr/kepcos", params={"userId": users["samsung"]}).json()
                  ["_embedded"]["kepcos"][-1]["isReal"] is not None, "the meter")
    points = api.get(f"/dr/users/{users['samsung']}").json()["point"]
    browser.click("tab-customer")
    become(browser, users["samsung"])
    browser.reads("point", f"{points:,}")
    become(browser, users["lg"])
    browser.reads("point", "1,000")


def test_many_customers(tmp_path, open_browser):
    """Of 2,500 customers the last ones answer: totals are of all, lists go on by pages, a customer is
    found by number, and what was paid is what the meters said."""
    running = nodes.Node(tmp_path / "data").start()
    api = running.client()
    lines = "\n".join(json.dumps({"name": f"customer {i}", "capacity": 100 + i % 7, "point": 0})
                      for i in range(1, 2501))
    made = api.post("/dr/users", data=lines, headers={"Content-Type": "application/x-ndjson"})
    assert all(json.loads(line)["status"] == 201 for line in made.text.splitlines())
    demand = api.post("/dr/drs/startdr", {"name": "peak", "type": "reliable"}).json()["id"]
    asked = {"drId": demand, "size": 1000, "page": 2}

    def responses():
        return api.get("/dr/responses", params=asked).json()["_embedded"]["responses"]
    nodes.wait_until(lambda: len(responses()) == 500, 60, "all to be asked")
    last = responses()[-50:]
    for i, response in enumerate(last):
        command = "accept" if i < 30 else "deny"
        assert api.put(f"/dr/responses/{response['id']}/{command}").status_code == 200
    accepted = sum(response["userCapacity"] for response in last[:30])
    whole = sum(100 + i % 7 for i in range(1, 2501))

    browser = open_browser(running.url).go("dr")
    card = f'[data-id="demand-{demand}"]'
    for name, value in (("accepted", accepted), ("accepts", 30), ("denies", 20), ("ignores", 2450)):
        browser.reads(f'{card} [data-id="{name}"]', f"{value:,}")
    browser.reads(card, f"of {whole:,}")
    browser.reads(f"{card} .pager", "2,500 entries", "Page 1 of 125")
    browser.click(f'{card} [data-id="next"]')
    browser.reads(card, "customer 21", "Page 2 of 125")
    browser.reads('[data-id="users"] .pager', "2,500 entries")
    browser.shot("dr-many")
    browser.click(f'{card} [data-id="end"]')
    browser.see(f'{card} [data-status="end"]')

    def read():
        rows = api.get(f"/dr/kepcos?drId={demand}&size=50").json()["_embedded"]["kepcos"]
        return len(rows) == 30 and all(row["isReal"] is not None for row in rows) and rows
    readings = nodes.wait_until(read, 60, "the meters")
    total = sum(row["adjustPoint"] for row in readings if row["isReal"])
    assert total > 0
    browser.reads(f'{card} [data-id="paid"]', f"{total:,}")

    browser.click("tab-customer")
    browser.type("who-dr", last[0]["userId"], "\n")
    browser.reads("points", f"customer {last[0]['userId']}")
    browser.reads("asked", "Save")
    running.stop()


def test_an_older_demand_is_opened(node, open_browser, api):
    """One that has ended, and is not the newest, shows its answers when they are wanted."""
    user = api.post("/dr/users", {"name": "opened", "point": 0, "capacity": 9}).json()["id"]
    older, _ = (api.post("/dr/drs/startdr", {"name": name, "type": "x"}).json()["id"]
                for name in ("older", "newer"))
    nodes.wait_until(lambda: api.get(f"/dr/responses?drId={older}&userId={user}").json()
                     ["page"]["totalElements"], 20, "the response")
    assert api.put(f"/dr/drs/{older}/end").status_code == 200
    browser = open_browser(node.url).go("dr")
    card = f'[data-id="demand-{older}"]'
    browser.click(f'{card} [data-id="show"]')
    browser.see(f'{card} [data-id="accepted"]')
    browser.gone(f'{card} [data-id="show"]')
