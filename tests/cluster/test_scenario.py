"""SPEC G through each node of a cluster, and with every request at another node."""
import pytest

from test_shop_scenario import *  # noqa: F403 (every test of one node)


@pytest.fixture(params=[0, 1, 2, "all"], ids=lambda via: f"via-{via}")
def via(request):
    return request.param
