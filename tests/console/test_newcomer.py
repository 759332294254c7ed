"""A newcomer who has nothing but a browser: ./cmd/up, as it is at a second start, and a food order through
all of its people, by the words on the pages alone, with a person's pauses."""
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

import node as nodes

ROOT = pathlib.Path(__file__).parents[2]
WITHIN_S = 180
CLICK_S, LOOK_S = 1, 3  # To move the mouse and click; to look over what is new on a page.


class Script:
    """./cmd/up as one starts it in a terminal."""

    def __init__(self, data):
        http, events, replay = (nodes.free_port(self) for _ in range(3))
        self.log = data.with_name("up.log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", ROOT / "cmd" / "up", "--data", data, "--http",
                 str(http), "--events", str(events), "--replay", str(replay)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={name: value for name, value in os.environ.items() if name[:5] != "DURE_"})

    def address(self):
        """What it says to open in a browser."""
        def said():
            assert self.process.poll() is None, self.log.read_text()
            return re.search(r"^ +(http://\S+)/ +open it in a browser", self.log.read_text(), re.M)
        return nodes.wait_until(said, 120, "the greeting").group(1)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(nodes.STOP_S) == 0, self.log.read_text()


class Person:
    """Sees what is shown, and clicks on what it says."""

    def __init__(self, browser):
        self.browser, self.shots = browser, 0

    def look(self):
        time.sleep(LOOK_S)
        self.shots += 1
        self.browser.shot(f"newcomer-{self.shots}")

    def named(self, words, within):
        """Links, buttons and tabs that read so and can be seen, within something that reads so. What is
        there for screen readers alone is not read."""
        return self.browser.script("""
            const [words, within] = arguments;
            const texts = (e) => e.nodeType === Node.TEXT_NODE ? [e.data]
              : e.classList.contains("hidden") ? [] : [...e.childNodes].flatMap(texts);
            const reads = (e) => texts(e).join(" ").replace(/\\s+/g, " ").trim();
            return [...document.querySelectorAll("a, button")].filter((e) =>
              e.checkVisibility() && !e.disabled && reads(e) === words &&
              (within === "" || reads(e.closest("li, section, dialog, form") ?? e).includes(within)));
            """, words, within)

    def click(self, words, within=""):
        """The first of them."""
        found = self.browser.until(lambda: self.named(words, within), f"'{words}' in '{within}'")[0]
        time.sleep(CLICK_S)
        self.browser.script("arguments[0].scrollIntoView({block: 'nearest'})", found)
        found.click()

    def read(self, *words):
        """Waits until all of it stands on the page."""
        def there():
            text = self.browser.script("return document.querySelector('main').innerText")
            return all(word in " ".join(text.split()) for word in words)
        self.browser.until(there, f"{words} to be read")


@pytest.fixture
def script(tmp_path):
    running = Script(tmp_path / "data")
    yield running
    running.stop()


def test_from_the_start_to_a_meal(script, open_browser, capsys):
    """./cmd/up, then customer, owner, cook, rider, and the customer again: all within three minutes of
    having typed the command."""
    began = time.monotonic()
    browser = open_browser(script.address())
    ready = time.monotonic() - began
    person = Person(browser)
    person.read("Welcome to dure")
    person.look()
    person.click("Open", "Food delivery")

    person.read("One order, four people")
    person.look()
    person.click("Create sample data")
    person.read("Bibimbap")
    person.look()
    person.click("Order", "Bibimbap")
    person.look()
    person.click("Order and pay")
    person.read("My orders", "Paid")

    person.click("Store 1")
    person.look()
    person.click("Accept", "Bibimbap")
    person.click("Start cooking", "Bibimbap")
    person.click("It is done", "Bibimbap")
    person.read("Cooked 1")

    person.click("Rider 1")
    person.look()
    person.click("Take it", "Bibimbap")
    person.read("On its way")

    person.click("Customer")
    person.look()
    person.click("I have received it")
    person.read("Delivered")
    took = time.monotonic() - began

    with capsys.disabled():
        print(f"\nfrom ./cmd/up to a finished order: {took:.0f} s, of them {ready:.1f} s until it was "
              f"ready; {WITHIN_S} s are allowed")
    orders = browser.api.get("/food/orders").json()["_embedded"]["orders"]
    assert [order["status"] for order in orders] == ["배달완료"]
    assert took < WITHIN_S
