"""Fixtures of the console's tests: a node, a cluster, and real browsers that look at them.

CHROMIUM and CHROMEDRIVER name the programs (default: Debian's). Screenshots are kept in DURE_SHOTS
(default: shots/ beside the binary), to be looked at.
"""
import os
import pathlib

import pytest

import node as nodes
from browser import Browser
from up import Up

SHOTS = pathlib.Path(os.environ.get("DURE_SHOTS") or pathlib.Path(nodes.BINARY).parent / "shots")


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    """One node for all files: each test has people and things of its own."""
    running = nodes.Node(tmp_path_factory.mktemp("node") / "data").start()
    yield running
    running.check()
    running.stop()


@pytest.fixture
def cluster(tmp_path):
    """Three nodes behind one port, and a supervisor that starts them again."""
    running = Up(tmp_path / "data", count=3)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def api(node):
    return node.client()


@pytest.fixture(scope="session")
def browsers():
    """Browsers by language, size and so on: starting one takes a second, so they are kept."""
    kept = {}
    yield kept
    for browser in kept.values():
        browser.quit()


@pytest.fixture
def open_browser(browsers, request):
    """open_browser(url, …): a browser that has forgotten everything, at the console's home page."""
    used = []

    def start(url, language="en", phone=False, dark=False, other=False):
        key = (language, phone, dark, other)
        if key not in browsers:
            browsers[key] = Browser(language, phone, dark, SHOTS)
        browser = browsers[key]
        used.append(browser)
        return browser.begin(url)

    yield start
    for browser in used:
        browser.check(request.node.name)
        browser.rest()
