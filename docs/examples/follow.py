#!/usr/bin/env python3
"""Follows dure's events with pynng (pip install pynng): each once, of each shard in order.

    follow.py [TOPIC] [tcp://127.0.0.1:8089 [tcp://127.0.0.1:8090]]

Live events come by SUB, which may lose some. Each event's id is SHARD-SEQUENCE, and sequences have
no gaps: an event that does not follow on shows a loss, and REQ fetches what is missing.
"""
import json
import sys

import pynng


class Follower:
    def __init__(self, topic="", events="tcp://127.0.0.1:8089", replay="tcp://127.0.0.1:8090"):
        self.topic = topic
        self.live = pynng.Sub0(dial=events, topics="@batch ", recv_timeout=1000)
        self.replay = pynng.Req0(dial=replay, recv_timeout=5000)
        self.at = self.ask({"from": "end"})["next"]  # After subscribing: nothing falls in between.

    def ask(self, request):
        self.replay.send(json.dumps(request).encode())
        reply = json.loads(self.replay.recv())
        if "error" in reply:
            raise RuntimeError(f"{reply['error']}: {reply['detail']}")
        return reply

    def fill(self):
        """Everything after our position that the journal has."""
        while True:
            reply = self.ask({"from": self.at, "topic": self.topic})
            self.at = reply["next"]
            yield from reply["events"]
            if reply["end"]:
                return

    def events(self):
        """Events for ever."""
        while True:
            try:
                head, *lines = self.live.recv().decode().splitlines()
            except pynng.Timeout:
                continue  # Nothing for a second, not even a beacon: the server is away.
            head = json.loads(head.removeprefix("@batch "))
            if any(sequence > self.at.get(shard, 0) for shard, sequence in head.get("at", {}).items()):
                yield from self.fill()
            for line in lines:
                name, _, text = line.partition(" ")
                event = json.loads(text)
                shard, sequence = event["id"].split("-")
                if int(sequence) > self.at[shard] + 1:
                    yield from self.fill()
                if int(sequence) == self.at[shard] + 1:
                    self.at[shard] += 1
                    if name.startswith(self.topic):
                        yield event


if __name__ == "__main__":
    try:
        for found in Follower(*sys.argv[1:]).events():
            print(json.dumps(found, ensure_ascii=False), flush=True)
    except KeyboardInterrupt:
        pass
