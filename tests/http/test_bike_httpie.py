"""The calls of docs/systems/bike.md by httpie itself, which sends every value as a string: typed as
they stand there at a node whose root is bike or not, and with the prefix."""
import re

import pytest

import node as nodes
from bike import CANCELED, RESERVED, RETURNED, Bike
from typed import typed

DOCUMENT = (nodes.ROOT / "docs" / "systems" / "bike.md").read_text(encoding="utf-8")
CALLS = re.findall(r"^http \w+ :8088/.*$", DOCUMENT, re.M)

# What each call is answered with, and how many points user 10 has afterwards.
ANSWERS = [
    ({"bikeId": 1}, None), ({"price": 8000}, 8000), ({"totalPoint": 1000}, 8000),
    ({"totalPoint": 8000}, 8000), ({"reserveNo": 1, "reserveStatus": RESERVED}, 7000),
    ({"reserveStatus": CANCELED}, 8000), ({"reserveNo": 2, "reserveStatus": RESERVED}, 7000),
    ({"reserveStatus": CANCELED}, 8000), ({"reserveNo": 3, "reserveStatus": RESERVED}, 7000),
    (None, 8000), ({"reserveNo": 4, "reserveStatus": RESERVED}, 8000),
    ({"reserveStatus": RETURNED}, 8000), ({"reserveNo": 5, "reserveStatus": RESERVED}, 7000),
    ({"reserveStatus": RETURNED}, 7000), ({}, 7000),
]


@pytest.mark.parametrize("prefix", ["/bike", ""], ids=["prefixed", "unprefixed"])
@pytest.mark.parametrize("root", ["bike", "shop"])
def test_httpie(tmp_path, root, prefix):
    """Each call succeeds and says what SPEC D says."""
    assert len(CALLS) == len(ANSWERS)
    running = nodes.Node(tmp_path / "data", "--root", root).start()
    bike = Bike(running.client(), prefix)
    for call, (answer, points) in zip(CALLS, ANSWERS):
        status, got = typed(running.port, call, prefix)
        assert status == {"POST": 201, "DELETE": 204}.get(call.split()[1], 200), (call, got)
        if answer is None:
            assert got is None
        else:
            assert answer.items() <= got.items()
        if points is not None:
            assert bike.points == points, call
    statuses = [row["reserveStatus"] for row in got["_embedded"]["reservationDashboards"]]
    assert statuses == [CANCELED] * 3 + [RETURNED] * 2
    running.stop()
