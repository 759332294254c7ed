"""A node with all doors of the event stream, and some orders in it."""
import pytest

import stream


@pytest.fixture
def node(tmp_path):
    """A node of this test's own. Whoever holds its end up is not hidden by the drain limit."""
    running = stream.StreamNode(tmp_path / "data", "--sse-heartbeat-ms", "300",
                                "--drain-ms", "60000").start()
    running.stock_up()
    yield running
    if running.process is not None:
        running.check()
        running.stop()
