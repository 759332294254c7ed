"""Fixtures of the tests of documents: a node, its documents, and where npm has put its packages."""
import json
import pathlib
import subprocess

import pytest

import node as nodes

HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    running = nodes.Node(tmp_path_factory.mktemp("node") / "data").start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def openapi(node):
    return node.client().get("/openapi.json").json()


@pytest.fixture(scope="session")
def asyncapi(node):
    return node.client().get("/asyncapi.json").json()


@pytest.fixture(scope="session")
def javascript():
    """Runs one of our scripts with the packages of the lock file."""
    assert (HERE / "node_modules").is_dir(), "run tests/run, which does npm ci"

    def run(script, *args):
        return subprocess.run(["node", HERE / script, *map(str, args)], capture_output=True,
                              text=True, timeout=300, check=False)
    return run


@pytest.fixture
def written(tmp_path):
    def write(document):
        path = tmp_path / "document.json"
        path.write_text(json.dumps(document, ensure_ascii=False))
        return path
    return write
