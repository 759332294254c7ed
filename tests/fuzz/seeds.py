#!/usr/bin/env python3
"""seeds.py DIR - writes inputs that fuzzing begins with, into DIR/<target>/, from what the tests of
tests/http are parametrised with: raw requests, bodies, queries and paths."""
import hashlib
import importlib
import json
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
TESTS = HERE.parent
for path in (TESTS, TESTS / "lib", TESTS / "http"):
    sys.path.insert(0, str(path))

# What the first requests of every gateway seed leave behind: a product, an account, an order.
OPENING = [("inventories", {"stockName": "TV", "stockCount": 1000, "price": 1000}),
           ("pays", {"userId": 1, "payAmount": 999999}),
           ("orders", {"productId": 1, "quantity": 10, "userId": 1})]


def request(method, path, body=b"", **headers):
    """One request as bytes; _ in a header's name stands for -."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def opening():
    return b"".join(request("POST", f"/shop/{collection}", json.dumps(fields).encode())
                    for collection, fields in OPENING)


def parameters():
    """Every single value that a test of tests/http is parametrised with."""
    for file in sorted((TESTS / "http").glob("test_*.py")):
        module = importlib.import_module(file.stem)
        for test in vars(module).values():
            for mark in getattr(test, "pytestmark", []):
                if mark.name == "parametrize":
                    for case in mark.args[1]:
                        yield from case if isinstance(case, tuple) else [case]


def bodies(body):
    """A body wherever one is read: new, changed, and as a line of a bulk request."""
    yield request("POST", "/shop/inventories", body)
    yield request("PATCH", "/shop/inventories/1", body)
    yield request("PUT", "/shop/orders/1", body, If_Match='"1"')
    yield request("POST", "/shop/pays", body, Idempotency_Key="k")
    yield request("POST", "/shop/orders", body + b"\n" + body + b"\n",
                  Content_Type="application/x-ndjson")


def requests_with(value):
    """Requests that carry a value in its place."""
    if isinstance(value, bytes):
        if b" HTTP/1" in value:
            yield value
        else:
            yield from bodies(value)
    elif isinstance(value, (dict, list)):
        yield from bodies(json.dumps(value).encode())
    elif isinstance(value, str) and value.isprintable():
        if value.startswith("/"):
            path = value.format_map(Ones())
            for method in ("GET", "PUT", "DELETE", "OPTIONS"):
                yield request(method, path)
        elif "=" in value or value.startswith("?"):
            yield request("GET", "/shop/inventories?" + value.lstrip("?"))
            yield request("GET", "/orders?" + value.lstrip("?"))
        else:
            yield request("GET", "/shop/orders/1", Accept=value)
            yield request("GET", "/shop/orders/1", If_None_Match=value, Prefer=value)


class Ones(dict):
    """Any {name} in a path is item 1."""

    def __missing__(self, key):
        return "1"


def journeys():
    """Requests that belong together."""
    yield request("DELETE", "/shop/orders/1") + request("GET", "/shop/orders/1/events")
    yield request("PUT", "/orders/1/cancel", Prefer="wait=0") + request("GET", "/sagas")
    full = json.dumps({"userId": 1, "payAmount": 10**15 - 989999}).encode()
    yield (request("POST", "/pays", full) + request("PUT", "/orders/1/cancel") +
           request("GET", "/sagas") + request("POST", "/sagas/shop.cancel-saga/1/retry") +
           request("POST", "/sagas/shop.cancel-saga/1/skip") + request("GET", "/sagas"))
    yield request("OPTIONS", "/orders", Origin="http://a", Access_Control_Request_Method="PUT")
    yield request("GET", "/metrics") + request("GET", "/profile/shop/orders") + request("GET", "/")
    key = json.dumps({"productId": 1, "quantity": 1, "userId": 1}).encode()
    yield request("POST", "/orders", key, Idempotency_Key="k") * 2
    yield b"POST /orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (
        len(key), key)


def write(directory, data):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


def mails():
    """Mail of every kind to every type, with and without a command: much of it fits nobody."""
    for kind in range(6):
        for to in range(12):
            for command in range(4):
                head = struct.pack("<IIIIqqqBBBBBBH", to, command, 1, 1, 1, 1, 1, kind, 0, 0, 1, 0,
                                   command & 1, 3)
                yield head + b"why" + bytes(16)


def main():
    out = pathlib.Path(sys.argv[1])
    values = list(parameters())
    for value in values:
        for data in requests_with(value):
            write(out / "gateway", opening() + data)
            write(out / "http", struct.pack("<I", len(data)) + data)
    for data in journeys():
        write(out / "gateway", opening() + data)
        write(out / "http", struct.pack("<I", len(data)) + data)
    for value in values:
        if isinstance(value, (dict, list)):
            value = json.dumps(value)
        if isinstance(value, str):
            value = value.encode("utf-8", "replace")
        if isinstance(value, bytes) and len(value) < 4096:
            write(out / "schema", b"\1" + value)
    for data in mails():
        write(out / "mail", data)


main()
