"""Lists of one node, asked of all nodes in turn. What they list is made at one node, since these tests
expect ids to rise as things are made; test_merged_lists.py merges rows of all nodes.
"""
import pytest

from cluster import At
from test_lists import *  # noqa: F403


@pytest.fixture
def via():
    return "writes at 1"


@pytest.fixture(scope="module")
def shared(running):
    return At(running, 1)
