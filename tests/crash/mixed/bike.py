"""Rides: points are bought, a bike is reserved that others want, too, and the ride ends one way."""
from bike import CANCELED, FARE, RECEIVED, RESERVED, RETURNED
from mixed.journey import Journey, kept

BIKES = 4  # That all share.


def bike_of(journey):
    reply = journey.ask("bike", "POST", "/bike/managements",
                        {"color": "green", "registeredDate": "2024-04-04"}, (201,))
    return reply.json()["bikeId"]


class Station(Journey):
    """The bikes, at the beginning of a directory."""
    name = "bike-station"

    def walk(self):
        self.bike = bike_of(self)


class Ride(Journey):
    name = "bike"

    def walk(self):
        self.end = self.reservation = None
        self.bought = self.dice.choice((FARE - 1, FARE, 3 * FARE, 3 * FARE))
        self.ask("buy", "POST", "/bike/approvals", {"userId": self.number, "price": self.bought},
                 (201,))
        own = self.dice.random() < 0.3  # Only who has an own bike keeps it: the others share theirs.
        self.bike = bike_of(self) if own else self.dice.choice(self.bikes)
        placed = self.ask("reserve", "POST", "/bike/reservations",
                          {"userId": self.number, "bikeId": self.bike}, (201, 409))
        self.reservation = kept(placed)
        path = f"/bike/reservations/{self.reservation}"
        now = self.read(path, lambda item: item["reserveStatus"] != RECEIVED)["reserveStatus"]
        assert now in (RESERVED, CANCELED), now
        assert placed.status == 201 or now == CANCELED, (placed, now)
        self.holds = now == RESERVED
        if not self.holds or own and self.dice.random() < 0.5:
            return
        self.end, other = self.dice.sample(("cancel", "return"), 2)
        self.ask(self.end, "PUT", f"{path}/{self.end}")
        for late in (self.end, other):
            if self.dice.random() < 0.3:
                self.ask(f"late-{late}", "PUT", f"{path}/{late}", None, (409,))

    def status(self):
        """What the reservation must be in the end."""
        if not self.holds or self.end == "cancel":
            return CANCELED
        return RETURNED if self.end == "return" else RESERVED

    def points(self):
        return self.bought - (FARE if self.status() != CANCELED else 0)
