"""One random plan of calls that hand values on, written in each of the syntaxes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from superscalar.plan.read.fronts.detect import Syntax
from support.two_worlds import literal

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True)
class Reference:
    """What an earlier step left behind, or a part of it."""

    step: int
    path: Path = ()


Argument: TypeAlias = "int | Reference | tuple[str | Reference, ...] | list[Argument]"
"""A number, a reference, text with references in it, or a list."""


@dataclass(frozen=True)
class Step:
    """One call. Its arguments in order: `x`, and `y` where there is a second."""

    tool: str
    arguments: tuple[Argument, ...]


_MARK = literal("!")[1:-1].encode().decode("unicode_escape")  # makes a text of the plan like none that a tool returned
_WORDS = (" half of ", " $15 off ", " for $1.50 ", " C# and ", " {a} ", " it's ", " ${99} ", " #E99 ", " join() ")
_PATHS: dict[str, tuple[Path, ...]] = {
    "num": ((),),
    "flag": ((),),
    "word": ((), (), (0,)),
    "listing": ((), (0,)),
    "words": ((0,), (-1,)),
    "table": (),
    "pair": ((0,), (1,)),
    "page": (("title",), ("n",), ("tags", 0)),
}
"""The parts that may stand in a text: those that hold no text themselves, whose repr would look at it, or are one.

None of a table: its keys are texts, and whoever looks for a field looks at them.
"""


@st.composite
def steps(draw: DrawFn) -> list[Step]:
    """A plan of one to five steps."""
    made: list[Step] = []
    for _ in range(draw(st.integers(1, 5))):
        given = draw(st.lists(_arguments([step.tool for step in made]), min_size=1, max_size=2))
        tool = draw(st.sampled_from(list(_PATHS)))
        made.append(Step(tool, tuple(given) if tool == "num" else (given[0],)))
    return made


def _arguments(earlier: list[str]) -> st.SearchStrategy[Argument]:
    plain: st.SearchStrategy[Argument] = st.integers(-3, 3)
    words = st.sampled_from(_WORDS)
    if not earlier:
        return plain | st.lists(words, max_size=2).map(lambda parts: (*parts, _MARK))
    parts = [Reference(number, path) for number, tool in enumerate(earlier, 1) for path in _PATHS[tool]]
    references = st.sampled_from([*parts, *(Reference(number) for number in range(1, len(earlier) + 1))])
    texts = st.lists(words | st.sampled_from(parts) if parts else words, min_size=1, max_size=4).map(
        lambda some: (*some, " " + _MARK)
    )
    simple: st.SearchStrategy[Argument] = plain | references | references | texts | texts
    return simple | st.lists(simple, max_size=3)


def written(plan: list[Step], syntax: Syntax) -> str:
    """The plan as text."""
    return _WRITERS[syntax](plan)


# ------------------------------------------------------------------------------------------- Python and the papers'


def _python(plan: list[Step]) -> str:
    lines = [f"s{number} = {step.tool}({_listed(step, 's{}', _f_string)})" for number, step in enumerate(plan, 1)]
    return "\n".join([*lines, "join()", ""])


def _f_string(parts: tuple[str | Reference, ...], form: str) -> str:
    inside = "".join(
        p.replace("{", "{{").replace("}", "}}") if isinstance(p, str) else f"{{{_path(p, form)}}}" for p in parts
    )
    return f'f"{inside}"'


def _numbered(plan: list[Step]) -> str:
    lines = [f"{number}. {step.tool}({_listed(step, '${}', _quoted)})" for number, step in enumerate(plan, 1)]
    return "\n".join([*lines, f"{len(plan) + 1}. join()<END_OF_PLAN>", ""])


def _rewoo(plan: list[Step]) -> str:
    lines = [
        f"Plan: go on\n#E{number} = {step.tool}[{_listed(step, '#E{}', _quoted)}]"
        for number, step in enumerate(plan, 1)
    ]
    return "\n".join([*lines, ""])


def _quoted(parts: tuple[str | Reference, ...], form: str) -> str:
    return f'"{"".join(part if isinstance(part, str) else _path(part, form) for part in parts)}"'


def _listed(step: Step, form: str, text: Callable[[tuple[str | Reference, ...], str], str]) -> str:
    return ", ".join(_argument(argument, form, text) for argument in step.arguments)


def _argument(argument: Argument, form: str, text: Callable[[tuple[str | Reference, ...], str], str]) -> str:
    match argument:
        case Reference():
            return _path(argument, form)
        case tuple():
            return text(argument, form)
        case list():
            return f"[{', '.join(_argument(one, form, text) for one in argument)}]"
    return str(argument)


def _path(reference: Reference, form: str) -> str:
    path = "".join(f".{part}" if isinstance(part, str) else f"[{part}]" for part in reference.path)
    return form.format(reference.step) + path


# ------------------------------------------------------------------------------------------------------------- JSON


def _json(plan: list[Step]) -> str:
    made = [
        {"id": f"s{number}", "tool": step.tool, "arguments": dict(zip("xy", map(_data, step.arguments), strict=False))}
        for number, step in enumerate(plan, 1)
    ]
    return json.dumps({"steps": made, "join": None})


def _data(argument: Argument | str) -> object:
    match argument:
        case Reference(step, path):
            return {"$ref": f"s{step}", "path": list(path)}
        case tuple():
            return {"$text": [_data(part) for part in argument]}
        case list():
            return [_data(one) for one in argument]
    return argument


_WRITERS: dict[Syntax, Callable[[list[Step]], str]] = {
    "python": _python,
    "numbered": _numbered,
    "rewoo": _rewoo,
    "json": _json,
}
