"""A hundred kills at random moments. By hand and for longer: tests/crash/run."""
import os
import random

import pytest

import node as nodes
import recording
import recovery

DIRECTORIES, ROUNDS = 5, 20
SEED = int(os.environ.get("DURE_SEED") or random.SystemRandom().getrandbits(31))


@pytest.mark.parametrize("number", range(DIRECTORIES))
def test_kills(tmp_path, number):
    """After each of 20 kills every answer ever given holds, once, and all sums are conserved."""
    seed = SEED + number
    print(f"seed {seed}; replay: tests/crash/run --seed {seed} --rounds {ROUNDS}")
    assert recovery.run(tmp_path / "data", seed, ROUNDS) >= ROUNDS


@pytest.mark.parametrize("orders", [500, 22_000, 40_000])
def test_verify_before_recovery(tmp_path, orders):
    """`dure verify` reads what a kill under full bulk load left behind, before any node has."""
    running = nodes.Node(tmp_path / "data").start()
    connection = recording.Connection(running.port)
    connection("POST", "/shop/inventories", {"stockName": "p", "stockCount": 10**9, "price": 1})
    connection("POST", "/shop/pays", {"userId": 1, "payAmount": 10**12})
    acknowledged = []
    command = {"productId": 1, "quantity": 1, "userId": 1}
    for result in connection.stream("/shop/orders", [command] * (orders * 3 // 2)):
        acknowledged.append(result["id"])
        if len(acknowledged) == orders:
            running.kill()
            break
    checked = nodes.dure("verify", running.data)
    assert checked.returncode == 0, (checked.stdout + checked.stderr).decode()
    running.start()
    ids = {order["id"] for order in recording.Connection(running.port).all("orders")}
    assert ids >= set(acknowledged)
    running.stop()
