"""Every example of /openapi.json, sent to a real node: it does what the document says, and the answer
and every event are as the documents describe them.

Each chain of examples runs on a node of its own, since ids begin at 1 there; what a chain has run on its
way needs no run of its own.
"""
import base64
import http.server
import json
import threading

import jsonschema
import pytest

import cluster
import node as nodes

WAIT_S = 10

# What any HTTP server says, and no client of ours has to know.
PLAIN_HEADERS = {"date", "connection", "content-type", "content-length", "content-encoding",
                 "transfer-encoding", "vary", "cache-control", "content-security-policy",
                 "x-content-type-options", "x-accel-buffering", "referrer-policy"}


@pytest.fixture(scope="module")
def gone():
    """An endpoint for webhooks that always says 410."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(410)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


class Document:
    """/openapi.json, with its references resolved and its operations by name."""

    def __init__(self, document):
        self.document = document
        self.resolver = jsonschema.RefResolver("", document)
        self.operations = {}
        for path, item in document["paths"].items():
            for method, operation in item.items():
                self.operations[operation["operationId"]] = (method, path, operation)

    def look(self, value):
        while "$ref" in value:
            value = self.resolver.resolve(value["$ref"])[1]
        return value

    def check(self, schema, value, what):
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema
        checker = jsonschema.FormatChecker()
        errors = list(jsonschema.Draft202012Validator(schema, resolver=self.resolver,
                                                      format_checker=checker).iter_errors(value))
        assert not errors, f"{what}: {errors[0].message}: {value}"

    def chain(self, name, done=()):
        """The operations whose examples come first, in order, and this one; and their settings."""
        operation = self.operations[name][2]
        order, settings = [], list(operation.get("x-dure-settings", []))
        for before in operation.get("x-dure-after", []):
            more, needs = self.chain(before)
            order += [step for step in more if step not in order]
            settings += [setting for setting in needs if setting not in settings]
        return order + [name], settings

    def parameters(self, operation):
        return [self.look(parameter) for parameter in operation.get("parameters", [])]


class Run:
    """One node on which a chain runs."""

    def __init__(self, document, running):
        self.document, self.node, self.api = document, running, running.client()

    def request(self, name, headers, media=None, query=None):
        method, path, operation = self.document.operations[name]
        for parameter in self.document.parameters(operation):
            if parameter["in"] == "path":
                path = path.replace("{%s}" % parameter["name"], str(parameter["example"]))
        body = None
        content = operation.get("requestBody", {}).get("content", {})
        if content:
            media = media or "application/json"
            example = content[media]["example"]
            if media == "application/json":
                self.document.check(content[media]["schema"], example, f"the example of {name}")
                example = json.dumps(example)
            body = example.encode()
            headers = headers | {"Content-Type": media}
        return self.api(method.upper(), path, headers=headers, data=body, params=query, stream=False)

    def expected(self, name, status):
        """Whether it is what the document promises of the example."""
        operation = self.document.operations[name][2]
        wanted = operation.get("x-dure-status")
        return status == wanted if wanted else 200 <= status < 300

    def send(self, name, headers=None, **kwargs):
        """Sends the example. What happens by itself, as of sagas and rounds, is waited for."""
        def attempt():
            answer = self.request(name, headers or {}, **kwargs)
            early = answer.status_code in (404, 409) and \
                "x-dure-status" not in self.document.operations[name][2]
            return None if early else [answer]  # A refused one is false.
        [answer] = nodes.wait_until(attempt, WAIT_S, f"the example of {name}")
        assert self.expected(name, answer.status_code), (name, answer.status_code, answer.text)
        self.check(name, answer)
        return answer

    def check(self, name, answer):
        """Status, type, headers and body are described."""
        operation = self.document.operations[name][2]
        responses = operation["responses"]
        assert str(answer.status_code) in responses, (name, answer.status_code)
        described = self.document.look(responses[str(answer.status_code)])
        headers = {header: self.document.look(value)
                   for header, value in described.get("headers", {}).items()}
        for header, value in headers.items():
            assert header in answer.headers or not value.get("required"), (name, header)
        assert "traceresponse" in answer.headers, name
        told = {header.lower() for header in answer.headers} - PLAIN_HEADERS
        assert told <= {header.lower() for header in headers}, (name, answer.status_code)
        if "content" not in described:
            assert answer.content == b"", name
            return
        kind = answer.headers["Content-Type"].split(";")[0]
        assert kind in described["content"], (name, kind)
        schema = described["content"][kind]["schema"]
        if "json" in kind and "ndjson" not in kind:
            self.document.check(schema, answer.json(), f"the answer to {name}")
        else:
            self.document.check(schema, answer.text, f"the answer to {name}")


@pytest.fixture(scope="module")
def document(openapi):
    return Document(openapi)


def start(path, settings, gone, count=[0]):
    count[0] += 1
    args = []
    for setting in settings:
        if setting == "--notify=webhook:URL":
            args += [f"--notify=webhook:{gone}", "--notify-private=1",
                     "--notify-secret=whsec_" + base64.b64encode(b"x" * 32).decode()]
        else:
            args.append(setting)
    return nodes.Node(path / f"data{count[0]}", *args).start()


def events_of(run):
    """Everything that was published on the node, once it is quiet."""
    batch = run.api.get("/events", params={"from": "start", "max": 10000}).json()
    assert batch["end"]
    return batch["events"]


def test_all(document, asyncapi, tmp_path, gone):
    """Each example gives the status and the answer that are described, with its headers and without,
    and in bulk; each event that comes of it is one of the described; each described one comes."""
    chains = {name: document.chain(name) for name in document.operations}
    writes = [name for name, (method, _, _) in document.operations.items() if method != "get"]
    reads = [name for name in document.operations if name not in writes and name != "events"]
    covered, seen, runs = set(), set(), 0
    for name in sorted(writes, key=lambda name: (-len(chains[name][0]), name)):
        if name in covered:
            continue
        order, settings = chains[name]
        run = Run(document, start(tmp_path, settings, gone))
        runs += 1
        for step in order:
            run.send(step)
            covered.add(step)
            for read in reads:
                if chains[read][0][:-1] == order[:order.index(step) + 1]:
                    run.send(read)
                    covered.add(read)
        seen |= check_events(run, asyncapi)
        run.node.stop()
    for name in reads:
        if name not in covered:
            order, settings = chains[name]
            run = Run(document, start(tmp_path, settings, gone))
            runs += 1
            for step in order:
                run.send(step)
            if len(order) == 1:  # An empty node does for all of these.
                for read in reads:
                    if len(chains[read][0]) == 1:
                        run.send(read)
                        covered.add(read)
            covered.add(name)
            seen |= check_events(run, asyncapi)
            run.node.stop()
    assert covered == set(writes) | set(reads)
    # What happens only when something is refused or not real.
    assert set(asyncapi["channels"]) - seen <= {"shop.inventory.OutOfStock", "changes", "samples"}
    assert runs > 10


def check_events(run, asyncapi):
    resolver = jsonschema.RefResolver("", asyncapi)
    seen = set()
    for event in events_of(run):
        channel = asyncapi["channels"].get(event["type"])
        assert channel, f"{event['type']} is not described"
        schema = {"$ref": f"#/components/schemas/{event['type']}"}
        errors = list(jsonschema.Draft7Validator(schema, resolver=resolver).iter_errors(event))
        assert not errors, f"{event['type']}: {errors[0].message}: {event}"
        seen.add(event["type"])
    return seen


def test_event_examples(asyncapi):
    """The example of each message is one."""
    resolver = jsonschema.RefResolver("", asyncapi)
    assert asyncapi["components"]["messages"]
    for name, message in asyncapi["components"]["messages"].items():
        for example in message["examples"]:
            schema = {"$ref": f"#/components/schemas/{name}"}
            jsonschema.Draft7Validator(schema, resolver=resolver).validate(example["payload"])


def test_parameters(document, tmp_path, gone):
    """The example of every query parameter is understood, and those of the headers, all at once."""
    run = Run(document, start(tmp_path, ["--meter=manual"], gone))
    for step in document.chain("shop_orders_cancel")[0][:-1] + document.chain(
            "food_orders_evaluate")[0] + ["dr_users_create"]:
        run.send(step)
    seen = 0
    for name, (method, _, operation) in document.operations.items():
        for parameter in document.parameters(operation):
            if parameter["in"] == "query" and name != "events":
                assert method == "get" and "example" in parameter, (name, parameter)
                example = parameter["example"]
                text = example if isinstance(example, str) else json.dumps(example)
                answer = run.send(name, query={parameter["name"]: text})
                assert answer.status_code == 200
                seen += 1
    assert seen > 100
    query = {parameter["name"]: parameter["example"]
             for parameter in document.parameters(document.operations["events"][2])
             if parameter["in"] == "query"}
    batch = run.send("events", query=query)
    assert batch.json()["events"]
    create = document.operations["shop_orders_create"][2]
    headers = {parameter["name"]: parameter["example"]
               for parameter in document.parameters(create) if parameter["in"] == "header"}
    first, second = run.send("shop_orders_create", headers), run.send("shop_orders_create", headers)
    assert len(headers) == 3 and first.content == second.content
    assert second.headers["traceresponse"][:36] == headers["traceparent"][:36]
    change = document.operations["shop_pays_change"][2]
    headers = {parameter["name"]: parameter["example"] + "x" * (parameter["name"][0] == "I" and
                                                               "Key" in parameter["name"])
               for parameter in document.parameters(change) if parameter["in"] == "header"}
    assert "If-Match" in headers
    run.send("shop_pays_change", headers)
    answer = run.request("shop_orders_get", {"If-None-Match": run.send("shop_orders_get")
                                             .headers["ETag"]})
    assert answer.status_code == 304
    run.check("shop_orders_get", answer)
    run.node.stop()


def test_bulk(document, tmp_path, gone):
    """The example of every bulk body is taken, a result a line."""
    bulks = [name for name, (_, _, operation) in document.operations.items()
             if "application/x-ndjson" in operation.get("requestBody", {}).get("content", {})]
    assert len(bulks) > 10
    for name in bulks:
        order, settings = document.chain(name)
        if order != [name] and name.count("_") < 2:
            continue  # The same without its prefix.
        run = Run(document, start(tmp_path, settings, gone))
        for step in order[:-1]:
            run.send(step)
        wanted = document.operations[name][2].get("x-dure-status", 201)

        def result():
            answer = run.request(name, {}, media="application/x-ndjson")
            assert answer.status_code == 200
            run.check(name, answer)
            lines = [json.loads(line) for line in answer.text.splitlines()]
            assert len(lines) == 1
            return lines[0]["status"] == wanted and lines
        nodes.wait_until(result, WAIT_S, f"the bulk example of {name}")
        run.node.stop()


def test_problems(document, node):
    """Refusals are as described, in every detail, also those that the server makes itself."""
    api = node.client()
    schema = {"$ref": "#/components/schemas/Problem"}
    for answer in (api.get("/nothing"), api.post("/shop/orders", {}), api.delete("/shop/mypages/1"),
                   api.get("/shop/orders", headers={"Accept": "image/png"}),
                   api.post("/shop/orders", data=b"x", headers={"Content-Type": "text/plain"}),
                   api.get("/shop/orders/987654321"), api.get("/shop/orders?quantity=x"),
                   api.get("/shop/orders?" + "x" * 9000), api.post("/shop/orders", data=b"x" * 2**21),
                   api.get("/events?from=nowhere", headers={"Accept": "application/json"})):
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = answer.json()
        document.check(schema, problem, answer.url)
        described = document.look(document.document["components"]["responses"]
                                  [f"Problem{answer.status_code}"])
        example = described["content"]["application/problem+json"]["example"]
        assert example["title"] == problem["title"] and example["status"] == answer.status_code


def test_headers(document, node):
    """The headers of pages, of what has not changed, and of what goes on, are those described."""
    run = Run(document, node)
    for name in ("home", "console_file", "openapi", "asyncapi"):
        answer = run.request(name, {"Accept": "text/html, application/json"})
        run.check(name, answer)
        again = run.request(name, {"Accept": "text/html, application/json",
                                   "If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304
        run.check(name, again)
    stream = node.client().get("/events", headers={"Accept": "text/event-stream"}, stream=True)
    assert stream.headers["Content-Type"].startswith("text/event-stream")
    described = document.operations["events"][2]["responses"]["200"]["headers"]
    assert {header.lower() for header in stream.headers} - PLAIN_HEADERS <= set(described)
    stream.close()
    answer = node.client().get("/livez", headers={"Origin": "http://ui.example"})
    exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert exposed == set(document.document["components"]["headers"])


def test_partial(tmp_path):
    """What a node that is gone leaves incomplete says so, in a header that the document has; what is
    not described so is whole, or refused."""
    running = cluster.Cluster(tmp_path / "cluster").start()
    document = Document(running.client().get("/openapi.json").json())
    running.nodes[1].kill()
    api = running.nodes[0].client()
    nodes.wait_until(lambda: not cluster.is_whole(api), 30, "node 0 to find out")
    partial = 0
    for name, (method, path, operation) in document.operations.items():
        if method != "get" or "{" in path or name == "events":
            continue
        answer = api.get(path)
        if answer.status_code == 503:
            continue
        described = "Dure-Partial" in operation["responses"]["200"]["headers"]
        assert answer.headers.get("Dure-Partial") == ("nodes 1" if described else None), name
        partial += described
    assert partial > 20
    running.stop()
