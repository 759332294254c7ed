"""SPEC A1: which systems a node serves, and whose paths need no prefix."""
import pytest

import node as nodes
from shop import Shop, is_problem

# A collection of each system that no other has, and those that two have.
OWN = {"dr": "responses", "bike": "points", "secondhand": "reserves", "food": "foods", "shop": "pays"}
SHARED = {"orders": {"food", "shop"}, "deliveries": {"food", "shop"},
          "inventories": {"secondhand", "shop"}}


def is_there(api, path):
    response = api.get(path)
    if response.status_code == 404:
        is_problem(response, 404)
        return False
    assert response.status_code == 200 and "_embedded" in response.json(), (path, response.text)
    return True


@pytest.mark.parametrize("root", sorted(OWN))
def test_root(tmp_path, root):
    """Everything is there with its prefix; without it what one system has, and of what two have the
    root's."""
    running = nodes.Node(tmp_path / "data", "--root", root).start()
    api = running.client()
    for system, collection in OWN.items():
        assert is_there(api, f"/{system}/{collection}") and is_there(api, f"/{collection}")
    for collection, systems in SHARED.items():
        assert all(is_there(api, f"/{system}/{collection}") for system in systems)
        assert is_there(api, f"/{collection}") == (root in systems)
    running.stop()


def test_some_systems(tmp_path):
    """A node that serves some has no path of the others; what these have on disk stays theirs, over
    `dure verify` and a rebuild, and is there when they are served again."""
    running = nodes.Node(tmp_path / "data", "--meter", "manual").start()
    api = running.client()
    assert api.post("/bike/points", {"userId": 7, "totalPoint": 3000}).status_code == 201
    assert api.post("/dr/users", {"name": "samsung", "capacity": 400}).status_code == 201
    running.kill()
    running.args = ("--systems", "shop,bike")
    running.start()
    api = running.client()
    served = {system for system, collection in OWN.items() if is_there(api, f"/{system}/{collection}")}
    assert served == {"shop", "bike"}
    assert not any(is_there(api, f"/{OWN[system]}") for system in ("dr", "food", "secondhand"))
    assert api.get("/points/7").json()["totalPoint"] == 3000
    Shop(api).open().ordered(1)
    running.stop()
    for command in ("verify", "rebuild", "verify"):
        done = nodes.dure(command, running.data)
        assert done.returncode == 0, done.stdout + done.stderr
    running.args = ()
    running.start()
    assert running.client().get("/dr/users/1").json()["capacity"] == 400
    running.stop()
