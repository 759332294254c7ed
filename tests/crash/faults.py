"""What can happen to a cluster under load, each by the seed's dice.

A fault gets the cluster (up.Up) and the dice, does its damage, and returns how many processes it has
killed. It leaves nothing suspended. The sleeps are not waits for something: how long a process stays
suspended, and when the next blow falls, is the experiment.
"""
import os
import signal
import time

from node import wait_until


def running(up):
    """The processes of the nodes that run now."""
    return [member["pid"] for member in up.members() if member["pid"]]


def hit(pid, how):
    """False when it has gone by itself meanwhile."""
    try:
        os.kill(pid, how)
        return True
    except ProcessLookupError:
        return False


def kill_some(up, rng, count):
    pids = running(up)
    return sum(hit(pid, signal.SIGKILL) for pid in rng.sample(pids, min(count, len(pids))))


def kill_one(up, rng):
    """kill -9 of a node."""
    return kill_some(up, rng, 1)


def kill_two(up, rng):
    """kill -9 of two nodes of three: no majority is needed for anything."""
    return kill_some(up, rng, 2)


def kill_all(up, rng):
    """kill -9 of every node within a millisecond."""
    return kill_some(up, rng, 99)


def kill_twice(up, rng):
    """kill -9 of a node, and again while it recovers or has just begun to serve."""
    before = running(up)
    victim = rng.choice(before)
    kills = hit(victim, signal.SIGKILL)
    again = wait_until(lambda: [pid for pid in running(up) if pid not in before], 30, "a restart")
    time.sleep(rng.uniform(0, 0.05))
    return kills + hit(again[0], signal.SIGKILL)


def suspend_one(up, rng):
    """A node stops answering without dying, is given up by the others, and comes back."""
    victim = rng.choice(running(up))
    hit(victim, signal.SIGSTOP)
    time.sleep(rng.uniform(0.1, 1.5))
    hit(victim, signal.SIGCONT)
    return 0


def suspend_and_kill(up, rng):
    """One node is suspended while another is killed, which recovers without it."""
    first, second = rng.sample(running(up), 2)
    hit(first, signal.SIGSTOP)
    time.sleep(rng.uniform(0, 0.8))
    kills = hit(second, signal.SIGKILL)
    time.sleep(rng.uniform(0, 0.8))
    hit(first, signal.SIGCONT)
    return kills


def kill_suspended(up, rng):
    """A node is suspended, given up by the others, and then killed."""
    victim = rng.choice(running(up))
    hit(victim, signal.SIGSTOP)
    time.sleep(rng.uniform(0, 1.2))
    return int(hit(victim, signal.SIGKILL))


def kill_supervisor(up, _rng):
    """kill -9 of `dure up`: its nodes stop by themselves, and the next one starts them again."""
    up.kill()
    up.launch()
    return 1


WEIGHTS = {kill_one: 6, kill_two: 2, kill_all: 3, kill_twice: 2, suspend_one: 2,
           suspend_and_kill: 2, kill_suspended: 1, kill_supervisor: 1}


def some_fault(up, rng):
    """Does one; returns (its name, kills)."""
    fault = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    wait_until(lambda: len(running(up)) >= 2, 30, "something to hit")
    return fault.__name__, fault(up, rng)
