"""What `dure verify` says of a sound directory, for people and for programs."""
import json

import cluster
import node as nodes
from shop import Shop


def books(data):
    """What --json says, once it is what the lines say."""
    done = nodes.dure("verify", data, "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    found = json.loads(done.stdout)
    assert list(found) == ["dir", "records", "events", "rows", "findings", "wrong", "systems",
                           "part"]
    lines = nodes.dure("verify", data).stdout.decode().splitlines()
    expected = []
    for system in found["systems"]:
        assert list(system) == ["system", "counts", "sums"]
        expected.append(f"{system['system']}: " + ", ".join(
            f"{number} {name}" for name, number in system["counts"].items()))
        for line in system["sums"]:
            assert list(line) == ["name", "left", "right", "parts", "exact", "fits"]
            assert type(line["left"]) is type(line["right"]) is int
            assert line["fits"] is (line["left"] == line["right"])
            parts = [f"{number} {name}" for name, number in line["parts"].items()]
            expected.append(f"{line['name']}: " + (
                f"{parts[0]} = {' + '.join(parts[1:])}" if parts else
                f"{line['left']} = {line['right']}"))
    expected.append(f"{data}: {found['records']} records, {found['events']} events, "
                    f"{found['rows']} rows, 0 findings")
    assert [line for line in lines if line] == expected
    return found


def test_books(tmp_path):
    """Sums are numbers, and those of systems that have nothing are left out: on a new directory all."""
    running = nodes.Node(tmp_path / "data").start()
    running.stop()
    assert books(running.data)["systems"] == []
    running.start()
    shop = Shop(running.client(), "/shop").open()
    shop.ordered(10)
    running.client().post("/dr/users", {"name": "sk", "capacity": 500})
    running.stop()
    systems = {system["system"]: system for system in books(running.data)["systems"]}
    assert set(systems) == {"shop", "dr"}
    assert systems["shop"]["counts"] == {"orders": 1, "sagas under way": 0, "steps left out": 0}
    money, stock = systems["shop"]["sums"]
    assert money == {"name": "shop money", "left": 999999, "right": 999999, "exact": True, "fits": True,
                     "parts": {"in": 999999, "there": 989999, "in orders": 10000}}
    assert stock["parts"] == {"in": 1000, "there": 990, "in orders": 10}
    assert systems["dr"]["counts"]["users"] == 1


def test_part_of_a_cluster(tmp_path):
    """The books are the whole cluster's: of one node's part there are none."""
    running = cluster.Cluster(tmp_path / "cluster", count=2).start()
    for product in range(4):
        Shop(running.client(), "/shop", user=product).open().ordered(1)
    running.stop()
    whole = books(running.directory)
    assert whole["part"] is False and [s["system"] for s in whole["systems"]] == ["shop"]
    assert whole["systems"][0]["counts"]["orders"] == 4
    done = nodes.dure("verify", running.directory / "node-1", "--json")
    part = json.loads(done.stdout)
    assert done.returncode == 0 and part["part"] is True and part["systems"] == []
    assert 0 < part["events"] < whole["events"]
