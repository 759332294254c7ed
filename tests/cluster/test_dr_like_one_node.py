"""SPEC C's refusals and races with every request at the next node of three."""
import pytest

from cluster import Cluster
from test_dr_scenario import (  # noqa: F401 (these are as true of a cluster as of one node)
    common, test_answers_change_until_the_end, test_bad_reading, test_date, test_end_by_status,
    test_end_twice, test_history_of_a_response, test_race_of_answers_and_the_end,
    test_race_of_ends, test_race_of_readings, test_race_of_withdrawals,
    test_reading_of_somebody_else, test_renaming_does_not_end, test_settled_once,
    test_two_demands_at_once, test_unknown_ids, test_user_after_the_start, test_users_of_one_name,
    test_what_is_not_settled, test_withdraw)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A cluster that takes readings by hand, so that each test chooses its own."""
    cluster = Cluster(tmp_path_factory.mktemp("dr"), "--meter", "manual").start()
    yield cluster
    cluster.stop()
