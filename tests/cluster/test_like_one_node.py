"""What one node promises, a cluster promises, too: each request of these tests goes to the next node.

Left out is what is about a process and not about its answers, and how bytes of a single connection
are treated.
"""
from test_shop_races import *  # noqa: F403
from test_outcome import *  # noqa: F403
from test_items import *  # noqa: F403
from test_input import *  # noqa: F403
from test_methods import *  # noqa: F403

del test_restart_is_clean_for_verify  # noqa: F821 (of one directory: test_failures.py has its own)
