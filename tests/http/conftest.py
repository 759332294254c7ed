"""Fixtures of the black-box tests: a node, clients, and a shop with stock and money in it.

All tests of one file share a node, so each makes products and users of its own. A test that needs
an empty directory or a restart takes `fresh`.
"""
import itertools

import pytest

import node as nodes
from shop import Shop

_users = itertools.count(1000)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    running = nodes.Node(tmp_path_factory.mktemp("node") / "data").start()
    yield running
    running.stop()


@pytest.fixture
def node(shared):
    """The node of this file. The test after which it is dead or has reported is the one that fails."""
    yield shared
    shared.check()


@pytest.fixture
def fresh(tmp_path):
    """A node of this test's own, on an empty directory."""
    running = nodes.Node(tmp_path / "data").start()
    yield running
    if running.process is not None:
        running.check()
        running.stop()


@pytest.fixture
def api(node):
    return node.client()


@pytest.fixture
def shop(api):
    return Shop(api, "/shop", user=next(_users))
