"""The console's catalogues, read from its sources: rows [as it is said, English, Korean]."""
import json
import pathlib
import re

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "cmd" / "web" / "src"
HOLE = re.compile(r"%(?:[.\d*]*s|l*[dux])")
HANGUL = re.compile(r"[가-힣]")


def rows(name):
    """The rows of such a file; one that is on more than a line is no row."""
    text = (SOURCES / name).read_text(encoding="utf-8")
    lines = re.findall(r"^ +(\[.*\]),$", text, re.M)
    assert lines and len(lines) == len(re.findall(r"^ *\[", text, re.M)), f"{name}: a row is one line"
    return [json.loads(line) for line in lines]


def row(sentence):
    """The line that is to be added, to be filled in."""
    return f"  {json.dumps([sentence, '=', '…'], ensure_ascii=False)},"


def pattern(said):
    """What a row of descriptions.ts fits: in its holes are names."""
    parts = HOLE.split(said)
    holes = [r"\S+" for _ in HOLE.findall(said)] + [""]
    return re.compile("".join(re.escape(part) + hole for part, hole in zip(parts, holes)), re.S)


def objects(name):
    """{"event": {"OrderPlaced": "주문됨"}}: objects of texts within an object."""
    text = (SOURCES / name).read_text(encoding="utf-8")
    word = r'(?:"((?:[^"\\]|\\.)+)"|([\w가-힣]+))'
    found = {}
    for kind, body in re.findall(r"^  (\w+): \{\n(.*?)^  \},", text, re.M | re.S):
        found[kind] = {a or b: value for a, b, value in re.findall(rf'^    {word}: "([^"]*)",$', body, re.M)}
    return found


def statuses():
    """{"주문됨": "Placed"}, and {"running": "진행 중"}."""
    text = (SOURCES / "statuses.ts").read_text(encoding="utf-8")
    word = r'(?:"([^"]+)"|([\w가-힣]+))'
    glosses = {a or b: gloss for a, b, gloss in re.findall(rf'^  {word}: \["([^"]+)", "\w+"\],$', text, re.M)}
    korean = {a or b: gloss for a, b, gloss in re.findall(rf'^  {word}: "([^"]+)",$', text, re.M)}
    return glosses, korean
