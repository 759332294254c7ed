"""The invariants, one a file. Each has check(record, shown, rng), which asserts."""
from checks import acknowledged, history, money, negative, once, sagas, stock, views

ALL = (sagas, once, acknowledged, money, stock, negative, views, history)


def check_all(record, shown, rng):
    for invariant in ALL:
        invariant.check(record, shown, rng)
