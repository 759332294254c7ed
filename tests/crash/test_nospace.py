"""A full disk: commands get 507, reads go on, and work resumes when there is space again.

The data directory is on a small tmpfs: mounted directly where we may, else in a user namespace of
our own. Where neither works the test fails: it would prove nothing.
"""
import json
import os
import pathlib
import subprocess

import pytest

import node as nodes
from recording import Connection
from shop import DONE, PENDING, Shop, is_problem

SIZE_MB, BALLAST_MB = 48, 12
MONEY, STOCK = 10**12, 10**9


class Disk:
    """A small tmpfs. `path` is where the node sees it, `outside` where this process does."""

    def __init__(self, path):
        self.path = path
        self.holder = None
        self.wrap = []
        path.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m,mode=0777", "dure-test", str(path)]
        if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
            self.outside = path
            return
        # In a namespace that lives as long as its holder: a shell that waits for its input's end.
        self.holder = subprocess.Popen(
            ["unshare", "-rm", "sh", "-c", '"$@" && echo mounted && read -r end', "sh", *mount],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.holder.stdout.readline() == b"mounted\n", "no tmpfs: neither mount nor unshare"
        self.outside = pathlib.Path(f"/proc/{self.holder.pid}/root{path}")
        self.wrap = ["nsenter", "--preserve-credentials", "-U", "-m", "-t", str(self.holder.pid)]

    def fill_up(self):
        """Takes what is left, to the last byte."""
        with open(self.outside / "rest", "ab", buffering=0) as rest:
            try:
                while True:
                    rest.write(b"x" * 4096)
            except OSError:
                pass

    def close(self):
        if self.holder:
            self.holder.communicate(b"end\n")
        else:
            subprocess.run(["umount", str(self.path)], check=True)


@pytest.fixture
def disk(tmp_path, monkeypatch):
    small = Disk(tmp_path / "disk")
    monkeypatch.setattr(nodes, "WRAP", small.wrap + nodes.WRAP)
    yield small
    small.close()


@pytest.fixture
def node(disk, tmp_path):
    ballast = disk.outside / "ballast"
    ballast.write_bytes(os.urandom(BALLAST_MB * 2**20))
    running = nodes.Node(disk.path / "data", log=tmp_path / "node.log").start()
    yield running
    running.kill()


def order_until_full(node, shop):
    """Bulk orders until the disk refuses them; returns the ids of all that were acknowledged."""
    command = json.dumps({"productId": shop.product, "quantity": 1, "userId": shop.user}).encode()
    connection = Connection(node.port)
    acknowledged = []
    for _ in range(1000):
        reply = connection("POST", "/shop/orders", (command + b"\n") * 1000,
                           kind="application/x-ndjson")
        if reply.status == 507:
            return acknowledged
        results = [json.loads(text) for text in reply.body.splitlines()]
        assert len(results) == 1000
        acknowledged += [r["id"] for r in results if r["status"] == 201]
        refused = [r for r in results if r["status"] != 201]
        if refused:
            assert {r["status"] for r in refused} <= {507, 503}, refused[0]
            if 507 in {r["status"] for r in refused}:
                return acknowledged
    raise AssertionError("the disk never filled up")


def refuse_all(shop, acknowledged):
    """Orders and accounts until neither is taken, ten times: what was reserved on disk already, or
    is freed by a checkpoint, still serves a few. Returns the users of accounts that were opened."""
    users, refused = [], 0
    while refused < 10:
        order = shop.order(1)
        user = 2 + len(users)
        pay = shop.api.post("/shop/pays", {"userId": user, "payAmount": 1})
        if order.status_code == 201:
            acknowledged.append(order.json()["id"])
        else:
            assert "disk" in is_problem(order, 507)["detail"]
        if pay.status_code == 201:
            users.append(user)
        else:
            is_problem(pay, 507)
        refused = 0 if 201 in (order.status_code, pay.status_code) else refused + 1
    return users


def resumed(shop):
    """Waits until orders work again; returns the id of the first that did."""
    def served():
        response = shop.order(1)
        assert response.status_code in (201, 507), response.text
        return response.json()["id"] if response.status_code == 201 else None
    return nodes.wait_until(served, 15, "orders to work again")


def check(node, shop, acknowledged):
    """Exactly the acknowledged orders are there, and the sums agree with them."""
    shop.api = node.client()
    orders = Connection(node.port).all("orders")
    orders = [shop.settled(o["id"]) if o["status"] == PENDING else o for o in orders]
    assert {o["status"] for o in orders} == {DONE}
    ids = [o["id"] for o in orders]
    assert len(set(ids)) == len(ids) and set(ids) == set(acknowledged)
    assert shop.holdings == (MONEY - 1000 * len(ids), STOCK - len(ids))
    assert len(Connection(node.port).all("deliveries")) == len(ids)


def test_full_disk(disk, node):
    """Orders end in 507, reads go on, freed space is used without a restart, nothing is lost."""
    shop = Shop(node.client(), user=1).open(money=MONEY, stock=STOCK)
    acknowledged = order_until_full(node, shop)
    assert acknowledged
    disk.fill_up()
    users = refuse_all(shop, acknowledged)
    check(node, shop, acknowledged)
    assert shop.api.get("/livez").status_code == 200
    node.check()

    (disk.outside / "ballast").unlink()
    acknowledged.append(resumed(shop))
    for _ in range(200):
        acknowledged.append(shop.ordered(1)["id"])
    assert shop.cancel(acknowledged[-1]).status_code == 200
    assert shop.get("orders", acknowledged[-1])["status"] == "주문취소"
    acknowledged.append(shop.ordered(1)["id"])
    node.check()
    canceled = acknowledged.pop(-2)

    shop.api.session.close()
    node.stop()
    checked = nodes.dure("verify", node.data)
    assert checked.returncode == 0, (checked.stdout + checked.stderr).decode()
    node.start()
    shop.api = node.client()
    assert shop.get("orders", canceled)["status"] == "주문취소"
    orders = {o["id"] for o in Connection(node.port).all("orders")}
    assert orders == {*acknowledged, canceled}
    assert {p["userId"] for p in Connection(node.port).all("pays")} == {1, *users}
    assert shop.holdings == (MONEY - 1000 * len(acknowledged), STOCK - len(acknowledged))


def test_kill_at_a_full_disk(disk, node):
    """Killed while the disk is full, a node comes back to serve reads, and works when there is space."""
    shop = Shop(node.client(), user=1).open(money=MONEY, stock=STOCK)
    acknowledged = order_until_full(node, shop)
    disk.fill_up()
    node.kill()
    node.start()
    check(node, shop, acknowledged)
    (disk.outside / "ballast").unlink()
    check(node, shop, acknowledged + [resumed(shop)])
    node.stop()
    checked = nodes.dure("verify", node.data)
    assert checked.returncode == 0, (checked.stdout + checked.stderr).decode()
