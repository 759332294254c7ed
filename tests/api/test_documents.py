"""/openapi.json and /asyncapi.json: official schemas, complete, the same as what the node does."""
import copy
import json
import re
import threading

import pytest

import node as nodes

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.mark.parametrize("kind", ["openapi", "asyncapi"])
def test_official_schema(kind, request, javascript, written):
    """Each document is valid by the official schema of its version, and so are the schemas in it."""
    result = javascript("validate.mjs", kind, written(request.getfixturevalue(kind)))
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("kind, damage", [
    ("openapi", lambda document: document.pop("info")),
    ("openapi", lambda document: document["paths"]["/shop/orders"]["post"].pop("responses")
        and document["paths"]["/shop/orders"]["post"].update(responses=[])),
    ("openapi", lambda document: document["components"]["schemas"]["shop.order"]["properties"]
        .update(id={"type": "whole"})),
    ("openapi", lambda document: document["components"]["schemas"]["shop.orders.page"]
        .update({"$ref": "#/components/schemas/nobody"})),
    ("asyncapi", lambda document: document.update(channels=[])),
    ("asyncapi", lambda document: document["operations"]["shop.order.OrderPlaced"].pop("action")),
])
def test_official_schema_bites(kind, damage, request, javascript, written):
    """A document with a mistake in it is refused: the test before this one can fail."""
    document = copy.deepcopy(request.getfixturevalue(kind))
    damage(document)
    assert javascript("validate.mjs", kind, written(document)).returncode != 0


def test_generic_client(tmp_path, javascript):
    """A client that knows nothing but the document places an order."""
    running = nodes.Node(tmp_path / "data").start()
    result = javascript("order.mjs", running.url)
    running.stop()
    assert result.returncode == 0, result.stderr
    order = json.loads(result.stdout)
    assert order["status"] == 201
    assert order["made"]["status"] == "주문완료" and order["found"] == order["made"]


def refs(value):
    """All references in a document."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for member in value.values():
            yield from refs(member)
    elif isinstance(value, list):
        for member in value:
            yield from refs(member)


@pytest.mark.parametrize("kind", ["openapi", "asyncapi"])
def test_references(kind, request):
    """Every reference leads somewhere within the document, and every component is referred to."""
    document = request.getfixturevalue(kind)
    used = set(refs(document))
    assert used
    for ref in used:
        value = document
        for part in ref.removeprefix("#/").split("/"):
            value = value[part.replace("~1", "/").replace("~0", "~")]
    for part, members in document["components"].items():
        for name in members:
            spare = name == "Problem405" or name.startswith("Problem4") or name == "Allow"
            assert spare or f"#/components/{part}/{name}" in used, name


def test_every_route(node, openapi):
    """The operations of a path are what its OPTIONS says; /profile and the home page know no
    collection that is not there with its prefix, and the root system's are there without."""
    api = node.client()
    names = set()
    for path, item in openapi["paths"].items():
        concrete = path.replace("{id}", "1").replace("{type}", "shop.order-saga")
        allowed = api("OPTIONS", concrete).headers["Allow"].lower().split(", ")
        assert set(item) == set(allowed) - {"head", "options"}, path
        for method, operation in item.items():
            assert method in METHODS and operation["operationId"] not in names
            assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", operation["operationId"])
            names.add(operation["operationId"])
    links = {name: link["href"] for name, link in api.get("/").json()["_links"].items()}
    assert {"shop/orders", "bike/points", "sagas", "openapi.json", "asyncapi.json"} <= set(links)
    for href in links.values():
        assert href.removeprefix(api.base) in openapi["paths"], href
    paths = set(openapi["paths"])
    shop = {path for path in paths if path.startswith("/shop/")}
    assert shop and {path.removeprefix("/shop") for path in shop} <= paths
    for path in paths:
        if not re.match(r"/(sagas|profile)", path):
            assert api("OPTIONS", path.replace("{id}", "1")).status_code == 204


def test_every_field(node, openapi):
    """The fields of an item and their types are those of its profile, in that order."""
    api = node.client()
    seen = 0
    for path in openapi["paths"]:
        if not path.startswith("/profile/"):
            continue
        profile = api.get(path).json()
        schema = openapi["components"]["schemas"][f"{profile['system']}.{profile['name']}"]
        fields = [name for name in schema["properties"] if name != "_links"]
        assert fields == [field["name"] for field in profile["fields"]]
        for field in profile["fields"]:
            shown = schema["properties"][field["name"]]
            kind = "string" if field["type"] == "date" else field["type"]
            assert shown["type"] in (kind, [kind, "null"]), (path, field)
            assert (shown.get("format") == "date-time") == (field["type"] == "date")
            assert shown.get("readOnly", False) == field["readOnly"]
            if "values" in field:
                assert shown["enum"] == field["values"] + [None]
            seen += 1
    assert seen > 50


def test_bounds(node, openapi):
    """What the document says is out of bounds is a 400 that names the field; the bound itself is not."""
    api = node.client()
    schemas = openapi["components"]["schemas"]
    seen = 0
    for path, item in openapi["paths"].items():
        operation = item.get("post", {})
        if path.count("/") != 2 or "201" not in operation.get("responses", {}):
            continue
        media = operation["requestBody"]["content"]["application/json"]
        schema = schemas[media["schema"]["$ref"].split("/")[-1]]
        for name, field in schema["properties"].items():
            wrong = []
            if "maximum" in field:
                wrong = [field["maximum"] + 1, field["minimum"] - 1]
            if "maxLength" in field:
                wrong = ["x" * (field["maxLength"] + 1)]
            if "enum" in field:
                wrong = ["no such thing"]
            for value in wrong:
                answer = api.post(path, media["example"] | {name: value})
                assert answer.status_code == 400, (path, name, value)
                assert name in [error["field"] for error in answer.json()["errors"]]
                seen += 1
            if "maxLength" in field:
                answer = api.post(path, media["example"] | {name: "x" * field["maxLength"]})
                assert answer.status_code != 400, (path, name)
        for name in schema.get("required", []):
            body = {key: value for key, value in media["example"].items() if key != name}
            answer = api.post(path, body)
            assert answer.status_code == 400, (path, name)
            assert answer.json()["errors"] == [{"field": name, "message": "is required"}]
            seen += 1
    assert seen > 30


def test_etag_and_crowd(tmp_path):
    """Many who ask at once for what is not made yet get the same bytes; who has them gets a 304."""
    running = nodes.Node(tmp_path / "data").start()
    texts = []

    def ask(path):
        texts.append((path, running.client().get(path).content))
    for path in ("/openapi.json", "/asyncapi.json"):
        threads = [threading.Thread(target=ask, args=(path,)) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(texts) == 32 and len(set(texts)) == 2
    api = running.client()
    answer = api.get("/openapi.json")
    again = api.get("/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304 and again.content == b""
    assert again.headers["ETag"] == answer.headers["ETag"]
    assert api.get("/openapi.json", headers={"If-None-Match": '"other"'}).status_code == 200
    head = api("HEAD", "/openapi.json")
    assert head.status_code == 200 and head.headers["Content-Length"] == str(len(answer.content))
    running.stop()


def test_served_systems_only(tmp_path):
    """A node that serves some systems describes those alone; --root decides what needs no prefix."""
    running = nodes.Node(tmp_path / "data", "--systems", "shop,food", "--root", "food",
                         "--events", str(nodes.free_port())).start()
    api = running.client()
    openapi, asyncapi = api.get("/openapi.json").json(), api.get("/asyncapi.json").json()
    running.stop()
    assert not [path for path in openapi["paths"] if path.startswith("/dr/")]
    assert {"/food/orders", "/shop/orders", "/orders", "/pays"} <= set(openapi["paths"])
    body = openapi["paths"]["/orders"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"]["$ref"].endswith("/food.order.place")
    assert {name.split(".")[0] for name in asyncapi["channels"]} == {"shop", "food", "changes", "samples"}
    assert set(asyncapi["servers"]) == {"http", "events"}
