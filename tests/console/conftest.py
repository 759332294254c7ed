"""Fixtures of the console's tests: a node, and real browsers that look at it.

CHROMIUM and CHROMEDRIVER name the programs (default: Debian's). Screenshots are kept below
DURE_SHOTS (default: shots/ beside the binary), to be looked at.
"""
import os
import pathlib

import pytest

import node as nodes
from browser import Browser

SHOTS = pathlib.Path(os.environ.get("DURE_SHOTS") or pathlib.Path(nodes.BINARY).parent / "shots")


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """The node of this file, that watches itself as one of a cluster does."""
    running = nodes.Node(tmp_path_factory.mktemp("node") / "data").start()
    yield running
    running.check()
    running.stop()


@pytest.fixture(scope="session")
def browsers():
    """Browsers by language and size: starting one takes a second, so they are kept."""
    kept = {}
    yield kept
    for browser in kept.values():
        browser.quit()


@pytest.fixture
def open_browser(browsers, request):
    """open_browser(url, language, phone, other): a browser that has forgotten everything."""
    used = []

    def start(url, language="en", phone=False, dark=False, other=False):
        key = (language, phone, dark, other)
        if key not in browsers:
            browsers[key] = Browser(language, phone, dark, SHOTS)
        browser = browsers[key]
        browser.begin(url)
        used.append(browser)
        return browser

    yield start
    for browser in used:
        browser.check(request.node.name)
        browser.rest()


@pytest.fixture
def shots():
    SHOTS.mkdir(parents=True, exist_ok=True)
    return SHOTS
