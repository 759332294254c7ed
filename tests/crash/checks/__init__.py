"""The invariants, one a file. Each has check(record, shown, rng), which asserts."""
from checks import acknowledged, history, money, negative, once, sagas, stock, views
from checks import stream_exact, stream_whole

ALL = (sagas, once, acknowledged, money, stock, negative, views, history)
STREAMS = (stream_exact, stream_whole)


def check_all(record, shown, rng):
    for invariant in ALL:
        invariant.check(record, shown, rng)


def check_streams(subscribers):
    """`subscribers.replayed` is up to now. These have check(subscribers)."""
    for invariant in STREAMS:
        invariant.check(subscribers)
