"""At least fifty kills of a cluster's nodes. By hand and for longer: tests/crash/cluster."""
import os
import random

import pytest

import cluster_run

DIRECTORIES, ROUNDS, KILLS = 4, 8, 13
SEED = int(os.environ.get("DURE_SEED") or random.SystemRandom().getrandbits(31))


@pytest.mark.parametrize("number", range(DIRECTORIES))
def test_faults(tmp_path, number):
    """Nodes are killed and suspended under load; every answer ever given holds, once, everywhere."""
    seed = SEED + number
    print(f"seed {seed}; replay: tests/crash/cluster --seed {seed} --rounds {ROUNDS} --kills {KILLS}")
    kills, slowest_s = cluster_run.run(tmp_path / "data", seed, ROUNDS, KILLS)
    assert kills >= KILLS
    # Of one that is killed again and again while it starts; of one kill: tests/cluster/test_up.py.
    assert slowest_s < 10, f"a killed node was down for {slowest_s} s"
