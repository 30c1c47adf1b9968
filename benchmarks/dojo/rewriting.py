"""Calls that solve a task, with the outputs that they had once, as a plan: a script says what is a reference in it.

An argument is a reference if and only if its value occurs in an earlier output and not in the prompt:

- The value occurs in the prompt if it stands there as a whole word, in any case; a number, if a numeral is equal to it.
- It occurs in an output if a part of the result (a field, an item, a key) is equal to it and of its type, or if a text
  in the result holds it as a whole word, a number as a numeral. The earliest part is referred to; only where there is
  none, the earliest text.
- A part is written as its path (`found[0].participants`), the beginning of a time as `str(found[0].start)[:16]`. What
  stands inside a text, which the language cannot cut out without knowing it, is `extract(source, type, what)`.
- Of a list or a mapping each element is looked for by itself, unless the whole list is a part.
- None, truth values, enumerations and what is empty stay literals: the signature of the tool names them.

Nothing else is a reference: what was computed, summarised or put together stands in the plan as a literal, as if the
planner had known. A plan is straight: the branches that a model would have chosen while reading are taken already.
"""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from superscalar.values import record_fields

_NUMERAL = re.compile(r"(?<![\w.:/-])-?\d[\d,]*(?:\.\d+)?(?![\w:/-])")
"""A number that is no part of a word, a date or a time."""


@dataclass(frozen=True, slots=True)
class Step:
    """A call that was made, with its arguments as the tool's parameters want them, and what came back."""

    tool: str
    arguments: Mapping[str, Any]
    output: Any


@dataclass(frozen=True, slots=True)
class Extraction:
    """A value that a plan has extracted: `source` is an expression, `what` says what to find, `value` what was found.

    `tool` and `parameter` are what it is given to.
    """

    source: str
    type: str
    what: str
    value: str | int | float
    tool: str
    parameter: str


@dataclass(frozen=True, slots=True)
class Written:
    """A plan's text, the names of its calls in order, which of them take a reference (by number), what is extracted."""

    text: str
    names: tuple[str, ...]
    referring: tuple[int, ...]
    extractions: tuple[Extraction, ...]


def written(prompt: str, steps: Sequence[Step]) -> Written:
    """The plan that makes these calls."""
    return _Writer(prompt, steps).write()


class _Writer:
    def __init__(self, prompt: str, steps: Sequence[Step]) -> None:
        self._prompt = prompt
        self._steps = steps
        self._names = list(_named(steps))
        self._referring: dict[int, None] = {}
        self._extractions: list[Extraction] = []

    def write(self) -> Written:
        lines = [
            f"{name} = {step.tool}({', '.join(self._arguments(number, step))})"
            for number, (name, step) in enumerate(zip(self._names, self._steps, strict=True))
        ]
        text = "\n".join([*lines, "join()"]) + "\n"
        return Written(text, tuple(self._names), tuple(self._referring), tuple(self._extractions))

    def _arguments(self, number: int, step: Step) -> Iterator[str]:
        for parameter, value in step.arguments.items():
            yield f"{parameter}={self._argument(value, number, parameter)}"

    def _argument(self, value: Any, number: int, parameter: str) -> str:
        if _stays(value):
            return repr(value.value if isinstance(value, enum.Enum) else value)
        if isinstance(value, (list, tuple)):
            whole = None if all(occurs(item, self._prompt) for item in value) else self._whole(value, number)
            if whole is not None:
                self._referring[number] = None
                return whole
            items = (self._argument(item, number, f"{parameter} {place}") for place, item in enumerate(value, 1))
            return f"[{', '.join(items)}]"
        if isinstance(value, Mapping):
            pairs = (f"{key!r}: {self._argument(item, number, f'{parameter} {key}')}" for key, item in value.items())
            return f"{{{', '.join(pairs)}}}"
        if not isinstance(value, (str, int, float)):
            raise TypeError(f"no argument of a plan: {value!r}")
        if occurs(value, self._prompt):
            return repr(value)
        reference = self._whole(value, number) or self._inside(value, number, parameter)
        if reference is None:
            return repr(value)
        self._referring[number] = None
        return reference

    def _whole(self, value: Any, number: int) -> str | None:
        """The earliest part that is the value."""
        for path, part in self._parts_before(number):
            if type(part) is type(value) and part == value:
                return path
            if isinstance(value, str) and isinstance(part, dt.date) and value in _beginnings(part):
                return f"str({path})[:{len(value)}]"
        return None

    def _inside(self, value: str | int | float, number: int, parameter: str) -> str | None:
        """The earliest text that holds the value."""
        for path, part in self._parts_before(number):
            if isinstance(part, str) and not isinstance(part, enum.Enum) and occurs(value, part, case=True):
                tool = self._steps[number].tool
                what = f"{parameter} of {self._names[number]}"
                of = type(value).__name__
                self._extractions.append(Extraction(path, of, what, value, tool, parameter))
                return f"extract({path}, {of!r}, {what!r})"
        return None

    def _parts_before(self, number: int) -> Iterator[tuple[str, Any]]:
        for name, step in zip(self._names[:number], self._steps, strict=False):
            yield from parts(step.output, name)


def parts(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every part of a value with the expression that reaches it: fields, items and keys, the whole first."""
    if _stays(value):
        return
    yield path, value
    if isinstance(value, Mapping):
        for place, (key, item) in enumerate(value.items()):
            yield from parts(item, f"{path}[{key!r}]")
            yield from parts(key, f"list({path}.keys())[{place}]")
    elif isinstance(value, (list, tuple)):
        for place, item in enumerate(value):
            yield from parts(item, f"{path}[{place}]")
    elif (fields := record_fields(value)) is not None:
        for name, item in fields.items():
            yield from parts(item, f"{path}.{name}")


def occurs(value: Any, text: str, *, case: bool = False) -> bool:
    """Whether a text holds a value as a whole word, or a number as a numeral."""
    if isinstance(value, str):
        flags = 0 if case else re.IGNORECASE
        return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text, flags) is not None
    if isinstance(value, (int, float)):
        return any(float(found.replace(",", "")) == value for found in _NUMERAL.findall(text))
    return False


def _beginnings(time: dt.date) -> tuple[str, ...]:
    """A time as text, to the second, the minute and the day."""
    return tuple(str(time)[:length] for length in (19, 16, 10))


def _stays(value: Any) -> bool:
    """Whether this is nothing that is looked for."""
    return value is None or isinstance(value, (bool, enum.Enum)) or value in ("", [], {}, ())


def _named(steps: Sequence[Step]) -> Iterator[str]:
    """A name for what each call returns: that of its tool, numbered from the second on."""
    times: dict[str, int] = {}
    for step in steps:
        times[step.tool] = times.get(step.tool, 0) + 1
        yield step.tool if times[step.tool] == 1 else f"{step.tool}_{times[step.tool]}"
