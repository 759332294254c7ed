"""What the stopped nodes' journals say: every shard's events are gap-free, and each effect is there
once for each order. Not part of ALL: it needs the directories, not the service. Returns the events."""
from collections import Counter
import json

from node import dure
from shop import CANCELED, DONE

ONCE = ("OrderPlaced", "OrderCanceled", "DeliveryStarted", "DeliveryCanceled")


def events_of(directory):
    dumped = dure("dump", directory)
    assert dumped.returncode == 0, dumped.stderr.decode()
    return [json.loads(line) for line in dumped.stdout.splitlines()]


def check(directories, shown):
    seen, everything = Counter(), []
    for directory in directories:
        events = events_of(directory)
        everything += events
        check_sequences(events)
        for event in events:
            if not event["type"].startswith("shop."):
                continue  # mixed/journals.py looks at the others.
            kind, data = event["data"]["eventType"], event["data"]
            seen[kind, data["id"] if kind.startswith("Order") else data.get("orderId")] += 1
    expected = Counter()
    for order in shown.orders:
        expected["OrderPlaced", order["id"]] = 1
        if order["status"] in (DONE, CANCELED):
            expected["DeliveryStarted", order["id"]] = 1
        if order["status"] == CANCELED:
            expected["OrderCanceled", order["id"]] = expected["DeliveryCanceled", order["id"]] = 1
    assert {key: count for key, count in seen.items() if key[0] in ONCE} == expected
    check_effects(seen, shown)
    return everything


def check_effects(seen, shown):
    """Money and stock: taken once or not at all, and given back once when the order came to nothing."""
    for order in shown.orders:
        paid, repaid = seen["PayApproval", order["id"]], seen["PayCanceled", order["id"]]
        taken, returned = seen["StockDecreased", order["id"]], seen["StockIncreased", order["id"]]
        assert paid <= 1 and taken <= 1, order
        if order["status"] == DONE:
            assert (paid, repaid, taken, returned) == (1, 0, 1, 0), order
        else:
            assert (paid, taken) == (repaid, returned), order


def check_sequences(events):
    """Numbered from 1 without a gap within each shard, as `id` says: SHARD-NUMBER."""
    last = {}
    for event in events:
        shard = event["id"].rsplit("-", 1)[0]
        number = int(event["sequence"])
        assert number == last.get(shard, 0) + 1, f"{event['id']} follows {last.get(shard)}"
        last[shard] = number
