"""What a docstring says of single parameters, in the style of Google, NumPy or Sphinx."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

_WORDS: Final = "Args|Arguments|Params|Parameters|Keyword Args|Keyword Arguments|Other Parameters|Attributes"
_SECTION: Final = re.compile(rf"(?:{_WORDS}):?\s*", re.IGNORECASE)
_RULE: Final = re.compile(r"-{3,}\s*")
_GOOGLE: Final = re.compile(r"\*{0,2}(\w+)\s*(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?\s*:(?:\s+(.*)|)$")
_NUMPY: Final = re.compile(r"(\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?$")
_SPHINX: Final = re.compile(r":(?:param|parameter|arg|argument|key|keyword)\s+(?:[^:]*\s)?\*{0,2}(\w+)\s*:\s*(.*)$")
_SPHINX_TYPE: Final = re.compile(r":type\s+\*{0,2}(\w+)\s*:")


@dataclass
class _DocEntry:
    """What is said of some names: `lines` as they stand there, `text` without the names."""

    names: list[str]
    lines: list[str]
    text: list[str] = field(default_factory=list)


def parted(documentation: str, names: Collection[str]) -> tuple[str, dict[str, str]]:
    """A docstring without what it says of the parameters of these names, and what it says of each.

    What it says of others stays where it is.
    """
    told: dict[str, str] = {}
    kept: list[str] = []
    lines = documentation.expandtabs().splitlines()
    at = 0
    while at < len(lines):
        read = _section(lines, at) or _field_list(lines, at)
        if read is None:
            kept.append(lines[at])
            at += 1
            continue
        head, entries, at = read
        rest: list[str] = []
        for entry in entries:
            if entry.names and all(name in names for name in entry.names):
                text = " ".join(" ".join(entry.text).split())
                told |= {name: text for name in entry.names if text}
            else:
                rest += entry.lines
        if any(line.strip() for line in rest):
            kept += [*head, *rest]
    return re.sub(r"\n\s*\n(\s*\n)+", "\n\n", "\n".join(kept)).strip(), told


def _section(lines: list[str], at: int) -> tuple[list[str], list[_DocEntry], int] | None:
    """A section about parameters that begins in a line: its head, its entries, and the line behind it."""
    line = lines[at]
    if not _SECTION.fullmatch(line.strip()) or at + 1 >= len(lines):
        return None
    if _RULE.fullmatch(lines[at + 1].strip()):
        end = at + 2
        while end < len(lines) and not (
            end + 1 < len(lines) and lines[end].strip() and _RULE.fullmatch(lines[end + 1].strip())
        ):
            end += 1
        return lines[at : at + 2], list(_entries(lines[at + 2 : end], _NUMPY)), end
    if not line.rstrip().endswith(":"):
        return None
    end = at + 1
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > _indent(line)):
        end += 1
    return [line], list(_entries(lines[at + 1 : end], _GOOGLE)), end


def _entries(lines: list[str], form: re.Pattern[str]) -> Iterator[_DocEntry]:
    """The entries of a section: each begins at its outermost indentation, and the lines further in go on with it."""
    outermost = min((_indent(line) for line in lines if line.strip()), default=0)
    entry: _DocEntry | None = None
    for line in lines:
        found = form.match(line.strip()) if line.strip() and _indent(line) == outermost else None
        if found is not None:
            if entry is not None:
                yield entry
            entry = _DocEntry([name.strip(" *") for name in found[1].split(",")], [line])
            if form is _GOOGLE and found[2]:
                entry.text.append(found[2])
            continue
        if entry is None or (line.strip() and _indent(line) == outermost):
            if entry is not None:
                yield entry
            entry = _DocEntry([], [])
        entry.lines.append(line)
        entry.text.append(line)
    if entry is not None:
        yield entry


def _field_list(lines: list[str], at: int) -> tuple[list[str], list[_DocEntry], int] | None:
    """One field of Sphinx's lists that begins in a line."""
    found = _SPHINX.match(lines[at].strip())
    typed = _SPHINX_TYPE.match(lines[at].strip())
    if found is None and typed is None:
        return None
    end = at + 1
    while end < len(lines) and lines[end].strip() and _indent(lines[end]) > _indent(lines[at]):
        end += 1
    if found is None:
        assert typed is not None
        return [], [_DocEntry([typed[1]], lines[at:end])], end
    return [], [_DocEntry([found[1]], lines[at:end], [found[2], *lines[at + 1 : end]])], end


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
