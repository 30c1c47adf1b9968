"""The cases of the corpus, and how a file of them is read.

A file is named after its rule. What stands before its first case says how the rule is read here. A case is

    === allowed L1, L6: what it shows
    a = double(2)                        the plan, up to the first line that begins with ---
    --- value
    4                                    what `exec` prints, as JSON, and its exit code is 0

`refused` is the opposite: what the rule forbids, or what it does not grant. `=== allowed L26 in numbered: ...` is a
case in another syntax. More can be said, all of it optional:

    --- value with failures              the same, but something in it failed: the exit code is 1
    --- found                            all that `check` finds: line, code, and pieces of the text, between semicolons
    2 E102 `b` is not defined yet; did you mean
    --- calls                            what was called, in any order
    price('IBM')
    --- log                              when each call started and ended, in this very order
    start slow(1)
    end slow(1)
    --- outcomes                         how tasks ended, as many as are named
    a done 4
    b failed bounds: pieces; of the message
    c skipped by guard a.if
    d skipped because b
    --- ids                              every task at the end, in program order
    --- notes                            what was tolerated: id, and pieces of the note
    step3 was missing

Without `found` nothing is found. Where an error is found nothing runs: there is no value, and no tool is called.

A case with one of these is a session with a model, whose first reply is the plan, and is run as one:

    --- cut                              the reply breaks off at the end of the plan
    --- repair                           its next reply, to the diagnostics
    --- round                            its next reply, to a joiner that wants a replan
    --- ends with PlanError              what is raised in the end
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RULES = tuple(f"L{number}" for number in range(1, 33))
REPLIES = ("repair", "round")
_HEAD = re.compile(r"=== (allowed|refused) (L\d+(?:, L\d+)*)(?: in (\w+))?: (.+)")
_ONCE = (
    "value",
    "value with failures",
    "found",
    "calls",
    "log",
    "outcomes",
    "ids",
    "notes",
    "cut",
    "ends with PlanError",
)


@dataclass(frozen=True)
class Case:
    """One case. `place`: file and line. `parts`: its sections and their texts, in order."""

    place: str
    kind: str
    rules: tuple[str, ...]
    syntax: str
    title: str
    plan: str
    parts: tuple[tuple[str, str], ...] = ()

    def __contains__(self, section: str) -> bool:
        return any(name == section for name, _ in self.parts)

    def text(self, section: str) -> str:
        """What a section says; nothing if there is none."""
        return next((text for name, text in self.parts if name == section), "")

    def lines(self, section: str) -> list[str]:
        """The lines of a section, without empty ones."""
        return [line for line in self.text(section).splitlines() if line.strip()]

    @property
    def found(self) -> list[tuple[int, str, list[str]]]:
        """What `check` is to find: line, code, and what the text must contain."""
        split = (line.split(maxsplit=2) for line in self.lines("found"))
        return [(int(line), code, [piece.strip() for piece in text.split(";")]) for line, code, text in split]

    @property
    def wrong(self) -> bool:
        """Whether it does not check."""
        return any(code.startswith("E") for _, code, _ in self.found)

    @property
    def fails(self) -> bool:
        """Whether something in the result failed."""
        return "value with failures" in self

    @property
    def value(self) -> Any:
        """The result, as JSON has it."""
        return json.loads(self.text("value with failures" if self.fails else "value"))

    @property
    def replies(self) -> list[tuple[str, str]]:
        """What a model writes after the plan: to what, and the text."""
        return [(name, text) for name, text in self.parts if name in REPLIES]

    @property
    def is_session(self) -> bool:
        """Whether a model has to write it."""
        return bool(self.replies) or "cut" in self or "ends with PlanError" in self


def read_cases(path: Path) -> Iterator[Case]:
    """The cases of one file, in order.

    Raises:
        ValueError: it is not written as it should be; the message says where.
    """
    head: re.Match[str] | None = None
    start = 0
    parts: list[tuple[str, list[str]]] = []
    lines = [*path.read_text(encoding="utf-8").splitlines(), "==="]
    for number, line in enumerate(lines, 1):
        if line.startswith("==="):
            if head is not None:
                (_, plan), *rest = ((name, "".join(f"{each}\n" for each in text)) for name, text in parts)
                kind, rules, syntax, title = head.groups()
                place = f"{path.name}:{start}"
                plan = plan.rstrip("\n") + "\n"
                yield Case(place, kind, tuple(rules.split(", ")), syntax or "python", title, plan, tuple(rest))
            head, start, parts = _HEAD.fullmatch(line), number, [("", [])]
            if head is None and number < len(lines):
                raise ValueError(f"{path.name}:{number}: write `=== allowed L1: what it shows`")
        elif line.startswith("--- ") and head is not None:
            name = line[4:]
            if name not in (*_ONCE, *REPLIES) or (name in _ONCE and any(name == known for known, _ in parts)):
                raise ValueError(
                    f"{path.name}:{number}: no section {name!r} can stand here; there are {_ONCE}, {REPLIES}"
                )
            parts.append((name, []))
        elif head is not None:
            parts[-1][1].append(line)


FILES = sorted(HERE.glob("L*.txt"))
CASES = [case for path in FILES for case in read_cases(path)]
