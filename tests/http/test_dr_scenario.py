"""SPEC C: demand response with its exact numbers, and everything it refuses."""
import json
import threading

import pytest

import node as nodes
from dr import Dr
from node import wait_until
from shop import is_problem, wrong_fields


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """This file's node takes readings by hand, so that each test chooses its own."""
    running = nodes.Node(tmp_path_factory.mktemp("node") / "data", "--meter", "manual").start()
    yield running
    running.stop()


@pytest.fixture
def make(tmp_path):
    """Nodes of a test's own, with settings."""
    made = []

    def start(*args):
        made.append(nodes.Node(tmp_path / f"data{len(made)}", *args).start())
        return made[-1]
    yield start
    for running in made:
        running.check()
        running.stop()


@pytest.fixture
def dr(make):
    """An empty system with a meter by hand."""
    return Dr(make("--meter", "manual").client())


SAMSUNG, LG, SK = 1, 2, 3


def three_users(dr):
    for name, capacity in (("samsung", 400), ("lg", 300), ("sk", 500)):
        response = dr.api.post(dr.url("users"), {"name": name, "point": "1000",
                                                 "capacity": str(capacity)})
        assert response.status_code == 201
        user = response.json()
        assert (user["point"], user["capacity"]) == (1000, capacity)


def scenario(dr, start):
    """Up to the end of the demand, whatever the meter."""
    three_users(dr)
    started = dr.api.post(start, {"name": "여름", "type": "reliable"})
    assert started.status_code == (201 if start.endswith("drs") else 200), started.text
    demand = started.json()
    assert (demand["id"], demand["name"], demand["type"], demand["status"]) == (
        1, "여름", "reliable", "running")
    assert demand["date"].endswith("+00:00")
    assert [(r["id"], r["userId"], r["drId"], r["userCapacity"], r["answer"], r["userName"])
            for r in dr.responses(1)] == [
        (1, SAMSUNG, 1, 400, "ignore", "samsung"), (2, LG, 1, 300, "ignore", "lg"),
        (3, SK, 1, 500, "ignore", "sk")]
    dr.answered(1, "accept")
    dr.answered(2, "accept")
    dr.answered(3, "deny")
    dr.end(1)


@pytest.mark.parametrize("prefix, start, args", [
    ("/dr", "/dr/drs", ()), ("/dr", "/dr/drs/startdr", ()), ("", "/drs/startdr", ("--root", "dr")),
    ("/dr", "/dr/startdr", ()), ("", "/startdr", ("--root", "dr")), ("", "/drs", ())], ids=str)
def test_scenario_with_the_simulated_meter(make, prefix, start, args):
    """The three users of SPEC: two accept, two are settled, by the readings that SPEC names."""
    dr = Dr(make(*args).client(), prefix)
    scenario(dr, start)
    rows = dr.settled(1, 2)
    assert [(k["id"], k["userId"], k["responseId"], k["responseAnswer"], k["adjustPoint"],
             k["isReal"]) for k in rows] == [
        (1, SAMSUNG, 1, "accept", 383, True), (2, LG, 2, "accept", 295, True)]
    assert [dr.point(user) for user in (SAMSUNG, LG, SK)] == [1383, 1295, 1000]


def test_scenario_by_hand(dr):
    """With readings by hand: two rows wait; 383 and 295 real make 1383, 1295 and 1000."""
    scenario(dr, "/dr/drs")
    rows = dr.kepcos(1)
    assert [(k["userId"], k["responseId"], k["adjustPoint"], k["isReal"]) for k in rows] == [
        (SAMSUNG, 1, None, None), (LG, 2, None, None)]
    first = dr.measure("1", "383", "true", drId="1", userId="1", responseAnswer="accept")
    assert first.status_code == 201, first.text
    assert first.headers["Location"].endswith(f"{dr.prefix}/kepcos/1")
    row = first.json()
    row.pop("_links")
    assert row == {"id": 1, "drId": 1, "userId": 1, "responseId": 1, "responseAnswer": "accept",
                   "adjustPoint": 383, "isReal": True}
    dr.measured(2, 295)
    assert [dr.point(user) for user in (SAMSUNG, LG, SK)] == [1383, 1295, 1000]
    assert [info["point"] for info in dr.find("getUserInfos")] == [1383, 1295, 1000]
    assert len(dr.kepcos(1)) == 2


def test_reduction_that_was_none(dr):
    """A reading that is not real pays nothing, and makes the response deny."""
    scenario(dr, "/dr/drs")
    dr.measured(1, 380, False)
    assert dr.point(SAMSUNG) == 1000
    assert [r["answer"] for r in dr.responses(1)] == ["deny", "accept", "deny"]


def accepted(dr, count=1, ended=True):
    """`count` users of the shared node, a demand they accept; returns demand, users, responses."""
    before = len(dr.find("users"))
    users = [dr.user(f"u{i}", point=1000, capacity=100) for i in range(count)]
    demand = dr.start(users=before + count)
    responses = [dr.response_of(demand, user) for user in users]
    for response in responses:
        dr.answered(response, "accept")
    if ended:
        dr.end(demand)
    return demand, users, responses


@pytest.fixture
def common(api):
    """dr on this file's node."""
    return Dr(api)


def test_answers_change_until_the_end(common):
    """accept and deny may follow each other while the demand runs; afterwards each is a 409."""
    demand, _, (response,) = accepted(common, ended=False)
    common.answered(response, "deny")
    common.answered(response, "accept")
    common.answered(response, "accept")
    patched = common.api.patch(common.url("responses", response), {"answer": "deny"})
    assert (patched.status_code, patched.json()["answer"]) == (200, "deny")
    links = common.get("responses", response)["_links"]
    assert {"self", "response", "accept", "deny"} == links.keys()
    common.end(demand)
    for late in (common.answer(response, "accept"), common.answer(response, "deny"),
                 common.api.patch(common.url("responses", response), {"answer": "accept"})):
        is_problem(late, 409)
    assert common.get("responses", response)["answer"] == "deny"
    assert {"self", "response"} == common.get("responses", response)["_links"].keys()
    assert common.kepcos(demand) == []


def history(dr, collection, item):
    return dr.api.get(dr.url(collection, item, "events")).json()["_embedded"]["events"]


def test_history_of_a_response(common):
    """ListMade, each change of mind once, ListSaved; the same answer again is no event."""
    demand, (user,), (response,) = accepted(common, ended=False)
    common.answered(response, "accept")
    common.answered(response, "deny")
    common.end(demand)
    events = history(common, "responses", response)
    assert [(e["type"], e["data"]["answer"]) for e in events] == [
        ("dr.response.ListMade", "ignore"), ("dr.response.AcceptChosen", "accept"),
        ("dr.response.DenyChosen", "deny"), ("dr.response.ListSaved", "deny")]
    assert events[0]["data"].keys() == {"eventType", "timestamp", "id", "userId", "drId",
                                        "userCapacity", "answer"}
    assert events[0]["data"]["userId"] == user


def test_unknown_ids(common):
    """Unknown responses, demands and users are 404, also for readings by hand."""
    assert common.answer(987654321, "accept").status_code == 404
    is_problem(common.measure(987654321, 1), 404)
    is_problem(common.api.put(common.url("drs", 987654321, "end")), 404)
    is_problem(common.api.put(common.url("users", 987654321, "withdrawpoint"), {"point": 1}), 404)
    assert common.find("kepcos", responseId=987654321) == []


def test_end_twice(common):
    """A second end is a 409, by every way to ask for it."""
    demand = common.start()
    common.end(demand)
    is_problem(common.api.put(common.url("drs", demand, "end")), 409)
    is_problem(common.api.patch(common.url("drs", demand), {"status": "end"}), 409)
    is_problem(common.api.put(common.url("drs", demand), {"status": "end"}), 409)
    is_problem(common.api.patch(common.url("drs", demand), {"status": "running"}), 409)


@pytest.mark.parametrize("method", ["put", "patch"])
def test_end_by_status(common, method):
    """PUT and PATCH of the status end a demand; a PUT keeps the name and the type."""
    demand = common.start(name="겨울", type="reliable")
    ended = getattr(common.api, method)(common.url("drs", demand), {"status": "end"})
    assert (ended.status_code, ended.json()["status"], ended.json()["name"],
            ended.json()["type"]) == (200, "end", "겨울", "reliable")


def test_renaming_does_not_end(common):
    """A demand with another name runs on, and its responses with it."""
    demand, _, (response,) = accepted(common, ended=False)
    for method in ("patch", "put"):
        renamed = getattr(common.api, method)(common.url("drs", demand), {"name": f"by {method}"})
        assert (renamed.status_code, renamed.json()["name"], renamed.json()["status"]) == (
            200, f"by {method}", "running")
    common.answered(response, "deny")
    common.end(demand)


def test_what_is_not_settled(common):
    """No row for ignore and deny, none before the end; a reading by hand of these is a 409."""
    users = len(common.find("users"))
    names = [common.user("a", capacity=10), common.user("b", capacity=10)]
    demand = common.start(users=users + 2)
    ignored, denied = (common.response_of(demand, user) for user in names)
    common.answered(denied, "deny")
    is_problem(common.measure(ignored, 5), 409)
    common.end(demand)
    is_problem(common.measure(ignored, 5), 409)
    is_problem(common.measure(denied, 5), 409)
    assert common.kepcos(demand) == []
    assert [common.point(user) for user in names] == [0, 0]


def test_settled_once(common):
    """A second reading of a response is a 409, and pays nothing."""
    demand, (user,), (response,) = accepted(common)
    common.measured(response, 30)
    is_problem(common.measure(response, 40), 409)
    is_problem(common.measure(response, 0, False), 409)
    assert common.point(user) == 1030
    assert common.get("responses", response)["answer"] == "accept"
    assert len(common.kepcos(demand)) == 1


def test_reading_of_somebody_else(common):
    """A reading whose demand, user or answer is not the response's is a 409 and settles nothing."""
    _, (user,), (response,) = accepted(common)
    for wrong in ({"drId": 987654321}, {"userId": user + 1}, {"responseAnswer": "deny"}):
        is_problem(common.measure(response, 30, **wrong), 409)
    assert common.point(user) == 1000


@pytest.mark.parametrize("body, fields", [
    ({}, {"responseId", "adjustPoint", "isReal"}),
    ({"responseId": "x", "adjustPoint": -1, "isReal": "perhaps"},
     {"responseId", "adjustPoint", "isReal"}),
    ({"responseId": 1, "adjustPoint": 1.5, "isReal": True}, {"adjustPoint"})], ids=repr)
def test_bad_reading(common, body, fields):
    """A reading without its fields, or with wrong ones, is a 400 that names them all."""
    assert wrong_fields(common.api.post(common.url("kepcos"), body)) == fields


def test_race_of_readings(node, common):
    """Many readings of one response at once: one is taken, the user is paid once."""
    demand, (user,), (response,) = accepted(common)
    status = parallel([lambda api: Dr(api).measure(response, 7).status_code] * 12, node)
    assert sorted(status) == [201] + [409] * 11
    assert common.point(user) == 1007
    assert len(common.kepcos(demand)) == 1


def parallel(jobs, node):
    """Runs each job(api) on a thread and a connection of its own, all at once."""
    gate, results, lock = threading.Barrier(len(jobs)), [], threading.Lock()

    def run(job):
        api = node.client()
        gate.wait()
        result = job(api)
        with lock:
            results.append(result)
    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_race_of_answers_and_the_end(node, common):
    """Answers race with the end: who was told 200 is settled by that answer, who was told 409 is not."""
    demand, users, responses = accepted(common, count=8, ended=False)
    jobs = [lambda api, r=r: (r, Dr(api).answer(r, "deny").status_code) for r in responses]
    jobs.append(lambda api: ("end", api.put(Dr(api).url("drs", demand, "end")).status_code))
    told = dict(parallel(jobs, node))
    assert told.pop("end") == 200
    assert set(told.values()) <= {200, 409}
    refused = {response for response, status in told.items() if status == 409}
    wait_until(lambda: {row["responseId"] for row in common.kepcos(demand)} == refused, 20,
               f"settlements of {refused} and nobody else")
    for response, status in told.items():
        answer = common.get("responses", response)["answer"]
        assert answer == ("deny" if status == 200 else "accept")


def test_race_of_ends(node, common):
    """Many ends at once: one is taken, and each accepted response has one row."""
    demand, _, responses = accepted(common, count=3, ended=False)
    ends = [lambda api: api.put(Dr(api).url("drs", demand, "end")).status_code] * 10
    assert sorted(parallel(ends, node)) == [200] + [409] * 9
    wait_until(lambda: sorted(row["responseId"] for row in common.kepcos(demand)) ==
               sorted(responses), 20, f"settlements of {responses}, each once")


def test_race_of_withdrawals(node, common):
    """1000 points and ten withdrawals of 300 at once: three pass, 100 are left."""
    user = common.user("rich", point=1000)
    url = common.url("users", user, "withdrawpoint")
    status = parallel([lambda api: api.put(url, {"point": 300}).status_code] * 10, node)
    assert sorted(status) == [200] * 3 + [409] * 7
    assert common.point(user) == 100


def test_withdraw(common):
    """Points are withdrawn down to 0 and not further; nothing but a positive whole number is taken."""
    user = common.user("lg", point="500")
    url = common.url("users", user, "withdrawpoint")
    got = common.api.put(url, {"point": "200"})
    assert (got.status_code, got.json()["point"]) == (200, 300)
    is_problem(common.api.put(url, {"point": 301}), 409)
    for bad in (0, -1, "x", None, 1.5):
        assert wrong_fields(common.api.put(url, {"point": bad})) == {"point"}
    assert common.api.put(url, {"point": 300}).json()["point"] == 0
    assert "withdrawpoint" not in common.get("users", user)["_links"]
    events = history(common, "users", user)
    assert [(e["type"], e["data"]["point"]) for e in events] == [
        ("dr.user.PointWithdrawn", 300), ("dr.user.PointWithdrawn", 0)]
    assert events[0]["data"].keys() == {"eventType", "timestamp", "id", "name", "point", "capacity"}
    is_problem(common.api.patch(common.url("users", user), {"point": 9}), 409)


def test_every_user_is_asked(dr):
    """25 users, 25 responses: not only a first page. 300 of them, more than a page of a round, too."""
    for i in range(25):
        dr.user(f"u{i}", capacity=i)
    first = dr.start(users=25)
    assert [(r["userId"], r["userCapacity"]) for r in dr.responses(first)] == [
        (i + 1, i) for i in range(25)]
    lines = "".join(json.dumps({"name": f"v{i}", "capacity": 1}) + "\n" for i in range(275))
    made = dr.api("POST", dr.url("users"), data=lines,
                  headers={"Content-Type": "application/x-ndjson"})
    assert made.status_code == 200 and made.text.count('"name":"v') == 275
    second = dr.start(users=300)
    assert sorted(r["userId"] for r in dr.responses(second)) == list(range(1, 301))
    for response in dr.responses(second)[::50]:
        dr.answered(response["id"], "accept")
    dr.end(second)
    assert len(dr.settled(second, 0)) <= 6
    wait_until(lambda: len(dr.kepcos(second)) == 6, 10, "six rows")
    assert len(dr.responses(first)) == 25
    assert {r["answer"] for r in dr.responses(first)} == {"ignore"}


def test_users_of_one_name(common):
    """Two users of one name are paid for what each of them has cut."""
    before = len(common.find("users"))
    twins = [common.user("kim", point=10, capacity=50), common.user("kim", point=20, capacity=60)]
    demand = common.start(users=before + 2)
    responses = [common.response_of(demand, user) for user in twins]
    for response in responses:
        common.answered(response, "accept")
    common.end(demand)
    common.measured(responses[1], 7)
    assert [common.point(user) for user in twins] == [10, 27]
    common.measured(responses[0], 5)
    assert [common.point(user) for user in twins] == [15, 27]


def test_user_after_the_start(common):
    """Who registers after the start is not in that list, but in the next one."""
    common.user("early")
    users = len(common.find("users"))
    demand = common.start(users=users)
    late = common.user("late")
    assert common.find("responses", drId=demand, userId=late) == []
    again = common.start(users=users + 1)
    assert len(common.find("responses", drId=again, userId=late)) == 1
    common.end(demand)
    assert common.find("responses", drId=demand, userId=late) == []


def test_two_demands_at_once(common):
    """Two demands run at once: each is answered, ended and settled apart from the other."""
    before = len(common.find("users"))
    user = common.user("both", point=0, capacity=100)
    one, two = common.start(users=before + 1), common.start(users=before + 1)
    a, b = common.response_of(one, user), common.response_of(two, user)
    common.answered(a, "accept")
    common.answered(b, "accept")
    common.end(one)
    wait_until(lambda: [row["responseId"] for row in common.kepcos(one)] == [a], 20, "its row")
    assert common.kepcos(two) == []
    common.answered(b, "deny")
    common.answered(b, "accept")
    common.measured(a, 10)
    is_problem(common.measure(b, 10), 409)
    common.end(two)
    common.measured(b, 20)
    wait_until(lambda: common.point(user) == 30, 20, "both settlements")


def test_user_infos_follow_and_are_read_only(common):
    """getUserInfos shows id, name, point and capacity, follows edits, points and DELETE; 405 on writes."""
    _, (user,), (response,) = accepted(common)
    common.measure(response, 11)
    common.api.patch(common.url("users", user), {"name": "new", "capacity": "77"})
    common.api.put(common.url("users", user, "withdrawpoint"), {"point": 1})
    url = common.url("getUserInfos", user)
    info = common.get("getUserInfos", user)
    info.pop("_links")
    assert info == {"id": user, "name": "new", "point": 1010, "capacity": 77}
    for method, where in (("POST", common.url("getUserInfos")), ("PUT", url), ("PATCH", url),
                          ("DELETE", url)):
        refused = common.api(method, where, json={"point": 5})
        is_problem(refused, 405)
        assert set(refused.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    assert common.api.delete(common.url("users", user)).status_code == 204
    assert common.api.get(url).status_code == 404
    assert [i for i in common.find("getUserInfos") if i["id"] == user] == []


def test_methods_of_startdr(common):
    """The hand-written routes only create: other methods are 405 with Allow."""
    for path in ("/dr/drs/startdr", "/dr/startdr", "/drs/startdr", "/startdr"):
        refused = common.api.get(path)
        is_problem(refused, 405)
        assert set(refused.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}
    is_problem(common.api.delete(common.url("drs", 1)), 405)


def test_date(common):
    """The date is taken in each of the three forms, and is now when it is not given."""
    assert common.get("drs", common.start(date="2024-04-04"))["date"] == "2024-04-04T00:00:00.000+00:00"
    assert common.get("drs", common.start(date=1728571641124))["date"] == (
        "2024-10-10T14:47:21.124+00:00")
    assert wrong_fields(common.api.post(common.url("drs"), {"date": "soon"})) == {"date"}


def test_events(make):
    """`dure dump` tells SPEC's events of a settlement, in order and with their fields, and no others."""
    node = make("--meter", "manual")
    dr = Dr(node.client())
    scenario(dr, "/dr/drs")
    dr.measure(1, 383)
    dr.measure(2, 0, False)
    node.stop()
    dump = nodes.dure("dump", node.data)
    events = [json.loads(line) for line in dump.stdout.decode().splitlines() if line.startswith("{")]
    names = [event["type"] for event in events]
    assert sorted(names) == sorted(
        ["dr.dr.DRstarted", "dr.dr.DRended", "dr.kepco.ReductionCheck", "dr.kepco.ReductionCheck",
         "dr.user.PointChanged", "dr.response.DenyChosen"] + ["dr.response.ListMade"] * 3 +
        ["dr.response.ListSaved"] * 3 + ["dr.response.AcceptChosen"] * 2)
    fields = {event["type"]: list(event["data"]) for event in events}
    head = ["eventType", "timestamp", "id"]
    assert fields["dr.dr.DRstarted"] == head + ["name", "type", "status", "date"]
    assert fields["dr.kepco.ReductionCheck"] == head + ["drId", "userId", "responseId",
                                                        "responseAnswer", "adjustPoint", "isReal"]
    assert fields["dr.user.PointChanged"] == head + ["name", "point", "capacity"]
    verify = nodes.dure("verify", node.data)
    assert verify.returncode == 0, verify.stdout + verify.stderr
    assert b"dr: 3 responses, 3 users, 2 settled, 0 rounds under way\n" in verify.stdout
    assert b"dr settlements: 2 owed = 2 kepcos\ndr earnings: 383 settled = 383 earned\n" in verify.stdout
    assert nodes.dure("rebuild", node.data).returncode == 0
    node.start()
    assert [info["point"] for info in dr.find("getUserInfos")] == [1383, 1000, 1000]
