"""The calls of docs/systems/*.md by httpie itself, which sends every value as a string: typed as they stand
there, at a node whose root is their system, and at another; with the prefix of the system, and without it
where that is unambiguous. Each is answered as the comment behind it says."""
import io
import re
import shlex
import sys

import pytest

import node as nodes

sys.path.append("/usr/lib/python3/dist-packages")
from httpie.context import Environment  # noqa: E402
from httpie.core import main  # noqa: E402

CALL = re.compile(r"^http ([A-Z]+) :8088(/\S+)(.*?) +# (\d{3}) ?(.*)$", re.M)
DOCUMENTS = {path.stem: CALL.findall(path.read_text(encoding="utf-8"))
             for path in (nodes.ROOT / "docs" / "systems").glob("*.md")}
# Some of whose paths belong to the root, whichever of these that is.
COLLIDING = {"food": "shop", "shop": "food", "secondhand": "shop"}

# What the documents of the originals call.
ROUTES = {
    "dr": "POST:/drs POST:/drs/startdr POST:/startdr PATCH:/drs/1 PUT:/drs/1 PUT:/drs/1/end "
          "GET:/responses PUT:/responses/1/accept PUT:/responses/1/deny PATCH:/responses/1 "
          "POST:/kepcos GET:/kepcos POST:/users PUT:/users/1/withdrawpoint GET:/getUserInfos/1",
    "bike": "POST:/managements POST:/approvals POST:/reservations PUT:/reservations/1/cancel "
            "DELETE:/reservations/1 PATCH:/reservations/1 PUT:/reservations/1/return POST:/points "
            "GET:/points/1 GET:/reservationDashboards",
    "secondhand": "POST:/reserves PUT:/reserves/1/reservecancel DELETE:/reserves/1 POST:/trades "
                  "PUT:/trades/1/complete POST:/inventories POST:/notices GET:/notices "
                  "GET:/trades/1 GET:/inventories/1",
    "food": "POST:/foods POST:/orders DELETE:/orders/1 PUT:/orders/1/cancel "
            "PUT:/orders/1/evaluate POST:/payments PUT:/storeOrders/1/accept "
            "PUT:/storeOrders/1/reject PUT:/storeOrders/1/start-cook "
            "PUT:/storeOrders/1/finish-cook PUT:/deliveries/1/accept PUT:/deliveries/1/confirm "
            "GET:/deliveries GET:/topFoods/1 GET:/topMenus GET:/orderStatuses/1 "
            "GET:/notificationLogs",
    "shop": "POST:/inventories POST:/pays POST:/orders DELETE:/orders/1 PUT:/orders/1/cancel "
            "GET:/orders GET:/pays/1 GET:/inventories/1 GET:/deliveries GET:/mypages/1",
}


def typed(port, method, path, rest):
    """The status and the body of what `http` prints: its main(), without a process for each call."""
    out = io.BytesIO()
    shown = io.TextIOWrapper(out, encoding="utf-8", write_through=True)
    main(["http", "--ignore-stdin", "--print=hb", method, f":{port}{path}", *shlex.split(rest)],
         env=Environment(stdout=shown, stdout_isatty=False, stdin=None, stdin_isatty=False,
                         config_dir="/nonexistent"))
    head, _, body = out.getvalue().decode().partition("\r\n\r\n")
    return int(head.split()[1]), body


def variants():
    for system in sorted(DOCUMENTS):
        for root in (system, COLLIDING.get(system, "shop")):
            yield system, root, f"/{system}"
            if root == system or system not in COLLIDING:
                yield system, root, ""


@pytest.mark.parametrize("system, root, prefix", variants())
def test_calls(tmp_path, system, root, prefix):
    """Every call of the document says what stands behind it."""
    calls = DOCUMENTS[system]
    assert len(calls) >= 20
    running = nodes.Node(tmp_path / "data", "--root", root, "--meter", "manual").start()
    for method, path, rest, status, parts in calls:
        got, body = typed(running.port, method, prefix + path, rest)
        assert got == int(status), (method, path, rest, body)
        for part in filter(None, parts.split(", ")):
            assert part in body, (method, path, rest, body)
    running.stop()


@pytest.mark.parametrize("system", sorted(ROUTES))
def test_every_route_is_called(system):
    """The document has a call of each route that SPEC names."""
    called = {(method, re.sub(r"\d+", "1", path)) for method, path, *_ in DOCUMENTS[system]}
    missing = {route for route in ROUTES[system].split() if tuple(route.split(":")) not in called}
    assert not missing
