"""What an executor is: where the calls of an agent, or of one tool, run."""

from __future__ import annotations

from typing import Any, Protocol

from superscalar.tools.execution import Runner
from superscalar.tools.tool import Tool


class Executor(Protocol):
    """Where calls run: in this process (`superscalar.executors.LOCAL`), or wherever it takes them.

    One that wraps another is 30 lines: a cache, a dry run, a span around each call. See docs/executors.md.
    """

    def runner(self, tool: Tool[..., Any]) -> Runner:
        """What runs the calls of a tool. It is asked for when an agent is made, once for each of its tools, and
        again where these are listed anew.

        Raises:
            UsageError: they cannot run here: the tool cannot be found there, or what it takes cannot be sent. The
                message names the tool and says what to write.
        """
        ...
