"""/metrics of a cluster: one page, every sample with its node."""
import collections
import re

from node import wait_until
from shop import Shop

SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)\{node="(\d+)"([^}]*)\} (\S+)$')


def scrape(client):
    """{(name, node): sum of its samples}; fails unless the page is in form."""
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    values, family, helped, typed = collections.Counter(), None, [], []
    for line in response.text.splitlines():
        if line.startswith("# HELP "):
            family = line.split()[2]
            helped.append(family)
        elif line.startswith("# TYPE "):
            assert line.split()[2] == family
            typed.append(family)
        else:
            name, node, labels, value = SAMPLE.match(line).groups()
            names = ["node", *re.findall(r',(\w+)="', labels)]
            assert len(set(names)) == len(names), f"a label twice: {line}"
            assert name.startswith(family)
            values[name, int(node)] += float(value)
    assert helped == typed and len(set(helped)) == len(helped) > 30
    return values


def test_one_page(cluster):
    """Any node shows what all have counted, and what goes on between them."""
    shop = Shop(cluster.client(), "/shop", user=1).open()
    for node in cluster.nodes:  # A product on each of them, and the account on one.
        shop.product = Shop(node.client(), "/shop").create(
            "inventories", stockName="book", stockCount=9, price=1000)["id"]
        for _ in range(3):
            shop.ordered(1)
    for node in cluster.nodes:  # The last product is on one of them: the other two forward.
        path = f"/shop/inventories/{shop.product}"
        assert node.client().patch(path, {"price": 1001}).status_code == 200
    pages = [scrape(node.client()) for node in cluster.nodes]
    for values in pages:
        assert [values["dure_node_up", n] for n in range(3)] == [1, 1, 1]
        assert [values["dure_peer_up", n] for n in range(3)] == [2, 2, 2]
        assert sum(values["dure_sagas_started_total", n] for n in range(3)) == 9
        for counter in ("dure_forwarded_total", "dure_inbound_total", "dure_links_sent_total",
                        "dure_peer_frames_sent_total", "dure_events_total"):
            assert sum(values[counter, n] for n in range(3)) > 0, counter
        forwarded, inbound = (sum(values[name, n] for n in range(3))
                              for name in ("dure_forwarded_total", "dure_inbound_total"))
        assert forwarded == inbound


def test_without_a_node(cluster):
    """A node that is down has dure_node_up 0 and nothing else."""
    cluster.nodes[1].kill()
    client = cluster.nodes[2].client()

    def gone():  # Each of the others finds it out by itself.
        v = scrape(client)
        return v["dure_node_up", 1] == 0 and v["dure_peer_up", 0] == v["dure_peer_up", 2] == 1 and v
    values = wait_until(gone)
    assert {name for (name, node) in values if node == 1} == {"dure_node_up"}
    assert values["dure_node_up", 0] == values["dure_node_up", 2] == 1
    cluster.nodes[1].start()
    cluster.whole()
