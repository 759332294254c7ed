"""SPEC D: the bike system's scenario with its exact numbers, and its events."""
import json

import pytest

import node as nodes
from bike import CANCELED, RESERVED, RETURNED, TOO_FEW, UNKNOWN_BIKE, Bike


@pytest.fixture
def rooted(tmp_path):
    """A node whose root system is bike."""
    running = nodes.Node(tmp_path / "data", "--root", "bike").start()
    yield running
    if running.process is not None:
        running.stop()


def plain(item):
    return {name: value for name, value in item.items() if name != "_links"}


def verify(data):
    done = nodes.dure("verify", data)
    assert done.returncode == 0, done.stdout.decode()
    return done.stdout.decode()


@pytest.mark.parametrize("prefix", ["/bike", ""], ids=["prefixed", "unprefixed"])
@pytest.mark.parametrize("kind", [int, str], ids=["numbers", "strings"])
def test_scenario(rooted, prefix, kind):
    """From the first bike to a return: every number and status as SPEC D says."""
    bike = Bike(rooted.client(), prefix)
    made = bike.api.post(bike.url("managements"),
                         {"color": "green", "registeredDate": "2024-04-04"})
    assert made.status_code == 201 and made.headers["Location"].endswith(
        bike.url("managements", 1))
    assert plain(made.json()) == {"bikeId": 1, "color": "green", "registeredDate": "2024-04-04"}
    first = bike.approve(kind(3000), userId=kind(10), approveDate="2024-04-05").json()
    assert plain(first) == {"confirmId": 1, "userId": 10, "price": 3000,
                            "approveDate": "2024-04-05"}
    assert plain(bike.get("points", 10)) == {"userId": 10, "totalPoint": 3000}
    assert bike.approve(kind(5000), userId=kind(10)).json()["confirmId"] == 2
    assert bike.points == 8000

    response = bike.reserve(userId=kind(10), bikeId=kind(1))
    assert response.status_code == 201
    item = response.json()
    assert list(plain(item)) == ["reserveNo", "userId", "bikeId", "reserveDateTime",
                                 "returnDateTime", "reserveStatus"]
    assert (item["reserveNo"], item["userId"], item["bikeId"], item["returnDateTime"],
            item["reserveStatus"]) == (1, 10, 1, None, RESERVED)
    assert set(item["_links"]) == {"self", "reservation", "cancel", "return"}
    assert bike.points == 7000
    assert plain(bike.get("reservationDashboards", 1)) == {
        "reserveNo": "1", "userId": 10, "bikeId": 1, "reserveStatus": RESERVED}

    canceled = bike.cancel(1)
    assert canceled.status_code == 200 and canceled.json()["reserveStatus"] == CANCELED
    assert set(canceled.json()["_links"]) == {"self", "reservation"}
    assert bike.points == 8000
    assert bike.status(1) == CANCELED

    assert bike.reserved(userId=kind(10), bikeId=kind(1)) == 2  # The bike is free.
    assert bike.points == 7000
    returned = bike.give_back(2).json()
    assert returned["reserveStatus"] == RETURNED
    assert item["reserveDateTime"] <= returned["reserveDateTime"] <= returned["returnDateTime"]
    assert returned["returnDateTime"].endswith("+00:00")
    assert bike.points == 7000
    assert bike.status(2) == RETURNED
    assert [plain(row) for row in bike.find("reservationDashboards")] == [
        {"reserveNo": "1", "userId": 10, "bikeId": 1, "reserveStatus": CANCELED},
        {"reserveNo": "2", "userId": 10, "bikeId": 1, "reserveStatus": RETURNED}]
    rooted.stop()
    check_events(rooted.data)
    text = verify(rooted.data)
    assert "bike purchases: 8000 paid = 8000 bought\n" in text
    assert "bike fares: 1000 of reservations = 1000 used\n" in text
    assert "bikes: 0 held = 0 reserved\n" in text
    rebuilt = nodes.dure("rebuild", rooted.data)
    assert rebuilt.returncode == 0, rebuilt.stdout.decode()
    verify(rooted.data)


POINTS = ["userId", "totalPoint"]
ENDED = ["reserveNo", "userId", "bikeId"]
ORDERED = ("approval.PointOrdered", ["confirmId", "userId", "price"])
REGISTRATED = ("management.BikeRegistrated", ["bikeId", "color", "registeredDate"])
INCREASED, USED, GIVEN_BACK = (("point." + name, POINTS) for name in (
    "PointIncreased", "PointUsed", "PointReturned"))
BIKE_RESERVED = ("reservation.BikeReserved", ["reserveNo", "userId", "bikeId", "reserveDateTime",
                                              "returnDateTime", "reserveStatus"])
BIKE_RETURNED, BIKE_CANCELED = (("reservation." + name, ENDED) for name in (
    "BikeReturned", "Canceled"))


def dumped(data):
    """[(type, fields)] of the journal, and the events as they are."""
    done = nodes.dure("dump", data)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(event["data"]["eventType"] == event["type"].split(".")[2] for event in events)
    assert all(event["type"].startswith("bike.") for event in events)
    return [(event["type"][5:], list(event["data"])[2:]) for event in events], events


def check_events(data):
    """The scenario has left exactly its events, with the fields of SPEC D and their values."""
    shapes, events = dumped(data)
    assert shapes == [REGISTRATED, ORDERED, INCREASED, ORDERED, INCREASED,
                      USED, BIKE_RESERVED, BIKE_CANCELED, GIVEN_BACK,
                      USED, BIKE_RESERVED, BIKE_RETURNED]
    totals = [event["data"]["totalPoint"] for event in events if ".point." in event["type"]]
    assert totals == [3000, 8000, 7000, 8000, 7000]
    assert all(event["data"]["userId"] == 10 for event in events[1:])
    assert [event["data"]["reserveNo"] for event in events if ".reservation." in event["type"]
            ] == [1, 1, 2, 2]
    assert events[6]["data"]["reserveStatus"] == RESERVED
    assert events[7]["source"].endswith("/bike/reservations/1")


def test_events_of_refusals(fresh):
    """What was refused has published nothing: no bike was reserved, no point was used."""
    bike = Bike(fresh.client()).add()
    bike.refused(bike.reserve(), TOO_FEW)
    bike.buy(999)
    bike.refused(bike.reserve(), TOO_FEW)
    bike.refused(bike.reserve(bikeId=2), UNKNOWN_BIKE)
    fresh.stop()
    assert dumped(fresh.data)[0] == [REGISTRATED, ORDERED, INCREASED]
    verify(fresh.data)
