#!/usr/bin/env python3
"""Turns the results of tests/bench/run into the table of goals and the table of measurements.

report.py print RESULTS COMMANDS            for the terminal
report.py markdown RESULTS COMMANDS         docs/benchmarks.md, to standard output
report.py bytes-per-order RESULTS           journal bytes of one order as dure wrote it
"""
import json
import sys
import unicodedata

BYTES_PER_ORDER = 2048  # When dure's metrics do not tell.


def read(path):
    """KEY VALUE lines; values are JSON where they can be, text otherwise."""
    results = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            key, _, value = line.rstrip("\n").partition(" ")
            try:
                results[key] = json.loads(value)
            except ValueError:
                results[key] = value
    return results


def bytes_per_order(results):
    written = results.get("dure.bulk.journal_bytes")
    completed = results.get("dure.bulk", {}).get("completed", 0)
    return round(written / completed) if written and completed else BYTES_PER_ORDER


class Results:
    """Looks measurements up; None stands for what was not measured, and spreads."""

    def __init__(self, results):
        self.all = results

    def get(self, key):
        return self.all.get(key)

    def rate(self, key):
        value = self.all.get(key)
        return value.get("per_second") if isinstance(value, dict) else value

    def best(self, *keys):
        rates = [self.rate(key) for key in keys]
        return max((rate for rate in rates if rate is not None), default=None)

    def best_of(self, prefix, suffix=".per_second"):
        return self.best(*(key for key in self.all
                           if key.startswith(prefix) and key.endswith(suffix)))

    def latency(self, key, percentile):
        value = self.all.get(key)
        return value["latency_ms"][percentile] if isinstance(value, dict) else None

    def journal(self):
        return max((self.all[key]["orders_per_second"] for key in self.all
                    if key.startswith("journal.") and "together" not in key
                    and isinstance(self.all[key], dict)),
                   default=None)


def ratio(a, b):
    return a / b if a is not None and b else None


def minus(a, b):
    return max(a - b, 0.0) if a is not None and b is not None else None


def smaller(*values):
    known = [value for value in values if value is not None]
    return min(known) if known else None


def number(value):
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if abs(value) >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}"


def at_least(value, goal):
    return None if value is None else value >= goal


def at_most(value, goal):
    return None if value is None else value <= goal


def goals(r):
    """Rows of (what, goal, measured, against, ratio, met)."""
    sync = r.get("machine.fdatasync_ms") or {}
    single = r.best("dure.single.16", "dure.single.64", "dure.single.256")
    bare = r.best("bare.16", "bare.64", "bare.256")
    pg = r.best_of("pg.single.")
    each, sets = r.best_of("pg.each."), r.best_of("pg.set.")
    bulk, journal = r.rate("dure.bulk"), r.journal()
    # What dure adds to a request that costs nothing but HTTP.
    added50 = minus(r.latency("dure.single.1", "p50"), r.latency("bare.1", "p50"))
    added99 = minus(r.latency("dure.single.1", "p99"), r.latency("bare.1", "p50"))
    hot_single, even_single = r.rate("dure.hot.single.64"), r.rate("dure.single.64")
    hot_bulk = r.rate("dure.hot.bulk")
    begin, end = r.rate("dure.start.bulk"), r.rate("dure.end.bulk")
    begin1, end1 = r.rate("dure.start.single"), r.rate("dure.end.single")
    memory, budget = r.get("dure.end.anonymous_mib"), r.get("dure.memory_budget_mib")
    restart = r.get("dure.restart_killed_s")
    orders = sum(r.get(key)["completed"] for key in
                 ("dure.start.single", "dure.start.bulk", "dure.fill") if r.get(key))
    aggregates = number(orders * 3 / 1e6) + " million aggregates"

    def row(what, goal, measured, against, met_by, bound):
        value = ratio(measured, against)
        return (what, goal, measured, against, value, met_by(value, bound))

    yield row("single POSTs of one node against bare HTTP of one thread, orders/s",
              "≥ 0.8 ×", single, bare, at_least, 0.8)
    yield row("single POSTs against PostgreSQL, orders/s", "≥ 5 ×", single, pg, at_least, 5)
    yield row("bulk against PostgreSQL, order by order, orders/s", "≥ 20 ×", bulk, pg, at_least,
              20)
    yield row("bulk against PostgreSQL's own bulk, in a loop, orders/s", "", bulk, each,
              lambda *_: "", 0)
    yield row("bulk against PostgreSQL's own bulk, by sets, orders/s", "", bulk, sets,
              lambda *_: "", 0)
    yield row("bulk of one node against the journal's limit, orders/s", "≥ 0.5 ×", bulk, journal,
              at_least, 0.5)
    yield row("added latency at low load, p50 against one fdatasync, ms", "≤ 2 ×", added50,
              sync.get("p50"), at_most, 2)
    yield row("added latency at low load, p99 against one fdatasync, ms", "≤ 5 ×", added99,
              sync.get("p50"), at_most, 5)
    yield row("one hot product against uniform, single, orders/s", "≥ 0.8 ×", hot_single,
              even_single, at_least, 0.8)
    yield row("one hot product against uniform, bulk, orders/s", "≥ 0.8 ×", hot_bulk, bulk,
              at_least, 0.8)
    yield row(f"after {aggregates} against before, single, orders/s", "≥ 0.8 ×", end1,
              begin1, at_least, 0.8)
    yield row(f"after {aggregates} against before, bulk, orders/s", "≥ 0.8 ×", end, begin,
              at_least, 0.8)
    yield row("memory then against the budget, MiB", "≤ 1 ×", memory, budget, at_most, 1)
    yield row("the console's first load against its limit, compressed, KB", "≤ 1 ×",
              r.get("dure.console_kb"), 200, at_most, 1)
    yield row("restart after kill -9 under load, s", "< 1 s", restart, 1, at_most, 1)
    for nodes in (2, 4):
        for mode, keys in (("single", ("single.64", "single.256")), ("bulk", ("bulk",))):
            one, many = (r.best(*(f"nodes.{count}.{key}" for key in keys)) for count in (1, nodes))
            goal = ("≥ 1.8 ×", at_least, 1.8) if nodes == 2 else ("", lambda *_: "", 0)
            yield row(f"{nodes} nodes against 1, {mode}, orders/s", goal[0], many, one, *goal[1:])
    yield from dr_goals(r)
    # What a subscriber costs at all stands in the table of subscribers; here, that it stopped.
    caught_up = r.get("fanout.stopped.caught_up") or {}
    seconds = number(caught_up.get("stopped_s"))
    yield row(f"orders while a subscriber stands still for {seconds} s, against while it reads, orders/s",
              "≥ 0.95 ×", r.rate("fanout.stopped"), r.rate("fanout.following"), at_least, 0.95)
    exact = {True: "each event once and in order", False: caught_up.get("flaw")}
    what, goal, measured, against, value, met = row(
        f"then it has all {number(caught_up.get('behind'))} events that it missed "
        f"({exact.get(caught_up.get('exact'), '-')}), s", "≤ 1 ×", caught_up.get("caught_up_s"),
        caught_up.get("stopped_s"), at_most, 1)
    yield what, goal, measured, against, value, met and caught_up.get("exact")


def dr_goals(r):
    dr = r.get("dr")
    if not dr:
        return
    idle, *phases = dr["phases"]
    for phase in phases:
        asked = phase["name"] != "all answer"  # That is the load of its clients, not of the demand.
        value = ratio(phase["p50"], idle["p50"])
        yield (f"a shop order's p50 in a demand with {number(dr['users'])} users: {phase['name']}"
               f" ({number(phase['seconds'])} s), against idle, ms", "≤ 2 ×" if asked else "",
               phase["p50"], idle["p50"], value, at_most(value, 2) if asked else "")
        yield (f"the same, p99: {phase['name']}", "", phase["p99"], idle["p99"],
               ratio(phase["p99"], idle["p99"]), "")


def goal_rows(r):
    rows = [("what", "goal", "measured", "against", "ratio", "met")]
    for what, goal, measured, against, value, met in goals(r):
        verdict = met if isinstance(met, str) else {None: "not measured", True: "yes",
                                                     False: "**no**"}[met]
        rows.append((what, goal, number(measured), number(against), number(value), verdict))
    return rows


NAMES = (
    ("pg.single.", "PostgreSQL, one order a transaction, {} clients"),
    ("pg.hot.", "PostgreSQL, all orders for one product, {} clients"),
    ("pg.each.", "PostgreSQL in bulk, in a loop, {} orders a transaction, {} clients"),
    ("pg.set.", "PostgreSQL in bulk, by sets, {} orders a transaction, {} clients"),
    ("bare.pipelined", "bare libuv + llhttp, pipelined{}"),
    ("bare.wrk", "bare libuv + llhttp, GET by wrk, 64 connections{}"),
    ("bare.", "bare libuv + llhttp, POST, {} connections"),
    ("dure.single.", "dure, single, {} connections"),
    ("dure.hot.single.", "dure, single, one hot product, {} connections"),
    ("dure.hot.bulk", "dure, bulk, one hot product{}"),
    ("dure.pipelined", "dure, pipelined, 16 connections of 16 requests{}"),
    ("dure.bulk", "dure, bulk, 4 connections{}"),
    ("dure.start.single", "dure, single, 64 connections, fresh data{}"),
    ("dure.start.bulk", "dure, bulk, 4 connections, fresh data{}"),
    ("dure.fill", "dure, bulk, the orders in between{}"),
    ("dure.end.single", "dure, single, 64 connections, after them{}"),
    ("dure.end.bulk", "dure, bulk, 4 connections, after them{}"),
    ("nodes.1.single.", "cluster of 1 node, single, {} connections"),
    ("nodes.2.single.", "cluster of 2 nodes, single, {} connections"),
    ("nodes.4.single.", "cluster of 4 nodes, single, {} connections"),
    ("nodes.1.bulk", "cluster of 1 node, bulk, 8 connections{}"),
    ("nodes.2.bulk", "cluster of 2 nodes, bulk, 8 connections{}"),
    ("nodes.4.bulk", "cluster of 4 nodes, bulk, 8 connections{}"),
    ("fanout.none", "2 nodes, single, 64 connections, no subscriber{}"),
    ("fanout.again", "the same after all of these{}"),
    ("fanout.following", "the same, one `dure tail`{}"),
    ("fanout.stopped", "the same, `dure tail` stands still{}"),
    ("fanout.batch.", "the same, {} subscribers to @batch"),
    ("fanout.", "the same, {} subscribers to shop."),
    ("journal.together.", "journal alone, {} processes together, 64 KiB a record"),
    ("journal.", "journal alone, {} bytes a record"),
)


def name_of(key):
    for prefix, text in NAMES:
        if key.startswith(prefix):
            return text.format(*key[len(prefix):].split("."))
    return key


def refused(value):
    parts = [f"{count} × {status}" for status, count in value.get("refused", {}).items()]
    for kind in ("pending", "unanswered", "malformed"):
        if value.get(kind):
            parts.append(f"{value[kind]} {kind}")
    return ", ".join(parts)


def share(value):
    return "" if value is None else f"{value:.0%}"


def measurement_rows(r):
    rows = [("measurement", "per second", "mean ms", "p50", "p99", "p99.9", "max",
             "server cores", "crossing", "not completed")]
    for key, value in r.all.items():
        if key.startswith("pg.") and key.endswith(".per_second"):
            name = key[:-len(".per_second")]
            latency = r.get(name + ".latency_ms")
            rows.append((name_of(name), number(value), number(latency), "", "", "", "", "", "", ""))
        elif key == "bare.wrk":
            rows.append((name_of(key), number(value), "", "", "", "", "", "", "", ""))
        elif isinstance(value, dict) and "latency_ms" in value:
            rate = value.get("per_second", value.get("orders_per_second"))
            latency = value["latency_ms"]
            rows.append((name_of(key), number(rate),
                         *(number(latency[part]) for part in ("mean", "p50", "p99", "p99_9",
                                                              "max")),
                         number(r.get(key + ".server_cores")) if not key.startswith("journal.")
                         else "", share(r.get(key + ".crossing")), refused(value)))
    return rows


def fanout_rows(r):
    """Empty when it was not measured."""
    rows = [("subscribers", "topic", "orders/s", "of none", "events/s published",
             "events/s a subscriber: least", "most", "of published", "their cores")]
    alone = [r.rate(key) for key in ("fanout.none", "fanout.again")]
    alone = sum(alone) / 2 if all(alone) else None
    for key, heard in r.all.items():
        if not key.startswith("fanout.") or not key.endswith(".heard"):
            continue
        name, seconds = key[:-len(".heard")], heard["seconds"]
        published = r.get(name + ".published")
        orders = r.rate(name)
        rows.append((str(heard["subscribers"]), "@batch" if ".batch." in key else "shop.",
                     number(orders), share(ratio(orders, alone)), number(published / seconds),
                     number(heard["events_least"] / seconds), number(heard["events_most"] / seconds),
                     share(heard["events"] / heard["subscribers"] / published),
                     number(heard["cpu_seconds"] / seconds)))
    return rows if len(rows) > 1 else []


def facts(r):
    sync = r.get("machine.fdatasync_ms") or {}
    if r.get("machine.cpu"):
        yield (f"{r.get('machine.cpu')}, {r.get('machine.cores')} cores, "
               f"{r.get('machine.memory_gib')} GiB, {r.get('machine.kernel')}, "
               f"{r.get('machine.filesystem')}; fdatasync of 4 KiB: p50 {sync.get('p50')} ms, "
               f"p99 {sync.get('p99')} ms")
    versions = [f"{key[len('version.'):]} {value}" for key, value in r.all.items()
                if key.startswith("version.")]
    if versions:
        yield "Versions: " + "; ".join(versions)
    yield (f"{r.get('products')} products, {r.get('users')} users, {r.get('seconds')} s a "
           f"measurement; {r.get('journal.bytes') or '-'} journal bytes an order")
    if r.get("dure.end.rss_mib") is not None:
        yield (f"dure's resident memory: {r.get('dure.start.rss_mib')} MiB at the start, "
               f"{r.get('dure.end.rss_mib')} MiB at the end, of which {r.get('dure.end.anonymous_mib')} "
               f"MiB its own (the rest is pages of the mapped files); on disk "
               f"{r.get('dure.disk_mib')} MiB; restart after a clean stop "
               f"{r.get('dure.restart_stopped_s')} s")


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def print_table(rows):
    widths = [max(width(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [row[0] + " " * (widths[0] - width(row[0]))]
        cells += [" " * (widths[i] - width(row[i])) + row[i] for i in range(1, len(row))]
        print("  ".join(cells).rstrip().replace("**", ""))
    print()


def print_markdown_table(rows):
    print("| " + " | ".join(rows[0]) + " |")
    print("|---" + "|---:" * (len(rows[0]) - 1) + "|")
    for row in rows[1:]:
        print("| " + " | ".join(row) + " |")
    print()


def print_report(r):
    print()
    for fact in facts(r):
        print(fact)
    print()
    print_table(measurement_rows(r))
    if fanout_rows(r):
        print_table(fanout_rows(r))
    print_table(goal_rows(r))


MARKDOWN_HEAD = """# Benchmarks

Written by `tests/bench/run`; run it to measure your machine. Everything below was measured in one
run on one machine, one thing at a time, client and server on the same machine over loopback. An
order is the whole saga: product and price checked, money taken, stock taken, delivery created, order
completed, four events published, all durable before the answer.

- **PostgreSQL** does the same order in one stored procedure with an outbox table, one transaction an
  order, prepared statements over a Unix socket, fsync and synchronous_commit on. In bulk: one call a
  transaction, in a loop over the same procedure or by sets; either way a single refused order refuses
  the whole call, where dure refuses that order alone. The orders of its bulk are made up inside the
  server, so it pays for no protocol.
- **bare** is a libuv + llhttp server that answers a constant from one thread; the same requests.
- **journal alone** appends the same bytes an order through the same store, with nothing else.
- **server cores** is what the measured process used, of all cores of the machine, preparation of the
  products and accounts included.
- **crossing** is the share of turns that were caused by a message of another node: an order's money
  and stock lie on nodes of their own. With one node there are none, and a whole order is one record;
  with several it is a record and a sync at each node on its way.
"""


MARKDOWN_FANOUT = """## Subscribers

Two nodes with one SUB address; {connections} connections order, subscribers are all in one process on
the same machine. A subscriber to `shop.` gets a message an event, one to `@batch ` a message a run of
events. What did not come within a second after the last order was lost, as PUB/SUB loses what there is no room
for: a subscriber sees the gap and asks for the rest (README).
"""


def print_markdown_fanout(r):
    rows = fanout_rows(r)
    if rows:
        print(MARKDOWN_FANOUT.format(connections=64))
        print_markdown_table(rows)


def print_notes():
    """docs/scaling.md is written by hand."""
    print("Why nodes scale as they do, and what a message between them costs: [scaling.md](scaling.md).\n")


def print_markdown(r, commands):
    print(MARKDOWN_HEAD)
    for fact in facts(r):
        print(f"- {fact}")
    print("\n## Goals\n")
    print_markdown_table(goal_rows(r))
    print("## Measurements\n")
    print_markdown_table(measurement_rows(r))
    print_markdown_fanout(r)
    print_notes()
    print("## Commands\n\nDIR is a directory on the measured disk.\n\n```")
    with open(commands, encoding="utf-8") as lines:
        print(lines.read().rstrip())
    print("```")


def main():
    results = read(sys.argv[2])
    if sys.argv[1] == "bytes-per-order":
        print(bytes_per_order(results))
    elif sys.argv[1] == "markdown":
        print_markdown(Results(results), sys.argv[3])
    else:
        print_report(Results(results))


main()
