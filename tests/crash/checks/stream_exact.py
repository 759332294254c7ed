"""What a subscriber has got is, of each shard, gap-free and without doubles from the very first event.
(Of a topic, no event comes twice or before an older one.)"""
import stream


def check(subscribers):
    for name, one in subscribers.each.items():
        try:
            if one.topic:
                check_order(one.events())
            else:
                stream.check_exact(one.events())
        except AssertionError as error:
            raise AssertionError(f"the stream of {name}: {error}") from error


def check_order(events):
    for shard, found in stream.by_shard(events).items():
        numbers = [stream.key(event)[1] for event in found]
        assert numbers == sorted(set(numbers)), f"shard {shard}: {numbers}"
