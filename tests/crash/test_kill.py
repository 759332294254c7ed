"""A hundred kills at random moments. By hand and for longer: tests/crash/run."""
import os
import random

import pytest

import recovery

DIRECTORIES, ROUNDS = 5, 20
SEED = int(os.environ.get("DURE_SEED") or random.SystemRandom().getrandbits(31))


@pytest.mark.parametrize("number", range(DIRECTORIES))
def test_kills(tmp_path, number):
    """After each of 20 kills every answer ever given holds, once, and all sums are conserved."""
    seed = SEED + number
    print(f"seed {seed}; replay: tests/crash/run --seed {seed} --rounds {ROUNDS}")
    assert recovery.run(tmp_path / "data", seed, ROUNDS) >= ROUNDS
