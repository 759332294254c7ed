"""Bike rental by clicking: points, a reservation, its cancellation, a return."""
import pytest


@pytest.mark.parametrize("language, user", [("en", 310), ("ko", 320)])
def test_a_bike_is_reserved_cancelled_and_returned(node, open_browser, api, language, user):
    """The scenario of SPEC D by clicking; the board follows, and another user sees that it is taken."""
    bike = api.post("/bike/managements", {"color": "green", "registeredDate": "2024-04-04"}).json()["bikeId"]
    tile = f'[data-bike="{bike}"]'
    browser = open_browser(node.url, language, phone=language == "ko").go("bike")
    browser.type("who-bike", user, "\n")
    browser.click("buy")
    browser.fill("buy-form", price=8000)
    browser.reads("total-point", "8,000")
    browser.click(f"{tile} .button")
    browser.reads("total-point", "7,000")
    browser.see(f'{tile}[data-free="false"]')
    browser.see("[data-id=board] [data-status='예약완료']")
    browser.click("cancel")
    browser.reads("total-point", "8,000")
    browser.see(f'{tile}[data-free="true"]')
    browser.click(f"{tile} .button")
    browser.reads("total-point", "7,000")
    browser.type("who-bike", user + 1, "\n")
    browser.reads(tile, str(user))
    assert not browser.see(f"{tile} .button").is_enabled()
    browser.type("who-bike", user, "\n")
    browser.click("return")
    browser.see(f'{tile}[data-free="true"]')
    browser.reads("total-point", "7,000")
    browser.see("[data-id=board] [data-status='사용완료']")
