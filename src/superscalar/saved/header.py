"""The text of a saved plan: a header of comments that says what it was reviewed with, and the plan below it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Final

from superscalar.errors import UsageError
from superscalar.plan.ir import LANGUAGE
from superscalar.saved.tool_facts import ToolFacts
from superscalar.short import short
from superscalar.unseen import hides

FORMAT: Final = 1
"""The version of the header: it grows by one when a line comes to mean something else."""

_FIRST: Final = "# superscalar plan "
_DIGEST: Final = r"[0-9a-f]{64}"
_VERSION: Final = re.compile(r"[0-9]{1,9}")
_TOOL: Final = re.compile(r"# tool (\w+) ([0-9a-f]{32})")
_APPROVED: Final = re.compile(rf"# approved by (.{{1,100}}), (\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ), sha256:({_DIGEST})")


@dataclass(frozen=True, slots=True)
class PlanApproval:
    """Who approved a text, when (UTC, to the second), and the digest of what it was."""

    by: str
    at: str
    digest: str


@dataclass(frozen=True, slots=True)
class SavedText:
    """What the file of a saved plan says.

    `body`: the plan, with the lines of its inputs. `tools`: what those that it calls declared when it was saved, or
    approved last. `approval`: what the text says of itself; it holds only if the folder's lock says the same.

    `str()` of it is the file, and what was read is printed as the same bytes.
    """

    body: str
    description: str = ""
    tools: tuple[ToolFacts, ...] = ()
    language: int = LANGUAGE
    approval: PlanApproval | None = None

    def __str__(self) -> str:
        return "".join(f"{line}\n" for line in self._header()) + f"\n{self.body}"

    @property
    def digest(self) -> str:
        """The SHA-256 of all of the text but for who approved it: comments count, and so does a space."""
        return hashlib.sha256(str(replace(self, approval=None)).encode()).hexdigest()

    def _header(self) -> Iterator[str]:
        yield f"{_FIRST}{FORMAT}"
        yield f"# language {self.language}"
        for line in self.description.split("\n") if self.description else ():
            yield f"# description: {line}".rstrip()
        for tool in self.tools:
            yield f"# tool {tool.name} {tool.digest}"
            yield from (f"#   {line}" for line in tool.says)
        if (given := self.approval) is not None:
            yield f"# approved by {given.by}, {given.at}, sha256:{given.digest}"


def is_saved_plan(text: str) -> bool:
    """Whether a text begins as that of a saved plan does."""
    return text.startswith(_FIRST)


def clean_description(text: str) -> str:
    """A description as a header can hold it.

    Raises:
        UsageError: there is something in it that nobody sees.
    """
    lines = [line.rstrip() for line in text.strip().splitlines()]
    if bad := next((line for line in lines if hides(line)), None):
        raise UsageError(f"description={bad!r}: write it without what nobody sees, such as control characters")
    return "\n".join(lines)


def read_text(text: str, where: str) -> SavedText:
    """Read the file of a saved plan. `where`: what a message calls it.

    Raises:
        UsageError: a line of the header is none, or is not as it is written here; the message says which.
    """
    head, blank, body = text.partition("\n\n")  # of lines that end in CR LF all is the head
    lines = head.split("\n")
    if lines[0] != f"{_FIRST}{FORMAT}":
        raise UsageError(_not_ours(lines[0], where))
    if (at := text.find("\r")) >= 0:
        raise UsageError(
            f"{where}:{text[:at].count(chr(10)) + 1}: there is a carriage return in it, which ends a line for Python, "
            "and for who reads it may not: save the plan again"
        )
    read = _HeaderReader(where)
    for number, line in enumerate(lines[1:], 2):
        read.line(number, line)
    found = SavedText(body, "\n".join(read.description), tuple(read.tools), read.language, read.approval)
    if any(map(hides, read.description)):
        raise UsageError(f"{where}: its description has in it what nobody sees: write it without")
    if not blank:
        raise UsageError(f"{where}: there is no plan below the header and an empty line")
    if str(found) != text:  # whoever approves a text approves what is read of it
        pairs = zip_longest(str(found).split("\n"), text.split("\n"))
        number = next(number for number, (ours, theirs) in enumerate(pairs, 1) if ours != theirs)
        raise UsageError(f"{where}:{number}: the header is not as it was written; save the plan again")
    return found


def _not_ours(line: str, where: str) -> str:
    if line.startswith(_FIRST) and line.endswith("\r"):
        return (
            f"{where}: its lines end in CR LF, and what was approved ends in LF; in .gitattributes: *.plan text eol=lf"
        )
    if line.startswith(f"\ufeff{_FIRST}"):
        return f"{where}: it begins with a byte order mark, and what was approved does not: save it as plain UTF-8"
    version = line.removeprefix(_FIRST)
    if line.startswith(_FIRST) and _VERSION.fullmatch(version) and int(version) > FORMAT:
        return f"{where}: it was saved by a newer release (format {version}, this one reads {FORMAT})"
    return f"{where}: this is no saved plan: its first line is not {_FIRST + str(FORMAT)!r}"


class _HeaderReader:
    """Takes in a header line by line."""

    def __init__(self, where: str) -> None:
        self._where = where
        self.language = 0
        self.description: list[str] = []
        self.tools: list[ToolFacts] = []
        self.approval: PlanApproval | None = None

    def line(self, number: int, line: str) -> None:
        """Take in one.

        Raises:
            UsageError: it is none.
        """
        if (fact := line.removeprefix("#   ")) != line and self.tools:
            last = self.tools[-1]
            self.tools[-1] = replace(last, says=(*last.says, fact))
        elif (number_text := line.removeprefix("# language ")) != line and _VERSION.fullmatch(number_text):
            self.language = int(number_text)
        elif line.startswith("# description:"):
            self.description.append(line.removeprefix("# description:").removeprefix(" "))
        elif (tool := _TOOL.fullmatch(line)) is not None:
            self.tools.append(ToolFacts(tool[1], ()))
        elif (said := _APPROVED.fullmatch(line)) is not None:
            self.approval = PlanApproval(said[1], said[2], said[3])
        else:
            raise UsageError(f"{self._where}:{number}: {short(line)} is no line of the header of a saved plan")
