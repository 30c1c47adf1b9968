"""Where a call runs: in this process, or wherever an executor takes it. It gives values, never labels."""

from superscalar.executors.elsewhere import address_of, check_sendable, function_at, raised_elsewhere, told_of
from superscalar.executors.local import LOCAL
from superscalar.executors.protocol import Executor
from superscalar.tools.execution import Channel, Invocation, Runner, in_threads

__all__ = [
    "LOCAL",
    "Channel",
    "Executor",
    "Invocation",
    "Runner",
    "address_of",
    "check_sendable",
    "function_at",
    "in_threads",
    "raised_elsewhere",
    "told_of",
]
