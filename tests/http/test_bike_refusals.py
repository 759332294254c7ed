"""SPEC D: what the bike system refuses, with nothing taken; and what it takes in other forms."""
import itertools
import json

import pytest

import node as nodes
from bike import (CANCELED, FARE, RESERVED, RETURNED, TAKEN, TOO_FEW, UNKNOWN_BIKE, WAYS_TO_CANCEL,
                  WAYS_TO_RETURN, Bike, is_problem, wrong_fields)
from shop import path_of

_users = itertools.count(3000)
NOBODY = 987654321


@pytest.fixture
def bike(api):
    return Bike(api, user=next(_users)).add()


def ways(rels):
    return [(rel, way) for rel in rels
            for way in (WAYS_TO_CANCEL if rel == "cancel" else WAYS_TO_RETURN)]


def points_rows(bike):
    return [row["totalPoint"] for row in bike.find("points", userId=bike.user)]


# ---- Reservations ------------------------------------------------------------------------------

@pytest.mark.parametrize("points", [None, 1, 999], ids=["no row", "1", "999"])
def test_too_few_points(bike, points):
    """Without the fare nothing is taken: no point, no bike, and no points row is invented."""
    if points is not None:
        bike.buy(points)
    bike.refused(bike.reserve(), TOO_FEW)
    assert points_rows(bike) == ([] if points is None else [points])
    assert bike.is_free()


def test_exactly_the_fare(bike):
    """1000 points are enough for one reservation."""
    bike.buy(FARE)
    bike.reserved()
    assert bike.points == 0


def test_unknown_bike(bike):
    """Nobody pays for a bike that is not there."""
    bike.buy(FARE)
    bike.refused(bike.reserve(bikeId=NOBODY), UNKNOWN_BIKE)
    assert bike.points == FARE


def test_removed_bike(bike):
    """A free bike can be removed; then nobody reserves it."""
    bike.buy(FARE)
    url = bike.url("managements", bike.bike)
    assert bike.api.delete(url).status_code == 204
    is_problem(bike.api.get(url), 404)
    bike.refused(bike.reserve(), UNKNOWN_BIKE)
    assert bike.points == FARE


def test_bike_in_use(bike):
    """A bike of an active reservation is neither reserved, by anybody, nor removed."""
    bike.buy(3 * FARE)
    number = bike.reserved()
    bike.refused(bike.reserve(), TAKEN)
    assert not bike.is_free()
    assert bike.points == 2 * FARE
    url = bike.url("managements", bike.bike)
    is_problem(bike.api.delete(url), 409)
    assert bike.status(number) == RESERVED
    assert bike.give_back(number).status_code == 200
    assert bike.api.delete(url).status_code == 204


def test_eight_of_8000(bike):
    """8000 points are eight reservations; the ninth is refused, and its bike is free."""
    bike.buy(8000)
    for left in range(7000, -1, -1000):
        bike.reserved()
        assert bike.points == left
        bike.add()
    bike.refused(bike.reserve(), TOO_FEW)
    assert bike.points == 0
    assert bike.is_free()


@pytest.mark.parametrize("rel, way", ways(["cancel", "return"]))
def test_ends_once(bike, rel, way):
    """Whichever way a reservation was ended, afterwards it is neither cancelled nor returned: 409 by
    every way, and the points stay what they are."""
    bike.buy(3 * FARE)
    number = bike.reserved()
    first = bike.ask(number, rel, way)
    assert first.status_code == (204 if way == "delete" else 200)
    status = CANCELED if rel == "cancel" else RETURNED
    points = 3 * FARE if rel == "cancel" else 2 * FARE
    version = bike.api.get(bike.url("reservations", number)).headers["ETag"]
    for again, how in ways(["cancel", "return"]):
        is_problem(bike.ask(number, again, how), 409)
    assert (bike.status(number), bike.points) == (status, points)
    assert bike.api.get(bike.url("reservations", number)).headers["ETag"] == version
    assert bike.is_free()


def test_refused_ones_do_not_end(bike):
    """A reservation that never was is not cancelled for a refund, nor returned."""
    bike.buy(999)
    number = bike.refused(bike.reserve(), TOO_FEW)["reserveNo"]
    for rel, way in ways(["cancel", "return"]):
        is_problem(bike.ask(number, rel, way), 409)
    assert bike.points == 999


def test_an_old_reservation_has_no_say(bike):
    """What is done about an ended reservation does not touch the next one of the same bike."""
    bike.buy(5 * FARE)
    old = bike.reserved()
    bike.cancel(old)
    new = bike.reserved()
    for rel in ("cancel", "return"):
        is_problem(bike.ask(old, rel), 409)
    assert not bike.is_free()
    assert (bike.status(new), bike.points) == (RESERVED, 4 * FARE)


@pytest.mark.parametrize("body, fields", [
    ({}, {"userId", "bikeId"}), ({"userId": "x", "bikeId": 1}, {"userId"}),
    ({"userId": 0, "bikeId": -1}, {"userId", "bikeId"}), ({"userId": 1, "bikeId": ""}, {"bikeId"}),
    ({"userId": 1.5, "bikeId": "y", "reserveDateTime": "soon"},
     {"userId", "bikeId", "reserveDateTime"})], ids=repr)
def test_bad_reservations(api, body, fields):
    """All wrong and missing fields are named together."""
    assert wrong_fields(api.post("/bike/reservations", body)) == fields


@pytest.mark.parametrize("wanted", ["2024-04-04", "2024-04-04T09:00:00+09:00", 1712188800000,
                                    "1712188800000"], ids=repr)
def test_dates(bike, wanted):
    """reserveDateTime and returnDateTime may be given; a return sets the second."""
    bike.buy(FARE)
    item = bike.reserve(reserveDateTime=wanted, returnDateTime=wanted).json()
    assert item["reserveDateTime"] == item["returnDateTime"] == "2024-04-04T00:00:00.000+00:00"
    returned = bike.give_back(item["reserveNo"]).json()
    assert returned["reserveDateTime"] == item["reserveDateTime"]
    assert returned["returnDateTime"] > item["returnDateTime"]


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_return_as_a_whole_document(bike, method):
    """Who sends back what was read, but with 사용완료, returns the bike: returnDateTime is set."""
    bike.buy(FARE)
    number = bike.reserved()
    item = bike.get("reservations", number)
    response = bike.api(method, bike.url("reservations", number),
                        json={**item, "reserveStatus": RETURNED})
    assert response.status_code == 200, response.text
    assert response.json()["reserveStatus"] == RETURNED
    assert response.json()["returnDateTime"] >= item["reserveDateTime"]
    assert bike.is_free()


def test_governed_fields(bike):
    """Who, which and how it stands change only by commands."""
    bike.buy(FARE)
    number = bike.reserved()
    url = bike.url("reservations", number)
    for body in ({"reserveStatus": "예약접수"}, {"reserveStatus": "x"}, {"reserveStatus": None},
                 {"userId": 1}, {"bikeId": NOBODY}, {"reserveStatus": CANCELED, "userId": 1}):
        is_problem(bike.api.patch(url, body), 409)
    moved = bike.api.patch(url, {"reserveDateTime": "2025-01-01"})
    assert moved.status_code == 200
    assert moved.json()["reserveDateTime"] == "2025-01-01T00:00:00.000+00:00"
    assert (bike.status(number), bike.points) == (RESERVED, 0)


def test_status_is_not_chosen(bike):
    """A reservation is made 예약완료, whatever status its client sends."""
    bike.buy(FARE)
    assert bike.reserve(reserveStatus=CANCELED).json()["reserveStatus"] == RESERVED


# ---- Points ------------------------------------------------------------------------------------

@pytest.mark.parametrize("body, fields", [
    ({}, {"userId", "price"}), ({"userId": 5}, {"price"}), ({"price": 5}, {"userId"}),
    ({"userId": 5, "price": 0}, {"price"}), ({"userId": 5, "price": -1}, {"price"}),
    ({"userId": 5, "price": "abc"}, {"price"}), ({"userId": 5, "price": 1.5}, {"price"}),
    ({"userId": 0, "price": 10**18}, {"userId", "price"})], ids=repr)
def test_bad_approvals(api, body, fields):
    """A purchase needs a user, and a price above 0."""
    before = api.get("/bike/approvals").json()["page"]["totalElements"]
    assert wrong_fields(api.post("/bike/approvals", body)) == fields
    assert api.get("/bike/approvals").json()["page"]["totalElements"] == before


def test_too_many_points(bike):
    """A purchase that would exceed what points can be is refused whole: no approval, no points."""
    bike.buy(10**15)
    before = bike.api.get(bike.url("approvals")).json()["page"]["totalElements"]
    is_problem(bike.approve(1), 409)
    assert bike.api.get(bike.url("approvals")).json()["page"]["totalElements"] == before
    assert bike.points == 10**15


def test_approvals_stay(bike):
    """A purchase keeps its user and price, and is not removed; its date is plain text."""
    url = bike.url("approvals", bike.buy(5)["confirmId"])
    for body in ({"price": 6}, {"userId": 1}):
        is_problem(bike.api.patch(url, body), 409)
    assert bike.api.patch(url, {"approveDate": 20240404}).json()["approveDate"] == "20240404"
    is_problem(bike.api.delete(url), 405)
    assert bike.points == 5


def test_opening_balance(bike):
    """POST /points opens a user's row under the user's number, once; purchases add to it."""
    body = {"userId": str(bike.user), "totalPoint": "2500"}
    made = bike.api.post(bike.url("points"), body)
    assert made.status_code == 201
    assert path_of(made.headers["Location"]) == bike.url("points", bike.user)
    assert (made.json()["userId"], made.json()["totalPoint"]) == (bike.user, 2500)
    is_problem(bike.api.post(bike.url("points"), body), 409)
    bike.buy(500)
    assert points_rows(bike) == [3000]
    is_problem(bike.api.post(bike.url("points"), {"userId": bike.user}), 409)
    bike.reserved()
    assert bike.points == 2000


def test_opening_with_nothing(bike):
    """A row may be opened without points."""
    assert bike.api.post(bike.url("points"), {"userId": bike.user}).json()["totalPoint"] == 0
    bike.refused(bike.reserve(), TOO_FEW)
    assert bike.points == 0


@pytest.mark.parametrize("body, fields", [
    ({}, {"userId"}), ({"userId": ""}, {"userId"}), ({"userId": 0}, {"userId"}),
    ({"userId": -3, "totalPoint": -1}, {"userId", "totalPoint"}),
    ({"userId": 10**18}, {"userId"}), ({"userId": 3, "totalPoint": 10**18}, {"totalPoint"}),
    ({"userId": "me", "totalPoint": "some"}, {"userId", "totalPoint"})], ids=repr)
def test_bad_points(api, body, fields):
    """A user is a number from 1 on; a balance is not negative."""
    assert wrong_fields(api.post("/bike/points", body)) == fields


def test_points_are_governed(bike):
    """A balance is not edited, and PUT does not make one."""
    bike.buy(FARE)
    url = bike.url("points", bike.user)
    for method in ("PATCH", "PUT"):
        is_problem(bike.api(method, url, json={"totalPoint": 10**6}), 409)
        is_problem(bike.api(method, bike.url("points", NOBODY), json={"totalPoint": 1}), 404)
    is_problem(bike.api.get(bike.url("points", NOBODY)), 404)
    assert bike.points == FARE


def test_removed_points(bike):
    """With the row gone nothing is given back, and nothing invented; a purchase makes it anew."""
    bike.buy(2 * FARE)
    number = bike.reserved()
    assert bike.api.delete(bike.url("points", bike.user)).status_code == 204
    assert bike.cancel(number).status_code == 200
    assert points_rows(bike) == []
    bike.refused(bike.reserve(), TOO_FEW)
    bike.buy(FARE)
    assert points_rows(bike) == [FARE]


# ---- The rest ----------------------------------------------------------------------------------

def test_bikes_are_edited(bike):
    """A bike's colour and date are plain data; its number is the system's."""
    url = bike.url("managements", bike.bike)
    assert bike.api.patch(url, {"color": "red", "bikeId": 9}).json()["color"] == "red"
    put = bike.api.put(url, {"registeredDate": "2025"}).json()
    assert (put["bikeId"], put["color"], put["registeredDate"]) == (bike.bike, None, "2025")
    is_problem(bike.api.put(bike.url("managements", NOBODY), {"color": "red"}), 404)
    bike.buy(FARE)
    number = bike.reserved()
    assert bike.api.patch(url, {"color": "blue"}).status_code == 200
    assert not bike.is_free()
    assert bike.status(number) == RESERVED


def test_get_only(bike):
    """The dashboard follows by itself and is not written: 405 with Allow."""
    bike.buy(FARE)
    url = bike.url("reservationDashboards", bike.reserved())
    for method, where in (("POST", bike.url("reservationDashboards")), ("PUT", url),
                          ("PATCH", url), ("DELETE", url)):
        response = bike.api(method, where, json={"reserveStatus": CANCELED})
        is_problem(response, 405)
        assert {"GET", "HEAD", "OPTIONS"} == set(response.headers["Allow"].split(", "))


def test_dashboard_filters(bike):
    """The dashboard is found by its number, user and status."""
    bike.buy(2 * FARE)
    canceled, reserved = bike.reserved(), None
    bike.cancel(canceled)
    reserved = bike.reserved()

    def numbers(**filters):
        return [row["reserveNo"] for row in bike.find("reservationDashboards", **filters)]
    assert numbers(reserveNo=reserved) == [str(reserved)]
    # By id, and in a cluster the later one may have the lower.
    assert sorted(numbers(userId=bike.user)) == sorted([str(canceled), str(reserved)])
    assert numbers(userId=bike.user, reserveStatus=CANCELED) == [str(canceled)]
    assert numbers(userId=bike.user, reserveStatus=RESERVED, bikeId=bike.bike) == [str(reserved)]


def test_unknown_reservations(api):
    """Commands to what does not exist are a 404, by every way."""
    bike = Bike(api)
    for rel, way in ways(["cancel", "return"]):
        is_problem(bike.ask(NOBODY, rel, way), 404)
    for collection in ("managements", "approvals", "reservations", "reservationDashboards"):
        is_problem(api.get(bike.url(collection, NOBODY)), 404)


def test_history(bike):
    """A reservation's own events are its history, a user's points have theirs."""
    bike.buy(2 * FARE)
    number = bike.reserved()
    bike.cancel(number)
    def names(*of):
        events = bike.api.get(bike.url(*of, "events")).json()["_embedded"]["events"]
        return [event["data"]["eventType"] for event in events]
    assert names("reservations", number) == ["BikeReserved", "Canceled"]
    assert names("points", bike.user) == ["PointIncreased", "PointUsed", "PointReturned"]


def test_idempotency_key(bike):
    """The same key gives the same reservation and takes the fare once; the same for a refusal, and for
    a purchase."""
    headers = {"Idempotency-Key": f"bike-{bike.user}-buy"}
    body = {"userId": bike.user, "price": 3 * FARE}
    bought = [bike.api.post(bike.url("approvals"), body, headers=headers) for _ in range(2)]
    assert bought[0].status_code == 201 and bought[0].content == bought[1].content
    assert bike.points == 3 * FARE
    for key, status in (("yes", 201), ("no", 409)):
        headers = {"Idempotency-Key": f"bike-{bike.user}-{key}"}
        answers = [bike.reserve(headers=headers) for _ in range(2)]
        assert answers[0].status_code == status and answers[0].content == answers[1].content
    assert bike.points == 2 * FARE
    assert len(bike.find("reservations", userId=bike.user)) == 2


def test_bulk(bike):
    """Purchases, rows and reservations as lines: each for itself."""
    def lines(collection, *bodies):
        response = bike.api("POST", bike.url(collection), data="".join(b + "\n" for b in bodies),
                            headers={"Content-Type": "application/x-ndjson"})
        assert response.status_code == 200
        return [json.loads(line) for line in response.text.splitlines()]
    user = bike.user
    assert len(lines("approvals", *[f'{{"userId":{user},"price":{FARE}}}'] * 3)) == 3
    assert bike.points == 3 * FARE
    first = bike.bike
    second = bike.add().bike
    made = lines("reservations", *[f'{{"userId":"{user}","bikeId":{one}}}'
                                   for one in (first, first, second, NOBODY)])
    statuses = [line["status"] for line in made]  # In a cluster either of the first two is first.
    assert (sorted(statuses[:2]), statuses[2:]) == ([201, 409], [201, 409])
    assert bike.points == FARE
    rows = lines("points", f'{{"userId":{user},"totalPoint":5}}', '{"totalPoint":5}',
                 f'{{"userId":{user + 10**6},"totalPoint":5}}')
    assert [line["status"] for line in rows] == [409, 400, 201]
    assert bike.get("points", user + 10**6)["totalPoint"] == 5


def test_fare_is_configuration(tmp_path):
    """--bike-fare is what a reservation costs; a cancel gives back what was paid, whatever it is now."""
    data = tmp_path / "data"
    running = nodes.Node(data, "--bike-fare", "250").start()
    bike = Bike(running.client()).add(points=600)
    number = bike.reserved()
    assert bike.points == 350
    running.stop()
    running = nodes.Node(data, "--bike-fare", "400").start()
    bike.api = running.client()
    bike.add()
    bike.refused(bike.reserve(), TOO_FEW)
    assert bike.cancel(number).status_code == 200
    assert bike.points == 600
    assert bike.reserved() and bike.points == 200
    running.stop()
    done = nodes.dure("verify", data)
    assert done.returncode == 0, done.stdout.decode()
    assert "bike fares: 400 of reservations = 400 used\n" in done.stdout.decode()
