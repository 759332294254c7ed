"""Replay tells exactly what the journals hold. It looks at the stopped nodes' directories."""
import stream


def check(subscribers, dumped):
    """`dumped`: the events of all directories (checks/journals.py)."""
    stream.check_exact(subscribers.replayed)
    stream.same(subscribers.replayed, dumped)
