#!/usr/bin/python3
"""Prints "PASSED FAILED" for a test report, to add up.

    count.py pytest REPORT.xml STATUS    what pytest --junitxml wrote, and its exit status
    count.py meson testlog.json STATUS   what meson test wrote; cmocka's cases count one by one

Whatever is neither passed nor failed (skipped, timed out, crashed) is failed. A non-zero status that
no failure explains (a crash of the runner), or a report of no tests at all, is one failure.
"""
import json
import re
import sys
from xml.etree import ElementTree


def pytest_report(path):
    for case in ElementTree.parse(path).iter("testcase"):
        yield not any(case.find(tag) is not None for tag in ("failure", "error", "skipped"))


def meson_report(path):
    with open(path, encoding="utf-8") as log:
        for line in log:
            test = json.loads(line)
            ok = test["result"] in ("OK", "EXPECTEDFAIL")
            output = test.get("stdout", "") + test.get("stderr", "")
            cases = len(re.findall(r"^\[       OK \] ", output, re.M))
            bad = len(set(re.findall(r"^\[  FAILED  \] (\w+)$", output, re.M)))
            if ok:
                yield from [True] * max(cases, 1)
            else:
                yield from [True] * cases + [False] * max(bad, 1)


def main():
    kind, path, status = sys.argv[1:]
    try:
        results = list({"pytest": pytest_report, "meson": meson_report}[kind](path))
    except (OSError, ValueError, ElementTree.ParseError) as error:
        print(f"count.py: {path}: {error}", file=sys.stderr)
        results = []
    failed = results.count(False)
    if failed == 0 and (int(status) != 0 or not results):
        failed = 1
    print(results.count(True), failed)


if __name__ == "__main__":
    main()
