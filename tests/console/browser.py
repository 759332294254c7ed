"""A headless Chromium as a person uses it: looks for what is there, clicks, types, waits."""
import json
import os
import shutil

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from node import Client, wait_until

WAIT_S = 15


def program(variable, name):
    path = os.environ.get(variable) or shutil.which(name)
    assert path, f"there is no {name}: cmd/install chromium chromium-driver, or name it in {variable}"
    return path


class Browser:
    def __init__(self, language, phone, dark, shots):
        options = webdriver.ChromeOptions()
        options.binary_location = program("CHROMIUM", "chromium")
        size = "390,844" if phone else "1280,900"
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", f"--window-size={size}",
                         "--disable-dev-shm-usage", f"--lang={language}", "--no-proxy-server",
                         "--disable-background-networking", "--hide-scrollbars",
                         "--disable-extensions", "--no-first-run"):
            options.add_argument(argument)
        if dark:
            options.add_argument("--force-dark-mode")
        languages = {"ko": "ko-KR,ko", "en": "en-US,en"}[language]
        options.add_experimental_option("prefs", {"intl.accept_languages": languages})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        # The profile in memory: else a busy disk stops the browser for seconds.
        env = os.environ | ({"TMPDIR": "/dev/shm"} if os.access("/dev/shm", os.W_OK) else {})
        self.driver = webdriver.Chrome(
            service=Service(program("CHROMEDRIVER", "chromedriver"), env=env), options=options)
        self.language, self.phone, self.dark = language, phone, dark
        self.shots = shots
        self.width = 390 if phone else 1280
        self.command("Emulation.setDeviceMetricsOverride", width=self.width,
                     height=844 if phone else 900, deviceScaleFactor=2 if phone else 1, mobile=phone)
        self.command("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.forgive = ()

    def command(self, name, **parameters):
        return self.driver.execute_cdp_cmd(name, parameters)

    # ---- Where -----------------------------------------------------------------------------------

    def begin(self, url):
        """Opens the console anew, with nothing kept of who was here before."""
        self.url = url
        self.api = Client(url)
        self.forgive = ()
        self.command("Storage.clearDataForOrigin", origin=url, storageTypes="all")
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)  # What was before is not this test's.
        self.driver.get(url + "/")
        self.see("main h1")
        return self

    def go(self, page):
        self.driver.get("about:blank")
        self.driver.get(f"{self.url}/#/{page}")
        self.until(lambda: self.script("return document.querySelector('h1') !== null"), "a page")
        return self

    def turn(self, page):
        """To another page as a click on a link does it: nothing is loaded anew."""
        self.driver.execute_async_script("""
            const [page, done] = arguments;
            const shown = () => requestAnimationFrame(() => requestAnimationFrame(done));
            addEventListener("hashchange", shown, {once: true});
            location.hash = `#/${page}`;""", page)
        self.until(lambda: self.script("return document.querySelector('h1') !== null"), "a page")
        return self

    def rest(self):
        """Nothing is under way any more."""
        self.driver.get("about:blank")

    def quit(self):
        self.driver.quit()

    # ---- Looking ---------------------------------------------------------------------------------

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def until(self, predicate, what, timeout=WAIT_S):
        def holds():
            try:
                return predicate()
            except StaleElementReferenceException:
                return False
        try:
            return wait_until(holds, timeout, what)
        except AssertionError:
            self.shot("failed")
            raise

    def find(self, css, within=None):
        return (within or self.driver).find_elements(By.CSS_SELECTOR, css)

    @staticmethod
    def css(name):
        """A data-id, or any CSS."""
        return name if any(c in name for c in " .#[:>") else f'[data-id="{name}"]'

    def see(self, name, timeout=WAIT_S):
        """The first such element that is displayed, once it is."""
        def shown():
            return next((e for e in self.find(self.css(name)) if e.is_displayed()), None)
        return self.until(shown, f"{name} to be seen", timeout)

    def gone(self, name, timeout=WAIT_S):
        self.until(lambda: not any(e.is_displayed() for e in self.find(self.css(name))),
                   f"{name} to be gone", timeout)

    def text(self, name):
        return self.see(name).text

    def reads(self, name, *parts, timeout=WAIT_S):
        """Waits until all the parts stand in that element."""
        css = self.css(name)

        def there():
            return any(all(part in e.text for part in parts) for e in self.find(css))
        self.until(there, f"{name} to read {parts}, not {[e.text for e in self.find(css)]}", timeout)

    # ---- Doing -----------------------------------------------------------------------------------

    def click(self, name):
        def clicked():
            element = self.see(name)
            self.script("arguments[0].scrollIntoView({block: 'center'})", element)
            if not element.is_enabled():
                return False
            try:
                element.click()
            except WebDriverException as error:
                if "intercepted" in str(error):
                    return False
                raise
            return True
        self.until(clicked, f"{name} to be clicked")

    def fill(self, form, **fields):
        """Types into a form's fields, and sends it by its main button."""
        for name, value in fields.items():
            self.type(f'{self.css(form)} [name="{name}"]', value)
        self.click(f"{self.css(form)} .button.main")

    def type(self, name, value, end=""):
        element = self.see(name)
        if element.tag_name == "select":
            self.script("arguments[0].value = arguments[1];"
                        "arguments[0].dispatchEvent(new Event('change', {bubbles: true}))",
                        element, str(value))
            return
        element.send_keys(Keys.CONTROL, "a")
        element.send_keys(str(value) + end)

    def press(self, key):
        """A key, to whatever has the focus."""
        self.driver.switch_to.active_element.send_keys(getattr(Keys, {
            "ArrowRight": "ARROW_RIGHT"}.get(key, key.upper())))

    def shot(self, name):
        """The whole page as a picture, to be looked at."""
        self.shots.mkdir(parents=True, exist_ok=True)
        kind = "-".join(["phone" if self.phone else "wide", self.language, "dark" if self.dark else "light"])
        self.driver.save_screenshot(str(self.shots / f"{name}-{kind}.png"))

    # ---- What must be true of every page -----------------------------------------------------------

    def check(self, test):
        """No error of a script, and no host but ours was asked."""
        errors = [entry["message"] for entry in self.driver.get_log("browser")
                  if entry["level"] == "SEVERE" and entry["source"] != "network"
                  and not any(word in entry["message"] for word in self.forgive)]
        assert not errors, f"{test}: {errors}"
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] != "Network.requestWillBeSent":
                continue
            url = message["params"]["request"]["url"]
            if url.startswith(("data:", "about:", "blob:", "chrome")):
                continue
            assert url.startswith(self.url), f"{test}: another host was asked: {url}"
