"""Fixtures of the cluster's tests: three nodes in place of the one that tests/http has.

`via` says how a test's clients reach the cluster: "all" sends each request to the next node, a
number sends all of them to that node, "writes at 1" spreads only what reads. Tests of tests/http that are imported here run unchanged.
"""
import itertools
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "http"))

from cluster import At, Cluster  # noqa: E402 (after the path is set)
from shop import Shop  # noqa: E402

_users = itertools.count(1000)


def seen(cluster, via):
    if via == "all":
        return cluster
    return At(cluster, 1, reads_spread=True) if via == "writes at 1" else At(cluster, via)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """The cluster of this file."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster")).start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def shared(running):
    """As tests of one node see it, that share one."""
    return running


@pytest.fixture
def via():
    return "all"


@pytest.fixture
def node(running, via):
    """The cluster of this file, in the place of a node."""
    yield seen(running, via)
    running.check()


@pytest.fixture
def fresh(tmp_path, via):
    """A cluster of this test's own, on an empty directory."""
    cluster = Cluster(tmp_path / "cluster").start()
    yield seen(cluster, via)
    if cluster.process is not None:
        cluster.check()
        cluster.stop()


@pytest.fixture
def cluster(running):
    """The cluster of this file. Who stops a node starts it again."""
    yield running
    running.check()


@pytest.fixture
def api(node):
    return node.client()


@pytest.fixture
def shop(api):
    return Shop(api, "/shop", user=next(_users))
