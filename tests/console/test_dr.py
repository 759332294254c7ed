"""Demand response: the operator and the customers, by clicking."""
import pytest


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
    browser.reads(demand, f"samsung-{language}", f"lg-{language}")

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
