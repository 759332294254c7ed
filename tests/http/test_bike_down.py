"""SPEC D while a part is out of reach: what was said holds, the rest follows later, once."""
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

import node as nodes
from bike import (CANCELED, FARE, RECEIVED, RESERVED, RETURNED, TAKEN, UNKNOWN_BIKE, Bike,
                  is_problem)
from node import wait_until
from shop import path_of

SOON = {"Prefer": "wait=1"}


class Cut:
    """A node of which one part can be cut off, and brought back. Cut off is what asks it by messages,
    as from another node; kill -9 leaves it cut off."""

    def __init__(self, data):
        self.node = nodes.Node(data, "--root", "bike").start()
        self.bike = Bike(self.node.client(), user=10).add()
        self.bike.buy(3 * FARE)

    def off(self, part):
        self.node.stop()
        self.node.args += ("--outage", f"bike.{part}=down")
        self.start()

    def start(self):
        self.node.start()
        self.bike.api = self.node.client()

    def kill(self):
        self.node.kill()
        self.start()

    def back(self):
        self.node.toggle_outage()

    def user(self, number, bike):
        one = Bike(self.bike.api, user=number)
        one.bike = bike
        return one

    def pending(self, bike):
        """A reservation that cannot be decided now."""
        response = bike.reserve(headers=SOON)
        assert response.status_code == 201, response.text
        assert response.json()["reserveStatus"] == RECEIVED
        number = response.json()["reserveNo"]
        assert bike.status(number) == RECEIVED
        for rel in ("cancel", "return"):
            is_problem(bike.ask(number, rel), 409)
        return number


@pytest.fixture
def cut(tmp_path):
    made = Cut(tmp_path / "data")
    yield made
    wait_until(lambda: not made.bike.api.get("/sagas").json()["_embedded"]["sagas"], 10,
               "all sagas to end")
    made.node.stop()
    verified = nodes.dure("verify", made.node.data)
    assert verified.returncode == 0, verified.stdout.decode()
    assert "0 sagas under way" in verified.stdout.decode()


def test_bikes_down(cut):
    """While bikes are down nothing is taken; afterwards each reservation is decided as ever: one of
    two has the bike and pays, and nobody pays for an unknown one."""
    bike, other = cut.bike, cut.user(11, cut.bike.bike)
    other.buy(FARE)
    cut.off("management")
    other.api = bike.api
    pair = [cut.pending(bike), cut.pending(other)]
    unknown = cut.pending(cut.user(10, 99))
    assert (bike.points, other.points) == (3 * FARE, FARE)
    cut.kill()
    other.api = bike.api
    assert [bike.status(number) for number in [*pair, unknown]] == [RECEIVED] * 3
    cut.back()
    for number in pair + [unknown]:
        wait_until(lambda n=number: bike.status(n) != RECEIVED, 10, "the reservation to be decided")
    assert sorted(bike.status(number) for number in pair) == sorted([RESERVED, CANCELED])
    assert bike.status(unknown) == CANCELED
    assert bike.points + other.points == 3 * FARE
    won = [bike.status(number) for number in pair].index(RESERVED)
    assert [bike, other][won].points == [3 * FARE, FARE][won] - FARE


def test_points_down(cut):
    """While points are down the bike is held, so that nobody else gets it; a user who then cannot pay
    gives it back, one who can has it."""
    bike, poor = cut.bike, cut.user(12, cut.bike.add().bike)
    first = bike.bike - 1
    cut.off("point")
    poor.api = bike.api
    bike.bike = first
    rich_one, poor_one = cut.pending(bike), cut.pending(poor)
    for taken in (first, poor.bike):
        bike.refused(cut.user(13, taken).reserve(), TAKEN)
    cut.kill()
    poor.api = bike.api
    cut.back()
    bike.becomes(rich_one, RESERVED)
    poor.becomes(poor_one, CANCELED)
    assert bike.status(rich_one) == RESERVED and bike.status(poor_one) == CANCELED
    assert bike.points == 2 * FARE
    assert poor.find("points", userId=12) == []
    assert poor.is_free() and not bike.is_free()


def test_refund_waits(cut):
    """A cancel holds at once, while points are down; the refund comes when they are back, once."""
    bike = cut.bike
    number = bike.reserved()
    cut.off("point")
    response = bike.api.put(bike.url("reservations", number, "cancel"), headers=SOON)
    assert response.json()["reserveStatus"] == CANCELED
    assert bike.points == 2 * FARE
    for rel in ("cancel", "return"):
        is_problem(bike.ask(number, rel), 409)
    for _ in range(2):
        cut.kill()
        assert (bike.status(number), bike.points) == (CANCELED, 2 * FARE)
    cut.back()
    wait_until(lambda: bike.points == 3 * FARE, 10, "the refund")
    assert bike.is_free()


def test_purchase_waits(cut):
    """A purchase is taken while points are down, and counts when they are back, once each."""
    bike = cut.bike
    cut.off("point")
    for price in (5, 7):
        response = bike.api.post(bike.url("approvals"), {"userId": 10, "price": price},
                                 headers=SOON)
        assert response.status_code == 201 and response.json()["price"] == price
    assert bike.points == 3 * FARE
    cut.kill()
    cut.back()
    wait_until(lambda: bike.points == 3 * FARE + 12, 10, "the points")


@pytest.mark.parametrize("rel, status, points", [("return", RETURNED, 2), ("cancel", CANCELED, 3)])
def test_bike_comes_back_late(cut, rel, status, points):
    """A return or a cancel holds at once while bikes are down; the bike is free afterwards."""
    bike = cut.bike
    number = bike.reserved()
    cut.off("management")
    response = bike.api.put(bike.url("reservations", number, rel), headers=SOON)
    assert response.json()["reserveStatus"] == status
    assert bike.status(number) == status
    cut.kill()
    waiting = cut.pending(bike)
    cut.back()
    bike.becomes(waiting, RESERVED)
    wait_until(lambda: bike.points == (points - 1) * FARE, 10, "the points")


def test_dashboard_while_reservations_are_down(cut):
    """The dashboard answers while reservations are down, and follows when they are back."""
    bike = cut.bike
    first = bike.reserved()
    bike.give_back(first)
    cut.off("reservation")
    response = bike.reserve(headers=SOON)
    assert (response.status_code, response.json()["reserveStatus"]) == (201, RECEIVED)
    number = response.json()["reserveNo"]
    rows = bike.find("reservationDashboards")
    assert [(row["reserveNo"], row["reserveStatus"]) for row in rows] == [
        (str(first), RETURNED), (str(number), RECEIVED)]
    refused = bike.reserve(headers=SOON, bikeId=99)
    assert refused.status_code == 201  # Who would say so is down.
    cut.kill()
    assert len(bike.find("reservationDashboards")) == 3
    cut.back()
    bike.becomes(number, RESERVED)
    bike.becomes(refused.json()["reserveNo"], CANCELED)
    assert bike.status(number) == RESERVED
    assert bike.status(refused.json()["reserveNo"]) == CANCELED
    assert bike.points == FARE


def test_the_reason_outlives_a_crash(cut):
    """Who lost the answer in a crash and asks again with the same key, when all is over, gets it: the
    reservation that was made, or why it was refused."""
    bike = cut.bike
    cut.off("management")
    headers = [{"Idempotency-Key": f"lost-{i}", "Prefer": "wait=30"} for i in range(2)]
    bodies = [{"userId": 10, "bikeId": wanted} for wanted in (bike.bike, 99)]

    def ask(i):
        try:
            return cut.node.client().post("/reservations", bodies[i], headers=headers[i])
        except requests.ConnectionError:
            return None
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(ask, i) for i in range(2)]
        wait_until(lambda: len(bike.find("reservationDashboards")) == 2, what="both reservations")
        cut.kill()
        assert [one.result() for one in asked] == [None, None]
    cut.back()
    wait_until(lambda: not bike.find("reservations", reserveStatus=RECEIVED), 10, "the decisions")
    made, problem = ask(0), is_problem(ask(1), 409)
    assert (made.status_code, made.json()["reserveStatus"]) == (201, RESERVED)
    assert UNKNOWN_BIKE in problem["detail"]
    assert bike.api.get(path_of(problem["instance"])).json()["reserveStatus"] == CANCELED
    assert len(bike.find("reservations")) == 2 and bike.points == 2 * FARE
