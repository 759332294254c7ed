"""What has gone out through the notification port of nodes that notify by their log."""
import re

from node import wait_until

LINE = re.compile(r'^dure notify: (-?\d+) "([^"]+)" to "([^"]*)": "([^"]*)"$', re.M)


def notified(*nodes):
    """[(type, customer, message)], once nothing waits any more; each node's by their ids."""
    for node in nodes:
        client = node.client()
        wait_until(lambda client=client: client.get("/notify/notifications").json()["page"][
            "totalElements"] == 0, 20, "the notifications to be delivered")
    found = []
    for node in nodes:
        lines = LINE.findall(node.log.read_text(encoding="utf-8"))
        found += [tuple(rest) for _, *rest in sorted(lines, key=lambda line: int(line[0]))]
    return found
