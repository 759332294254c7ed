"""The invariants of dr, bike, secondhand and food, one a file. Each has check(journeys, shown), which
asserts: journeys by the name of their kind, and everything that the systems show at rest."""
from checks.mixed import (acknowledged, held, journals, negative, once, settled, sums,  # noqa: F401
                          told, views)

ALL = (once, acknowledged, sums, negative, held, settled, told, views)


class Shown:
    """Rows as they are listed; each collection is read once, when it is first asked for."""

    def __init__(self, connection):
        self.connection = connection
        self.read = {}

    def __call__(self, collection):
        if collection not in self.read:
            self.read[collection] = list(self.pages(collection))
        return self.read[collection]

    def pages(self, collection):
        for number in range(1000):
            reply = self.connection("GET", f"/{collection}?size=1000&page={number}")
            assert reply.status == 200, reply
            body = reply.json()
            assert "partial" not in body["page"], body["page"]
            yield from body["_embedded"][collection.split("/")[1]]
            if number + 1 >= body["page"]["totalPages"]:
                return
        raise AssertionError(f"{collection} has no end")

    def by(self, collection, field):
        """The rows by a field that no two of them share."""
        rows = {}
        for row in self(collection):
            assert row[field] not in rows, f"two {collection} with {field} {row[field]}: {row}"
            rows[row[field]] = row
        return rows


def check_all(journeys, shown):
    for invariant in ALL:
        invariant.check(journeys, shown)
