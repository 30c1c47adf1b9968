"""Plans as models of three strengths wrote them for a question and an office's stubs, and what CPython makes of them.

They were written before any of them was tried; those of `later.txt` after what the others showed was mended. A file has
one after the other: `=== office: question`, the plan, and where it is refused `--- repair`, what a model answers that
has read the help and nothing else.
"""

from __future__ import annotations

import ast
import asyncio
import dataclasses
import datetime as dt
import enum
import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import BaseModel, TypeAdapter

from superscalar.tools import Tool
from support.toolsets.writes import MADE

_FOLDER = Path(__file__).with_suffix("")
_HABITS = re.compile(r"^(?:```\w*\n?|\d+\. |return (?=join))", re.MULTILINE)
_REPAIR = "--- repair\n"


@dataclass(frozen=True, slots=True)
class Written:
    """A plan. `repair`: what is answered where it is refused, else empty."""

    name: str
    office: str
    question: str
    text: str
    repair: str

    @property
    def tools(self) -> list[Tool[..., Any]]:
        """The tools of its office."""
        tools: list[Tool[..., Any]] = import_module(f"support.toolsets.{self.office}").TOOLS
        return tools


def plans() -> Iterator[Written]:
    """All of them."""
    for strength in ("strong", "middling", "small", "later"):
        blocks = (_FOLDER / f"{strength}.txt").read_text().split("=== ")[1:]
        for number, block in enumerate(blocks, 1):
            head, _, rest = block.partition("\n")
            office, _, question = head.partition(": ")
            text, _, repair = rest.partition(_REPAIR)
            yield Written(f"{strength}-{number}", office, question, text, repair)


def in_python(text: str, tools: Sequence[Tool[..., Any]]) -> Any:
    """What CPython joins of a plan, whose writes are made; awaits, numbers of lines and fences are left out."""
    joined: list[Any] = []

    def join(*values: Any, **named: Any) -> None:
        joined.append(named or (values[0] if len(values) == 1 else list(values)))

    def default(tried: Callable[[], Any], fallback: Callable[[], Any]) -> Any:
        try:
            return tried()
        except Exception:  # noqa: BLE001 -- that is what it means
            return fallback()

    tree: ast.Module = compile(
        _HABITS.sub("", text), "plan", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    )
    tree = ast.fix_missing_locations(_Plain().visit(tree))
    module = "datetime.timedelta" in text
    space = {
        **{tool.name: _called(tool) for tool in tools},
        "join": join,
        "default": default,
        "print": lambda *_: None,
        "date": dt.date,
        "datetime": dt if module else dt.datetime,
        "timedelta": dt.timedelta,
    }
    exec(compile(tree, "plan", "exec"), space)
    return joined[-1]


def plain(value: Any) -> Any:
    """A value as data: a record is a dict whose keys are attributes as well, an enum its value."""
    match value:
        case enum.Enum():
            return value.value
        case BaseModel():
            return _Record({name: plain(getattr(value, name)) for name in type(value).model_fields})
        case tuple() if hasattr(value, "_asdict"):
            return _Record(value._asdict())
        case tuple():
            return tuple(map(plain, value))
        case dict():
            return _Record({key: plain(item) for key, item in value.items()})
        case list():
            return [plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        return _Record({field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)})
    return value


class _Record(dict[str, Any]):
    def __getattr__(self, name: str) -> Any:
        return self[name]


class _Plain(ast.NodeTransformer):
    """Calls of asynchronous tools are made at once; a value beside named ones of a `join` is named like itself, or
    else `answer`.
    """

    def visit_Await(self, node: ast.Await) -> ast.AST:
        return self.visit(node.value)  # type: ignore[no-any-return]

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Name(id="join"), args=[value], keywords=[_, *_] as named):
                own = value.id if isinstance(value, ast.Name) else "answer"
                return ast.Call(node.func, [], [ast.keyword(own, value), *named])
            case ast.Call(func=ast.Name(id="default"), args=[ast.expr() as tried, fallback]):
                call = ast.parse("default(lambda: 0, lambda: 0)", mode="eval").body
                assert isinstance(call, ast.Call)
                for given, part in zip(call.args, (tried, fallback), strict=True):
                    given.body = part  # type: ignore[attr-defined]
                return call
        return node


def _called(tool: Tool[..., Any]) -> Callable[..., Any]:
    """A tool as a function that checks what it is given as we do, and gives data; all it is given may be one dict."""
    function: Any = tool.function
    signature, hints = inspect.signature(function), get_type_hints(function)

    def call(*values: Any, **named: Any) -> Any:
        match values:
            case (dict(all_of_them),) if all_of_them.keys() <= signature.parameters.keys():
                bound = signature.bind(**all_of_them)
            case _:
                bound = signature.bind(*values, **named)
        given = {name: TypeAdapter(hints[name]).validate_python(value) for name, value in bound.arguments.items()}
        result = function(**given)
        return plain(asyncio.run(result) if inspect.iscoroutine(result) else result)

    return call


def done() -> list[tuple[str, dict[str, Any]]]:
    """What was written since it was asked last."""
    made = MADE.copy()
    MADE.clear()
    return made
