#!/usr/bin/env python3
"""What an order costs a cluster: processor time by thread, messages, commits, bytes; all per order.

profile.py [--dure build/dure] [--nodes N] [--mode single|bulk] [--connections C] [--seconds S]
           [--dir DIR] [--port P] [--pin] [--perf FILE]

Rates depend on what else the machine does; what an order costs does much less. On a --dir in memory
(/dev/shm) syncs cost nothing, so it shows what the processors would allow. --perf records node 0
for `perf report -i FILE`.
"""
import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

READY_S_MAX = 60
HZ = os.sysconf("SC_CLK_TCK")


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dure", default="build/dure")
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--mode", default="bulk", choices=("single", "bulk"))
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--dir", default="/var/tmp")
    parser.add_argument("--port", type=int, default=18088)
    parser.add_argument("--pin", action="store_true")
    parser.add_argument("--perf")
    return parser.parse_args()


def members(args, data):
    """What `dure status` tells of the nodes, once all of them serve."""
    until = time.time() + READY_S_MAX
    while time.time() < until:
        told = subprocess.run([args.dure, "status", "--data", data, "--json"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        if told.returncode == 0:
            return json.loads(told.stdout)["members"]
        time.sleep(0.05)
    sys.exit("the cluster did not get ready")


def metrics(port):
    """Each family's sum over all nodes and labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    sums = {}
    for line in lines:
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            name = name.split("{")[0]
            sums[name] = sums.get(name, 0) + float(value)
    return sums


def thread_seconds(pids):
    """Processor time of the nodes' threads, by what they are."""
    seconds = {}
    for pid in pids:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/stat", encoding="utf-8") as stat:
                head, _, rest = stat.read().rpartition(")")
            name = "loop" if thread == str(pid) else re.sub(r"\d+$", "", head.partition("(")[2])
            fields = rest.split()
            spent = (int(fields[11]) + int(fields[12])) / HZ
            seconds[name] = seconds.get(name, 0) + spent
    return seconds


def bench(args, seconds):
    command = [args.dure, "bench", "--url", f"http://127.0.0.1:{args.port}", "--mode", args.mode,
               "--connections", str(args.connections), "--seconds", str(seconds), "--warmup", "0",
               "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def show(args, result, spent, counted, took):
    def count(name):
        return counted.get(f"dure_{name}", 0)

    orders = count("sagas_ended_total")
    records = count("journal_records_total")
    print(f"{args.nodes} nodes, {args.mode}, {args.connections} connections: "
          f"{result['per_second']:.0f} orders/s, p50 {result['latency_ms']['p50']:.2f} ms, "
          f"p99 {result['latency_ms']['p99']:.2f} ms")
    print(f"  processor us/order  {sum(spent.values()) / orders * 1e6:.1f}: " +
          ", ".join(f"{name} {value / orders * 1e6:.1f}" for name, value in sorted(spent.items())
                    if value > 0.005 * sum(spent.values())))
    print(f"  messages/order      {count('links_sent_total') / orders:.2f} between journals "
          f"({count('links_resent_total') / orders:.2f} again), "
          f"{count('forwarded_total') / orders:.2f} requests forwarded, "
          f"{count('peer_frames_sent_total') / orders:.2f} frames in "
          f"{count('peer_datagrams_sent_total') / orders:.3f} datagrams")
    print(f"  journal/order       {count('turns_total') / orders:.2f} turns, "
          f"{count('journal_bytes_total') / orders:.0f} bytes, "
          f"{count('deferred_total') / orders:.2f} deferred")
    print(f"  a commit            {orders / records:.1f} orders, "
          f"{count('journal_bytes_total') / records:.0f} bytes, "
          f"{count('commit_seconds_sum') / records * 1e3:.3f} ms; "
          f"one is under way {count('commit_seconds_sum') / took / args.nodes:.0%} of the time")


def measure(args, data):
    nodes = [one["pid"] for one in members(args, data)]
    bench(args, 1)  # Products, accounts, warm caches.
    before, spent = metrics(args.port), thread_seconds(nodes)
    began = time.time()
    perf = None
    if args.perf:
        perf = subprocess.Popen(["perf", "record", "-q", "-F", "499", "-g", "-o", args.perf, "-p",
                                 str(nodes[0])])
    result = bench(args, args.seconds)
    if perf is not None:
        perf.send_signal(signal.SIGINT)
        perf.wait()
    took = time.time() - began
    after, spent_then = metrics(args.port), thread_seconds(nodes)
    show(args, result, {name: spent_then[name] - spent.get(name, 0) for name in spent_then},
         {name: after[name] - before.get(name, 0) for name in after}, took)


def main():
    args = options()
    data = tempfile.mkdtemp(prefix="dure-profile.", dir=args.dir)
    command = [args.dure, "up", "--nodes", str(args.nodes), "--data", data, "--http",
               str(args.port), "--events", "-1", "--replay", "-1"]
    up = subprocess.Popen(command + (["--pin"] if args.pin else []), stdout=subprocess.DEVNULL)
    try:
        measure(args, data)
    finally:
        up.terminate()
        up.wait()
        shutil.rmtree(data)


main()
