"""Where the settings of `dure up` come from: a file, the environment, flags; and which one wins."""
import pytest

import node as nodes
from up import Up


def written(tmp_path, *lines):
    path = tmp_path / "dure.conf"
    path.write_text("\n".join(lines) + "\n")
    return path


def too_large(up, size):
    answer = up.client().post("/shop/inventories", {"stockName": "x" * size})
    return answer.status_code == 413


def test_file(tmp_path):
    """A file sets what is ours and what is the nodes', with comments and quotes."""
    path = written(tmp_path, "# A comment.", "nodes = 2", 'root = "food"   # Another.',
                   "body-bytes-max = 2000", "systems = food,shop")
    up = Up(tmp_path / "data", "--config", str(path)).start()
    assert len(up.members()) == 2
    assert too_large(up, 3000) and not too_large(up, 1000)
    fields = [error["field"] for error in up.client().post("/orders", {}).json()["errors"]]
    assert "foodId" in fields and "productId" not in fields
    assert up.client().get("/bike/managements").status_code == 404
    up.stop()


def test_environment_and_flags(tmp_path, monkeypatch):
    """The environment wins over the file, flags win over both; of the nodes' settings, too."""
    path = written(tmp_path, "nodes = 1", "shards = 8", "body-bytes-max = 2000", "asks-max = 7")
    for name, value in {"CONFIG": path, "NODES": "2", "SHARDS": "16", "BODY_BYTES_MAX": "4000",
                        "PIN": "0"}.items():
        monkeypatch.setitem(nodes.ENV, f"DURE_{name}", str(value))
    up = Up(tmp_path / "data", "--shards", "32").start()
    monkeypatch.undo()
    assert (len(up.members()), up.status()["shards"]) == (2, 32)
    assert too_large(up, 5000) and not too_large(up, 3000)
    up.stop()


def test_secrets_are_in_no_command_line(tmp_path):
    """What the file says for the nodes, ps does not show."""
    path = written(tmp_path, "notify-secret = whsec_c2VjcmV0c2VjcmV0c2VjcmV0")
    up = Up(tmp_path / "data", "--config", str(path), count=1).start()
    with open(f"/proc/{up.pid(0)}/cmdline", "rb") as words, \
            open(f"/proc/{up.pid(0)}/environ", "rb") as variables:
        assert b"whsec_" not in words.read() and b"=whsec_" in variables.read()
    up.stop()


@pytest.mark.parametrize("line,named", [
    ("http = port", ":2: http takes a whole number from 0 to 65535, not 'port'"),
    ("pin = 2", ":2: pin takes a whole number from 0 to 1"),
    ("nosuch = 1", ":2: there is no setting called \"nosuch\""),
    ("memory-mb = none", ":2: memory-mb must be a whole number"),
    ("node = 1", ":2: node is what `dure up` tells each node itself"),
    ("memory-mb", ":2: \"=\" is missing"),
])
def test_wrong_lines(tmp_path, line, named):
    """A line that cannot be is refused with its file and number, before anything is made."""
    path = written(tmp_path, "nodes = 1", line)
    status, said = Up(tmp_path / "data", "--config", str(path)).run()
    assert status == 2 and f"{path}{named}" in said, said
    assert not (tmp_path / "data").exists()


def test_wrong_environment(tmp_path, monkeypatch):
    """So is a variable, and a file that is not there."""
    monkeypatch.setitem(nodes.ENV, "DURE_NODES", "many")
    status, said = Up(tmp_path / "data").run()
    assert status == 2 and "environment DURE_NODES takes a whole number" in said
    status, said = Up(tmp_path / "data", "--config", "/no/such/file").run()
    assert status == 2 and "/no/such/file" in said
