"""SPEC D on three nodes: the scenario wherever bike, user and reservation are, and nodes that die in
the middle of it."""
import collections
import itertools

import pytest

import node as nodes
from bike import (CANCELED, FARE, RECEIVED, RESERVED, RETURNED, UNKNOWN_BIKE, Bike, is_problem)
from cluster import Cluster
from node import wait_until
from test_bike_races import (  # noqa: F401 (these are as true of a cluster as of one node)
    test_cancel_against_return, test_race_for_one_bike, test_race_of_cancel_and_the_next,
    test_race_of_ends, test_race_of_one_users_points, test_race_of_openings,
    test_race_of_purchases, test_race_of_removal)
from test_bike_refusals import (  # noqa: F401
    test_an_old_reservation_has_no_say, test_approvals_stay, test_bad_approvals,
    test_bad_points, test_bad_reservations, test_bike_in_use, test_bikes_are_edited,
    test_bulk, test_dashboard_filters, test_dates, test_eight_of_8000, test_ends_once,
    test_exactly_the_fare, test_get_only, test_governed_fields, test_history,
    test_idempotency_key, test_opening_balance, test_opening_with_nothing,
    test_points_are_governed, test_refused_ones_do_not_end, test_removed_bike,
    test_removed_points, test_return_as_a_whole_document, test_status_is_not_chosen,
    test_too_few_points, test_too_many_points, test_unknown_bike, test_unknown_reservations)

_users = itertools.count(50000, 100)
SHARDS = 64
SOON = {"Prefer": "wait=1"}


@pytest.fixture
def bike(api):
    return Bike(api, user=next(_users)).add()


@pytest.fixture
def three(tmp_path):
    """A cluster of this test's own, all of whose books fit in the end."""
    cluster = Cluster(tmp_path / "cluster", "--root", "bike").start()
    yield cluster
    cluster.check()
    cluster.stop()
    verified = nodes.dure("verify", cluster.directory)
    assert verified.returncode == 0, verified.stdout.decode()
    assert "0 sagas under way" in verified.stdout.decode()


def user_of(cluster, owner):
    """A new user whose points are that node's."""
    return next(user for user in itertools.count(next(_users)) if cluster.owner(user) == owner)


def placed(cluster, bike_at, user_at, reserve_at, prefix="/bike"):
    """A bike of one node, a user of another, whose requests go to the third."""
    made = Bike(cluster.nodes[bike_at].client(), prefix, user=user_of(cluster, user_at)).add()
    assert cluster.owner(made.bike) == bike_at
    made.api = cluster.nodes[reserve_at].client()
    return made


@pytest.mark.parametrize("kind", [int, str], ids=["numbers", "strings"])
@pytest.mark.parametrize("prefix", ["/bike", ""], ids=["prefixed", "unprefixed"])
def test_scenario(three, prefix, kind):
    """SPEC's numbers with bike, points and reservation on any of the nodes, asked through all."""
    for at in itertools.product(range(3), repeat=3):
        bike = placed(three, *at, prefix=prefix)
        bike.api = three.client()
        wanted = {"userId": kind(bike.user), "bikeId": kind(bike.bike)}
        bike.approve(kind(3000), userId=kind(bike.user))
        assert bike.points == 3000
        bike.approve(kind(5000), userId=kind(bike.user))
        assert bike.points == 8000
        first = bike.reserved(**wanted)
        assert bike.points == 7000
        bike.shows(first, RESERVED)
        assert bike.cancel(first).json()["reserveStatus"] == CANCELED
        assert bike.points == 8000
        bike.shows(first, CANCELED)
        second = bike.reserved(**wanted)
        assert bike.points == 7000
        assert bike.give_back(second).json()["reserveStatus"] == RETURNED
        assert bike.points == 7000
        bike.shows(second, RETURNED)
        assert bike.is_free()
        bike.refused(bike.reserve(bikeId=bike.bike + SHARDS * 3 * 100), UNKNOWN_BIKE)
        assert bike.points == 7000


@pytest.mark.parametrize("victim", ["bike", "user", "reservation"])
def test_node_down(three, victim):
    """With one of the three nodes down each command says at once what is certain; all the rest
    comes when the node is back, once."""
    bike = placed(three, 0, 1, 2)
    poor = placed(three, 0, 1, 2)
    bike.buy(3 * FARE)
    canceled = bike.reserved()
    bike.bike = placed(three, 0, 1, 2).bike  # The first is free only when its node has heard of it.
    down = three.nodes[("bike", "user", "reservation").index(victim)]
    down.kill()
    if victim == "reservation":
        bike.api = poor.api = three.nodes[0].client()
        is_problem(bike.cancel(canceled), 503)
        assert bike.api.get(bike.url("reservationDashboards")).json()["page"]["partial"]
        down.start()
        three.whole()
        assert bike.cancel(canceled).status_code == 200
        assert bike.points == 3 * FARE
        return
    response = bike.api.put(bike.url("reservations", canceled, "cancel"), headers=SOON)
    assert response.status_code == 200 and response.json()["reserveStatus"] == CANCELED
    waiting = [one.reserve(headers=SOON).json() for one in (bike, poor)]
    assert [one["reserveStatus"] for one in waiting] == [RECEIVED] * 2
    for rel in ("cancel", "return"):
        is_problem(bike.ask(waiting[0]["reserveNo"], rel), 409)
    down.start()
    three.whole()
    numbers = [one["reserveNo"] for one in waiting]
    for number in numbers:
        wait_until(lambda n=number: bike.get("reservations", n)["reserveStatus"] != RECEIVED, 30,
                   "the reservation to be decided")
    statuses = [bike.get("reservations", number)["reserveStatus"] for number in numbers]
    assert statuses == [RESERVED, CANCELED]
    wait_until(lambda: bike.points == 2 * FARE, 30, "the refund and the fare")
    assert poor.is_free() and not bike.is_free()
    assert poor.find("points", userId=poor.user) == []


def test_kill_in_the_middle(three):
    """Whichever node dies in the middle of reservations, cancels and returns: each counts once."""
    bike = placed(three, 0, 1, 2)
    bike.buy(30 * FARE)
    ended = collections.Counter()
    for turn in range(12):
        if turn in (3, 6, 9):
            victim = three.nodes[(turn // 3) % 3]
            response = three.nodes[(turn // 3 + 1) % 3].client().post(
                "/bike/reservations", {"userId": bike.user, "bikeId": bike.bike},
                headers={"Prefer": "respond-async"})
            victim.kill()
            victim.start()
            three.whole()
            bike.api = three.client()
            assert response.status_code == 201, response.text
            number = response.json()["reserveNo"]
            bike.becomes(number, RESERVED)
        else:
            bike.api = three.nodes[turn % 3].client()
            number = bike.reserved()
        rel = "cancel" if turn % 2 else "return"
        assert bike.ask(number, rel).status_code == 200
        ended[rel] += 1
    assert ended == {"cancel": 6, "return": 6}
    wait_until(lambda: bike.points == 24 * FARE, 10, "the points")
    assert bike.is_free()
