"""The load of dr, bike, secondhand and food on a cluster that is hit, and what it must have come to.

Workers go on journeys (journey.py), a system a file, until they are told to stop; afterwards every
journey must have ended as its answers say (checks/mixed/).
"""
from collections import defaultdict
import itertools
import random

from checks import mixed as checks
from mixed.bike import BIKES, Ride, Station
from mixed.dr import Demand
from mixed.food import Dish, Meal
from mixed.secondhand import PIECES, Deal, Shelf

SAMPLE = 20  # Of earlier journeys, repeated after each round.
DISHES = 3


class Mixed:
    """All journeys of one data directory."""

    def __init__(self, port, timeout):
        self.port, self.timeout = port, timeout
        self.numbers = itertools.count(1)
        self.journeys = []
        self.shared = {}  # Kind of journey → what all of that kind share.

    def open(self):
        def opened(kind, count, made):
            openings = [kind(number, random.Random(number)) for number in range(1, count + 1)]
            for one in openings:
                one.run(self.port, self.timeout)
            return [getattr(one, made) for one in openings]
        self.shared = {Ride: {"bikes": opened(Station, BIKES, "bike")},
                       Deal: {"products": opened(Shelf, len(PIECES), "product")},
                       Meal: {"dishes": opened(Dish, DISHES, "food")},
                       Demand: {"customers": {}}}

    def works(self, stopping):
        """One for each worker; each is called with its dice, and returns when `stopping` is set."""
        return [lambda dice, k=kinds: self.work(k, dice, stopping)
                for kinds in ((Ride, Deal, Meal), (Ride, Deal, Meal), (Ride, Deal), (Demand,))]

    def work(self, kinds, dice, stopping):
        while not stopping.is_set():
            kind = dice.choice(kinds)
            journey = kind(next(self.numbers), random.Random(dice.getrandbits(32)))
            vars(journey).update(self.shared[kind])
            journey.run(self.port, self.timeout)
            self.journeys.append(journey)

    def repeat(self, known, rng):
        """By key, at any node: the same answers again."""
        recent, old = self.journeys[known:], self.journeys[:known]
        for journey in recent + rng.sample(old, min(len(old), SAMPLE)):
            journey.repeat()

    def by_kind(self):
        kinds = defaultdict(list)
        for journey in self.journeys:
            kinds[journey.name].append(journey)
        return kinds

    def __str__(self):
        return ", ".join(f"{len(journeys)} {kind}" for kind, journeys in
                         sorted(self.by_kind().items()))

    def check(self, connection):
        checks.check_all(self.by_kind(), checks.Shown(connection))

    def check_journals(self, events):
        checks.journals.check(self.by_kind(), events)
