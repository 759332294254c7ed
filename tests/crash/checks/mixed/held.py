"""A bike is held by one reservation at most."""
from bike import RESERVED


def check(_journeys, shown):
    holders = {}
    for row in shown("bike/reservations"):
        if row["reserveStatus"] == RESERVED:
            other = holders.setdefault(row["bikeId"], row)
            assert other is row, f"one bike, two reservations: {other}, {row}"
