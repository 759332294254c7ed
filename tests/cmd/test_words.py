"""The console has words for all that a node says: refusals, reasons, field messages, the API's document.

A sentence that is new in the C sources is missing in cmd/web/src/sentences.ts: the failure prints its row,
to be added there and filled in. One of /openapi.json belongs into descriptions.ts, a status into
statuses.ts, and the name of a collection, field, command, event, saga or step into names.ts.
"""
import re

import pytest

import catalogue
import sentences
from node import Node

# Statuses as the columns of a table have them; the outcomes of ports are in internal events only.
TEXTS = re.compile(r"\b\w*(?:status|answer)_texts\[\]\s*=\s*\{")


@pytest.fixture(scope="module")
def sources():
    return sentences.Sources().find()


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    """What a node with all systems says of itself."""
    node = Node(tmp_path_factory.mktemp("words") / "data").start()
    api = node.client()
    yield {path: api.get(f"/{path}").json() for path in ("openapi.json", "asyncapi.json", "sagas")} | {
        "metrics": api.get("/metrics").text}
    node.stop()


def listed(sources):
    """The statuses of all tables."""
    return {sentences.unquote(text) if text.startswith('"') else sources.literal(text)
            for file, source in sources.files.items() if file.startswith("actors/")
            for m in TEXTS.finditer(source)
            for text in re.findall(rf"{sentences.LITERAL.pattern}|\b[A-Z_]{{5,}}\b",
                                   source[m.end():sentences.closing(source, m.end() - 1)])}


def missing(said):
    return "\n".join(["there is no row for:", *map(catalogue.row, said)])


# ---- What the sources say ------------------------------------------------------------------------

def test_the_scan_leaves_nothing_out(sources):
    """All that leads to a client was followed to its beginning; and another way of looking, at whatever
    stands within a call that refuses, finds no sentence that was not found."""
    assert not sources.unclear
    known = "\n".join([*sources.found, *sources.pieces])
    refusals = re.compile(r"\b(?:dure_refuse|refuse\w*|dure_\w+_(?:refuse|problem|errors_add))\(")
    calls = 0
    for file, text in sources.files.items():
        for m in refusals.finditer(text):
            if not sources.around(file, m.start()) or file.startswith("cmd/"):
                continue
            calls += 1
            for literal in sentences.LITERAL.findall(text[m.end():sentences.closing(text, m.end() - 1)]):
                words = sentences.unquote(literal).strip(":% s")
                assert " " not in words or words in known, f"{file}: {words}"
    assert calls > 150


@pytest.mark.parametrize("code, said", [
    ('static int f(struct dure_out *o)\n{\n    dure_refuse(o, 409, "no %s" " there", "new word");\n}\n',
     {"no %s there", "new word"}),
    ('static const char *why(int i)\n{\n    return i ? "this one" : NULL;\n}\n'
     'static void f(struct dure_call *c)\n{\n    const char *text = why(1);\n'
     '    dure_call_problem(c, 409, text, NULL);\n}\n', {"this one"}),
    ('static void g(struct dure_call *c, const char *how)\n{\n    dure_call_refuse(c, 503, "%s", how);\n}\n'
     'static void f(struct dure_call *c)\n{\n    g(c, c ? "far" : "gone");\n}\n', {"far", "gone"}),
    ('static const struct dure_saga_step s = {.name = "x", .missing = "nobody \\"x\\" there"};\n',
     {'nobody "x" there'}),
])
def test_a_new_sentence_is_found(code, said):
    """By a call, through a function and a local, through a parameter, and in a table."""
    new = sentences.Sources()
    new.read("actors/new.c", code)
    new.find()
    assert said <= {*new.found, *new.pieces} and not new.unclear


def test_a_way_that_cannot_be_followed_is_told():
    """What comes from nowhere to be seen makes the first test fail."""
    new = sentences.Sources()
    new.read("actors/new.c", "static void f(struct dure_out *o)\n{\n    dure_refuse(o, 409, strange[7]);\n}\n")
    new.find()
    assert new.unclear == ["actors/new.c:3: strange[7]"]


def test_every_sentence_has_a_row(sources):
    """Whatever a node can say to a client is in sentences.ts, or is a status."""
    rows = {row[0] for row in catalogue.rows("sentences.ts")} | set(catalogue.statuses()[0])
    lacking = [text for text in [*sources.found, *sources.pieces] if text not in rows]
    assert not lacking, missing(lacking)


def test_every_row_has_a_source(sources):
    """No row is of a sentence that nothing says, and none is there twice."""
    rows = [row[0] for row in catalogue.rows("sentences.ts")]
    assert not [text for text in rows if text not in sources.found and text not in sources.pieces]
    assert len(rows) == len(set(rows))


@pytest.mark.parametrize("name", ["sentences.ts", "descriptions.ts"])
def test_rows_are_of_both_languages(name):
    """English without Hangul, Korean with it, and no placeholder that the sentence does not have."""
    for said, english, korean in catalogue.rows(name):
        holes = len(catalogue.HOLE.findall(said))
        assert not catalogue.HANGUL.search(said if english == "=" else english), said
        own = re.sub(r"\{.*?\}", "", said if korean == "=" else korean)
        assert catalogue.HANGUL.search(own) or not re.search(r"\w", own), said
        for text in (english, korean):
            named = [int(n) for n in re.findall(r"\{(\d)", text)]
            assert all(1 <= n <= holes for n in named), said
            assert text == "=" or text == english or set(named) == set(range(1, holes + 1)), said


def test_every_status_is_known(sources):
    """Each status of a table has its English word, the English ones their Korean; and no others are."""
    glosses, korean = catalogue.statuses()
    statuses = listed(sources)
    assert statuses - set(glosses) == set()
    said = {text for text in sources.found if text in glosses}
    assert set(glosses) - statuses - said == set()
    assert set(korean) == {text for text in glosses if re.search("[A-Za-z]", text)}
    for table, file in sources.statuses:
        assert set(sources.texts(table, file)) <= set(glosses), (table, file)


# ---- What a node says of itself -------------------------------------------------------------------

def operations(openapi):
    for path, item in openapi["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def resolved(openapi, part):
    while "$ref" in part:
        found = openapi
        for name in part["$ref"][2:].split("/"):
            found = found[name.replace("~1", "/").replace("~0", "~")]
        part = found
    return part


def test_the_api_page_has_korean_words(documents):
    """Each summary, description, parameter and answer of the document has a row, and each row a use."""
    openapi = documents["openapi.json"]
    texts = set()
    for _, _, operation in operations(openapi):
        texts |= {operation["summary"], operation.get("description", "")}
        texts |= {resolved(openapi, one)["description"] for one in operation.get("parameters", [])}
        texts |= {resolved(openapi, one)["description"] for one in operation["responses"].values()}
    rows = [row[0] for row in catalogue.rows("descriptions.ts")]
    refusals = {row[0] for row in catalogue.rows("sentences.ts")}
    lacking, used = [], set()
    for text in texts - {"", "OpenAPI 3.1", "AsyncAPI 3.0"}:
        title, _, rest = text.partition(": ")
        if {title, *rest.split("; ")} - {""} <= refusals:
            continue
        fits = [row for row in rows if catalogue.pattern(row).fullmatch(text)]
        if not fits:
            lacking.append(text)
        used |= {max(fits, key=lambda row: (row == text, len(catalogue.HOLE.sub("", row))), default="")}
    assert not lacking, missing(lacking)
    assert set(rows) == used - {""}, set(rows) - used


def test_everything_has_a_korean_name(documents):
    """Collections, items, fields, commands, events, sagas, their steps, and circuit breakers."""
    openapi, events, types = (documents["openapi.json"], documents["asyncapi.json"],
                              documents["sagas"]["types"])
    systems = {tag["name"] for tag in openapi["tags"]} - {"node"}
    paths = [path.split("/") for path in openapi["paths"]]
    schemas = {name: schema for name, schema in openapi["components"]["schemas"].items()
               if name.split(".")[0] in systems and not name.endswith((".page", "-saga"))}
    steps = [step for one in types for step in one["steps"]]
    collections = {parts[2] for parts in paths if len(parts) == 3 and parts[1] in systems}
    needed = {
        "collection": collections - {"startdr"},
        "item": {name.split(".")[1] for name in schemas} | {step["command"].split(".")[1] for step in steps},
        "field": {field for schema in schemas.values() for field in schema["properties"]} - {"_links"},
        "command": {parts[4] for parts in paths if len(parts) == 5 and parts[1] in systems} - {"events"}
        | {operation["summary"].split(" ")[0].lower() for _, _, operation in operations(openapi)
           if re.fullmatch(r"[A-Z][\w-]+ an? \w+(, as .*)?", operation["summary"])}
        - {"get", "change", "replace", "delete"}
        | {step[part].split(".")[2] for step in steps for part in ("command", "undo") if part in step},
        "event": {name.split(".")[2] for name in events["components"]["messages"] if "." in name}
        | {step["done"] for step in steps if "done" in step},
        "saga": {one["type"] for one in types},
        "step": {step["name"] for step in steps},
        "breaker": set(re.findall(r'^dure_(?:port_)?breaker_\w+\{(?:look|port)="([^"]+)"', documents["metrics"], re.M)),
    }
    names = catalogue.objects("names.ts")
    for kind, wanted in needed.items():
        own = {name for name in names[kind] if kind in ("collection", "item", "event") and "." in name}
        assert {name.split(".")[0] for name in own} <= systems
        assert wanted - set(names[kind]) == set(), f"names.ts lacks of {kind}"
        named = {name.split(".")[1] for name in own} | set(names[kind]) - own
        assert named == wanted, f"names.ts has too much of {kind}"
        assert all(catalogue.HANGUL.search(label) for label in names[kind].values())
