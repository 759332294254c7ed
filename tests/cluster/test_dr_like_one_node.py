"""SPEC C's refusals and races with every request at the next node of three."""
import pytest

from cluster import Cluster
from node import wait_until
from test_dr_scenario import (  # noqa: F401 (these are as true of a cluster as of one node)
    accepted, common, test_answers_change_until_the_end, test_bad_reading, test_date,
    test_end_by_status, test_end_twice, test_history_of_a_response, test_methods_of_startdr,
    test_race_of_answers_and_the_end, test_race_of_ends, test_race_of_readings, test_race_of_withdrawals,
    test_reading_of_somebody_else, test_renaming_does_not_end, test_settled_once,
    test_two_demands_at_once, test_unknown_ids, test_user_after_the_start, test_users_of_one_name,
    test_what_is_not_settled, test_withdraw)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A cluster that takes readings by hand, so that each test chooses its own."""
    cluster = Cluster(tmp_path_factory.mktemp("dr"), "--meter", "manual").start()
    yield cluster
    cluster.stop()


def test_reductions_that_were_none(common):
    """Wherever user and response are: what is not real pays nothing, and makes the response deny."""
    demand, users, responses = accepted(common, count=6)
    for response in responses:
        wait_until(lambda r=response: common.measure(r, 99, False).status_code == 201, 20, "the row")
    wait_until(lambda: all(common.get("responses", response)["answer"] == "deny"
                           for response in responses), 20, "deny")
    assert [common.point(user) for user in users] == [1000] * 6
    assert [row["isReal"] for row in common.kepcos(demand)] == [False] * 6


def test_user_infos_follow_on_all_nodes(common):
    """The view of each node's users follows what other nodes settle."""
    _, users, responses = accepted(common, count=6)
    for response in responses:
        wait_until(lambda r=response: common.measure(r, 11).status_code == 201, 20, "the row")
    for user in users:
        wait_until(lambda u=user: common.get("getUserInfos", u)["point"] == 1011, 20, "the points")
