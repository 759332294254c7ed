"""A5: what a body may look like; kind to httpie, exact about errors, and never a 500."""
import http.client
import json

import pytest

from shop import JSON, is_problem, wrong_fields


def create(api, body, **headers):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return api("POST", "/shop/inventories", data=data, headers={**JSON, **headers})


def test_strings_for_numbers(shop):
    """httpie's strings are taken as numbers, and numbers are echoed."""
    shop.open()
    response = shop.order("10", userId=str(shop.user), productId=str(shop.product))
    assert response.status_code == 201, response.text
    order = response.json()
    assert (order["quantity"], order["userId"], order["productId"]) == (10, shop.user, shop.product)
    assert shop.holdings == (989999, 990)


def test_empty_string_is_null(api):
    """\"\" is null for every kind of field."""
    item = create(api, {"stockName": "a", "stockCount": 1, "price": "1", "status": ""}).json()
    assert item["status"] is None
    item = api.post("/shop/pays", {"userId": 900_001, "payAmount": 1, "point": ""}).json()
    assert item["point"] is None
    assert wrong_fields(create(api, {"stockName": "a", "stockCount": "", "price": 1})) == {
        "stockCount"}


def test_scalars_for_strings(api):
    """A string field takes a number's or a boolean's text, but no object and no array."""
    for value, text in ((5, "5"), (True, "true"), (False, "false"), (-12, "-12")):
        item = create(api, {"stockName": value, "stockCount": 1, "price": 1}).json()
        assert item["stockName"] == text
    for value in ({}, [], ["a"]):
        assert wrong_fields(create(api, {"stockName": value, "stockCount": 1, "price": 1})) == {
            "stockName"}


@pytest.mark.parametrize("price", ["abc", 1.5, "1.5", [], {}, "1e", "0x10", "１", " ", 10**30,
                                   2**63, -2**63 - 1, "9223372036854775808", "--1", "1 2"], ids=repr)
def test_bad_numbers(api, price):
    """What is no whole number in range is a 400 on its field."""
    assert wrong_fields(create(api, {"stockName": "a", "stockCount": 1, "price": price})) == {"price"}


def test_unknown_properties_and_client_id_are_ignored(api):
    """Unknown properties change nothing, and an id that a client sends is not used."""
    first = create(api, {"stockName": "a", "stockCount": 1, "price": 1}).json()
    item = create(api, {"id": 777777777, "stockName": "a", "stockCount": 1, "price": 1,
                        "nosuch": {"deep": [1, 2]}, "_links": {}}).json()
    assert item["id"] not in (first["id"], 777777777) and item["id"] < 777777777
    assert "nosuch" not in item
    is_problem(api.get("/shop/inventories/777777777"), 404)


def test_client_status_of_an_order_is_ignored(shop):
    """A governed field in a POST does not shortcut the saga."""
    shop.open(money=0)
    response = shop.order(1, status="주문완료")
    assert response.status_code == 409
    assert shop.holdings == (0, 1000)


@pytest.mark.parametrize("text", ["책과 연필", "a\"b\\c/d", "tab\tnew\nline", "\u0001\u001f", "😀", "é",
                                  "</script>", "\u2028"], ids=ascii)
def test_text_survives(api, text):
    """Text comes back as it was sent, on POST and on GET."""
    item = create(api, {"stockName": text, "stockCount": 1, "price": 1}).json()
    assert item["stockName"] == text
    assert api.get(f"/shop/inventories/{item['id']}").json()["stockName"] == text
    assert item["id"] in [i["id"] for i in api.get(
        "/shop/inventories", params={"stockName": text}).json()["_embedded"]["inventories"]]


@pytest.mark.parametrize("body", [
    b"{", b"", b"[]", b"null", b"1", b'"x"', b"{}{}", b'{"a":1,}', b"{'a':1}", b'{"stockName":"\xff"}',
    b'{"stockName":"\\ud800"}', b'{"stockName":"\\u0000"}', b"[" * 100000, b'{"a":' * 50000,
    b'{"a":1\x00}', b'{"a":[1\x00]}', b'{"a":"\x00"}',
    b'{"price":1e999}', b'{"price":NaN}', b"\x00", b"\xef\xbb\xbf", b'{"stockName":"a\nb"}',
    b'{"price":"', b'{"price":"1\\', b'{"price":1', b'{"price', b'{"price":-', b'{"price":-0', b'{"a":"\\u12'],
    ids=lambda b: ascii(b[:24]))
def test_bad_documents(api, body):
    """A body that is no JSON object is a 400 problem that says so, and the node lives on."""
    problem = is_problem(create(api, body), 400)
    assert problem["errors"]
    assert api.get("/livez").status_code == 200


def test_the_last_of_duplicate_keys_holds(api):
    """Of several values for one name the last holds, whether the document is flat or nested."""
    flat = b'{"stockName":"a","price":"x","stockName":"b","stockCount":1,"price":1,"price":2}'
    for body in (flat, flat[:-1] + b',"x":{"price":9}}'):
        item = create(api, body).json()
        assert (item["stockName"], item["price"]) == ("b", 2)
    assert wrong_fields(create(api, b'{"stockName":"a","stockCount":1,"price":1,"price":"x"}')) == {
        "price"}


def test_byte_order_mark(api):
    """A byte order mark before the document is skipped; within it, it is no white space."""
    body = '{"stockName":"책","stockCount":1,"price":1}'
    assert create(api, body.encode("utf-8-sig")).json()["stockName"] == "책"
    is_problem(create(api, ("\ufeff\ufeff" + body).encode()), 400)
    is_problem(create(api, (body + "\ufeff").encode()), 400)
    is_problem(create(api, body.encode("utf-16")), 400)


def test_numbers_in_ignored_properties(api):
    """Numbers that no field could hold are no matter where nobody reads them."""
    body = b'{"stockName":"a","stockCount":1,"price":1,"x":1e999,"y":%s,"z":{"a":-1e-999}}'
    assert create(api, body % (b"9" * 5000)).status_code == 201


@pytest.mark.parametrize("depth", [10, 1000])
def test_nesting_in_ignored_properties(api, depth):
    """What nobody reads may be nested to a sensible depth."""
    nested = b"[" * depth + b"]" * depth
    body = b'{"stockName":"a","stockCount":1,"price":1,"x":%s}' % nested
    assert create(api, body).status_code == 201


@pytest.mark.parametrize("text", [b"\xc3\x28", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82",
                                  b"\xf8\x88\x80\x80\x80", b"\\udc00", b"\\ud800\\u0041"], ids=ascii)
@pytest.mark.parametrize("shape", [b'{"stockName":"%s","stockCount":1,"price":1}',
                                   b'{"%s":1,"stockName":"a","stockCount":1,"price":1}',
                                   b'{"x":{"y":"%s"},"stockName":"a","stockCount":1,"price":1}'],
                         ids=["value", "name", "nested"])
def test_invalid_text(api, shape, text):
    """What is no UTF-8, and half of a surrogate pair, is a 400 wherever it stands."""
    is_problem(create(api, shape % text), 400)


def test_too_long_text(api):
    """A text longer than its field is a 400 on that field, not a cut."""
    response = create(api, {"stockName": "x" * 100_000, "stockCount": 1, "price": 1})
    assert wrong_fields(response) == {"stockName"}


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "text/html", "image/png",
                                  "application/x-www-form-urlencoded", "nonsense"])
def test_unsupported_media_type(api, kind):
    """A body that says that it is not JSON is a 415."""
    response = api("POST", "/shop/inventories", data=b"{}", headers={"Content-Type": kind})
    is_problem(response, 415)


@pytest.mark.parametrize("kind", ["application/json", "APPLICATION/JSON", "application/hal+json",
                                  "application/json;charset=UTF-8", "application/vnd.x+json"])
def test_json_media_types(api, kind):
    """Every JSON media type is read as JSON."""
    response = api("POST", "/shop/inventories", headers={"Content-Type": kind},
                   data=b'{"stockName":"a","stockCount":1,"price":1}')
    assert response.status_code == 201, response.text


def test_no_content_type(node):
    """A body without a content type is read as JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)
    connection.request("POST", "/shop/inventories", b'{"stockName":"a","stockCount":1,"price":1}')
    assert connection.getresponse().status == 201
    connection.close()


@pytest.mark.parametrize("accept, status", [
    ("application/json", 200), ("application/hal+json", 200), ("*/*", 200), ("application/*", 200),
    ("text/html, application/json;q=0.5", 200), ("text/html,*/*;q=0.1", 200), ("", 200),
    ("application/json, */*;q=0.5", 200), ("text/html", 406), ("image/png, text/*", 406),
    ("application/xml", 406)])
def test_accept(api, accept, status):
    """An Accept that leaves no JSON is a 406; anything that admits JSON is fine."""
    response = api.get("/shop/inventories", headers={"Accept": accept})
    if status == 406:
        is_problem(response, 406)
    assert response.status_code == status
