"""Try it: every guided tour runs to its end, with a line to copy for each call."""
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[2]
TOURS = [name for name in ("food", "shop", "bike", "secondhand", "dr") if (ROOT / "actors" / name).is_dir()]


@pytest.mark.parametrize("name", TOURS)
def test_a_tour_to_its_end(node, open_browser, name):
    """From the home page: every step is done, refusals are the expected ones, no call is without its
    curl line, and no line has a gap left where an id belongs."""
    browser = open_browser(node.url, "ko" if name in ("food", "dr") else "en")
    browser.click(f"try-{name}")
    browser.click("run-step")
    browser.see('[data-step="1"][data-state="done"]')
    browser.click("run-all")
    browser.see("finished", timeout=60)
    steps = browser.find("[data-step]")
    assert {step.get_attribute("data-state") for step in steps} == {"done"}
    lines = [line.text for line in browser.find(".curl code")]
    assert len(lines) == len(steps) and all(line.startswith("curl ") for line in lines)
    assert not [line for line in lines if any(word in line for word in ("PRODUCT", "ORDER", "FOOD", "BIKE", "DR/"))]
    browser.shot(f"tour-{name}")


def test_a_tour_shows_what_a_refusal_undoes(node, open_browser):
    """The shop's tour orders more than there is: the events below that step tell that the money was taken,
    and came back."""
    browser = open_browser(node.url)
    browser.click("try-shop")
    for step in range(1, 6):
        browser.click("run-step")
        browser.see(f'[data-step="{step}"][data-state="done"]')
    browser.reads('[data-step="5"] [data-id="status"]', "409")
    browser.reads('[data-step="5"] .chain', "OrderPlaced", "PayApproval", "OutOfStock", "PayCanceled")
