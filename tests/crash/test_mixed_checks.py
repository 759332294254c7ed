"""The checkers of the mixed load notice what they are there for."""
import copy
import random

import pytest

from checks import mixed as checks
from mixed import Mixed
from recording import Connection
from up import Up

JOURNEYS = 60

# Each is one thing that went wrong, as it would show.
WRONG = {
    "points lost": ("bike/points", lambda rows: add(rows, "totalPoint", -1)),
    "points invented": ("dr/users", lambda rows: add(rows, "point", 1)),
    "stock lost": ("secondhand/inventories", lambda rows: add(rows, "qty", -1)),
    "two hold one bike": ("bike/reservations", lambda rows: hold_twice(rows)),
    "settled twice": ("dr/kepcos", lambda rows: rows.append(rows[0])),
    "not settled": ("dr/kepcos", lambda rows: rows.pop()),
    "not read": ("dr/kepcos", lambda rows: rows[0].update(isReal=None)),
    "not asked": ("dr/responses", lambda rows: rows.pop()),
    "asked twice": ("dr/responses", lambda rows: rows.append(rows[0])),
    "answer lost": ("dr/responses", lambda rows: next(
        row for row in rows if row["answer"] == "accept").update(answer="ignore")),
    "order lost": ("food/orders", lambda rows: rows.pop()),
    "order doubled": ("food/orders", lambda rows: rows.append({**rows[0], "id": 10**9})),
    "order stood still": ("food/orders", lambda rows: rows[-1].update(status="주문됨")),
    "paid twice": ("food/payments", lambda rows: rows.append({**rows[0], "id": 10**9})),
    "cooked twice": ("food/storeOrders", lambda rows: rows.append({**rows[0], "id": 10**9})),
    "rated twice": ("food/foods", lambda rows: add(rows, "count", 1)),
    "counted twice": ("food/topFoods", lambda rows: add(rows, "orderCount", 1)),
    "told twice": ("food/notificationLogs", lambda rows: rows.append(rows[0])),
    "not told": ("secondhand/notices", lambda rows: rows.pop()),
    "reservation lost": ("secondhand/reserves", lambda rows: rows.pop()),
    "traded twice": ("secondhand/trades", lambda rows: rows.append(
        {**next(row for row in rows if row["reserveid"]), "id": 10**9})),
    "a view behind": ("bike/reservationDashboards", lambda rows: rows[0].update(reserveStatus="")),
    "a view short": ("food/orderStatuses", lambda rows: rows.pop()),
    "a view with too much": ("dr/getUserInfos", lambda rows: rows.append(rows[0])),
}


def add(rows, field, by):
    rows[0][field] += by


def hold_twice(rows):
    holder = next(row for row in rows if row["reserveStatus"] == "예약완료")
    rows.append({**holder, "reserveNo": 10**9})


class Kept(checks.Shown):
    """What was shown once, to be tampered with."""

    def __init__(self, read):
        super().__init__(None)
        self.read = copy.deepcopy(read)


@pytest.fixture(scope="module")
def travelled(tmp_path_factory):
    """Journeys of every kind on a cluster that nothing hits: they pass; and what it shows."""
    up = Up(tmp_path_factory.mktemp("mixed") / "data", count=3).start()
    mixed = Mixed(up.port, 5)
    mixed.open()
    dice, stopping = random.Random(7), After(JOURNEYS)
    for work in mixed.works(stopping):
        stopping.left = JOURNEYS
        work(dice)
    mixed.repeat(0, dice)
    shown = checks.Shown(Connection(up.port))
    checks.check_all(mixed.by_kind(), shown)
    up.stop()
    return mixed.by_kind(), shown.read


class After:
    """An event that is set when it has been asked so many times."""

    def __init__(self, left):
        self.left = left

    def is_set(self):
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("what", WRONG)
def test_noticed(travelled, what):
    """Tampered with in one place, it does not pass."""
    journeys, read = travelled
    shown = Kept(read)
    collection, tamper = WRONG[what]
    tamper(shown.read[collection])
    with pytest.raises(AssertionError):
        checks.check_all(journeys, shown)
