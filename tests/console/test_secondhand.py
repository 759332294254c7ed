"""Second-hand by clicking: an offer, a reservation, a buyer too late, a cancellation."""
import pytest


@pytest.mark.parametrize("language, product", [("en", 8100), ("ko", 8200)])
def test_the_last_piece_is_reserved_and_given_back(node, open_browser, language, product):
    """The scenario of SPEC E by clicking: stock, trade and notices follow; who comes too late is told."""
    tile = f'[data-thing="{product}"]'
    browser = open_browser(node.url, language, phone=language == "ko").go("secondhand")
    browser.type("who-secondhand", f"abc{product}", "\n")
    browser.click("sell")
    browser.fill("sell-form", productname="애플워치", productid=product, qty=1, price=70000)
    browser.gone("sell-form")
    browser.reads(tile, "70,000")
    browser.click(f"{tile} .button")
    browser.fill("reserve-form", price=50000)
    browser.gone("reserve-form")
    browser.see("[data-id=reserves] [data-status='예약완료']")
    browser.see("[data-id=reserves] [data-status='거래 진행중']")
    browser.until(lambda: not browser.see(f"{tile} .button").is_enabled(), "it to be gone")
    browser.until(lambda: len(browser.find("[data-notice]")) == 3, "three notices")
    browser.click("cancel")
    browser.see("[data-id=reserves] [data-status='예약취소']")
    browser.until(lambda: len(browser.find("[data-notice]")) == 5, "two more notices")
    browser.until(lambda: browser.see(f"{tile} .button").is_enabled(), "it to be there again")
