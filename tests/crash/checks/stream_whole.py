"""Once everything is at rest, every subscriber gets all that replay tells: the same events, of each
shard in the same order, and no others."""
from node import wait_until
from recording import SETTLE_S
import stream


def check(subscribers):
    for name, one in subscribers.each.items():
        wanted = [event for event in subscribers.replayed if event["type"].startswith(one.topic)]
        try:
            wait_until(lambda o=one, count=len(wanted): len(o.events()) >= count, SETTLE_S)
            stream.same(one.events(), wanted)
        except AssertionError as error:
            missing = {event["id"] for event in wanted} - {event["id"] for event in one.events()}
            raise AssertionError(
                f"the stream of {name}: {len(one.events())} events of {len(wanted)}; missing "
                f"{sorted(missing)[:20]}; {error}") from error
