"""Reading plans of the other front ends in tests."""

from __future__ import annotations

from typing import Literal

from superscalar.plan.ir.signatures import Parameter, Signature, Signatures
from superscalar.plan.read.fronts.detect import Syntax, reader_of
from support.reading import Reading, signature

MORE = Parameter("context", "context", required=False)
TEXT = Parameter("text", "text", "str")
TOOLS = Signatures(
    [
        Signature("search", "search", (Parameter("query", "query", "str"),)),
        Signature("math", "math", (Parameter("problem", "problem", "str"), MORE)),
        signature("tool", "x?", "y?", effect="pure"),
        Signature("my-tool", "my_tool", (TEXT,)),
        Signature(
            "send",
            "send",
            (Parameter("to", "to", "str"), Parameter("body", "body", "str", required=False)),
            effect="write",
            provider="post",
        ),
        Signature("email", "email", (TEXT,), effect="write", provider="post"),
    ]
)


class FrontReading(Reading):
    """A `Reading` in another syntax."""

    def __init__(self, syntax: Syntax, tools: Signatures = TOOLS) -> None:
        super().__init__(tools)
        self._syntax = syntax
        self.reader = reader_of(syntax, self.program)  # type: ignore[assignment]

    def repair(self, text: str, reason: Literal["stop", "cut"] = "stop") -> list[str]:
        """One reply with corrections; the ids of the tasks that it completed."""
        self.reader = reader_of(self._syntax, self.program)  # type: ignore[assignment]
        self.program.begin_repair()
        done = [*self.feed(text), *self.finish(reason)]
        return [*done, *self.note(self.program.end_repair())]

    def next_round(self, text: str) -> list[str]:
        self.program.next_round()
        self.reader = reader_of(self._syntax, self.program)  # type: ignore[assignment]
        return [*self.feed(text), *self.finish()]


def front(syntax: Syntax, text: str, tools: Signatures = TOOLS) -> FrontReading:
    """A whole plan, read to its end."""
    reading = FrontReading(syntax, tools)
    reading.feed(text)
    reading.finish()
    return reading
